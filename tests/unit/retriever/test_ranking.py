from hypothesis import given
from hypothesis import strategies as st

from common.contracts.footage import Candidate, Provenance, ShotQuery, WebFile
from retriever.ranking import Features, match, rank, score, stems


def query(*terms: str, show: str = "", seconds: float = 4.0, width: int = 1920, height: int = 1080) -> ShotQuery:
    return ShotQuery(
        shot="s1.1",
        show=show,
        terms=terms,
        seconds=seconds,
        width=width,
        height=height,
        sources=("pexels",),
        seed=0,
    )


def clip(words: str = "harbour", **more: float) -> Features:
    facts: dict[str, float] = {"rank": 0.0, "seconds": 10.0, "width": 1920, "height": 1080}
    return Features(words=stems(words), **(facts | more))  # type: ignore[arg-type]


def candidate(name: str, value: float) -> Candidate:
    origin, provenance = WebFile(url="https://example.org/clip"), Provenance(provider="folder")
    return Candidate(id=name, kind="video", score=value, origin=origin, provenance=provenance)


def test_words_compare_without_case_accents_plurals_and_fillers() -> None:
    assert stems("The Fishing-Boats_of a CAFÉ") == stems("fish boat cafe")
    assert stems("cities and churches") == stems("city church")
    assert stems("running grass bus") == {"run", "grass", "bus"}
    assert stems("a video of the") == frozenset()


def test_words_of_other_scripts_are_words_too() -> None:
    assert stems("море 海") == {"море", "海"}


def test_a_perfect_clip_scores_one_and_a_hopeless_one_nearly_nothing() -> None:
    assert score(query("harbour"), clip()) == 1.0
    assert score(query("harbour"), clip("desert", rank=1.0, seconds=0.1, width=160, height=90)) < 0.1


def test_words_decide_before_everything_else_together_unless_the_rest_is_poor() -> None:
    wanted = query("fishing boats")
    assert score(wanted, clip("fishing boats", rank=1.0)) > score(wanted, clip("office", rank=0.0))


def test_one_phrase_that_fits_is_enough_and_an_earlier_one_is_worth_more() -> None:
    wanted = query("fishing boats", "harbour", show="men mending nets at dawn")
    assert match(wanted, stems("fishing boats")) == 1.0
    assert 0.9 < match(wanted, stems("harbour")) < 1.0
    assert match(wanted, stems("boats")) == 0.5
    assert match(wanted, stems("office")) == 0.0


def test_a_clip_that_says_nothing_about_itself_lies_in_the_middle() -> None:
    wanted = query("harbour")
    assert score(wanted, clip("office")) < score(wanted, clip("")) < score(wanted, clip("harbour"))


def test_a_clip_must_last_a_little_longer_than_the_shot() -> None:
    wanted = query("harbour", seconds=4.0)
    assert score(wanted, clip(seconds=4.1)) == score(wanted, clip(seconds=60)) == score(wanted, clip(seconds=0))
    assert score(wanted, clip(seconds=4.05)) < score(wanted, clip(seconds=4.1))
    assert score(wanted, clip(seconds=1)) < score(wanted, clip(seconds=3))


def test_the_canvas_wants_its_own_shape_and_enough_pixels() -> None:
    wide, tall = query("harbour"), query("harbour", width=1080, height=1920)
    assert score(wide, clip(width=3840, height=2160)) == score(wide, clip(width=1920, height=1080))
    assert score(wide, clip(width=640, height=360)) < score(wide, clip(width=1280, height=720))
    assert score(tall, clip(width=1920, height=1080)) < score(tall, clip(width=1080, height=1920))


@given(
    words=st.text(max_size=40),
    terms=st.lists(st.text(max_size=20), max_size=4),
    rank=st.floats(0, 1),
    seconds=st.floats(0, 1e5),
    width=st.integers(0, 9000),
    height=st.integers(0, 9000),
)
def test_a_score_lies_between_0_and_1(
    words: str, terms: list[str], rank: float, seconds: float, width: int, height: int
) -> None:
    assert 0.0 <= score(query(*terms), Features(stems(words), rank, seconds, width, height)) <= 1.0


def test_the_best_comes_first_equals_keep_their_order_and_no_id_comes_twice() -> None:
    given = [candidate("a", 0.5), candidate("b", 0.9), candidate("c", 0.5), candidate("a", 0.9)]
    assert [one.id for one in rank(given)] == ["b", "a", "c"]
