"""One candidate per shot, over the whole film."""

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.casting import cast
from tests.support.sim import candidate, scenery

SHOTS = ["s1.1", "s2.1", "s3.1"]


def test_the_best_candidate_plays() -> None:
    chosen = cast(["s1.1"], {"s1.1": [candidate("a", 0.4), candidate("b", 0.9), scenery("s1.1")]}, {}, {})
    assert chosen["s1.1"].id == "b"


def test_no_clip_plays_twice_while_there_is_another() -> None:
    same = [candidate("a", 0.9), candidate("b", 0.5), candidate("c", 0.3)]
    chosen = cast(SHOTS, dict.fromkeys(SHOTS, same), {}, {})
    assert sorted(one.id for one in chosen.values()) == ["a", "b", "c"]


def test_scenery_is_better_than_a_repeat() -> None:
    chosen = cast(SHOTS, {shot: [candidate("a", 1.0), scenery(shot)] for shot in SHOTS}, {}, {})
    assert sorted(one.kind for one in chosen.values()) == ["scenery", "scenery", "video"]


def test_who_has_least_to_choose_from_chooses_first() -> None:
    lists = {"s1.1": [candidate("a", 0.9), candidate("b", 0.8)], "s2.1": [candidate("a", 0.9)]}
    chosen = cast(["s1.1", "s2.1"], lists, {}, {})
    assert (chosen["s1.1"].id, chosen["s2.1"].id) == ("b", "a")


def test_neighbours_by_one_creator_are_avoided_when_it_costs_little() -> None:
    lists = {
        "s1.1": [candidate("a", 0.9, "Ada")],
        "s2.1": [candidate("b", 0.9, "Ada"), candidate("c", 0.8, "Bob")],
    }
    assert cast(["s1.1", "s2.1"], lists, {}, {})["s2.1"].id == "c"


def test_an_unchanged_shot_keeps_its_footage() -> None:
    lists = {shot: [candidate("a", 0.9), candidate("b", 0.5)] for shot in SHOTS[:2]}
    chosen = cast(SHOTS[:2], lists, {"s1.1": "b"}, {})
    assert (chosen["s1.1"].id, chosen["s2.1"].id) == ("b", "a")


def test_what_proved_unusable_is_not_chosen_again() -> None:
    lists = {"s1.1": [candidate("a", 0.9), candidate("b", 0.5)]}
    assert cast(["s1.1"], lists, {"s1.1": "a"}, {"s1.1": ["a"]})["s1.1"].id == "b"
    assert cast(["s1.1"], lists, {}, {"s1.1": ["a", "b"]})["s1.1"].kind == "scenery"


@given(st.lists(st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0, 1)), max_size=6), min_size=1, max_size=8))
def test_every_shot_is_cast_and_the_same_way_every_time(rows: list[list[tuple[str, float]]]) -> None:
    shots = [f"s{number}.1" for number in range(len(rows))]
    lists = {shot: [candidate(name, score) for name, score in row] for shot, row in zip(shots, rows, strict=True)}
    chosen = cast(shots, lists, {}, {})
    assert set(chosen) == set(shots)
    assert chosen == cast(shots, lists, {}, {})
