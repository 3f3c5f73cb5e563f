"""Narrations and music on the time axis of the film, for its mix. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from common.contracts.grid import samples_per_frame
from common.contracts.narration import Narration
from common.contracts.request import TransitionKind
from common.contracts.timeline import PlacedNarration, Span
from orchestrator.film.brief import Brief
from orchestrator.film.clips import holds_transition
from orchestrator.film.layout import Layout
from orchestrator.film.wording import narrated

DIPS: frozenset[TransitionKind] = frozenset({"dip-black", "dip-white"})
"Transitions in which nothing is seen for a moment; the bed pauses with them."


def dips(brief: Brief, layout: Layout) -> tuple[Span, ...]:
    """Frames of planned dips to black or white; the sound does not wait for footage that may be too short."""
    frames = brief.transition_frames
    return tuple(
        Span(start=start - frames, end=start)
        for (before, placement), start in zip(pairwise(layout.placements), layout.starts[1:], strict=True)
        if brief.transition_into(placement.scene) in DIPS and holds_transition(before, frames)
    )


def placed(layout: Layout, narrations: Sequence[Narration | None], fps: int) -> tuple[PlacedNarration, ...]:
    """The narrations on the film's time axis; `narrations` has one entry per placement. Silent ones are no sound."""
    step = samples_per_frame(fps)
    return tuple(
        PlacedNarration(audio=narration.audio, start=start * step + placement.voice_offset, samples=narration.samples)
        for placement, start, narration in narrated(layout, narrations)
        if not narration.silent
    )
