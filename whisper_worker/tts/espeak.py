"""espeak-ng as a library: no process, no file, and the sample at which each word begins."""

import ctypes
import functools
import threading
import unicodedata
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from common.contracts.voice import Gender, Voice, forms_of
from common.errors import NotConfigured, Permanent
from common.settings import Settings
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech
from whisper_worker.tts.timing import Mark, time_words, trim

SYNCHRONOUS = 2
DONT_EXIT = 0x8000
UTF8 = 1
WORD_EVENT = 1
RATE, VOLUME, PITCH = 1, 2, 3

# At its full volume some variants clip inside the library; levels are set afterwards anyway.
SAFE_VOLUME = 70
WORDS_PER_MINUTE = 155
SLOWEST, FASTEST = 75, 310
"Beyond these (words per minute) it is hard to follow."
USUAL_PITCH, PER_OCTAVE = 50, 50
"The library's scale of pitch goes from 0, an octave below the voice's own, to 100, an octave above it."

DEFAULT_VARIANT = "adam"
"""Of all that come with the library, one of those whose long-term spectrum is nearest to that of human
speech: its harmonics fill the space between the formants, where the usual voice has holes. It also is the
one whose sound is the same, sample by sample, each time; the others waver with the state of the library."""
VARIANTS: Mapping[str, Gender] = {
    "adam": "male",
    "edward": "male",
    "m7": "male",
    "max": "male",
    "f2": "female",
    "f3": "female",
    "annie": "female",
}
"""Those that are offered, of a hundred: the others are worse, or jokes. As a voice, each speaks every language."""
UNSPOKEN = {"fo", "kaa", "xex", "ja"}
"""Languages that the library lists and does not speak: the package lacks the dictionaries of the first, and of Japanese
the library knows kana only; it spells kanji out as "Chinese letter"."""
SEED = 1
PREFERRED = {"en": "en-us"}
"Languages whose first voice is not the one most people expect."


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("message", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # in characters, from 1
        ("length", ctypes.c_int),
        ("milliseconds", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


class _Voice(ctypes.Structure):
    _fields_ = [
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_void_p),
        ("identifier", ctypes.c_char_p),
        ("traits", ctypes.c_ubyte * 4),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Language(NamedTuple):
    """A language of the library."""

    identifier: str
    "The library's own name of its voice."
    name: str
    "For a reader."


class Espeak:
    """The voices of espeak-ng: each is a language (`de`), or a variant (`f3`) that speaks any.

    Requests of before voices were listed name both at once (`en-us+f3`), or another variant; that is still spoken.
    """

    name = "espeak-ng"
    bends = True

    def __init__(self, settings: Settings) -> None:
        self._library = _library()
        self.version = self._library.version

    def voices(self) -> list[Voice]:
        variants = [Voice(id=name, name=name.capitalize(), gender=gender) for name, gender in VARIANTS.items()]
        languages = sorted(self._library.languages.items())
        gender = VARIANTS[DEFAULT_VARIANT]
        return variants + [Voice(id=tag, name=one.name, language=tag, gender=gender) for tag, one in languages]

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        speaker = self._choose(language.lower(), (voice or "").lower())
        rate = round(min(FASTEST, max(SLOWEST, WORDS_PER_MINUTE * manner.pace)))
        pitch = round(USUAL_PITCH + PER_OCTAVE * max(-1.0, min(1.0, manner.pitch / 12)))
        sound, marks = self._library.synthesise(_speakable(text), self._path(speaker), rate, pitch)
        samples, cut = trim(sound, self._library.rate)
        shifted = [Mark(mark.position, mark.seconds - cut) for mark in marks]
        return Speech(samples, self._library.rate, time_words(text, shifted, samples, self._library.rate), speaker)

    def _choose(self, language: str, voice: str) -> str:
        """Full name, `language+variant`, of the voice that was asked for."""
        wanted, plus, variant = voice.partition("+")
        if not plus:
            wanted, variant = ("", wanted) if wanted in self._library.variants else (wanted, DEFAULT_VARIANT)
        if variant not in self._library.variants or (wanted and wanted not in self._library.languages):
            raise Permanent(f'voice "{voice}" is unknown to espeak-ng; try for example "en-us", "de" or "f3"')
        return f"{wanted or self._for_language(language)}+{variant}"

    def _for_language(self, language: str) -> str:
        """The voice for a language tag, else for a shorter form of it (`en` for `en-au`), else for a longer one."""
        for tag in forms_of(language):
            name = PREFERRED.get(tag, tag)
            if name in self._library.languages:
                return name
        for name in sorted(self._library.languages):
            if name.startswith(f"{language}-"):
                return name
        raise Permanent(f'language "{language}" is unknown to espeak-ng; try for example "en", "de" or "pt-br"')

    def _path(self, speaker: str) -> str:
        """The library's own name of a voice."""
        language, _, variant = speaker.partition("+")
        return f"{self._library.languages[language].identifier}+{self._library.variants[variant]}"


class _Library:
    """The one instance of espeak-ng in this process. It has global state, so one text is spoken at a time."""

    def __init__(self) -> None:
        import espeakng_loader  # here, so that its absence is an error of this engine and of no other

        data = Path(espeakng_loader.get_data_path())
        self._lock = threading.Lock()
        self._lib = ctypes.CDLL(str(espeakng_loader.get_library_path()))
        self._lib.espeak_Info.restype = ctypes.c_char_p
        self.version = f"{self._lib.espeak_Info(None).decode()}-{version('espeakng-loader')}"
        "Of the library, and of the package that its data come from."
        self.rate: int = self._lib.espeak_Initialize(SYNCHRONOUS, 0, str(data).encode(), DONT_EXIT)
        if self.rate <= 0:
            raise OSError("espeak_Initialize")
        # The library keeps only the address, so the callback must live as long as this object.
        self._callback = _Callback(self._receive)
        self._lib.espeak_SetSynthCallback(self._callback)
        self._sound: list[bytes] = []
        self._marks: list[Mark] = []
        self.languages = self._list_languages()
        "By tag, in lower case."
        self.variants = {path.name.lower(): path.name for path in (data / "voices" / "!v").iterdir()}

    def synthesise(self, text: str, voice: str, words_per_minute: int, pitch: int) -> tuple[np.ndarray, list[Mark]]:
        """Mono float32 sound, and where in the text it is when. Raises `Permanent` if the library refuses."""
        data = text.encode()
        with self._lock:
            self._sound, self._marks = [], []
            failed = self._lib.espeak_SetVoiceByName(voice.encode())
            self._lib.espeak_ng_SetRandSeed(ctypes.c_long(SEED))
            self._lib.espeak_SetParameter(RATE, words_per_minute, 0)
            self._lib.espeak_SetParameter(PITCH, pitch, 0)
            self._lib.espeak_SetParameter(VOLUME, SAFE_VOLUME, 0)
            failed = failed or self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, UTF8, None, None)
            sound, marks = b"".join(self._sound), self._marks
        if failed:
            raise Permanent("espeak-ng could not speak the narration with this voice")
        return np.frombuffer(sound, np.int16).astype(np.float32) / 32768, marks

    def _receive(self, sound: Any, count: int, events: Any) -> int:
        if sound and count > 0:
            self._sound.append(ctypes.string_at(sound, 2 * count))
        for event in _until_end(events):
            if event.type == WORD_EVENT:
                self._marks.append(Mark(event.text_position - 1, event.sample / self.rate))
        return 0

    def _list_languages(self) -> dict[str, Language]:
        self._lib.espeak_ListVoices.restype = ctypes.POINTER(ctypes.POINTER(_Voice))
        listed = self._lib.espeak_ListVoices(None)
        best: dict[str, tuple[int, Language]] = {}
        index = 0
        while listed[index]:
            voice = listed[index].contents
            language = Language(voice.identifier.decode(), voice.name.decode().strip())
            for priority, tag in _tags(voice.languages):
                best[tag] = min(best.get(tag, (255, language)), (priority, language))
            index += 1
        return {tag: language for tag, (_, language) in best.items() if tag not in UNSPOKEN}


@functools.cache
def _library() -> _Library:
    try:
        return _Library()
    except (ImportError, OSError, AttributeError):
        raise NotConfigured("espeak-ng could not be loaded; reinstall the package espeakng-loader") from None


def _until_end(events: Any) -> Iterator[_Event]:
    index = 0
    while events[index].type:
        yield events[index]
        index += 1


def _tags(address: int) -> Iterator[tuple[int, str]]:
    """The languages of a voice: a priority byte and a tag ending in zero, again and again until a zero byte."""
    while priority := ctypes.string_at(address, 1)[0]:
        tag = ctypes.string_at(address + 1)
        yield priority, tag.decode().lower()
        address += len(tag) + 2


def _speakable(text: str) -> str:
    """Text without control characters, which are commands to espeak-ng; every other character keeps its place."""
    return "".join(" " if unicodedata.category(sign) in ("Cc", "Cs") and sign != "\n" else sign for sign in text)
