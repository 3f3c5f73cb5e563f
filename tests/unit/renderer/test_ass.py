import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.captions import Cue, Spoken
from common.contracts.timeline import TextFrame
from common.emoji import drawable
from renderer.text.ass import ass, ass_time, escape
from renderer.text.fonts import capitals

WIDE = TextFrame(style="cinematic", width=1920, height=1080)
CUE = Cue(6, 60, ((Spoken("Over", 6), Spoken("the", 20)), (Spoken("hills", 40),)))


def events(cue: Cue, look: TextFrame = WIDE, style: str = "Caption") -> list[tuple[str, str, str]]:
    """Start, end and text of the events of one style."""
    lines = [
        line.split(",", 9) for line in ass([cue], look, "Any Font", 30).splitlines() if line.startswith("Dialogue")
    ]
    return [(line[1], line[2], line[9]) for line in lines if line[3] == style]


def visible(text: str) -> str:
    """What is left of a text without the tags and the escapes."""
    plain = re.sub(r"(?<!\\)\{[^}]*\}", "", text)
    return plain.replace("\\N", "\n").replace("\\{", "{").replace("\\}", "}").replace("\\\u2060", "\\")


def test_each_word_is_one_event_that_lasts_until_the_next():
    assert [event[:2] for event in events(CUE)] == [
        ("0:00:00.18", "0:00:00.65"),
        ("0:00:00.65", "0:00:01.32"),
        ("0:00:01.32", "0:00:01.98"),
    ]


def test_each_event_shows_the_whole_cue():
    assert {visible(text) for _, _, text in events(CUE)} == {"Over the\nhills"}


def test_exactly_one_word_of_an_event_has_the_accent_colour():
    marked = [re.findall(r"\{\\c&H4BC2FF&\}([^{]*)\{\\c&HFFFFFF&\}", text) for _, _, text in events(CUE)]
    assert marked == [["Over"], ["the"], ["hills"]]


def test_a_shade_lies_behind_the_cue_for_as_long_as_it_is_shown():
    ((start, end, text),) = events(CUE, style="Halo")
    assert (start, end, visible(text)) == ("0:00:00.18", "0:00:01.98", "Over the\nhills")


def test_words_that_begin_on_one_frame_leave_no_empty_event():
    cue = Cue(6, 20, ((Spoken("a", 6), Spoken("b", 6), Spoken("c", 10)),))
    assert [event[:2] for event in events(cue)] == [("0:00:00.18", "0:00:00.32"), ("0:00:00.32", "0:00:00.65")]


def test_upper_case_is_a_matter_of_style():
    vivid = WIDE.model_copy(update={"style": "vivid"})
    assert visible(events(CUE, vivid)[0][2]) == "OVER THE\nHILLS"


def test_greek_capitals_have_no_accents_but_keep_their_points():
    assert capitals("Ελλάδα, ήλιος, προϊόν, ΐ") == "ΕΛΛΑΔΑ, ΗΛΙΟΣ, ΠΡΟΪΟΝ, Ϊ"
    assert capitals("déjà ñ ǵ й") == "DÉJÀ Ñ Ǵ Й"


def test_the_first_frame_of_a_scene_is_not_before_its_start():
    assert ass_time(0, 30) == "0:00:00.00"


def test_times_pass_minutes_and_hours():
    assert ass_time(30 * 3600 + 30 * 61, 30) == "1:01:00.98"


@given(st.integers(1, 400_000), st.sampled_from([24, 25, 30, 48, 50, 60]))
def test_a_time_lies_between_the_frame_before_and_the_frame_itself(frame: int, fps: int):
    hours, minutes, seconds = ass_time(frame, fps).split(":")
    hundredths = (int(hours) * 60 + int(minutes)) * 6000 + round(float(seconds) * 100)
    # ffmpeg hands libass the time of a frame in whole milliseconds, cut off.
    assert (frame - 1) * 1000 // fps < hundredths * 10 <= frame * 1000 // fps


def test_what_libass_would_obey_is_escaped():
    assert escape(r"{\b1}\N") == "\\{\\\u2060b1\\}\\\u2060N"


@given(st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=40))
def test_any_text_can_be_read_back(text: str):
    cue = Cue(0, 30, ((Spoken(text.replace("\u2060", ""), 0),),))
    assert visible(events(cue)[0][2]) == drawable(text).replace("\u2060", "")


@pytest.mark.parametrize(
    "emoji", ["⏰", "⌚", "👩\u200d🚀", "🏴\U000e0067\U000e0062\U000e007f", "❤\ufe0f\u200d🔥", "👍🏽"]
)
def test_no_kind_of_emoji_is_drawn(emoji: str) -> None:
    assert drawable(f"at {emoji} six") == "at  six"
    assert drawable("1\ufe0f\u20e3") == "1"


def test_joiners_that_shape_words_stay() -> None:
    assert drawable("ශ්\u200dරී") == "ශ්\u200dරී"


def test_nothing_moves_while_an_emoji_is_being_said() -> None:
    said = Cue(0, 30, ((Spoken("so", 0), Spoken("👍", 10), Spoken("good", 20)),))
    assert [visible(text) for _, _, text in events(said)] == ["so good"] * 3


def test_emoji_are_not_drawn_as_boxes_and_leave_no_gap() -> None:
    assert drawable("surf\U0001f3c4\ufe0f time ™ © °") == "surf time ™ © °"
