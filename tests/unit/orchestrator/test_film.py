"""What a film is made of beside its scenes: transitions, parts, cards, marks, and drafts."""

from typing import Any

import pytest

from common.contracts.base import ObjectRef
from common.contracts.footage import Footage, Provenance
from common.contracts.kinds import parse_facts
from common.contracts.request import VideoRequest
from common.contracts.steps import MixSpec, SegmentSpec
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.contracts.timeline import Card, CutList, Span
from orchestrator.film.brief import Brief, resolve
from orchestrator.film.clips import clip_of, closing_of
from orchestrator.film.layout import Placement
from orchestrator.film.profile import OutputDefaults, profiles
from tests.support.sim import Sim

CANVAS = OutputDefaults(resolution=1080)
ASSET = "ast_" + "0" * 32
SCENES: list[dict[str, Any]] = [
    {"narration": "One boat leaves the harbour.", "show": "a harbour"},
    {"narration": "Nobody knows where it goes.", "show": "the open sea"},
    {"narration": "It comes back at night.", "show": "a lighthouse"},
]


LOGO = "ast_" + "0" * 32


def film(**fields: Any) -> Sim:
    return Sim(VideoRequest(**({"scenes": SCENES} | fields)))


def segment(sim: Sim, name: str) -> SegmentSpec:
    spec = sim.spec(f"segment:{name}")
    assert isinstance(spec, SegmentSpec)
    return spec


def video(seconds: float, provider: str = "pexels", fps: float = 30.0) -> Footage:
    media = ObjectRef(key="k", sha256="0" * 64, size=1, media_type="video/mp4")
    return Footage(kind="video", media=media, seconds=seconds, fps=fps, provenance=Provenance(provider=provider))


def placement(frames: int = 150, name: str = "s2", **fields: Any) -> Placement:
    shot = Shot(id=f"{name}.1", show="x")
    return Placement(Scene(id=name, shots=(shot,), estimate=5.0, **fields), frames, 0, ((0, frames),))


def brief(**fields: Any) -> Brief:
    """The brief of a request whose storyboard has nothing to add."""
    request = VideoRequest(prompt="The sea.", **({"transition": "crossfade"} | fields))
    story = Storyboard(title="The sea", scenes=(placement().scene,))
    return resolve(request, story, profiles(CANVAS, request, story), story.scenes)


# transitions


def test_the_frames_of_a_transition_belong_to_the_scene_it_leads_out_of() -> None:
    sim = film(transition="wipe").run()
    assert segment(sim, "s3.0").timeline.closing is None
    closing = segment(sim, "s1.0").timeline.closing
    assert closing is not None
    after = segment(sim, "s2.0").timeline.clips[0]
    assert (closing.kind, closing.frames, closing.head.skip) == ("wipe", 12, after.skip - 12)
    assert closing.head.footage == after.footage
    assert (closing.head.length, closing.head.source_start) == (after.length, after.source_start)


def test_a_film_is_as_long_with_transitions_as_with_cuts() -> None:
    frames = {kind: sim_frames(film(transition=kind).run()) for kind in ("cut", "crossfade")}
    assert frames["cut"] == frames["crossfade"]


def sim_frames(sim: Sim) -> list[int]:
    return [segment(sim, f"s{number}.0").timeline.frames for number in (1, 2, 3)]


def test_a_scene_begins_as_it_is_told_and_else_as_the_style_has_it() -> None:
    scenes = [*SCENES[:2], SCENES[2] | {"transition": "dip-white"}]
    sim = film(scenes=scenes, style="cinematic").run()
    kinds = [one.kind if (one := segment(sim, f"s{n}.0").timeline.closing) else "cut" for n in (1, 2, 3)]
    assert kinds == ["crossfade", "dip-white", "cut"]
    assert segment(film(style="documentary").run(), "s1.0").timeline.closing is None


def test_the_music_dips_where_the_picture_does_and_nowhere_else() -> None:
    scenes = [SCENES[0], SCENES[1] | {"transition": "dip-black"}, SCENES[2] | {"transition": "wipe"}]
    sim = film(scenes=scenes).run()
    mix = sim.spec("mix")
    assert isinstance(mix, MixSpec)
    start = sim_frames(sim)[0]
    assert mix.dips == (Span(start=start - 12, end=start),)


