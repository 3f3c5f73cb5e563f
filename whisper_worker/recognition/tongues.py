"""The languages that models of Whisper hear, by the codes that Whisper has for them. Pure."""

from common.contracts.voice import forms_of

ENGLISH = frozenset({"en"})
"What models hear that were trained with English alone."
_PAIRS = (
    "english:en chinese:zh german:de spanish:es russian:ru korean:ko french:fr japanese:ja portuguese:pt "
    "turkish:tr polish:pl catalan:ca dutch:nl arabic:ar swedish:sv italian:it indonesian:id hindi:hi finnish:fi "
    "vietnamese:vi hebrew:he ukrainian:uk greek:el malay:ms czech:cs romanian:ro danish:da hungarian:hu "
    "tamil:ta norwegian:no thai:th urdu:ur croatian:hr bulgarian:bg lithuanian:lt latin:la maori:mi "
    "malayalam:ml welsh:cy slovak:sk telugu:te persian:fa latvian:lv bengali:bn serbian:sr azerbaijani:az "
    "slovenian:sl kannada:kn estonian:et macedonian:mk breton:br basque:eu icelandic:is armenian:hy nepali:ne "
    "mongolian:mn bosnian:bs kazakh:kk albanian:sq swahili:sw galician:gl marathi:mr punjabi:pa sinhala:si "
    "khmer:km shona:sn yoruba:yo somali:so afrikaans:af occitan:oc georgian:ka belarusian:be tajik:tg sindhi:sd "
    "gujarati:gu amharic:am yiddish:yi lao:lo uzbek:uz faroese:fo haitian_creole:ht pashto:ps turkmen:tk "
    "nynorsk:nn maltese:mt sanskrit:sa luxembourgish:lb myanmar:my tibetan:bo tagalog:tl malagasy:mg "
    "assamese:as tatar:tt hawaiian:haw lingala:ln hausa:ha bashkir:ba javanese:jw sundanese:su cantonese:yue "
)
_NAMES = dict(pair.split(":") for pair in _PAIRS.split())
"English names of the languages, which services answer with, and their codes."
CODES = frozenset(_NAMES.values())
"What models hear that were trained with many languages."
_OTHER_NAMES = {"nb": "no", "cmn": "zh", "fil": "tl", "jv": "jw", "iw": "he", "in": "id"}
"Tags of languages for which Whisper has another code."


def code_of(language: str | None) -> str | None:
    """Whisper's code for the language of a tag; None for one that it does not hear, and for None: it finds out then."""
    if language is None:
        return None
    base = forms_of(language)[-1]
    code = _OTHER_NAMES.get(base, base)
    return code if code in CODES else None


def code_of_name(name: str) -> str | None:
    """The code for a language by its English name or its code, as services give it; None for what is neither."""
    small = name.strip().lower()
    return _NAMES.get(small.replace(" ", "_")) or code_of(small)
