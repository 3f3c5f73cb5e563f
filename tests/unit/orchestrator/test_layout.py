"""The film on the frame grid."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.base import ObjectRef
from common.contracts.grid import frame_at, frames_to_hold, samples_per_frame
from common.contracts.narration import Narration, Word
from common.contracts.storyboard import Scene, Shot
from orchestrator.film.layout import (
    MOST_CLIPS,
    MOST_PAUSE,
    OPENING,
    TOLERANCE,
    Layout,
    Piece,
    Placement,
    lay_out,
    parts_of,
    placement_of,
    tails,
)

AUDIO = ObjectRef(key="k", sha256="0" * 64, size=1, media_type="audio/wav")
FPS = 30
STEP = samples_per_frame(FPS)
ROWS = st.tuples(st.integers(0, 30), st.integers(1, 4), st.one_of(st.none(), st.floats(0.5, 20)))
"Words, shots, and the length asked for."


def narration(words: int, seconds: float) -> Narration:
    each = int(seconds * 48_000 / words)
    said = tuple(Word(text="word", start=i * each, end=(i + 1) * each) for i in range(words))
    return Narration(audio=AUDIO, samples=each * words, words=said, voice="v", engine="e", loudness=-18.0)


def scene(number: int, words: int = 0, starts: tuple[int, ...] = (0,), seconds: float | None = None) -> Scene:
    shots = tuple(Shot(id=f"s{number}.{i}", show="x", from_word=start) for i, start in enumerate(starts, 1))
    return Scene(id=f"s{number}", narration="word " * words, shots=shots, min_seconds=seconds, estimate=1.0)


def film(scenes: list[Scene], spoken: dict[str, Narration], target: float | None = None, pace: float = 1.0) -> Layout:
    if target is not None:
        return lay_out(scenes, spoken, target, FPS, pace)
    rests = zip(scenes, tails(scenes), strict=True)
    return Layout(tuple(placement_of(one, spoken.get(one.id), one is scenes[0], rest, FPS) for one, rest in rests))


def check(layout: Layout, spoken: dict[str, Narration]) -> None:
    """What holds for every layout."""
    assert layout.frames == sum(placement.frames for placement in layout.placements)
    position = 0
    for placement, start in zip(layout.placements, layout.starts, strict=True):
        assert start == position
        assert placement.frames > 0
        assert sum(frames for _, frames in placement.shots) == placement.frames
        assert all(frames > 0 for _, frames in placement.shots)
        assert placement.shots[0][0] == 0
        position += placement.frames
        if placement.scene.id in spoken:
            assert placement.frames * STEP >= placement.voice_offset + spoken[placement.scene.id].samples


def made_of(rows: list[tuple[int, int, float | None]]) -> tuple[list[Scene], dict[str, Narration]]:
    scenes, spoken = [], {}
    for number, (words, shots, seconds) in enumerate(rows):
        starts = tuple(sorted({words * index // shots for index in range(shots)})) if words else tuple([0] * shots)
        scenes.append(scene(number, words, starts, seconds))
        if words:
            spoken[f"s{number}"] = narration(words, words * 0.4)
    return scenes, spoken


@given(st.lists(ROWS, min_size=1, max_size=12), st.one_of(st.none(), st.floats(3, 300)))
def test_every_layout_is_whole(rows: list[tuple[int, int, float | None]], target: float | None) -> None:
    scenes, spoken = made_of(rows)
    layout = film(scenes, spoken, target)
    check(layout, spoken)
    if target is not None and not layout.note:
        assert abs(layout.frames / FPS - target) <= target * TOLERANCE


@given(st.lists(ROWS, min_size=2, max_size=12), st.integers(0, 11), st.integers(1, 30))
def test_without_a_target_a_slot_depends_on_no_other_scene(
    rows: list[tuple[int, int, float | None]], which: int, words: int
) -> None:
    """A scene that gets or loses its words is another matter: the last sentence of the film may be another one then."""
    which %= len(rows)
    words = words if rows[which][0] else 0
    scenes, spoken = made_of(rows)
    before = film(scenes, spoken)
    scenes[which] = scene(which, words)
    after = film(scenes, spoken | ({f"s{which}": narration(words, words * 0.4)} if words else {}))
    assert [place for place, placement in enumerate(after.placements) if placement != before.placements[place]] in (
        [],
        [which],
    )


def test_the_first_scene_has_the_opening_and_the_last_one_the_closing() -> None:
    spoken = {f"s{number}": narration(5, 2.0) for number in range(4)}
    first, middle, _, last = film([scene(number, 5) for number in range(4)], spoken).placements
    assert [placement.voice_offset for placement in (first, middle, last)] == [round(0.3 * 48_000), 0, 0]
    assert first.frames - middle.frames == round(0.3 * FPS)
    assert last.frames - middle.frames == frames_to_hold(round(3.2 * 48_000), FPS) - middle.frames


def test_the_rests_between_scenes_follow_their_sentences() -> None:
    spoken = {f"s{number}": narration(5, 2.0) for number in range(5)}
    scenes = [scene(number, 5) for number in range(5)]
    scenes[1] = scenes[1].model_copy(update={"narration": "Do you see it there?"})
    scenes[3] = scenes[3].model_copy(update={"paragraph": True})
    layout = film(scenes, spoken)
    plain, question, paragraph, last, closing = (placement.frames / FPS - 2.0 for placement in layout.placements)
    assert [round(rest, 2) for rest in (plain - OPENING, question, last, closing)] == [0.4, 0.6, 1.03, 1.2]
    assert 0.8 <= paragraph <= 1.2


def test_a_rest_counts_from_the_last_word_and_not_from_the_silence_after_it() -> None:
    spoken = {f"s{number}": narration(5, 2.0) for number in range(3)}
    longer = spoken["s0"].model_copy(update={"samples": spoken["s0"].samples + 12_000})
    scenes = [scene(number, 5) for number in range(3)]
    assert film(scenes, spoken | {"s0": longer}) == film(scenes, spoken)


def test_rests_shrink_a_little_before_the_words_are_spoken_faster() -> None:
    spoken = {f"s{number}": narration(5, 2.0) for number in range(5)}
    scenes = [scene(number, 5) for number in range(5)]
    scenes[2] = scenes[2].model_copy(update={"paragraph": True, "narration": "word " * 40})
    plain = film(scenes, spoken).frames
    tight = film(scenes, spoken, (plain - 6) / FPS)
    assert tight.frames == plain - 6
    shortest = film(scenes, spoken, 5.0)
    rests = [placement.frames / FPS - 2.0 for placement in shortest.placements]
    assert all(rest >= 0.33 for rest in rests)
    assert rests[1] >= 0.78
    assert rests[-1] == pytest.approx(1.2)


def test_pictures_without_words_take_what_is_left_of_the_target() -> None:
    spoken = {"s2": narration(12, 5.0)}
    layout = film([scene(1), scene(2, 12), scene(3), scene(4)], spoken, 30.0)
    assert layout.frames == 900
    assert layout.note == ""


def test_time_left_over_becomes_pauses_but_only_so_long() -> None:
    spoken = {f"s{n}": narration(5, 2.0) for n in range(4)}
    scenes = [scene(n, 5) for n in range(4)]
    plain = film(scenes, spoken).frames
    assert film(scenes, spoken, 13.0).frames == 390
    longest = film(scenes, spoken, 60.0)
    assert longest.frames == plain + 4 * round(MOST_PAUSE * FPS)
    assert longest.note.startswith("The film is")


def test_words_that_do_not_fit_ask_for_a_faster_pace_and_say_so() -> None:
    spoken = {"s1": narration(60, 24.0)}
    layout = film([scene(1, 60)], spoken, 20.0)
    assert layout.pace is not None
    assert layout.pace > 1.0
    assert "instead of 20 s" in layout.note
    assert film([scene(1, 60)], spoken, 20.0, pace=1.25).pace is None


def test_a_length_the_user_asked_for_is_kept_exactly_when_the_words_fit() -> None:
    layout = film([scene(1, 4, seconds=7.5), scene(2, seconds=2.0)], {"s1": narration(4, 2.0)})
    assert [placement.frames for placement in layout.placements] == [225, 60]


def test_shots_are_cut_where_their_words_begin() -> None:
    spoken = {"s1": narration(10, 5.0)}
    layout = film([scene(1, 10, (0, 4))], spoken)
    (placement,) = layout.placements
    cut = placement.shots[0][1]
    assert cut == frame_at(placement.voice_offset + spoken["s1"].words[4].start, FPS)


def test_a_shot_too_short_to_see_is_left_out() -> None:
    layout = film([scene(1, 10, (0, 9))], {"s1": narration(10, 2.0)})
    assert [index for index, _ in layout.placements[0].shots] == [0] or layout.placements[0].shots[1][1] >= FPS
    layout = film([scene(1, 10, (0, 1, 5))], {"s1": narration(10, 5.0)})
    assert [index for index, _ in layout.placements[0].shots] == [0, 2]


@pytest.mark.parametrize(("sample", "frame"), [(0, 0), (799, 0), (800, 1), (1600, 1), (2399, 1), (2400, 2)])
def test_a_sample_belongs_to_the_nearest_frame_and_a_tie_to_the_later(sample: int, frame: int) -> None:
    assert frame_at(sample, FPS) == frame


def test_a_length_is_rounded_up_to_whole_frames() -> None:
    assert [frames_to_hold(samples, FPS) for samples in (0, 1, 1600, 1601)] == [0, 1, 1, 2]


# parts


@given(st.lists(st.integers(1, 900), min_size=1, max_size=9), st.integers(30, 400))
def test_parts_show_every_frame_once_in_order_and_none_is_too_large(shots: list[int], longest: int) -> None:
    placement = Placement(scene(1), sum(shots), 0, tuple(enumerate(shots)))
    parts = parts_of(placement, longest)
    shown = [(piece.shown, frame) for part in parts for piece in part.pieces for frame in _frames(piece)]
    assert shown == [(place, frame) for place, frames in enumerate(shots) for frame in range(frames)]
    assert [part.number for part in parts] == list(range(len(parts)))
    assert [part.first for part in parts] == [sum(one.frames for one in parts[:n]) for n in range(len(parts))]
    assert all(0 < part.frames <= longest and len(part.pieces) <= MOST_CLIPS for part in parts)


def test_a_scene_of_usual_length_is_one_part() -> None:
    placement = Placement(scene(1), 300, 0, ((0, 150), (1, 150)))
    assert [part.frames for part in parts_of(placement, 360)] == [300]


def test_a_shot_is_cut_only_when_it_is_too_long_by_itself() -> None:
    placement = Placement(scene(1), 500, 0, ((0, 300), (1, 200)))
    assert [part.pieces for part in parts_of(placement, 360)] == [(Piece(0, 0, 300),), (Piece(1, 0, 200),)]


def _frames(piece: Piece) -> range:
    return range(piece.skip, piece.skip + piece.frames)