def test_what_leads_to_a_card_comes_up_as_its_dark_ground() -> None:
    sim = film(title="Boats", end_card="Thank you", transition="crossfade").run()
    grounds = {name: one.ground for name in ("s4.0", "s1.0", "s3.0") if (one := segment(sim, name).timeline.closing)}
    assert grounds == {"s4.0": None, "s1.0": None, "s3.0": "end"}


@pytest.mark.parametrize(
    ("seconds", "before", "kind"), [(5.6, 150, "crossfade"), (5.3, 150, "cut"), (9.0, 20, "cut"), (4.0, 150, "cut")]
)
def test_too_short_a_clip_is_cut(seconds: float, before: int, kind: str) -> None:
    """150 frames are 5 s, and a transition of 0.4 s needs as much more of the clip behind it."""
    found = closing_of(brief(), placement(before, "s1"), placement(150), video(seconds), ())
    assert (found.kind if found else "cut") == kind


def test_a_scene_waits_for_the_clip_it_fades_into_and_not_for_an_earlier_one() -> None:
    sim = film(transition="crossfade").run()
    before = len(sim.ran)
    sim.edit(shots=[{"id": "s3.1", "candidate": "pexels:1"}])
    sim.run()
    assert {"segment:s2.0", "segment:s3.0"} <= set(sim.ran[before:])
    assert "segment:s1.0" not in sim.ran[before:]


# speed


@pytest.mark.parametrize(
    ("footage", "start", "speed", "lead"),
    [
        (video(20.0), 0.0, 1.0, 15),
        (video(5.7), 0.0, 1.0, 15),
        (video(5.3), 0.0, 1.0, 8),
        (video(4.5), 0.0, 0.9, 0),
        (video(2.0), 0.0, 0.8, 0),
        (video(6.0, "upload"), 0.0, 1.0909, 14),
        (video(9.0, "upload"), 0.0, 1.0, 15),
        (Footage(kind="still", provenance=Provenance(provider="upload")), 0.0, 1.0, 15),
    ],
)
def test_a_clip_is_fitted_to_its_shot_by_speed_as_far_as_one_does_not_see_it(
    footage: Footage, start: float, speed: float, lead: int
) -> None:
    clip = clip_of(brief(), placement(150), 0, footage)
    assert (clip.source_start, clip.speed) == (pytest.approx(start, abs=0.01), pytest.approx(speed))
    assert (clip.skip, clip.length) == (lead, 150 + lead)


@pytest.mark.parametrize(("seconds", "speed"), [(4.5, 0.9), (5.0, 1.0), (5.5, 1.1), (9.0, 1.0)])
def test_behind_a_cut_media_of_ones_own_are_seen_from_the_very_beginning(seconds: float, speed: float) -> None:
    clip = clip_of(brief(), placement(150, transition="cut"), 0, video(seconds, "upload"))
    assert (clip.source_start, clip.skip, clip.speed) == (0.0, 0, pytest.approx(speed))


@pytest.mark.parametrize(("fit", "still"), [("contain-blur", True), ("cover", False), ("smart", False)])
def test_no_camera_move_cuts_the_edges_of_a_picture_that_is_to_be_seen_whole(fit: str, still: bool) -> None:
    still_picture = Footage(kind="still", provenance=Provenance(provider="upload"))
    clip = clip_of(brief(footage={"fit": fit}), placement(150), 0, still_picture)
    assert (clip.motion == "none") is still


def test_only_the_first_shot_of_a_scene_has_a_lead() -> None:
    shots = tuple(Shot(id=f"s2.{n}", show="x") for n in (1, 2))
    both = Placement(Scene(id="s2", shots=shots, estimate=5.0), 150, 0, ((0, 90), (1, 60)))
    first, second = (clip_of(brief(), both, place, video(20.0)) for place in (0, 1))
    assert (first.skip, first.source_start) == (15, 0.0)
    assert (second.skip, second.source_start) == (0, 0.5), "many clips begin with a fade"


# parts


