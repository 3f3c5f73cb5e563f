"""Speech engines and their voices, as speech workers register them. Pure."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

from pydantic import ValidationError

from common.contracts.base import Contract
from common.contracts.job import WorkerInfo

Gender = Literal["female", "male", ""]


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
        own = self.language.lower()
        return not own or own in forms_of(language) or language.lower() in forms_of(own)


class SpeechEngine(Contract):
    """An engine of some worker, under the key `speech` of its registration."""

    name: str
    version: str
    "Of the engine and its data: whatever changes its sound."
    voices: tuple[Voice, ...]

    @property
    def tool(self) -> str:
        """Its name in a toolchain."""
        return f"{self.name}-{self.version}"

    def speaks(self, voice: str | None, language: str) -> bool:
        """True if it has the voice, and the language if the voice is tied to none; None is the usual voice."""
        found = None if voice is None else self.voice(voice)
        if voice is not None and (found is None or found.language):
            return found is not None
        return self.has_language(language)

    def voice(self, name: str) -> Voice | None:
        return self._by_id.get(name.lower())

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


def forms_of(tag: str) -> list[str]:
    """A language tag and its shorter forms, in lower case: `pt-br`, `pt`."""
    parts = tag.lower().split("-")
    return ["-".join(parts[:count]) for count in range(len(parts), 0, -1)]


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
    return f"{about['name']}-{about['version']}"
