import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.captions import MAX_LINES, Cue, cues, line_limit, measure, srt, vtt
from common.contracts.grid import SAMPLE_RATE
from common.contracts.narration import Word
from common.contracts.timeline import TextFrame

WIDE = TextFrame(style="cinematic", width=1920, height=1080)
TALL = TextFrame(style="cinematic", width=1080, height=1920)
SQUARE = TextFrame(style="cinematic", width=1080, height=1080)
FPS = 30
LONG = (
    "The ocean covers more than seventy percent of our planet, and yet we have explored less than a tenth of it. "
    "Nobody knows what lives down there, but every expedition brings something back."
)


def spoken(text: str, seconds: float = 0.3, gap: float = 0.0) -> list[Word]:
    """Each word lasts `seconds` and is followed by `gap`."""
    step, length = int((seconds + gap) * SAMPLE_RATE), int(seconds * SAMPLE_RATE)
    return [Word(text=word, start=n * step, end=n * step + length) for n, word in enumerate(text.split())]


def texts(found: list[Cue]) -> list[str]:
    return [cue.text() for cue in found]


def test_a_short_sentence_is_one_cue_on_one_line():
    assert texts(cues(spoken("Rain falls on the hills."), WIDE, FPS, 300)) == ["Rain falls on the hills."]


def test_a_sentence_ends_a_cue():
    found = cues(spoken("Rain falls on the hills. Rivers carry it back."), WIDE, FPS, 300)
    assert texts(found) == ["Rain falls on the hills.", "Rivers carry it back."]


def test_a_sentence_that_is_over_at_once_shares_its_cue():
    assert texts(cues(spoken("No. Rivers carry it back."), WIDE, FPS, 300)) == ["No. Rivers carry it back."]


@pytest.mark.parametrize(
    "text", ["We met Dr. Jones there today", "It is sold by J. Smith here", "He has cats etc. and dogs"]
)
def test_a_full_stop_that_ends_no_sentence_ends_no_cue(text: str):
    assert texts(cues(spoken(text), WIDE, FPS, 300)) == [text]


def test_a_pause_ends_a_cue():
    words = spoken("First this")
    later = [word.model_copy(update={"start": word.start + 96_000, "end": word.end + 96_000}) for word in words]
    assert texts(cues([*words, *later], WIDE, FPS, 300)) == ["First this", "First this"]


def test_a_long_sentence_is_cut_between_its_clauses():
    sentence = LONG.split(" Nobody")[0]
    assert texts(cues(spoken(sentence), WIDE, FPS, 900)) == [
        "The ocean covers more than\nseventy percent of our planet,",
        "and yet we have explored\nless than a tenth of it.",
    ]


def test_a_cue_can_be_put_off_with_all_its_words():
    (cue,) = cues(spoken("an open end"), WIDE, FPS, 300)
    late = cue.later(30)
    assert (late.start, late.end, late.text()) == (cue.start + 30, cue.end + 30, cue.text())
    assert late.turns() == [(begin + 30, end + 30) for begin, end in cue.turns()]


def test_a_line_does_not_end_with_a_small_word_if_it_can_be_helped():
    lines = [line for text in texts(cues(spoken(LONG), TALL, FPS, 900)) for line in text.split("\n")]
    assert not [line for line in lines if line.endswith((" a", " of", " the", " to"))]


def test_an_upright_canvas_has_shorter_lines():
    assert line_limit(TALL) < line_limit(SQUARE) < line_limit(WIDE)


def test_a_word_wider_than_a_line_is_cut_and_its_pieces_share_its_time():
    found = cues(
        spoken("Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft", 3.0),
        TALL,
        FPS,
        300,
    )
    assert "".join(texts(found)).replace("\n", "").startswith("Donaudampfschifffahrts")
    assert all(measure(line) <= line_limit(TALL) for text in texts(found) for line in text.split("\n"))
    starts = [word.start for cue in found for line in cue.lines for word in line]
    assert starts == sorted(set(starts))


def test_text_without_spaces_is_broken_into_lines():
    found = cues(spoken("海洋覆盖了地球表面百分之七十以上的面积然而我们探索过的还不到十分之一", 6.0), WIDE, FPS, 300)
    assert all(measure(line) <= line_limit(WIDE) for text in texts(found) for line in text.split("\n"))


