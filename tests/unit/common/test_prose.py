"""Where sentences and paragraphs end."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.prose import Sentence, end_mark, read, sentences, tidied

PIECES = st.sampled_from(
    ["word", "Dr.", "Yes.", "Why?", "No!", "5", "3.5", "—", "...", "。", "U.S.", "\n\n", '"Oh."', "e.g."]
)
TEXTS = st.lists(PIECES, max_size=40).map(" ".join) | st.text(max_size=200)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It cost 3.5 million. Nobody paid.", ["It cost 3.5 million.", "Nobody paid."]),
        ("Dr. Smith met Mr. J. R. Ewing. They spoke.", ["Dr. Smith met Mr. J. R. Ewing.", "They spoke."]),
        ("See No. 5 on p. 12. Then stop.", ["See No. 5 on p. 12.", "Then stop."]),
        ("He said no. Then he left.", ["He said no.", "Then he left."]),
        ("The U.S. Army came. It left.", ["The U.S. Army came.", "It left."]),
        ("They live in the U.S. The others do not.", ["They live in the U.S.", "The others do not."]),
        ("At 5 p.m. sharp. Come.", ["At 5 p.m. sharp.", "Come."]),
        ('"Why?" he asked. "Because."', ['"Why?" he asked.', '"Because."']),
        ("Well... maybe. Or not.", ["Well... maybe.", "Or not."]),
        ("Well… Maybe.", ["Well…", "Maybe."]),
        ("今日は晴れ。明日は「雨。」そうだ。", ["今日は晴れ。", "明日は「雨。」", "そうだ。"]),
        ("Das kostet z.B. drei Euro. Gut.", ["Das kostet z.B. drei Euro.", "Gut."]),
        ("Wait! ! ! Go.", ["Wait! ! !", "Go."]),
        ("— Hello. Bye. —", ["— Hello.", "Bye. —"]),
        ("! ! !", ["! ! !"]),
        (" \n\n ", []),
    ],
)
def test_sentences_end_where_a_reader_ends_them(text: str, expected: list[str]) -> None:
    assert sentences(text) == expected


def test_a_blank_line_begins_a_paragraph_even_without_a_full_stop() -> None:
    text = "\n\nBees\n\nThey fly. They hum.\n \nWinter comes."
    assert read(text) == [
        Sentence("Bees", False),
        Sentence("They fly.", True),
        Sentence("They hum.", False),
        Sentence("Winter comes.", True),
    ]


def test_signs_between_paragraphs_do_not_hide_the_paragraph() -> None:
    assert read("One.\n\n***\n\nTwo.") == [Sentence("One. ***", False), Sentence("Two.", True)]


def test_lines_alone_are_no_paragraphs() -> None:
    assert [one.paragraph for one in read("One.\nTwo.\nThree.")] == [False, False, False]


@given(TEXTS)
def test_no_sign_is_lost_and_each_sentence_can_be_spoken(text: str) -> None:
    found = sentences(text)
    assert "".join("".join(found).split()) == "".join(text.split())
    if len(found) > 1:
        assert all(any(sign.isalnum() for sign in sentence) for sentence in found)


@given(TEXTS)
def test_a_tidied_text_has_the_same_words_and_paragraphs(text: str) -> None:
    tidy = tidied(text)
    assert tidy.split() == text.split()
    assert tidied(tidy) == tidy


@pytest.mark.parametrize(
    ("sentence", "mark"), [("Why?", "?"), ('"Why?" ', "?"), ("「何？」", "？"), ("So", "o"), ("(yes.)", "."), ("", "")]
)
def test_the_mark_that_ends_a_sentence_is_found_behind_quotes(sentence: str, mark: str) -> None:
    assert end_mark(sentence) == mark


def test_many_signs_take_no_quadratic_time() -> None:
    assert len(sentences("! " * 20_000)) == 1
