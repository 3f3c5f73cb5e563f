"""One candidate per shot, over the whole film."""

from hypothesis import given
from hypothesis import strategies as st

from common.contracts.footage import Candidate
from orchestrator.film.casting import REPEAT, SAME_CREATOR, SAME_CREATOR_NEXT, Call, cast
from tests.support.sim import candidate, scenery

SHOTS = ["s1.1", "s2.1", "s3.1"]
SEEN = st.tuples(st.sampled_from("abcdefgh"), st.floats(0, 1), st.sampled_from(["", "Ada", "Bob"]))


def chosen(lists: dict[str, list[Candidate]], **kept: str) -> dict[str, str]:
    """`kept` by scene: `s1` is the shot `s1.1`."""
    calls = [Call(shot, some, kept=kept.get(shot.split(".")[0])) for shot, some in lists.items()]
    return {shot: one.id for shot, one in cast(calls).items()}


def test_the_best_candidate_plays() -> None:
    assert chosen({"s1.1": [candidate("a", 0.4), candidate("b", 0.9), scenery("s1.1")]}) == {"s1.1": "b"}


def test_no_clip_plays_twice_while_there_is_another() -> None:
    same = [candidate("a", 0.9), candidate("b", 0.5), candidate("c", 0.3)]
    assert sorted(chosen(dict.fromkeys(SHOTS, same)).values()) == ["a", "b", "c"]


def test_scenery_is_better_than_a_repeat() -> None:
    found = cast([Call(shot, [candidate("a", 1.0), scenery(shot)]) for shot in SHOTS])
    assert sorted(one.kind for one in found.values()) == ["scenery", "scenery", "video"]


def test_who_has_least_to_choose_from_chooses_first() -> None:
    lists = {"s1.1": [candidate("a", 0.9), candidate("b", 0.8)], "s2.1": [candidate("a", 0.9)]}
    assert chosen(lists) == {"s1.1": "b", "s2.1": "a"}


def test_neighbours_by_one_creator_are_avoided_when_it_costs_little() -> None:
    lists = {
        "s1.1": [candidate("a", 0.9, "Ada")],
        "s2.1": [candidate("b", 0.9, "Ada"), candidate("c", 0.8, "Bob")],
    }
    assert chosen(lists)["s2.1"] == "c"


def test_an_unchanged_shot_keeps_its_footage() -> None:
    lists = {shot: [candidate("a", 0.9), candidate("b", 0.5)] for shot in SHOTS[:2]}
    assert chosen(lists, s1="b") == {"s1.1": "b", "s2.1": "a"}


def test_what_proved_unusable_is_not_chosen_again() -> None:
    both = [candidate("a", 0.9), candidate("b", 0.5)]
    assert cast([Call("s1.1", both, kept="a", rejected=["a"])])["s1.1"].id == "b"
    assert cast([Call("s1.1", both, rejected=["a", "b"])])["s1.1"].kind == "scenery"


def test_who_chose_a_painted_picture_gets_the_one_that_is_painted_now() -> None:
    painted = scenery("s1.1")
    assert cast([Call("s1.1", [candidate("a", 0.9), painted], pick="scenery:ocean:day:12345")])["s1.1"] == painted


def test_the_seed_of_a_shot_changes_even_the_last_resort() -> None:
    found = [cast([Call("s1.1", [], seed=seed)])["s1.1"] for seed in (None, 1, 2)]
    assert len({one.id for one in found}) == 3
    assert {one.kind for one in found} == {"scenery"}


def test_what_the_user_chose_plays_if_it_is_there_and_usable() -> None:
    both = [candidate("a", 0.9), candidate("b", 0.5)]
    assert cast([Call("s1.1", both, kept="a", pick="b")])["s1.1"].id == "b"
    assert cast([Call("s1.1", both, pick="gone")])["s1.1"].id == "a"
    assert cast([Call("s1.1", both, pick="b", rejected=["b"])])["s1.1"].id == "a"


def test_what_the_user_does_not_want_plays_only_if_there_is_nothing_else() -> None:
    both = [candidate("a", 0.9), candidate("b", 0.5)]
    assert cast([Call("s1.1", both, kept="a", avoid=["a"])])["s1.1"].id == "b"
    assert cast([Call("s1.1", both, avoid=["a", "b"])])["s1.1"].id == "a"


def test_a_shot_can_be_held_to_scenery() -> None:
    own = scenery("s1.1")
    assert cast([Call("s1.1", [candidate("a", 0.9), own], kept="a", scenery_only=True)])["s1.1"] == own
    assert cast([Call("s1.1", [candidate("a", 0.9)], scenery_only=True)])["s1.1"].kind == "scenery"


@given(
    st.lists(st.lists(SEEN, max_size=6), min_size=1, max_size=10),
    st.dictionaries(st.integers(0, 9), st.sampled_from("abcdefgh")),
)
def test_every_shot_is_cast_as_by_the_plain_formula(
    rows: list[list[tuple[str, float, str]]], kept: dict[int, str]
) -> None:
    calls = [
        Call(f"s{number}.1", [candidate(*one) for one in row], kept=kept.get(number)) for number, row in enumerate(rows)
    ]
    assert cast(calls) == plainly(calls)


def plainly(calls: list[Call]) -> dict[str, Candidate]:
    """Casting without counters: what a clip costs is summed over all that are in the film already."""
    usable = {call.shot: list(call.candidates) for call in calls}
    found = {call.shot: one for call in calls for one in reversed(usable[call.shot]) if one.id == call.kept}
    places = {call.shot: place for place, call in enumerate(calls)}

    def cost(shot: str, one: Candidate) -> float:
        same = sum(other.id == one.id for other in found.values())
        others = [
            abs(places[name] - places[shot])
            for name, other in found.items()
            if other.id != one.id and one.provenance.creator and other.provenance.creator == one.provenance.creator
        ]
        near = others.count(1)
        return REPEAT * same + SAME_CREATOR_NEXT * near + SAME_CREATOR * (len(others) - near)

    for shot in sorted((shot for shot in usable if shot not in found), key=lambda name: len(usable[name]) or 1):
        if usable[shot]:
            found[shot] = max(usable[shot], key=lambda one: one.score - cost(shot, one))
        else:
            found[shot] = cast([Call(shot, [])])[shot]
    return found