def test_a_long_scene_is_rendered_in_parts_and_joined_to_be_watched() -> None:
    sim = film(scenes=[SCENES[0] | {"duration": 40}, SCENES[1]], transition="crossfade").run()
    names = sorted(name for name in sim.job.steps if name.startswith(("segment", "scene")))
    assert names == ["scene:s1", *(f"segment:s1.{n}" for n in range(4)), "segment:s2.0"]
    parts = [segment(sim, f"s1.{n}") for n in range(4)]
    assert [part.timeline.first for part in parts] == [0, 300, 600, 900]
    assert {part.timeline.length for part in parts} == {1200}
    assert not any(part.sound or part.voice for part in parts)
    joined = sim.spec("scene:s1")
    assert [one.frames for one in joined.segments] == [300] * 4
    assert joined.voice is not None
    assert segment(sim, "s2.0").sound
    assert [one.frames for one in sim.spec("assemble").segments[:4]] == [300] * 4


def test_parts_that_an_edit_makes_superfluous_are_put_away_and_come_back() -> None:
    sim = film(scenes=[SCENES[0] | {"duration": 40}], transition="cut").run()
    sim.edit(scenes=[{"id": "s1", "duration": 8}])
    sim.run()
    assert {name: step.state for name, step in sim.job.steps.items() if name.startswith(("segment", "scene"))} == {
        "segment:s1.0": "done",
        **{f"segment:s1.{n}": "skipped" for n in (1, 2, 3)},
        "scene:s1": "skipped",
    }
    before = len(sim.ran)
    sim.restore(1)
    sim.run()
    assert sim.job.state == "completed"
    assert not [name for name in sim.ran[before:] if name.startswith(("segment", "scene"))]


# cards and marks


def test_cards_stand_before_and_behind_the_scenes_and_name_who_made_the_footage() -> None:
    sim = film(title="Harbours", end_card="Thank you").run()
    order = [one.scene for one in sim.spec("assemble").segments]
    assert order == ["s4", "s1", "s2", "s3", "s5"]
    title, end = segment(sim, "s4.0").card, segment(sim, "s5.0").card
    assert title is not None
    assert end is not None
    assert (title.kind, title.text, title.lines) == ("title", "Harbours", ())
    assert (end.kind, end.text) == ("end", "Thank you")
    steps = (step for name, step in sim.job.steps.items() if name.startswith("acquire"))
    creators = {parse_facts("acquire", step.facts).provenance.creator for step in steps}
    assert set(end.lines) == creators - {""}
    assert segment(sim, "s1.0").card is None


def test_an_editor_is_told_of_cards_mark_and_music() -> None:
    sim = film(title="Harbours", end_card="Thank you", watermark="© Ana").run()
    told = CutList.model_validate_json(sim.spec("assemble").cut_list)
    assert [cut.card for cut in told.cuts] == [segment(sim, f"{cut.scene}.0").card for cut in told.cuts]
    assert [cut.card is not None for cut in told.cuts] == [True, False, False, False, True]
    assert told.mark == segment(sim, "s1.0").mark
    assert told.mark is not None
    assert told.music == parse_facts("mix", sim.job.steps["mix"].facts).music
    assert told.music is not None


def test_an_end_card_without_credits_waits_for_nobody() -> None:
    sim = film(end_card={"text": "The end", "credits": False}, transition="cut").run()
    card = segment(sim, "s4.0").card
    assert card is not None
    assert card.lines == ()


@pytest.mark.parametrize("card", [True, {"credits": False}])
def test_an_end_card_that_has_nothing_to_say_is_the_last_picture_alone(card: Any) -> None:
    sim = film(scenes=[{"narration": "A harbour."}], end_card=card, footage="scenery", transition="crossfade").run()
    assert sim.job.state == "completed"
    assert [one.scene for one in sim.spec("assemble").segments] == ["s1", "s2"]
    assert segment(sim, "s2.0").card is None
    closing = segment(sim, "s1.0").timeline.closing
    assert closing is not None
    assert closing.ground is None, "nothing is darkened that is not dark afterwards"


@pytest.mark.parametrize(("credit", "ground"), [((), None), (("Clip by Ana",), "end")])
def test_a_card_of_names_alone_comes_up_as_dark_as_it_will_be(credit: tuple[str, ...], ground: str | None) -> None:
    end = placement(150, card=Card(kind="end"), credits=True)
    closing = closing_of(brief(), placement(150, "s1"), end, video(9.0), credit)
    assert closing is not None
    assert closing.ground == ground


