"""Title and end cards: words set large over the picture of their scene. Pure.

Every line is measured in the font it is drawn in and gets an event at a place of its own, so that nothing depends on
how libass would wrap it, and nothing leaves the safe area.
"""

from collections.abc import Sequence
from typing import NamedTuple

from common.captions import clean
from common.contracts.timeline import Card, TextFrame
from common.emoji import drawable
from renderer.frame import Area, picture_area
from renderer.text import fonts
from renderer.text.ass import AssStyle, ass_time, escape, sheet
from renderer.text.design import CAPTIONS, CARDS, CardDesign
from renderer.text.fonts import LINE_HEIGHT
from renderer.text.wrapping import cut_off, wrapped

_SAFE_WIDTH, _SAFE_HEIGHT = 0.84, 0.80
"Shares of the picture that words may take; upright films lose more at the bottom."
_LEADING = 1.22
"From line to line, in ems."
_MAX_TITLE_LINES, _MAX_SUBTITLE_LINES, _MAX_END_LINES = 3, 2, 5
_FADE_IN, _FADE_OUT = 0.5, 0.4
_LATER = 0.25
"Seconds by which everything below the title comes later."


class TextBlock(NamedTuple):
    """Lines of one size."""

    lines: tuple[str, ...]
    em: float

    @property
    def height(self) -> float:
        return len(self.lines) * self.em * _LEADING


class Typeface(NamedTuple):
    """The look of letters of one kind."""

    weight: str
    spacing: float = 0.0

    def width(self, text: str) -> float:
        """The width of `text` on one line, in ems."""
        return fonts.width(drawable(text), self.weight) + self.spacing * max(0, len(text) - 1)


_PLAIN = Typeface(fonts.REGULAR)


def card_ass(card: Card, frame: TextFrame, family: str, fps: int, frames: int) -> str:
    """The card as an .ass file for a canvas of this size, shown for `frames` frames."""
    page = _Page(frame, family, fps, frames)
    (_title if card.kind == "title" else _end)(card, page)
    return page.text()


def _title(card: Card, page: "_Page") -> None:
    """Title and subtitle, together a little above the middle."""
    title = page.fitted(card.text, page.title_type, page.unit * 0.118, page.unit * 0.05, _MAX_TITLE_LINES)
    subtitle = page.fitted(card.subtitle, _PLAIN, page.unit * 0.046, page.unit * 0.03, _MAX_SUBTITLE_LINES)
    gap = page.unit * (0.05 if page.rule else 0.035) if subtitle.lines else 0.0
    ruled = page.rule and bool(title.lines)
    gap = page.unit * 0.06 if ruled else gap
    height = title.height + gap + subtitle.height
    top = page.top_of(height)
    page.write("Title", title, page.title_type, top)
    if ruled:
        page.draw_rule(top + title.height + gap * 0.42)
    page.write("Small", subtitle, _PLAIN, top + title.height + gap, later=_LATER)


def _end(card: Card, page: "_Page") -> None:
    """The text, and below it the small print in as many columns as it needs."""
    room = page.area.height * _SAFE_HEIGHT
    most = 2 if card.lines else _MAX_END_LINES
    title = page.fitted(card.text, page.title_type, page.unit * 0.086, page.unit * 0.045, most)
    gap = page.unit * 0.075 if title.lines and card.lines else 0.0
    columns = page.columns([clean(drawable(line)) for line in card.lines], room - title.height - gap)
    height = title.height + gap + max((column.height for column in columns), default=0.0)
    top = page.top_of(height)
    page.write("Title", title, page.title_type, top)
    if page.rule and gap:
        page.draw_rule(top + title.height + gap * 0.42)
    for number, column in enumerate(columns):
        left = page.area.left + page.area.width * ((1 - _SAFE_WIDTH) / 2 + _SAFE_WIDTH * (number + 0.5) / len(columns))
        page.write("Small", column, _PLAIN, top + title.height + gap, centre=left, later=_LATER)


