"""Whatever the words: what stands on a card fits, is theirs and is nothing else."""

import re
from itertools import pairwise
from typing import NamedTuple, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.captions import clean
from common.contracts.request import Style
from common.contracts.timeline import Card, TextFrame
from common.emoji import drawable
from renderer.frame import picture_area
from renderer.text import fonts
from renderer.text.ass import ass_time
from renderer.text.cards import card_ass
from renderer.text.design import CARDS
from renderer.text.fonts import LINE_HEIGHT, capitals

STYLES: tuple[Style, ...] = get_args(Style)
SHAPES = [(1280, 720), (1920, 1080), (720, 1280), (720, 720), (720, 900), (1440, 600), (320, 180), (128, 256)]
LOOKS = st.builds(
    lambda style, size: TextFrame(style=style, width=size[0], height=size[1]),
    st.sampled_from(STYLES),
    st.sampled_from(SHAPES),
)
NASTY = [
    "{\\b1}bold{\\b0}",
    "\\N\\n\\h",
    "}{",
    "{\\pos(0,0)\\p1}m 0 0",
    "a,b,,,{",
    "🎬👩‍👩‍👧",
    "夕暮れの海、水について。",
    "البحر عند الغروب",
    "שקיעה",
    "one\ntwo\r\nthree",
    "Donaudampfschifffahrtsgesellschaftskapitän",
    "[Events]\nDialogue: 0,0",
    "straße",
    "W" * 80,
    " . . . ",
    "z̸̢͖͝a̵l̷g̶o̴",
]
# Word joiners are how a backslash is escaped; reading them back would be a test of the test.
LETTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\u2060")
TEXTS = st.lists(st.one_of(st.sampled_from(NASTY), st.text(LETTERS, max_size=60)), max_size=9).map(
    lambda some: " ".join(some)[:300]
)
FPS = 30
many = settings(max_examples=40, deadline=None)


class Line(NamedTuple):
    """One line of words as it is drawn; pixels."""

    style: str
    text: str
    em: float
    spacing: float
    x: float
    y: float
    start: str
    end: str

    def width(self, look: TextFrame) -> float:
        bold = self.style == "Title" and CARDS[look.style].bold
        letters = fonts.width(self.text, fonts.BOLD if bold else fonts.REGULAR) * self.em
        return letters + self.spacing * max(0, len(self.text) - 1)


def dialogues(text: str) -> list[list[str]]:
    return [line.split(": ", 1)[1].split(",", 9) for line in text.splitlines() if line.startswith("Dialogue: ")]


def lines(card: Card, look: TextFrame, frames: int = 90) -> list[Line]:
    found = []
    for fields in dialogues(card_ass(card, look, "Any Font", FPS, frames)):
        tags, shown = re.fullmatch(r"\{(.*?)\}(.*)", fields[9], re.DOTALL).groups()  # type: ignore[union-attr]
        if "\\p1" in tags:
            continue
        spacing = re.search(r"\\fsp([\d.]+)", tags)
        space = float(spacing[1]) if spacing else 0.0
        x, y, size = (float(number) for number in re.search(SIZE, tags).groups())  # type: ignore[union-attr]
        found.append(Line(fields[3], read(shown), size / LINE_HEIGHT, space, x - space / 2, y, fields[1], fields[2]))
    return found


SIZE = r"\\pos\(([\d.-]+),([\d.-]+)\)\\fs([\d.]+)"


def read(shown: str) -> str:
    """What libass shows for it. Fails where it would obey."""
    assert not re.search(r"(?<!\\)[{}]", shown), shown
    plain = shown.replace("\\{", "{").replace("\\}", "}")
    assert not re.search(r"\\(?![\u2060{}])", shown), shown
    return plain.replace("\\\u2060", "\\")


def letters(text: str) -> str:
    """Without whitespace, the one thing that breaking lines may change."""
    return "".join(text.split())


def fits(found: list[Line], look: TextFrame) -> None:
    area = picture_area(look.style, look)
    for line in found:
        # Sizes and places are written with one digit behind the point; on a wide line that is a pixel.
        half = line.width(look) / 2 - 1
        assert area.left + area.width * 0.075 <= line.x - half
        assert line.x + half <= area.left + area.width * 0.925
        assert area.top + area.height * 0.03 <= line.y - line.em * 0.61
        assert line.y + line.em * 0.61 <= area.top + area.height * 0.91


def apart(found: list[Line]) -> None:
    """No line stands on another one."""
    columns: dict[int, list[Line]] = {}
    for line in found:
        columns.setdefault(round(line.x / 8), []).append(line)
    for column in columns.values():
        for one, other in pairwise(column):
            assert other.y - one.y > 0.6 * (one.em + other.em) - 0.2


@many
@given(TEXTS, TEXTS, LOOKS)
def test_any_title_fits_in_a_few_lines(text: str, subtitle: str, look: TextFrame):
    found = lines(Card(kind="title", text=text, subtitle=subtitle), look)
    assert sum(line.style == "Title" for line in found) <= 3
    assert sum(line.style == "Small" for line in found) <= 2
    fits(found, look)
    apart(found)


