"""Speech engines and their voices, as speech workers register them. Pure."""

import re
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import ValidationError

from common.contracts.base import Contract
from common.contracts.job import WorkerInfo

Gender = Literal["female", "male", ""]

NO_VOICE = "none"
"The voice of films without one: the only voice of the engine of the same name, which is silent at reading speed."
SILENT = "zxx"
"ISO 639: no linguistic content."
NEUTRAL = re.compile(r"([a-z]{2,3}(?:-[a-z0-9]{2,8})*)-(neutral|female|male)", re.IGNORECASE)
"A name for the best voice that there is, of any engine: `en-US-neutral`, `de-DE-female`."
GENDERS: Mapping[str, Gender] = {"neutral": "", "female": "female", "male": "male"}


class Voice(Contract):
    id: str
    "The name that requests give, in any case of letters."
    name: str
    "For a reader."
    language: str = ""
    "Tag of the language it speaks; empty for a voice that speaks every language of its engine."
    gender: Gender = ""
    "Empty: neither, or unknown."

    def may_speak(self, language: str) -> bool:
        """True for a voice of the language, of a shorter or longer form of it, or of any."""
        return not self.language or _is_form(self.language, language)


class Speaker(NamedTuple):
    """Whom a narration asks for."""

    voice: str | None
    "An id, `engine/id`, or a neutral name; None: the usual voice of the language."
    language: str

    @property
    def key(self) -> str:
        """Its name in records: equal wishes have equal names."""
        return f"{(self.voice or '').lower()} {self.language.lower()}".strip()

    @property
    def accent(self) -> str:
        """The language as the narration is to sound: a neutral name may say it more exactly."""
        wish = neutral(self.voice)
        longer = wish is not None and self.language.lower() in forms_of(wish.language)
        return wish.language if wish is not None and longer else self.language


class Neutral(NamedTuple):
    """The wish in a neutral name."""

    language: str
    gender: Gender
    "Empty: any."


def neutral(voice: str | None) -> Neutral | None:
    """The wish, if this is a neutral name."""
    found = NEUTRAL.fullmatch(voice or "")
    return Neutral(found[1], GENDERS[found[2].lower()]) if found is not None else None


class SpeechEngine(Contract):
    """An engine of some worker, under the key `speech` of its registration."""

    name: str
    version: str
    "Of the engine and its data: whatever changes its sound."
    voices: tuple[Voice, ...]
    bends: bool = False
    "True if it can speak higher and lower than usual."
    paid: bool = False
    "True if it costs money to hear it."
    by_name: bool = False
    "True if it speaks for requests only that name a voice of its own."

    @property
    def tool(self) -> str:
        """Its name in a toolchain."""
        return tool_name(self.name, self.version)

    def speaks(self, speaker: Speaker) -> bool:
        """True if it has the voice, and the language if the voice is tied to none; None is the usual voice."""
        found = self.voice(speaker.voice or "")
        if found is not None:
            return bool(found.language) or self.has_language(speaker.language)
        if self.by_name:
            return False
        wish = neutral(speaker.voice)
        if wish is None:
            return speaker.voice is None and self.has_language(speaker.language)
        return self.stands_in(speaker) and (not wish.gender or self._like(speaker) is not None)

    def stands_in(self, speaker: Speaker) -> bool:
        """True if it speaks for a neutral name, maybe with a voice of another gender."""
        wish = neutral(speaker.voice)
        return (
            wish is not None
            and not self.by_name
            and _is_form(wish.language, speaker.language)
            and self.has_language(speaker.accent)
        )

    def choose(self, speaker: Speaker) -> str | None:
        """The id of the voice to ask the engine for; None is its usual one of the language.

        If it lacks the voice, that is the first one of the gender in a neutral name.
        """
        found = self.voice(speaker.voice or "") or self._like(speaker)
        return found.id if found is not None else None

    def voice(self, name: str) -> Voice | None:
        """The voice of that id, which may stand behind the name of the engine: `kokoro/af_heart`."""
        engine, _, own = name.lower().rpartition("/")
        return self._by_id.get(own) if engine in ("", self.name.lower()) else None

    def _like(self, speaker: Speaker) -> Voice | None:
        """The first voice of the language and gender in a neutral name; None for any other."""
        wish = neutral(speaker.voice)
        if wish is None or not wish.gender:
            return None
        fit = (one for one in self.voices if one.gender == wish.gender and one.may_speak(speaker.accent))
        return next(fit, None)

    def has_language(self, language: str) -> bool:
        """True if a voice is tied to the language, a shorter or a longer form of it, or none is tied to any."""
        return not self._tags or language.lower() in self._forms or not self._tags.isdisjoint(forms_of(language))

    # Every look at every job asks, so the answers are prepared.

    @cached_property
    def _by_id(self) -> dict[str, Voice]:
        return {voice.id.lower(): voice for voice in self.voices}

    @cached_property
    def _tags(self) -> frozenset[str]:
        return frozenset(voice.language.lower() for voice in self.voices if voice.language)

    @cached_property
    def _forms(self) -> frozenset[str]:
        return frozenset(form for tag in self._tags for form in forms_of(tag))


def tool_name(engine: str, version: str) -> str:
    """The name of an engine in a toolchain."""
    return f"{engine}-{version}"


def forms_of(tag: str) -> list[str]:
    """A language tag and its shorter forms, in lower case: `pt-br`, `pt`."""
    parts = tag.lower().split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


def _is_form(one: str, other: str) -> bool:
    """True if two tags are the same language, or one is a longer form of the other."""
    return one.lower() in forms_of(other) or other.lower() in forms_of(one)


def engines_of(workers: Iterable[WorkerInfo]) -> tuple[SpeechEngine, ...]:
    """The engines of a fleet, each once and in its order of preference.

    The order is that of the last place that any worker gives an engine, whatever the order of the workers.
    """
    places: dict[str, int] = {}
    engines: dict[str, SpeechEngine] = {}
    for worker in workers:
        for place, engine in enumerate(_registered(worker, engines)):
            engines[engine.tool] = engine
            places[engine.tool] = max(place, places.get(engine.tool, 0))
    return tuple(engines[tool] for tool in sorted(engines, key=lambda tool: (places[tool], tool)))


def _registered(worker: WorkerInfo, known: dict[str, SpeechEngine]) -> Iterable[SpeechEngine]:
    """The engines of a worker; what another release registers in a form of its own is left out."""
    for about in worker.engines.get("speech", ()):
        try:
            yield known.get(_tool(about)) or SpeechEngine.model_validate(about)
        except (ValidationError, KeyError, TypeError):
            continue


def _tool(about: Any) -> str:
    """Known engines are not parsed again: a fleet has many workers with the same ones."""
    return tool_name(about["name"], about["version"])
