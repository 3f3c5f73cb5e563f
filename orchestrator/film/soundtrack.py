"""Narrations and music on the time axis of the film, for its mix. Pure."""

from collections.abc import Sequence
from itertools import pairwise

from common.contracts.grid import samples_per_frame
from common.contracts.narration import Narration
from common.contracts.request import TransitionKind, VideoRequest
from common.contracts.steps import MixSpec
from common.contracts.storyboard import Storyboard
from common.contracts.styles import DEFAULTS
from common.contracts.timeline import (
    MusicCue,
    PlacedNarration,
    SoundProfile,
    Span,
)
from orchestrator.film.clips import holds_transition, transition_frames, transition_into
from orchestrator.film.layout import Layout
from orchestrator.film.wording import narrated

DIPS: frozenset[TransitionKind] = frozenset({"dip-black", "dip-white"})
"Transitions in which nothing is seen for a moment; the bed pauses with them."


def mix_spec(
    layout: Layout,
    narrations: Sequence[Narration | None],
    music: MusicCue | None,
    sound: SoundProfile,
    dips: tuple[Span, ...] = (),
) -> MixSpec:
    """The spec of the mix. `narrations` has one entry per placement."""
    spoken = placed(layout, narrations, sound.fps)
    return MixSpec(frames=layout.frames, sound=sound, narrations=spoken, music=music, dips=dips)


def dips(layout: Layout, request: VideoRequest, fps: int) -> tuple[Span, ...]:
    """Frames of planned dips to black or white; the sound does not wait for footage that may be too short."""
    frames = transition_frames(request, fps)
    return tuple(
        Span(start=start - frames, end=start)
        for (before, placement), start in zip(pairwise(layout.placements), layout.starts[1:], strict=True)
        if transition_into(placement.scene, request) in DIPS and holds_transition(before, frames)
    )


def placed(layout: Layout, narrations: Sequence[Narration | None], fps: int) -> tuple[PlacedNarration, ...]:
    """The narrations on the film's time axis; `narrations` has one entry per placement."""
    step = samples_per_frame(fps)
    return tuple(
        PlacedNarration(audio=narration.audio, start=start * step + placement.voice_offset, samples=narration.samples)
        for placement, start, narration in narrated(layout, narrations)
    )


def music(request: VideoRequest, story: Storyboard) -> MusicCue | None:
    """The bed: the user's file, or one composed to the mood asked for or the style's."""
    choice = request.music
    if not choice.enabled:
        return None
    mood = story.mood or choice.mood or DEFAULTS[request.style].mood
    return MusicCue(mood=mood, seed=request.seed, media=None if story.mood else story.music, volume=choice.volume)