@many
@given(TEXTS, LOOKS)
def test_the_words_are_those_of_the_user_up_to_where_they_are_cut(text: str, look: TextFrame):
    found = lines(Card(kind="title", text=text), look)
    design = CARDS[look.style]
    wanted = letters(clean(drawable(capitals(text) if design.upper else text)))
    shown = letters("".join(line.text for line in found))
    assert shown == wanted or (shown.endswith("…") and wanted.startswith(shown[:-1]))


@many
@given(st.text("abc ÄÖ", max_size=40), LOOKS)
def test_a_short_title_is_not_cut(text: str, look: TextFrame):
    assert not [line for line in lines(Card(kind="title", text=text), look) if "…" in line.text]


@many
@given(TEXTS, st.integers(1, 900), LOOKS, st.sampled_from(["title", "end"]))
def test_all_words_end_with_the_card(text: str, frames: int, look: TextFrame, kind: str):
    card = Card.model_validate({"kind": kind, "text": text, "subtitle": text, "lines": ("Clip by Ana",)})
    for fields in dialogues(card_ass(card, look, "Any Font", FPS, frames)):
        assert fields[1] < fields[2] == ass_time(frames, FPS)
        fade = re.search(r"\\fad\((\d+),(\d+)\)", fields[9])
        assert fade is not None
        # At least half of the time they stand there.
        assert int(fade[1]) + int(fade[2]) <= frames / FPS * 1000 / 2 + 1


CREDITS = st.lists(
    st.one_of(st.sampled_from(NASTY), st.text(LETTERS, min_size=1, max_size=90), st.just("Clip by Ana (Pexels)")),
    min_size=1,
    max_size=60,
)


@many
@given(CREDITS, TEXTS, LOOKS)
def test_any_credits_fit(credits: list[str], text: str, look: TextFrame):
    found = lines(Card(kind="end", text=text, lines=tuple(credits)), look)
    assert sum(line.style == "Title" for line in found) <= 2
    fits(found, look)
    apart(found)


@pytest.mark.parametrize("size", SHAPES)
@many
@given(st.integers(1, 200), st.sampled_from(STYLES), st.sampled_from(["", "Thank you for watching"]))
def test_credits_that_do_not_fit_are_counted(size: tuple[int, int], number: int, style: Style, text: str):
    look = TextFrame(style=style, width=size[0], height=size[1])
    credits = tuple(f"Clip {n} by Ana" for n in range(1, number + 1))
    found = lines(Card(kind="end", text=text, lines=credits), look)
    shown = [line.text for line in found if line.style == "Small"]
    more = re.fullmatch(r"and (\d+) more", shown[-1])
    named = shown[:-1] if more else shown
    assert tuple(named) == credits[: len(named)]
    assert len(named) + (int(more[1]) if more else 0) == number
    fits(found, look)
    apart(found)


@pytest.mark.parametrize("size", SHAPES)
def test_a_dozen_credits_are_all_named(size: tuple[int, int]):
    look = TextFrame(style="cinematic", width=size[0], height=size[1])
    credits = tuple(f"Clip {n} by Somebody With A Name (Pexels)" for n in range(1, 13))
    found = lines(Card(kind="end", text="Thank you for watching", lines=credits), look)
    assert [line.text for line in found if line.style == "Small"] == list(credits)


def test_names_with_emoji_are_named_without_them():
    look = TextFrame(style="minimal", width=1280, height=720)
    card = Card(kind="end", lines=("Waves by Ana \U0001f30a (Pexels)", "\U0001f3ac", "\u200b"))
    assert [line.text for line in lines(card, look)] == ["Waves by Ana (Pexels)"]


@pytest.mark.parametrize("style", STYLES)
def test_a_title_is_larger_than_what_stands_below_it(style: Style):
    look = TextFrame(style=style, width=1280, height=720)
    title, small = lines(Card(kind="title", text="The sea", subtitle="A film"), look)
    assert title.em > 1.5 * small.em
    assert title.y < small.y
    assert title.start < small.start


@pytest.mark.parametrize("size", SHAPES)
@pytest.mark.parametrize("style", STYLES)
def test_a_sentence_behind_the_film_is_not_cut_where_there_is_room(size: tuple[int, int], style: Style):
    text = "The end of a very long film about marks that stand in the way of words, and about words"
    found = lines(Card(kind="end", text=text), TextFrame(style=style, width=size[0], height=size[1]))
    assert "…" not in "".join(line.text for line in found)
    fits(found, TextFrame(style=style, width=size[0], height=size[1]))


def test_lines_are_about_equally_wide():
    look = TextFrame(style="documentary", width=1280, height=720)
    text = "What nobody tells you about the long and winding way from a sentence to a film"
    widths = [line.width(look) for line in lines(Card(kind="title", text=text), look)]
    assert len(widths) == 3
    assert min(widths) > 0.75 * max(widths)


@pytest.mark.parametrize("text", ["", "  \n ", "🎬", "\u200d"])
def test_a_card_without_words_has_none(text: str):
    look = TextFrame(style="cinematic", width=1280, height=720)
    assert lines(Card(kind="title", text=text), look) == []
