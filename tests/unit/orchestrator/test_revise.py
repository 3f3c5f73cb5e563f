"""Edits of a storyboard: what they change, and that they change nothing else."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts.base import canonical_json
from common.contracts.edit import Edit, SceneAdd, SceneEdit, ShotEdit
from common.contracts.request import MAX_SCENES, VideoRequest
from common.contracts.storyboard import Scene, Shot, Storyboard
from common.errors import Permanent
from orchestrator.planners.revise import revise
from orchestrator.planners.rules import plan
from tests.unit.orchestrator.test_planner import PROSE, check

ASSET = {"asset": "ast_" + "1" * 32}
LONG = "The harbour wakes before the sun, while the first boats leave in the dark, and the gulls follow them out."
REQUEST = VideoRequest(
    seed=7,
    voice="en-gb",
    scenes=[
        {"narration": LONG},
        {"narration": "By noon the quay is empty.", "show": "empty quay", "duration": 4},
        {"media": ASSET},
        {"show": "gulls over the water"},
        {"narration": "Nobody is there.", "media": ASSET},
    ],
)
BOARD = plan(REQUEST)


def edited(board: Storyboard = BOARD, **changes: object) -> Storyboard:
    result = revise(REQUEST, board, Edit.model_validate(changes))
    check(result)
    return result


def scene_of(board: Storyboard, name: str) -> Scene:
    return next(scene for scene in board.scenes if scene.id == name)


def shot_of(board: Storyboard, name: str) -> Shot:
    return next(shot for scene in board.scenes for shot in scene.shots if shot.id == name)


def ids(board: Storyboard) -> list[str]:
    return [scene.id for scene in board.scenes]


def same_but(board: Storyboard, *names: str) -> bool:
    """Every other scene is what it was, byte for byte."""
    before = {scene.id: canonical_json(scene) for scene in BOARD.scenes}
    return all(canonical_json(scene) == before[scene.id] for scene in board.scenes if scene.id not in names)


def test_a_plan_remembers_its_voice_and_how_many_scenes_it_made() -> None:
    assert (BOARD.voice, BOARD.made) == ("en-gb", 5)


def test_an_edit_that_changes_nothing_changes_nothing() -> None:
    assert canonical_json(edited()) == canonical_json(BOARD)
    again = [SceneEdit(id=scene.id, narration=scene.narration) for scene in BOARD.scenes]
    assert canonical_json(edited(scenes=again)) == canonical_json(BOARD)


@settings(deadline=None)
@given(PROSE, st.data())
def test_a_scene_said_and_shown_as_before_is_planned_as_before(text: str, data: st.DataObject) -> None:
    request = VideoRequest(script=text)
    board = plan(request)
    changed = data.draw(st.sampled_from(board.scenes))
    new = revise(request, board, Edit(scenes=(SceneEdit(id=changed.id, narration="Something else."),)))
    back = revise(request, new, Edit(scenes=(SceneEdit(id=changed.id, narration=changed.narration),)))
    # A scene that was planned to last longer keeps what was found for it.
    scenes = [scene.model_copy(update={"searched": None}) for one in (back, board) for scene in one.scenes]
    assert scenes[: len(board.scenes)] == scenes[len(board.scenes) :]


# scenes


def test_dropped_scenes_are_gone_and_the_others_are_untouched() -> None:
    board = edited(drop=["s2", "s4"])
    assert ids(board) == ["s1", "s3", "s5"]
    assert same_but(board)


def test_scenes_can_change_places() -> None:
    board = edited(drop=["s1"], order=["s5", "s3", "s2", "s4"])
    assert ids(board) == ["s5", "s3", "s2", "s4"]
    assert same_but(board)


def test_new_scenes_come_where_they_are_wanted_in_the_order_they_are_named_in() -> None:
    new = [
        SceneAdd(narration="First."),
        SceneAdd(show="waves", after="s5"),
        SceneAdd(narration="Second."),
        SceneAdd(show="storm", after="s5"),
    ]
    board = edited(add=new)
    assert ids(board) == ["s6", "s8", "s1", "s2", "s3", "s4", "s5", "s7", "s9"]
    assert scene_of(board, "s9").shots[0].show == "storm"
    assert same_but(board, "s6", "s7", "s8", "s9")


def test_a_name_is_never_given_twice() -> None:
    board = edited(drop=["s5"], add=[SceneAdd(show="waves")])
    assert ids(board)[0] == "s6"
    again = edited(board, drop=["s6"], add=[SceneAdd(show="waves")])
    assert ids(again)[0] == "s7"
    assert again.made == 7


def test_a_storyboard_that_did_not_count_its_scenes_gives_no_name_twice_either() -> None:
    board = edited(BOARD.model_copy(update={"made": 0}), add=[SceneAdd(show="waves")])
    assert ids(board)[0] == "s6"


def test_new_words_keep_the_media_and_the_picture_of_the_scene() -> None:
    board = edited(scenes=[SceneEdit(id="s2", narration="At noon it is still."), SceneEdit(id="s5", narration="Gone.")])
    quay, own = scene_of(board, "s2"), scene_of(board, "s5")
    assert (quay.narration, quay.min_seconds) == ("At noon it is still.", 4)
    assert {(shot.show, shot.terms) for shot in quay.shots} == {("empty quay", scene_of(BOARD, "s2").shots[0].terms)}
    assert own.shots[0].media == scene_of(BOARD, "s5").shots[0].media
    assert same_but(board, "s2", "s5")


def test_shorter_words_under_the_same_picture_need_no_new_search() -> None:
    shorter, longer = "It is empty.", "By noon on most days of the week the quay is as empty as the sea."
    board = edited(scenes=[SceneEdit(id="s2", duration=None)])
    before = scene_of(board, "s2")
    said = [scene_of(edited(board, scenes=[SceneEdit(id="s2", narration=text)]), "s2") for text in (shorter, longer)]
    assert said[0].estimate < before.estimate < said[1].estimate, "it tells how long the scene will be now"
    assert said[0].search_seconds == before.search_seconds
    assert said[1].search_seconds == said[1].estimate


def test_new_words_are_shown_in_new_pictures_where_nothing_else_was_asked_for() -> None:
    board = edited(scenes=[SceneEdit(id="s1", narration="A lighthouse stands on the cliff.")])
    shot = shot_of(board, "s1.1")
    assert shot.show == "A lighthouse stands on the cliff."
    assert "lighthouse" in shot.terms[0]


def test_what_was_settled_for_a_shot_outlives_new_words() -> None:
    first = [ShotEdit(id="s1.1", show="red lamp", seed=5), ShotEdit(id="s2.1", candidate="pexels:1")]
    board = edited(shots=first)
    board = edited(
        board,
        scenes=[SceneEdit(id="s1", narration=LONG.replace("gulls", "terns")), SceneEdit(id="s2", narration="Empty.")],
    )
    assert (shot_of(board, "s1.1").show, shot_of(board, "s1.1").seed) == ("red lamp", 5)
    assert shot_of(board, "s1.1").terms[0] == "red lamp"
    assert "terns" in shot_of(board, scene_of(board, "s1").shots[-1].id).show
    assert shot_of(board, "s2.1").pick == "pexels:1"


def test_a_choice_among_what_was_found_does_not_outlive_the_search() -> None:
    board = edited(shots=[ShotEdit(id="s1.1", candidate="pexels:1")])
    board = edited(board, scenes=[SceneEdit(id="s1", show="storm")])
    assert shot_of(board, "s1.1").pick is None
    assert {shot.show for shot in scene_of(board, "s1").shots} == {"storm"}


def test_own_media_and_a_search_replace_each_other() -> None:
    board = edited(scenes=[SceneEdit(id="s1", media=ASSET), SceneEdit(id="s3", show="a pier")])
    (shot,) = scene_of(board, "s1").shots
    assert shot.media is not None
    assert scene_of(board, "s1").narration == LONG
    (pier,) = scene_of(board, "s3").shots
    assert (pier.media, pier.show, pier.terms[0]) == (None, "a pier", "pier")


def test_a_length_changes_nothing_but_the_length() -> None:
    board = edited(scenes=[SceneEdit(id="s1", duration=20)])
    scene, before = scene_of(board, "s1"), scene_of(BOARD, "s1")
    assert (scene.min_seconds, scene.estimate) == (20, 20)
    assert scene.shots == before.shots


def test_a_scene_without_words_shows_what_it_said() -> None:
    board = edited(scenes=[SceneEdit(id="s1", narration=""), SceneEdit(id="s2", narration="")])
    assert (scene_of(board, "s1").narration, shot_of(board, "s1.1").show) == ("", LONG)
    assert shot_of(board, "s1.1").terms
    assert shot_of(board, "s2.1").show == "empty quay"


# shots


def test_a_shot_shows_what_it_is_told_to_and_its_neighbours_stay() -> None:
    board = edited(shots=[ShotEdit(id="s1.2", show="fishing nets")])
    assert (shot_of(board, "s1.2").show, shot_of(board, "s1.2").terms[0]) == ("fishing nets", "fishing nets")
    assert shot_of(board, "s1.2").from_word == shot_of(BOARD, "s1.2").from_word
    assert shot_of(board, "s1.1") == shot_of(BOARD, "s1.1")
    assert same_but(board, "s1")


def test_another_picture_avoids_what_was_shown_and_what_was_avoided_before() -> None:
    board = edited(shots=[ShotEdit(id="s4.1", candidate="pexels:3")])
    for shown in ("pexels:3", "pexels:4"):
        board = edited(board, shots=[ShotEdit(id="s4.1", another=True)], avoid={"s4.1": [shown]})
    shot = shot_of(board, "s4.1")
    assert (shot.pick, shot.avoid, shot.seed) == (None, ("pexels:3", "pexels:4"), None)


def test_another_painting_has_another_seed() -> None:
    change = {"shots": [ShotEdit(id="s4.1", another=True)], "avoid": {"s4.1": ["scenery:ocean:day:3"]}}
    once = edited(**change)
    assert shot_of(once, "s4.1").seed == REQUEST.seed + 1
    assert shot_of(edited(once, **change), "s4.1").seed == REQUEST.seed + 2
    chosen = edited(shots=[ShotEdit(id="s4.1", another=True, seed=99)], avoid={"s4.1": ["scenery:ocean:day:3"]})
    assert shot_of(chosen, "s4.1").seed == 99


def test_another_picture_than_ones_own_is_searched_for() -> None:
    shot = shot_of(edited(shots=[ShotEdit(id="s5.1", another=True)]), "s5.1")
    assert shot.media is None
    assert shot.terms


def test_another_picture_than_one_without_a_name_shows_what_the_film_is_about() -> None:
    shot = shot_of(edited(shots=[ShotEdit(id="s3.1", another=True)]), "s3.1")
    assert shot.media is None
    assert shot.show == " ".join(BOARD.topic[:3])


def test_what_is_chosen_is_avoided_no_longer() -> None:
    board = edited(shots=[ShotEdit(id="s4.1", another=True)], avoid={"s4.1": ["pexels:3"]})
    shot = shot_of(edited(board, shots=[ShotEdit(id="s4.1", candidate="pexels:3")]), "s4.1")
    assert (shot.pick, shot.avoid) == ("pexels:3", ())


def test_dislikes_end_with_the_words_they_were_made_for() -> None:
    disliked = edited(shots=[ShotEdit(id="s4.1", another=True)], avoid={"s4.1": ["pexels:3"]})
    same = edited(disliked, shots=[ShotEdit(id="s4.1", show="gulls over the water")])
    other = edited(disliked, shots=[ShotEdit(id="s4.1", show="gulls")])
    anew = edited(disliked, scenes=[SceneEdit(id="s4", show="gulls")])
    another = edited(disliked, shots=[ShotEdit(id="s4.1", show="gulls", another=True)], avoid={"s4.1": ["pexels:4"]})
    found = [shot_of(board, "s4.1").avoid for board in (same, other, anew, another)]
    assert found == [("pexels:3",), (), (), ("pexels:4",)]


def test_dislikes_can_be_named_and_taken_back() -> None:
    named = edited(shots=[ShotEdit(id="s4.1", avoid=("pexels:1", "pexels:2", "pexels:1"))])
    assert shot_of(named, "s4.1").avoid == ("pexels:1", "pexels:2")
    for nothing in (None, ()):
        assert canonical_json(edited(named, shots=[ShotEdit(id="s4.1", avoid=nothing)])) == canonical_json(BOARD)


def test_new_words_of_a_scene_do_not_bring_back_what_was_disliked() -> None:
    disliked = edited(shots=[ShotEdit(id="s1.1", another=True)], avoid={"s1.1": ["pexels:3"]})
    board = edited(disliked, scenes=[SceneEdit(id="s1", narration="A lighthouse stands on the cliff.")])
    assert shot_of(board, "s1.1").avoid == ("pexels:3",)


# null: what was given is taken away


def test_without_a_length_a_scene_lasts_as_long_as_its_words() -> None:
    scene = scene_of(edited(scenes=[SceneEdit(id="s2", duration=None)]), "s2")
    assert scene.min_seconds is None
    assert scene.estimate < 4
    assert scene.search_seconds == 4, "what was found for it still does"


def test_without_media_a_scene_is_searched_for_as_if_there_had_been_none() -> None:
    scene = scene_of(edited(scenes=[SceneEdit(id="s5", media=None)]), "s5")
    assert (scene.shots[0].media, scene.shots[0].show) == (None, "Nobody is there.")
    assert scene.shots[0].terms
    assert same_but(edited(scenes=[SceneEdit(id="s2", media=None)])), "there is none"


def test_without_media_one_shot_of_several_is_searched_for() -> None:
    board = edited(shots=[ShotEdit(id="s1.1", media=ASSET), ShotEdit(id="s1.2", show="fishing nets")])
    for changes in ({"scenes": [SceneEdit(id="s1", media=None)]}, {"shots": [ShotEdit(id="s1.1", media=None)]}):
        after = edited(board, **changes)
        assert (shot_of(after, "s1.1").media, shot_of(after, "s1.1").terms) == (None, shot_of(BOARD, "s1.1").terms)
        assert shot_of(after, "s1.2").show == "fishing nets"


def test_without_words_to_show_a_shot_shows_what_is_said() -> None:
    board = edited(shots=[ShotEdit(id="s1.2", show="fishing nets")])
    for changes in ({"scenes": [SceneEdit(id="s1", show=None)]}, {"shots": [ShotEdit(id="s1.2", show=None)]}):
        assert canonical_json(edited(board, **changes)) == canonical_json(BOARD)
    (shot,) = scene_of(edited(scenes=[SceneEdit(id="s2", show=None)]), "s2").shots
    assert (shot.show, shot.media) == ("By noon the quay is empty.", None)


def test_choices_of_a_shot_can_be_taken_back() -> None:
    board = edited(shots=[ShotEdit(id="s4.1", candidate="pexels:1", seed=5)])
    assert canonical_json(edited(board, shots=[ShotEdit(id="s4.1", candidate=None, seed=None)])) == canonical_json(
        BOARD
    )


def test_what_is_not_given_stays_when_an_edit_has_been_stored() -> None:
    edit = Edit(scenes=(SceneEdit(id="s2", duration=None),), shots=(ShotEdit(id="s1.1", seed=3),))
    again = Edit.model_validate_json(canonical_json(edit))
    assert canonical_json(again) == '{"scenes":[{"duration":null,"id":"s2"}],"shots":[{"id":"s1.1","seed":3}]}'
    assert revise(REQUEST, BOARD, again) == revise(REQUEST, BOARD, edit)


def test_own_media_can_be_given_to_one_shot() -> None:
    board = edited(shots=[ShotEdit(id="s1.1", media=ASSET)])
    assert shot_of(board, "s1.1").media is not None
    assert shot_of(board, "s1.2") == shot_of(BOARD, "s1.2")


def test_a_voice_changes_the_film_and_no_scene() -> None:
    board = edited(voice="de+f3")
    assert board.voice == "de+f3"
    assert same_but(board)


# what does not fit


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"drop": ["s9"]}, "no scene s9"),
        ({"drop": ["s1", "s2", "s3", "s4", "s5"]}, "has 0 scenes"),
        ({"order": ["s1", "s2"]}, "every scene that stays"),
        ({"drop": ["s1"], "order": ["s1", "s2", "s3", "s4", "s5"]}, "every scene that stays"),
        ({"add": [{"show": "x", "after": "s9"}]}, "no scene s9"),
        ({"add": [{"show": "x"}] * (MAX_SCENES - 4)}, "has 201 scenes"),
        ({"drop": ["s1"], "scenes": [{"id": "s1", "narration": "x"}]}, "no scene s1"),
        ({"shots": [{"id": "s1.9", "seed": 1}]}, "no shot s1.9"),
    ],
)
def test_an_edit_that_does_not_fit_says_why(changes: dict[str, object], word: str) -> None:
    with pytest.raises(Permanent, match=word):
        revise(REQUEST, BOARD, Edit.model_validate(changes))


# any edits at all

WORDS = st.sampled_from(["", "Waves and wind.", LONG, "The sea, is calm. Why?"])


@st.composite
def edits(draw: st.DrawFn, board: Storyboard) -> Edit:
    names = ids(board)
    drop = draw(st.lists(st.sampled_from(names), unique=True, max_size=len(names) - 1))
    stay = [name for name in names if name not in drop]
    order = draw(st.one_of(st.just([]), st.permutations(stay)))
    after = st.sampled_from([None, *stay])
    add = draw(st.lists(st.builds(SceneAdd, narration=WORDS, show=st.just("sea"), after=after), max_size=3))
    scenes = draw(st.lists(st.builds(SceneEdit, id=st.sampled_from(stay), narration=WORDS), max_size=2))
    shot = st.builds(ShotEdit, id=st.sampled_from([f"{name}.1" for name in stay]), another=st.booleans())
    return Edit(drop=drop, order=order, add=add, scenes=scenes, shots=draw(st.lists(shot, max_size=2)))


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_any_row_of_edits_leaves_what_it_does_not_name_and_names_no_scene_twice(data: st.DataObject) -> None:
    board, given_names = BOARD, set(ids(BOARD))
    for _ in range(4):
        edit = data.draw(edits(board))
        new = revise(REQUEST, board, edit)
        check(new)
        touched = {change.id for change in edit.scenes} | {change.id.partition(".")[0] for change in edit.shots}
        before = {scene.id: canonical_json(scene) for scene in board.scenes}
        added = [name for name in ids(new) if name not in before]
        assert given_names.isdisjoint(added)
        given_names.update(added)
        assert len(added) == len(edit.add)
        assert [name for name in ids(new) if name in before] == (
            list(edit.order) or [name for name in ids(board) if name not in edit.drop]
        )
        for scene in new.scenes:
            if scene.id in before and scene.id not in touched:
                assert canonical_json(scene) == before[scene.id]
        board = new


def test_what_is_dropped_can_be_put_back_by_going_back() -> None:
    """Order and drop undone give the storyboard that was: its steps are all known."""
    moved = edited(order=list(reversed(ids(BOARD))))
    assert canonical_json(edited(moved, order=ids(BOARD))) == canonical_json(BOARD)