def test_a_sentence_ends_a_cue_where_no_space_follows_it():
    found = cues(spoken("海は静かです。波が浜辺に寄せています。空は赤い。", 6.0), WIDE, FPS, 300)
    assert texts(found) == ["海は静かです。", "波が浜辺に寄せています。", "空は赤い。"]


def test_a_cue_stays_a_moment_after_its_last_word():
    (cue,) = cues(spoken("One word.", 0.5), WIDE, FPS, 300)
    assert (cue.start, cue.end) == (0, 30 + 12)


def test_a_cue_stays_over_a_short_silence_until_the_next():
    first, second = cues(spoken("This is a first sentence. Here is the next.", 0.3, 0.4), WIDE, FPS, 900)
    assert first.end == second.start


def test_a_cue_does_not_outlast_the_scene():
    assert cues(spoken("Last words of all"), WIDE, FPS, 20)[-1].end == 20


def test_words_begin_on_the_nearest_frame_and_ties_go_to_the_later():
    times = [799, 800, 2399, 2400]  # half a frame is 800 samples
    words = [Word(text="w", start=time, end=time) for time in times]
    (cue,) = cues(words, WIDE, FPS, 60)
    assert [word.start for word in cue.lines[0]] == [0, 1, 1, 2]


def test_control_characters_and_half_characters_are_dropped():
    words = [Word(text="a\x00b\x1b\ud800c", start=0, end=9_600), Word(text="\x07", start=9_600, end=19_200)]
    assert texts(cues(words, WIDE, FPS, 60)) == ["abc"]


def test_srt_is_numbered_and_timed_in_milliseconds():
    found = cues(spoken("Rain falls on the hills. Rivers carry it back."), WIDE, FPS, 300)
    assert srt(found, FPS) == (
        "1\n00:00:00,000 --> 00:00:01,500\nRain falls on the hills.\n\n"
        "2\n00:00:01,500 --> 00:00:03,100\nRivers carry it back.\n"
    )


def test_vtt_escapes_what_would_be_markup():
    found = cues(spoken("<b>Tom</b> & Jerry --> end", 0.5), WIDE, FPS, 300)
    assert vtt(found, FPS) == (
        "WEBVTT\n\n00:00:00.000 --> 00:00:02.900\n&lt;b&gt;Tom&lt;/b&gt; &amp; Jerry --&gt; end\n"
    )


def test_hours_are_written():
    assert "01:01:01,000 --> 02:00:00,033" in srt([Cue(109_830, 216_001, ())], FPS)


any_text = st.text(min_size=0, max_size=30)


@st.composite
def any_words(draw: st.DrawFn) -> list[Word]:
    """Words in order and not overlapping, with any text, any length and any gap."""
    words, now = [], 0
    for text in draw(st.lists(any_text, max_size=25)):
        start = now + draw(st.integers(0, 60_000))
        now = start + draw(st.integers(0, 60_000))
        words.append(Word(text=text, start=start, end=now))
    return words


@given(any_words(), st.sampled_from([WIDE, TALL, SQUARE]), st.sampled_from([24, 25, 30, 50, 60]), st.integers(1, 900))
def test_cues_never_overlap_and_stay_inside_the_scene(words: list[Word], look: TextFrame, fps: int, frames: int):
    found = cues(words, look, fps, frames)
    edges = [edge for cue in found for edge in (cue.start, cue.end)]
    assert edges == sorted(edges)
    assert all(0 <= cue.start < cue.end <= frames for cue in found)


@given(any_words(), st.sampled_from([WIDE, TALL, SQUARE]))
def test_every_letter_is_shown_in_order_and_no_line_is_too_wide(words: list[Word], look: TextFrame):
    found = cues(words, look, FPS, 10**6)
    shown = "".join(word.text for cue in found for line in cue.lines for word in line)
    said = "".join("".join(word.text.split()) for word in words)
    keep = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
    assert shown.replace(" ", "") == keep.sub("", said).replace(" ", "")
    for cue in found:
        assert 1 <= len(cue.lines) <= MAX_LINES
        assert all(measure(line) <= line_limit(look) for line in cue.text().split("\n"))


@given(any_words())
def test_subtitle_files_have_one_block_per_cue_whatever_the_text(words: list[Word]):
    found = cues(words, WIDE, FPS, 10**6)
    numbered = re.findall(r"^\d+\n[\d:,]+ --> [\d:,]+$", srt(found, FPS), re.MULTILINE)
    assert len(numbered) == len(found) == vtt(found, FPS).count("-->")
