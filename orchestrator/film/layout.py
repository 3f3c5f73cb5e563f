"""The times of each scene and shot on screen: the whole film on the frame grid. Pure."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from common.contracts.grid import SAMPLE_RATE, frame_at, frames_to_hold, samples_per_frame
from common.contracts.narration import Narration
from common.contracts.storyboard import Scene
from common.rhythm import least_rest
from orchestrator.planners.rests import rests

OPENING = 0.3
"Seconds before the first word of the film."
CLOSING = 1.2
"Seconds after the last word of the film, in which the music ends."
PICTURE = 5.0
"Seconds of a scene without words, if nothing else decides."
PICTURE_LIMITS = (1.5, 12.0)
MOST_PAUSE = 2.0
"Seconds a scene may be held beyond its words for the sake of the target."
SHORTEST_SHOT = 1.0
TOLERANCE = 0.05
"Share of its target by which the film may miss it."
PACE_LIMITS = (0.8, 1.25)
MOST_CLIPS = 3
"Most shots in one segment."


@dataclass(frozen=True)
class Placement:
    """The time one scene gets. Shots that would be too short to see are left out."""

    scene: Scene
    frames: int
    voice_offset: int
    "Samples from the start of the scene to its first word."
    shots: tuple[tuple[int, int], ...]
    "Index of each shot that is shown, and its frames."


class Piece(NamedTuple):
    """The part of one shot that one segment shows."""

    shown: int
    "Index of the shot among those of the placement."
    skip: int
    "Frames of the shot before these."
    frames: int


@dataclass(frozen=True)
class Part:
    """The part of a scene that one segment shows."""

    number: int
    first: int
    "Frame of the scene at which it begins."
    pieces: tuple[Piece, ...]
    alone: bool
    "True for the only part of its scene."

    @cached_property
    def frames(self) -> int:
        return sum(piece.frames for piece in self.pieces)


@dataclass(frozen=True)
class Layout:
    """The placements of all scenes, one after the other."""

    placements: tuple[Placement, ...]
    note: str = ""
    "Reason why the target was missed, in one sentence; empty if it was met, or if there is none."
    pace: float | None = None
    "A pace at which the words would fit the target better; None when there is no need."

    @cached_property
    def starts(self) -> tuple[int, ...]:
        """Frames from the start of the film to each placement."""
        return tuple(itertools.accumulate((placement.frames for placement in self.placements[:-1]), initial=0))

    @cached_property
    def frames(self) -> int:
        return sum(placement.frames for placement in self.placements)


def tails(scenes: Sequence[Scene]) -> tuple[float, ...]:
    """Seconds after the words of each scene, if no target shortens or lengthens them."""
    return (*rests(scenes)[:-1], CLOSING)


def placement_of(scene: Scene, narration: Narration | None, first: bool, tail: float, fps: int) -> Placement:
    """The placement of a scene of a film without a target, which depends on no other narration.

    So a scene can be rendered before the others are spoken, and an edit of one leaves the others as they are.
    `tail` is the time after its words in seconds.
    """
    return _placement(scene, narration, first, _needed(scene, narration, first, tail, fps) or round(PICTURE * fps), fps)


def parts_of(placement: Placement, longest: int) -> tuple[Part, ...]:
    """The placement cut into segments of at most `longest` frames and `MOST_CLIPS` shots.

    So no film waits for its longest scene, and a segment needs no more memory than its shots' decoders do. A shot is
    cut only if it is too long by itself: each piece of it costs a seek.
    """
    parts: list[list[Piece]] = [[]]
    for piece in _pieces(placement, longest):
        last = parts[-1]
        if last and (len(last) == MOST_CLIPS or sum(one.frames for one in last) + piece.frames > longest):
            parts.append([])
        parts[-1].append(piece)
    firsts = itertools.accumulate((sum(one.frames for one in part) for part in parts), initial=0)
    return tuple(
        Part(number, first, tuple(part), alone=len(parts) == 1)
        for number, (part, first) in enumerate(zip(parts, firsts, strict=False))
    )


def _pieces(placement: Placement, longest: int) -> Iterator[Piece]:
    """The shots; those that are too long, in even pieces."""
    for shown, (_, frames) in enumerate(placement.shots):
        count = -(-frames // longest)
        cuts = [frames * number // count for number in range(count + 1)]
        yield from (Piece(shown, begin, end - begin) for begin, end in itertools.pairwise(cuts))


def lay_out(
    scenes: Sequence[Scene], narrations: Mapping[str, Narration], target: float, fps: int, pace: float
) -> Layout:
    """Places every scene of a film that is to last `target` seconds.

    `narrations` has one entry per narrated scene, spoken at `pace`.
    """
    spoken = [narrations.get(scene.id) for scene in scenes]
    firsts = [scene is scenes[0] for scene in scenes]
    usual = tails(scenes)
    shortest = (*map(least_rest, usual[:-1]), CLOSING)
    needed, least = (
        [_needed(*one, fps) for one in zip(scenes, spoken, firsts, times, strict=True)] for times in (usual, shortest)
    )
    lengths = _fitted(scenes, _tightened(needed, least, round(target * fps)), target, fps)
    placements = tuple(_placement(*one, fps) for one in zip(scenes, spoken, firsts, lengths, strict=True))
    samples = sum(narration.samples for narration in spoken if narration is not None)
    return Layout(placements, *_verdict(target, sum(lengths), samples, fps, pace))


def _placement(scene: Scene, narration: Narration | None, first: bool, frames: int, fps: int) -> Placement:
    offset = _offset(first)
    return Placement(scene, frames, offset, _shots(scene, narration, offset, frames, fps))


def _offset(first: bool) -> int:
    return round(OPENING * SAMPLE_RATE) if first else 0


def _needed(scene: Scene, narration: Narration | None, first: bool, tail: float, fps: int) -> int:
    """The fewest frames the scene can have; 0 for a scene that takes whatever is left.

    The time after its words counts from the last word: what a recording is silent for after it is part of that.
    """
    asked = round((scene.min_seconds or 0.0) * fps)
    if narration is None or not narration.samples:
        return asked
    spoken = _offset(first) + narration.samples
    heard = _offset(first) + (narration.words[-1].end if narration.words else narration.samples)
    return max(asked, frames_to_hold(spoken, fps), frame_at(heard + round(tail * SAMPLE_RATE), fps))


def _tightened(needed: list[int], least: list[int], target: int) -> list[int]:
    """Lengths in frames with rests shortened, all by the same share of what they can give, if the target is missed."""
    room = list(itertools.accumulate((length - short for length, short in zip(needed, least, strict=True)), initial=0))
    over = min(sum(needed) - target, room[-1])
    if over <= 0:
        return needed
    taken = itertools.pairwise(given * over // room[-1] for given in room)
    return [length - (after - before) for length, (before, after) in zip(needed, taken, strict=True)]


def _fitted(scenes: Sequence[Scene], needed: list[int], target: float, fps: int) -> list[int]:
    """Lengths in frames: spare time goes to pictures without words first, then into pauses."""
    rest = round(target * fps) - sum(needed)
    free = [index for index, frames in enumerate(needed) if not frames]
    lengths = list(needed)
    if free:
        low, high = (round(limit * fps) for limit in PICTURE_LIMITS)
        share = max(low, min(high, rest // len(free)))
        for index in free:
            lengths[index] = share
        rest -= share * len(free)
    held = [index for index in range(len(scenes)) if scenes[index].min_seconds is None]
    if rest > 0 and held:
        _spread(lengths, held, min(rest, round(MOST_PAUSE * fps) * len(held)))
    return lengths


def _spread(lengths: list[int], indices: list[int], frames: int) -> None:
    """Adds `frames` evenly; the last scene gets what does not divide."""
    each, extra = divmod(frames, len(indices))
    for index in indices:
        lengths[index] += each
    lengths[indices[-1]] += extra


def _shots(
    scene: Scene, narration: Narration | None, offset: int, frames: int, fps: int
) -> tuple[tuple[int, int], ...]:
    """Shots cut where their words begin; without words, in even parts."""
    if narration is None:
        cuts = [frames * index // len(scene.shots) for index in range(len(scene.shots))]
    else:
        last = len(narration.words) - 1
        cuts = [0] + [
            frame_at(offset + narration.words[min(shot.from_word, last)].start, fps) for shot in scene.shots[1:]
        ]
    shortest = round(SHORTEST_SHOT * fps)
    kept = [(0, 0)]
    for index, cut in enumerate(cuts[1:], 1):
        if cut - kept[-1][1] >= shortest and frames - cut >= shortest:
            kept.append((index, cut))
    ends = [cut for _, cut in kept[1:]] + [frames]
    return tuple((index, end - cut) for (index, cut), end in zip(kept, ends, strict=True))


def _verdict(target: float, frames: int, spoken: int, fps: int, pace: float) -> tuple[str, float | None]:
    """The note for the result, and the pace that would help. `spoken` is in samples."""
    if abs(frames / fps - target) <= target * TOLERANCE:
        return "", None
    got = frames / fps
    cause = "its scenes and words need that long" if got > target else "its scenes would have to stand still for longer"
    note = f"The film is {got:.1f} s long instead of {target:g} s: {cause}."
    spoken_seconds = spoken / samples_per_frame(fps) / fps
    if not spoken_seconds:
        return note, None
    room = spoken_seconds + target - got
    wanted = pace * spoken_seconds / room if room > 0 else PACE_LIMITS[1]
    better = round(min(max(wanted * 1.01, PACE_LIMITS[0]), PACE_LIMITS[1]), 3)
    return note, better if abs(better - pace) > 0.02 else None
