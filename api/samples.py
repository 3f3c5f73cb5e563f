"""Sentences that let a voice be heard: one for each language, so that voices can be compared and each is made once."""

from collections.abc import Mapping

from common.contracts.preview import PreviewRequest
from common.contracts.voice import SpeechEngine, Voice

SENTENCES: Mapping[str, str] = {
    "en": "The sun rises over the harbour, and the first boats go out to sea.",
    "de": "Die Sonne geht über dem Hafen auf, und die ersten Boote fahren hinaus.",
    "fr": "Le soleil se lève sur le port, et les premiers bateaux prennent la mer.",
    "es": "El sol sale sobre el puerto y los primeros barcos se hacen a la mar.",
    "it": "Il sole sorge sul porto e le prime barche prendono il mare.",
    "pt": "O sol nasce sobre o porto e os primeiros barcos saem para o mar.",
    "nl": "De zon komt op boven de haven en de eerste boten varen uit.",
    "pl": "Słońce wschodzi nad portem, a pierwsze łodzie wypływają w morze.",
    "ru": "Солнце встаёт над гаванью, и первые лодки выходят в море.",
    "zh": "太阳从港口升起，第一批船驶向大海。",
}
ANY = "1, 2, 3, 4, 5."
"For other languages: every one has numbers."
NOT_TOLD = "en"
"The language in which a voice of many languages is heard."


def sample(engine: SpeechEngine, voice: Voice) -> PreviewRequest:
    """The request by which a voice is heard."""
    language = voice.language or NOT_TOLD
    text = SENTENCES.get(language.partition("-")[0].lower(), ANY)
    return PreviewRequest(text=text, voice=f"{engine.name}/{voice.id}", language=language)
