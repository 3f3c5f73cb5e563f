"""Speech of services elsewhere: one engine for all of them, and a dialect for each.

A service may cost money, fail, or send something else than it should. What it sends is checked before it counts.
"""

import logging
from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

import numpy as np

from common.contracts.storyboard import words_of
from common.contracts.voice import Speaker, SpeechEngine, Voice
from common.errors import Permanent, Retryable, VoiceUnavailable
from common.net.client import RawReply
from common.settings import Settings
from whisper_worker.tts.desk import Account, Desk, Request
from whisper_worker.tts.matching import Token, starts
from whisper_worker.tts.port import AS_IT_IS, Manner, Speech
from whisper_worker.tts.received import RATE, Decode, check_times, sound_of, within_walls
from whisper_worker.tts.sentences import pieces
from whisper_worker.tts.timing import NOTHING_SAID, Mark, time_words, trim

log = logging.getLogger(__name__)

LONGEST = 800
"Characters of a call. All services take more; a long answer would be lost as a whole."
BETWEEN = 0.3
"Seconds of silence between the sounds of two calls, at a pace of 1."
CEILING = 0.95


class Call(NamedTuple):
    """A part of a text, as it is to be spoken."""

    text: str
    language: str
    "A tag; that of the voice if it has one."
    voice: str
    pace: float
    pitch: float


class Answer(NamedTuple):
    """What a service sent for a call."""

    sound: bytes
    "A file."
    times: Sequence[Token] | None = None
    seconds: float | None = None
    "How long the sound is, as the service says."


Fetch = Callable[[str], bytes | None]
"What is at an address that the service names; None if it cannot be had."


class Dialect(Protocol):
    """How one service is spoken to."""

    account: Account
    version: str
    bends: bool
    paid: bool
    paces: tuple[float, float]
    "Slowest and fastest."
    known: Sequence[Voice]
    "Its voices where it does not tell them, the usual one first."
    listing: Request | None
    "Asks for its voices."

    def voices(self, reply: RawReply) -> list[Voice]:
        """Raises `Retryable` for an answer that is no list."""
        ...

    def plain(self, word: str) -> str:
        """A word without what the service takes for markup; may be empty."""
        ...

    def request(self, call: Call) -> Request: ...

    def read(self, reply: RawReply, fetch: Fetch) -> Answer:
        """Raises `Retryable` or `VoiceUnavailable` for an answer without sound."""
        ...


