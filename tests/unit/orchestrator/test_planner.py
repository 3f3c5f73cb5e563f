"""Text into sentences, scenes, shots and search words."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.contracts.request import SceneRequest, VideoRequest
from common.contracts.storyboard import Storyboard, words_of
from common.prose import sentences
from orchestrator.planners.rules import LONGEST_SHOT, plan, speech_seconds
from orchestrator.planners.text import clause_starts, content_words, without_instruction

TEXT = (
    "The sea, is calm. waves and wind! Why? Dr. Smith e.g. 3.5 metres of water; "
    "with “quoted text.” done… U.S. boats — 海は静かです。 line\n\nbreak a I"
)
PIECES = TEXT.split(" ")
PROSE = st.lists(st.sampled_from(PIECES), min_size=1, max_size=60).map(" ".join)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("One. Two! Three?", ["One.", "Two!", "Three?"]),
        ("Dr. Hale met Mr. Poe. They talked.", ["Dr. Hale met Mr. Poe.", "They talked."]),
        ("It is 3.5 metres deep. Swim.", ["It is 3.5 metres deep.", "Swim."]),
        ("Fruit, e.g. apples, is good. Eat it.", ["Fruit, e.g. apples, is good.", "Eat it."]),
        ('He said "Go." Then he left.', ['He said "Go."', "Then he left."]),
        ("Wait… what? Yes.", ["Wait… what?", "Yes."]),
        ("海は静かです。波が寄せます。", ["海は静かです。", "波が寄せます。"]),
        ("A title\n\nThen text.", ["A title", "Then text."]),
        ("It was I. Nobody else.", ["It was I.", "Nobody else."]),
        ("no stop at the end", ["no stop at the end"]),
        ("the sun rises. birds sing. people wake.", ["the sun rises.", "birds sing.", "people wake."]),
        ("Ask Mr.\nSmith. He knows.", ["Ask Mr. Smith.", "He knows."]),
        ("“Why?” he asked. Nobody knew.", ["“Why?” he asked.", "Nobody knew."]),
        ("彼は「静かだ。」と言った。海は青い。", ["彼は「静かだ。」", "と言った。", "海は青い。"]),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


@given(PROSE)
def test_no_word_is_lost_or_changed_by_cutting(text: str) -> None:
    assert "".join("".join(sentences(text)).split()) == "".join(text.split())


@given(PROSE)
def test_a_script_is_spoken_whole_and_in_order(text: str) -> None:
    board = plan(VideoRequest(script=text))
    spoken = "".join(scene.narration for scene in board.scenes)
    assert "".join(spoken.split()) == "".join(text.split())
    check(board)


@given(PROSE, st.floats(3, 120))
def test_a_prompt_is_spoken_whole_and_fills_its_time_with_pictures(text: str, target: float) -> None:
    check(plan(VideoRequest(prompt=text, duration_target=target)))


def check(board: Storyboard) -> None:
    """What holds for every storyboard."""
    ids = [shot.id for scene in board.scenes for shot in scene.shots]
    assert len(ids) == len(set(ids))
    assert len({scene.id for scene in board.scenes}) == len(board.scenes)
    for scene in board.scenes:
        starts = [shot.from_word for shot in scene.shots]
        assert starts[0] == 0
        assert starts == sorted(set(starts))
        assert starts[-1] < max(1, len(words_of(scene.narration)))
        assert all(term.strip() for shot in scene.shots for term in shot.terms)


def test_a_one_line_prompt_becomes_an_opening_the_words_and_more_pictures() -> None:
    board = plan(VideoRequest(prompt="A beautiful sunset over the ocean with waves crashing on the beach"))
    assert board.duration_target == 30.0
    assert [bool(scene.narration) for scene in board.scenes] == [False, True, False, False, False, False]
    spoken = board.scenes[1]
    assert [shot.from_word for shot in spoken.shots] == [0, 6]
    assert spoken.shots[0].terms[0] == "sunset ocean"
    assert spoken.shots[1].terms[0] == "waves crashing beach"
    pictures = [scene.shots[0].terms[0] for scene in board.scenes if not scene.narration]
    assert len(set(pictures)) == len(pictures), "no two pictures ask for the same"


def test_a_text_of_many_marks_is_cut_without_looking_back_at_all_of_it() -> None:
    assert len(sentences("word. " * 8_000)) == 8_000  # quadratic work would take minutes


def test_what_is_said_to_the_service_is_not_said_in_the_film() -> None:
    assert without_instruction("Make me a 30 second video about honey bees") == "Honey bees"
    assert without_instruction("create a film showing the sea at night") == "The sea at night"
    assert without_instruction("Make hay while the sun shines") == "Make hay while the sun shines"


def test_short_sentences_share_a_scene_and_long_ones_are_divided() -> None:
    board = plan(VideoRequest(script="Stop. Look. Listen. The train is coming down the hill."))
    assert [scene.narration for scene in board.scenes] == ["Stop. Look. Listen.", "The train is coming down the hill."]
    long = "the wind blew over the hill and " * 30 + "then it was quiet."
    divided = plan(VideoRequest(script=long))
    assert len(divided.scenes) > 2
    assert all(len(words_of(scene.narration)) <= 60 for scene in divided.scenes)


def test_no_shot_lasts_much_longer_than_viewers_like() -> None:
    board = plan(VideoRequest(script="word " * 50 + "end."))
    scene = board.scenes[0]
    rate = speech_seconds(scene.narration) / 51
    borders = [shot.from_word for shot in scene.shots] + [51]
    longest = max(end - start for start, end in itertools.pairwise(borders))
    assert longest * rate < LONGEST_SHOT * 1.5


def test_scenes_keep_the_users_media_pictures_and_lengths() -> None:
    wanted = [
        SceneRequest(narration="A boat leaves.", show="red boat", duration=6),
        SceneRequest(media={"asset": "ast_" + "a" * 32}),
    ]
    board = plan(VideoRequest(scenes=wanted))
    assert board.scenes[0].min_seconds == 6
    assert {shot.show for shot in board.scenes[0].shots} == {"red boat"}
    assert board.scenes[0].shots[0].terms[0] == "red boat"
    assert board.scenes[1].shots[0].media == wanted[1].media


def test_clauses_begin_after_commas_and_joining_words() -> None:
    words = ["the", "light", "is", "bright,", "the", "night", "is", "clear", "and", "the", "boats", "are", "home"]
    assert [words[start] for start in clause_starts(words)] == ["the", "the", "and"]


def test_search_words_are_what_a_camera_can_see() -> None:
    assert content_words("A beautiful sunset over the ocean") == ["sunset", "ocean"]
    assert content_words("It is what it is") == []
    assert content_words("Beautiful") == ["beautiful"]


def test_a_shot_about_nothing_visible_searches_for_what_the_film_is_about() -> None:
    board = plan(VideoRequest(script="Honey bees visit flowers all day long. And so it goes on and on for them."))
    assert "honey" in board.scenes[1].shots[0].terms[0]
