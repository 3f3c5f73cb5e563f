"""How loud a film, its voice and its music are to be, in LUFS of both channels. Pure.

The voice comes first: it has about the same level in every film. A film that speaks for half of its time or more can
then lie where platforms want it. One that speaks little would need a shouting voice for that, so it lies lower.
"""

from collections.abc import Sequence

from common.contracts.timeline import PlacedNarration
from renderer.sound.loudness import SILENCE

VOICE = -15.0
"Narrations as they come: each is levelled to -18 as one channel, which is 3 more in both."
MUSIC = -17.0
"The bed where nothing is said."
UNDER_VOICE = 14.5
"The bed lies so much lower than the voice while that speaks."
LEAST_UNDER = 10.0
"Music lies at least so much lower than the voice, however loud it is wished: else the words are hard to follow."
DEEPEST, SHALLOWEST = -24.0, -3.0
"Decibels by which a bed may go down for that, if its own level changes much in the course of the film."
WORDY = 0.5
"Share of a film's time in speech from which on it is as loud as planned."
BELOW_PLAN = 0.4
"What a wordy film lies below the plan, so that its voice need not be louder than it should."
QUIETEST = 3.0
"What a film that says next to nothing lies below the plan."
LOWEST, HIGHEST = -15.5, -13.5
"The limits of the voice in a finished film."


def spoken(narrations: Sequence[PlacedNarration], total: int) -> list[tuple[int, int]]:
    """The stretches of `total` samples in which there are narrations, in order and apart."""
    stretches: list[tuple[int, int]] = []
    free = 0
    for narration in sorted(narrations, key=lambda placed: placed.start):
        begin, end = max(free, narration.start), min(total, narration.start + narration.samples)
        if end > begin:
            stretches.append((begin, end))
            free = end
    return stretches


def speech_share(narrations: Sequence[PlacedNarration], total: int) -> float:
    """The share of `total` samples in which there are narrations, 0 to 1."""
    return sum(end - begin for begin, end in spoken(narrations, total)) / max(1, total)


def film_level(before: float, voice: float, share: float, plan: float) -> float:
    """The loudness to master a film to which has the loudness `before` now, its voice alone `voice`.

    It speaks for a `share` of its time. A film in which nobody is heard is as loud as planned: nothing can shout.
    """
    if SILENCE in (before, voice) or not share:
        return plan
    below = QUIETEST - (QUIETEST - BELOW_PLAN) * min(1.0, share / WORDY)
    gain = min(max(plan - below - before, LOWEST - voice), HIGHEST - voice)
    return min(before + gain, plan)


def duck_depth(everywhere: float, under_voice: float, voice: float, wish: float) -> float:
    """Decibels, negative, by which the bed goes down while the voice speaks.

    The first two are loudnesses of the bed: of all of it, and of its parts under the voice. `wish` are the decibels by
    which the user wants it louder.
    """
    spoken = voice if voice > SILENCE else VOICE
    differs = under_voice - everywhere if SILENCE not in (everywhere, under_voice) else 0.0
    below = max(UNDER_VOICE, LEAST_UNDER + wish)
    return min(max(spoken - below - MUSIC - differs, DEEPEST), SHALLOWEST)