class Service:
    """The engine that speaks by a dialect."""

    def __init__(self, dialect: Dialect, settings: Settings, decode: Decode = within_walls) -> None:
        self.name, self.version, self.bends = dialect.account.engine, dialect.version, dialect.bends
        named = [name.strip() for name in settings.speech_engines.split(",")]
        self.paid = dialect.paid
        self.by_name = self.paid and not settings.speech_failover_paid and self.name not in named
        self._dialect, self._decode = dialect, decode
        self._desk = Desk(dialect.account, settings)
        self._listed: list[Voice] = []

    def voices(self) -> list[Voice]:
        """As the service tells now; else as it told before, or as they are known to be."""
        try:
            return self._told()
        except (Retryable, Permanent) as error:
            log.warning("the voices of %s are not known anew: %s", self.name, error)
            return self._noted() or list(self._dialect.known)

    def speak(self, text: str, language: str, voice: str | None, manner: Manner = AS_IT_IS) -> Speech:
        chosen = self._choose(voice, language)
        slowest, fastest = self._dialect.paces
        pace = min(fastest, max(slowest, manner.pace))
        words = words_of(text)
        parts = [
            self._say(words, first, last, Call("", chosen.language or language, chosen.id, pace, manner.pitch))
            for first, last in pieces(words, LONGEST)
            if any(sign.isalnum() for word in words[first:last] for sign in word)
        ]
        samples, marks = _joined(parts, pace)
        timed = None
        if marks is not None:
            opens = _openings(text, words)
            timed = time_words(text, [Mark(opens[word], at) for word, at in marks], samples, RATE)
        return Speech(samples, RATE, timed, chosen.id)

    def _say(self, words: Sequence[str], first: int, last: int, call: Call) -> "_Said":
        plain = [self._dialect.plain("".join(filter(str.isprintable, word))) for word in words[first:last]]
        call = call._replace(text=" ".join(word for word in plain if word))
        label = self._dialect.account.label

        def read(reply: RawReply) -> _Said:
            answer = self._dialect.read(reply, self._desk.fetch)
            sound = sound_of(answer.sound, call.text, call.pace, label, self._decode)
            seconds = len(sound) / RATE
            if answer.seconds is not None and answer.seconds > seconds + 0.5:
                raise Retryable(f"{label} sent {seconds:.1f} of {answer.seconds:.1f} seconds of sound")
            if answer.times is not None:
                check_times(answer.times, seconds, label)
            found = starts(plain, answer.times) if answer.times else None
            samples, cut = trim(sound, RATE)
            moved = None if found is None else [(first + word, max(0.0, at - cut)) for word, at in found.items()]
            return _Said(samples, moved)

        return self._desk.ask(self._dialect.request(call), read)

    def _choose(self, voice: str | None, language: str) -> Voice:
        """Raises `Permanent` for a voice or language that there is not."""
        there = self._listed or self._noted() or self._told()
        about = SpeechEngine(name=self.name, version=self.version, voices=tuple(there))
        found = about.voice(voice) if voice is not None else None
        if voice is not None and found is None:
            raise Permanent(f'voice "{voice}" is unknown to {self.name}; try for example "{there[0].id}"')
        if not about.speaks(Speaker(found.id if found else None, language)):
            example = next((one.language for one in there if one.language), "en")
            raise Permanent(f'language "{language}" is not spoken by {self.name}; try for example "{example}"')
        return found or next((one for one in there if one.may_speak(language)), there[0])

    def _told(self) -> list[Voice]:
        """As the service tells. Raises as `Desk.ask` does, or `VoiceUnavailable` if it has none."""
        if self._dialect.listing is None:
            return list(self._dialect.known)
        if not self._listed:
            found = self._desk.ask(self._dialect.listing, self._dialect.voices, brief=True)
            if not found:
                raise VoiceUnavailable(f"{self._dialect.account.label} has no voices for this account")
            self._desk.notes.put("all", [voice.model_dump() for voice in found])
            self._listed = found
        return self._listed

    def _noted(self) -> list[Voice]:
        try:
            kept = self._desk.notes.get("all") if self._dialect.listing is not None else None
        except Retryable:
            return []
        return [Voice.model_validate(voice) for voice in kept or []]


class _Said(NamedTuple):
    samples: np.ndarray
    starts: Sequence[tuple[int, float]] | None
    "Number of a word of the whole text, and the second at which it begins."


def _joined(parts: Sequence[_Said], pace: float) -> tuple[np.ndarray, list[tuple[int, float]] | None]:
    """One sound of all, and when words begin in it; None if a part does not tell."""
    if not parts:
        return np.zeros(int(NOTHING_SAID * RATE), np.float32), []
    sounds: list[np.ndarray] = []
    marks: list[tuple[int, float]] | None = []
    length, pause = 0, np.zeros(round(BETWEEN / pace * RATE), np.float32)
    for number, part in enumerate(parts):
        sounds += [pause, part.samples] if number else [part.samples]
        length += len(pause) if number else 0
        told = marks is not None and part.starts is not None
        marks = [*(marks or []), *((word, length / RATE + at) for word, at in part.starts or [])] if told else None
        length += len(part.samples)
    samples = np.concatenate(sounds)
    peak = float(np.abs(samples).max())
    return samples * np.float32(CEILING / peak) if peak > CEILING else samples, marks


def _openings(text: str, words: Sequence[str]) -> list[int]:
    """Where each word begins in the text."""
    found: list[int] = []
    place = 0
    for word in words:
        place = text.index(word, place)
        found.append(place)
        place += len(word)
    return found