def test_captions_and_so_the_place_of_a_mark_are_those_of_the_film() -> None:
    spoken = film(scenes=[{"narration": "A harbour."}, {"show": "waves"}], watermark="© Ana").run()
    assert None not in {segment(spoken, f"s{n}.0").captions for n in (1, 2)}
    silent = film(scenes=[{"show": "a harbour"}, {"show": "waves"}], watermark="© Ana").run()
    assert {segment(silent, f"s{n}.0").captions for n in (1, 2)} == {None}


def test_a_mark_is_on_every_scene() -> None:
    sim = film(watermark={"text": "draft copy", "position": "top-left", "opacity": 0.5}).run()
    marks = [segment(sim, f"s{n}.0").mark for n in (1, 2, 3)]
    assert all(
        mark is not None and (mark.text, mark.position, mark.opacity) == ("draft copy", "top-left", 0.5)
        for mark in marks
    )


def test_a_picture_as_a_mark_is_drawn_once_and_before_any_scene() -> None:
    sim = film(watermark={"asset": LOGO, "position": "top-left", "opacity": 0.5, "size": 0.2}).run()
    assert sim.ran.count("mark") == 1
    assert sim.ran.index("mark") < min(sim.ran.index(f"segment:s{n}.0") for n in (1, 2, 3))
    asked, drawn = sim.spec("mark"), sim.facts("mark")
    assert (asked.opacity, asked.size, asked.frame.width) == (0.5, 0.2, segment(sim, "s1.0").profile.width)
    for number in (1, 2, 3):
        told = segment(sim, f"s{number}.0")
        assert told.drawn is not None
        assert told.drawn.media.sha256 == drawn.media.sha256
        assert told.mark is not None
        assert (told.mark.media, told.mark.position) == (None, "top-left"), "the user's file is opened by nobody else"


def test_words_as_a_mark_take_no_step() -> None:
    sim = film(watermark="© Ana").run()
    assert "mark" not in sim.job.steps
    assert segment(sim, "s1.0").drawn is None


def test_a_mark_that_is_lost_is_drawn_again_for_what_needs_it() -> None:
    sim = film(watermark={"asset": LOGO}).run(until=lambda now: "mark" in now.ran)
    sim.lose("mark")
    sim.run()
    assert sim.job.state == "completed"
    assert sim.ran.count("mark") == 2


def test_an_edit_does_not_draw_the_mark_again() -> None:
    sim = film(watermark={"asset": LOGO}).run()
    before = len(sim.ran)
    sim.edit(scenes=[{"id": "s2", "narration": "Something else is said."}])
    sim.run()
    assert sim.job.state == "completed"
    assert "mark" not in sim.ran[before:]


# formats and drafts


@pytest.mark.parametrize(
    ("fields", "size"),
    [
        ({}, (1920, 1080)),
        ({"aspect": "4:5"}, (1080, 1350)),
        ({"aspect": "9:16"}, (1080, 1920)),
        ({"size": "3840x2160"}, (3840, 2160)),
        ({"size": "720x720"}, (720, 720)),
    ],
)
def test_the_canvas_is_as_asked(fields: dict[str, Any], size: tuple[int, int]) -> None:
    request = VideoRequest(prompt="x", **fields)
    profile = CANVAS.profile(request, "high")
    assert (profile.width, profile.height) == size
    draft = CANVAS.profile(request, "draft")
    assert draft.draft
    assert min(draft.width, draft.height) == 360
    assert draft.width / draft.height == pytest.approx(size[0] / size[1], rel=0.01)


def test_the_film_itself_shares_all_but_the_picture_with_its_draft() -> None:
    sim = film(draft=True).run()
    assert segment(sim, "s1.0").profile.preset == "ultrafast"
    before = len(sim.ran)
    sim.edit(quality="standard")
    sim.run()
    assert sim.job.state == "completed"
    pictures = [f"segment:s{n}.0" for n in (1, 2, 3)]
    assert sim.run_names(before) == sorted(["plan", *pictures, "assemble", "publish"])
    assert segment(sim, "s1.0").profile.preset == CANVAS.preset


def test_other_music_encodes_no_picture() -> None:
    sim = film().run()
    before = len(sim.ran)
    sim.edit(mood="dramatic")
    sim.run()
    assert sim.run_names(before) == ["assemble", "mix", "plan", "publish"]
