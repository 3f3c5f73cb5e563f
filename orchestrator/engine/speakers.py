"""The engine and the voice for each speaker of a job, chosen among those of the live workers and pinned. Pure.

All words of a speaker are spoken by one voice of one engine in one version, so a job holds on to what it took first.
It takes another engine when its own has been away for a while, when that lacks a voice that another has, and when it
proves unable to speak: then the next one in order of preference that has the language, and the result says who was
passed over and why.
"""

from dataclasses import replace
from enum import IntEnum

from common.contracts.job import Passed, VoiceCast
from common.contracts.kinds import tool_of, toolchain
from common.contracts.names import Kind
from common.contracts.voice import Speaker, neutral
from orchestrator.engine.capabilities import Pinning


class Fit(IntEnum):
    """Whether an engine has the voice of a speaker, from best to worst."""

    SPEAKS = 0
    LIKE = 1
    "It can take the place of the voice: a neutral name asks for a gender that no engine has, or one cannot speak."
    UNKNOWN = 2
    "No worker says which voices it has."
    LACKS = 3
    NEVER = 4
    "It lacks the voice, and speaks for those only that name one of its own."


class Speakers:
    """The engines of the speakers of one job. Pins them among the other pins of the job."""

    def __init__(self, pinning: Pinning) -> None:
        self._pinning, self._fleet = pinning, pinning.fleet

    def cast(self, speaker: Speaker) -> VoiceCast | None:
        """Who speaks; None while there is nobody to choose from, or somebody who has just gone is waited for."""
        cast = self._pinning.pins.casts.get(speaker.key)
        if cast is None or not self._stays(speaker, cast):
            cast = self._choose(speaker, cast or self._of_before())
        if cast is None or (self._fit(cast.chain, self._wanted(speaker, cast.passed)) >= Fit.LACKS and self._lost()):
            self._pinning.waits = True
            return None
        return cast

    def pass_over(self, speaker: Speaker, why: str, misread: bool = False) -> bool:
        """Takes the next engine for a speaker whose engine cannot speak, or is not understood; False if there is none.

        Before there is none, the engine that was not understood last speaks all the same.
        """
        cast = self._pinning.pins.casts[speaker.key]
        if cast.lenient:
            return False
        tool = tool_of(cast.chain)
        passed = (*cast.passed, Passed(tool, cast.engine or tool, why, misread))
        left = self._able(self._wanted(speaker, passed), passed, worst=Fit.LIKE)
        if left:
            self._pin(speaker, left[0], passed)
        return bool(left) or self._put_up_with(speaker, passed)

    def _put_up_with(self, speaker: Speaker, passed: tuple[Passed, ...]) -> bool:
        """Takes the engine that was not understood last as it is; False if none spoke."""
        for one in reversed([one for one in passed if one.misread]):
            others = tuple(other for other in passed if other is not one)
            back = [chain for chain in self._fleet.live.get(Kind.SPEAK, ()) if tool_of(chain) == one.tool]
            if back:
                chain = min(back, key=lambda chain: self._preference(chain, speaker))
                self._pin(speaker, chain, others, lenient=True)
                return True
        return False

    def _of_before(self) -> VoiceCast | None:
        """The engine of a job that was begun by a release with one engine for all speakers."""
        chain = self._pinning.pins.toolchains.get(Kind.SPEAK)
        return VoiceCast(chain) if chain is not None else None

    def _stays(self, speaker: Speaker, cast: VoiceCast) -> bool:
        """True if its engine is there, or may come back soon; unless it lacks the voice and another has it."""
        chain = cast.chain
        if not self._fleet.has(Kind.SPEAK, chain):
            gone = self._pinning.given_up({Kind.SPEAK: chain}, [Kind.SPEAK], only=chain)
            self._pinning.away.update(() if gone else {Kind.SPEAK})
            return not gone
        wanted = self._wanted(speaker, cast.passed)
        return self._fit(chain, wanted) < Fit.LACKS or not self._able(wanted, cast.passed, worst=Fit.LIKE)

    def _choose(self, speaker: Speaker, before: VoiceCast | None) -> VoiceCast | None:
        """The engine of before if it stays, else the preferred one that has the voice.

        If none has it, the job waits for its own engine (a toolchain of the release before names none), or for one that
        was there a moment ago. Otherwise it takes an engine that can say that the voice is unknown.
        """
        passed = before.passed if before is not None else ()
        if before is not None and speaker.key not in self._pinning.pins.casts and self._stays(speaker, before):
            return self._pin(speaker, before.chain, passed)
        wanted = self._wanted(speaker, passed)
        able = self._able(wanted, passed, worst=Fit.UNKNOWN)
        if not able and ((before is not None and tool_of(before.chain)) or self._lost()):
            self._pinning.waits = True
            return before
        chains = able or self._able(wanted, passed, worst=Fit.LACKS)
        return self._pin(speaker, chains[0], passed) if chains else before

    def _pin(self, speaker: Speaker, chain: str, passed: tuple[Passed, ...], lenient: bool = False) -> VoiceCast:
        engine, wanted = self._fleet.engine_of(chain), self._wanted(speaker, passed)
        known = engine is not None and self._fit(chain, wanted) < Fit.LACKS
        cast = VoiceCast(
            chain=chain,
            engine=engine.name if engine is not None else "",
            # One that lacks the voice is asked for it all the same: it says what there is.
            voice=engine.choose(wanted) if engine is not None and known else speaker.voice,
            language=speaker.accent,
            passed=passed,
            lenient=lenient,
        )
        pins = self._pinning.pins
        # Another engine takes another time for the same words.
        self._pinning.pins = replace(pins, casts={**pins.casts, speaker.key: cast}, paced="")
        return cast

    def _wanted(self, speaker: Speaker, passed: tuple[Passed, ...]) -> Speaker:
        """The speaker; once an engine was passed over, any voice of the gender will do for a certain one."""
        if not passed or speaker.voice is None or neutral(speaker.voice) is not None:
            return speaker
        voices = (engine.voice(speaker.voice) for engine in self._fleet.engines)
        gender = next((voice.gender for voice in voices if voice is not None), "")
        return Speaker(f"{speaker.language}-{gender or 'neutral'}", speaker.language)

    def _able(self, wanted: Speaker, passed: tuple[Passed, ...], worst: Fit) -> list[str]:
        """Toolchains of live workers that fit so well, the best first; without those that were passed over."""
        tools = {one.tool for one in passed}
        live = (chain for chain in self._fleet.live.get(Kind.SPEAK, ()) if tool_of(chain) not in tools)
        fits = [chain for chain in live if self._fit(chain, wanted) <= worst]
        return sorted(fits, key=lambda chain: self._preference(chain, wanted))

    def _preference(self, chain: str, wanted: Speaker) -> tuple[Fit, int, bool, str]:
        """Sorts the best engine first: one with the voice, then by preference, then with this version's recipe."""
        own = chain == toolchain(Kind.SPEAK, tool_of(chain))
        return self._fit(chain, wanted), self._fleet.place_of(chain), not own, chain

    def _fit(self, chain: str, wanted: Speaker) -> Fit:
        engine = self._fleet.engine_of(chain)
        if engine is None:
            return Fit.UNKNOWN
        if engine.speaks(wanted):
            return Fit.SPEAKS
        if engine.by_name:
            return Fit.NEVER
        return Fit.LIKE if engine.stands_in(wanted) else Fit.LACKS

    def _lost(self) -> bool:
        """True if an engine was there a moment ago that is gone now."""
        return self._fleet.lost_since(Kind.SPEAK, self._pinning.now - self._pinning.patience)
