"""The voices of the speech engines that are up: their list, and whether one of them can speak a request."""

from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any
from urllib.parse import quote

from api.errors import Conflict, Cure, FieldError, InvalidFields, Remedy, raise_if_any
from api.samples import sample
from common.contracts.preview import PreviewRequest
from common.contracts.voice import NO_VOICE, Speaker, SpeechEngine, Voice, engines_of, neutral
from common.jobs.store import RequestStore

NEAR, ALIKE = 4, 0.6
"Most voices that are named to somebody who asked for one that is not there, and how alike (0 to 1) these must be."

NO_SAMPLE = (
    "this voice has no sample: it costs money, or nothing is heard of it; POST /mcp/voices/preview speaks a sentence"
)


class Voices:
    """The list of voices. Empty while no speech worker is up."""

    def __init__(self, store: RequestStore) -> None:
        self._store = store

    def listing(self, language: str = "", engine: str = "") -> list[dict[str, Any]]:
        """The voices that speak `language`, of the engine of that name; empty strings stand for any.

        Raises `InvalidFields` for an engine that is not up while others are.
        """
        raise_if_any(self.engine_faults(engine))
        engines = engines_of(self._store.workers())
        rows = {
            (one.name, voice.id): _row(one, voice)
            for one in engines
            for voice in one.voices
            if engine.lower() in ("", one.name.lower()) and (not language or _speaks(one, voice, language))
        }
        return list(rows.values())

    def sample_of(self, name: str) -> PreviewRequest:
        """The sentence to be spoken for the sample of a voice.

        Raises `InvalidFields` for a voice that no engine has, `Conflict` for one that is not heard without being paid.
        """
        engines = engines_of(self._store.workers())
        there = ((one, one.voice(name)) for one in engines)
        engine, voice = next(((one, voice) for one, voice in there if voice is not None), (None, None))
        if engine is None or voice is None:
            near = _near(engines, name)
            there_are = f"; near it are {', '.join(near)}" if near else ""
            raise InvalidFields([_error("voice", f'no speech engine of this server has the voice "{name}"{there_are}')])
        if not _has_sample(engine):
            raise Conflict("no_sample", NO_SAMPLE)
        return sample(engine, voice)

    def engine_faults(self, engine: str) -> list[FieldError]:
        """The fault of asking for an engine that is not up; none while there is no engine at all."""
        names = [one.name for one in engines_of(self._store.workers())]
        if not engine or not names or engine.lower() in map(str.lower, names):
            return []
        return [FieldError("engine", f'no speech engine "{engine}" is up; there are {", ".join(names)}')]


def voice_errors(engines: Sequence[SpeechEngine], voice: str | None, language: str) -> list[FieldError]:
    """Errors if no engine has the voice, or one for the language; none while there is no engine to ask.

    `voice` None is the usual one of the language.
    """
    speaker = Speaker(voice, language)
    if not engines or any(engine.speaks(speaker) or engine.stands_in(speaker) for engine in engines):
        return []
    spoken = any(engine.has_language(language) for engine in engines)
    foreign = [] if spoken else [_error("language", f'no speech engine of this server speaks "{language}"')]
    if voice is None:
        return foreign
    if (neutral(voice) and spoken) or any(engine.voice(voice) for engine in engines):
        return [_error("language", f'the voice "{voice}" does not speak "{language}"')]
    if neutral(voice):
        return foreign
    near = _near(engines, voice)
    there_are = f"; near it are {', '.join(near)}" if near else ""
    return [_error("voice", f'no speech engine of this server has the voice "{voice}"{there_are}'), *foreign]


def _row(engine: SpeechEngine, voice: Voice) -> dict[str, Any]:
    name = quote(f"{engine.name}/{voice.id}")
    where = f"/mcp/voices/sample?voice={name}" if _has_sample(engine) else None
    return {**voice.model_dump(), "engine": engine.name, "bends": engine.bends, "sample": where}


def _has_sample(engine: SpeechEngine) -> bool:
    """A look at a list must not cost money; and of no voice nothing is heard."""
    return not engine.paid and engine.name != NO_VOICE


def _speaks(engine: SpeechEngine, voice: Voice, language: str) -> bool:
    return voice.may_speak(language) and (bool(voice.language) or engine.has_language(language))


def _near(engines: Sequence[SpeechEngine], voice: str) -> list[str]:
    """Voices with a name like this one; of a name with a `+` in it, whose parts used to be combined, the parts."""
    ids = {one.id.lower(): one.id for engine in engines for one in engine.voices}
    parts = [ids[part] for part in voice.lower().split("+") if part in ids]
    return parts or [ids[name] for name in get_close_matches(voice.lower(), ids, NEAR, ALIKE)]


def _error(field: str, message: str) -> FieldError:
    return FieldError(field, message, Cure(Remedy.LIST_VOICES))