class _Page:
    """Collects the events of a card. Lengths are pixels."""

    def __init__(self, frame: TextFrame, family: str, fps: int, frames: int) -> None:
        self.frame, self.family, self.fps, self.frames = frame, family, fps, frames
        self.area: Area = picture_area(frame.style, frame)
        self.design: CardDesign = CARDS[frame.style]
        self.rule = self.design.rule
        self.title_type = Typeface(fonts.BOLD if self.design.bold else fonts.REGULAR, self.design.spacing)
        tall = frame.width / frame.height < 0.7
        self.unit = min(self.area.width * 1.15, self.area.height)
        "Sizes are shares of this."
        self.middle = 0.44 if tall else 0.49
        self.width = self.area.width * _SAFE_WIDTH
        self._events: list[str] = []

    def top_of(self, height: float) -> float:
        """The top of a block of this height: around the middle, but not above the safe area."""
        safe = self.area.height * (1 - _SAFE_HEIGHT) / 2
        return self.area.top + max(safe, self.area.height * self.middle - height / 2)

    def fitted(self, text: str, kind: Typeface, largest: float, smallest: float, most: int) -> TextBlock:
        """`text` as large as it fits into `most` lines; at the smallest size what is too much is cut."""
        if kind is self.title_type:
            largest, text = largest * self.design.scale, fonts.capitals(text) if self.design.upper else text
        paragraphs = [words for line in text.splitlines() if (words := clean(drawable(line)))]
        if not paragraphs:
            return TextBlock((), largest)
        em = largest
        while True:
            lines = wrapped(paragraphs, kind.width, self.width / em, split=em <= smallest)
            if lines is not None and len(lines) <= most:
                return TextBlock(tuple(lines), em)
            if em <= smallest:
                return TextBlock(tuple(cut_off(lines or [], most, kind.width, self.width / em)), em)
            em = max(smallest, em * 0.94)

    def columns(self, lines: Sequence[str], room: float) -> list[TextBlock]:
        """Small print: one column while it can be read, then two, then the end of it is only counted."""
        kept = [line for line in lines if _PLAIN.width(line)]
        largest, smallest = self.unit * 0.040, self.unit * 0.026
        if not kept or room < smallest * _LEADING:
            return []
        single = self._column(kept, largest, smallest, self.width, room)
        if single is not None:
            return [single]
        two = self.area.width > self.area.height
        width = self.width * 0.48 if two else self.width
        rows = int(room / (smallest * _LEADING))
        shown = _shortened(kept, rows * (2 if two else 1))
        half = -(-len(shown) // 2) if two else len(shown)
        parts = [part for part in (shown[:half], shown[half:]) if part]
        em = min(largest, room / (half * _LEADING), max(smallest, width / max(map(_PLAIN.width, shown))))
        return [TextBlock(tuple(_shortest(line, width / em) for line in part), em) for part in parts]

    def _column(self, lines: list[str], largest: float, smallest: float, width: float, room: float) -> TextBlock | None:
        em = min(largest, room / (len(lines) * _LEADING), width / max(map(_PLAIN.width, lines)))
        if em >= smallest:
            return TextBlock(tuple(lines), em)
        # A few lines may be too long although their number fits.
        if room / (len(lines) * _LEADING) >= smallest:
            return TextBlock(tuple(_shortest(line, width / smallest) for line in lines), smallest)
        return None

    def write(
        self, style: str, block: TextBlock, kind: Typeface, top: float, centre: float | None = None, later: float = 0.0
    ) -> None:
        x = self.area.left + self.area.width / 2 if centre is None else centre
        for number, line in enumerate(block.lines):
            y = top + (number + 0.5) * block.em * _LEADING
            size = f"\\fs{block.em * LINE_HEIGHT:.1f}"
            tracked = f"\\fsp{kind.spacing * block.em:.2f}" if kind.spacing else ""
            edge = f"\\bord{block.em * 0.012:.2f}\\shad{block.em * 0.03:.2f}\\blur{block.em * 0.03:.2f}"
            # libass adds the space after the last letter, too.
            x_line = x + kind.spacing * block.em / 2
            tags = f"{{\\an5\\pos({x_line:.1f},{y:.1f}){size}{tracked}{edge}{self._fade(later)}}}"
            self._add(style, later, tags + escape(line))

    def draw_rule(self, y: float) -> None:
        """A short line that grows from its middle."""
        width, height = self.unit * 0.13, max(2.0, self.unit * 0.0055)
        accent = CAPTIONS[self.frame.style].accent
        colour = f"\\c&H{accent[4:]}{accent[2:4]}{accent[:2]}&"
        x = self.area.left + self.area.width / 2
        box = f"m 0 0 l {width:.1f} 0 {width:.1f} {height:.1f} 0 {height:.1f}"
        grows = "\\fscx0\\t(0,600,0.5,\\fscx100)"
        tags = f"{{\\an5\\pos({x:.1f},{y:.1f})\\bord0\\shad0{colour}{grows}{self._fade(0.0)}\\p1}}"
        self._add("Small", 0.0, tags + box)

    def _fade(self, later: float) -> str:
        """Shorter where the card is short: half of it at least is steady."""
        seconds = self.frames / self.fps - later
        share = min(1.0, max(0.0, seconds) * 0.5 / (_FADE_IN + _FADE_OUT))
        return f"\\fad({round(1000 * _FADE_IN * share)},{round(1000 * _FADE_OUT * share)})"

    def _add(self, style: str, later: float, text: str) -> None:
        start = min(round(later * self.fps), self.frames // 4)
        times = f"{ass_time(start, self.fps)},{ass_time(self.frames, self.fps)}"
        self._events.append(f"Dialogue: 2,{times},{style},,0,0,0,,{text}")

    def text(self) -> str:
        return sheet(
            (self.frame.width, self.frame.height),
            [self._style("Title", self.design.bold), self._style("Small", False)],
            self._events,
        )

    def _style(self, name: str, bold: bool) -> AssStyle:
        return {
            "Name": name,
            "Fontname": self.family,
            "Fontsize": 40,
            "PrimaryColour": "&H00FFFFFF",
            "OutlineColour": "&H60000000",
            "BackColour": "&H80000000",
            "Bold": -int(bold),
            "BorderStyle": 1,
            "Outline": 1,
            "Shadow": 1,
            "Alignment": 5,
            "MarginL": 0,
            "MarginR": 0,
            "MarginV": 0,
            # Each line finds its own writing direction.
            "Encoding": -1,
        }


def _shortest(line: str, limit: float) -> str:
    return line if _PLAIN.width(line) <= limit else cut_off([line], 1, _PLAIN.width, limit)[0]


def _shortened(lines: list[str], most: int) -> list[str]:
    if len(lines) <= most:
        return lines
    return [*lines[: most - 1], f"and {len(lines) - most + 1} more"]
