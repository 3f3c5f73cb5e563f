"""Captions as Advanced SubStation Alpha, the only caption format that libass can style.

Pure. One event per word: the whole cue is shown and the word being said has the accent colour, so
nothing moves while the highlight travels.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import count

from common.captions import Cue, Spoken
from common.contracts.timeline import TextFrame
from common.emoji import drawable
from renderer.text.caption_strip import CaptionStrip
from renderer.text.design import CAPTIONS, CaptionDesign, caption_place
from renderer.text.fonts import LINE_HEIGHT, capitals

# After a backslash, so that `\\N` in a text is not read as a line break.
_WORD_JOINER = "\u2060"


AssStyle = Mapping[str, str | float]
"The fields of a style, by the names that ASS has for them."


def sheet(size: tuple[int, int], styles: Sequence[AssStyle], events: Iterable[str]) -> str:
    """A whole .ass file for a canvas of this width and height. All styles have the same fields, in the same order."""
    lines = [
        "[Script Info]",
        "ScriptType: v4.00+",
        f"PlayResX: {size[0]}",
        f"PlayResY: {size[1]}",
        "WrapStyle: 2",
        "ScaledBorderAndShadow: yes",
        "YCbCr Matrix: TV.709",
        "",
        "[V4+ Styles]",
        f"Format: {', '.join(styles[0])}",
        *(f"Style: {','.join(map(str, style.values()))}" for style in styles),
        "",
        "[Events]",
        "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text",
        *events,
    ]
    return "\n".join([*lines, ""])


def ass(cues: Sequence[Cue], frame: TextFrame, family: str, fps: int) -> str:
    """The cues as an .ass file for a canvas of this size, set in the font `family`."""
    return sheet((frame.width, frame.height), _styles(frame, family), _events(cues, frame, fps))


def ass_on(strip: CaptionStrip, cues: Sequence[Cue], frame: TextFrame, family: str, fps: int) -> str:
    """The cues as an .ass file for the canvas of the strip, once on each of its halves."""
    bottom = round(caption_place(frame).bottom) - (frame.height - strip.top - strip.height)
    halves = (event for margin in (bottom + strip.height, bottom) for event in _events(cues, frame, fps, margin))
    return sheet(strip.canvas, _styles(frame, family), halves)


def _styles(frame: TextFrame, family: str) -> list[AssStyle]:
    em = caption_place(frame).em
    caption = _style("Caption", family, em, frame)
    halo = caption | {
        "Name": "Halo",
        "PrimaryColour": "&H78000000",
        "OutlineColour": "&H78000000",
        "Outline": f"{em * 0.12:.2f}",
        "Shadow": 0,
    }
    return [caption, halo]


def _events(cues: Sequence[Cue], frame: TextFrame, fps: int, margin: int = 0) -> Iterator[str]:
    """`margin` is below the last line, in pixels; 0 for that of the style."""
    design, em = CAPTIONS[frame.style], caption_place(frame).em
    for cue in cues:
        yield _halo(cue, design, em, fps, margin)
        yield from _words(cue, design, em, fps, margin)


def _style(name: str, family: str, em: float, frame: TextFrame) -> dict[str, str | float]:
    return {
        "Name": name,
        "Fontname": family,
        "Fontsize": f"{em * LINE_HEIGHT:.1f}",
        "PrimaryColour": "&H00FFFFFF",
        "SecondaryColour": "&H00FFFFFF",
        "OutlineColour": "&H30000000",
        "BackColour": "&H90000000",
        "Bold": -1,
        "Italic": 0,
        "Underline": 0,
        "StrikeOut": 0,
        "ScaleX": 100,
        "ScaleY": 100,
        "Spacing": 0,
        "Angle": 0,
        "BorderStyle": 1,
        "Outline": f"{em * 0.055:.2f}",
        "Shadow": f"{em * 0.04:.2f}",
        "Alignment": 2,
        "MarginL": 0,
        "MarginR": 0,
        "MarginV": round(caption_place(frame).bottom),
        # Each line finds its own writing direction.
        "Encoding": -1,
    }


def _halo(cue: Cue, design: CaptionDesign, em: float, fps: int, margin: int) -> str:
    """A soft shade under the whole cue: it is not seen on dark pictures and carries white letters over snow."""
    return (
        f"{_event('Halo', cue.start, cue.end, fps, margin)}{{\\blur{em * 0.12:.1f}}}{_marked(cue.lines, None, design)}"
    )


def _words(cue: Cue, design: CaptionDesign, em: float, fps: int, margin: int) -> Iterator[str]:
    """One event per word, from its start to the start of the next."""
    for index, (start, end) in enumerate(cue.turns()):
        if end > start:
            # The blur softens the edge of the outline, not the letters.
            blur = f"{{\\blur{em * 0.02:.1f}}}"
            yield f"{_event('Caption', start, end, fps, margin)}{blur}{_marked(cue.lines, index, design)}"


def _event(style: str, start: int, end: int, fps: int, margin: int) -> str:
    layer = 0 if style == "Halo" else 1
    return f"Dialogue: {layer},{ass_time(start, fps)},{ass_time(end, fps)},{style},,0,0,{margin},,"


def _marked(lines: Sequence[Sequence[Spoken]], active: int | None, design: CaptionDesign) -> str:
    """The text of a cue, with its word number `active` in the accent colour."""
    red, green, blue = design.accent[:2], design.accent[2:4], design.accent[4:]
    numbers, marked = count(), []
    for line in lines:
        texts = [(next(numbers), _written(word.text, design)) for word in line]
        marked.append(
            " ".join(
                f"{{\\c&H{blue}{green}{red}&}}{text}{{\\c&HFFFFFF&}}" if number == active else text
                for number, text in texts
                if text
            )
        )
    return "\\N".join(marked)


def _written(word: str, design: CaptionDesign) -> str:
    return escape(drawable(capitals(word) if design.upper else word))


def escape(text: str) -> str:
    """`text` as libass shows it literally."""
    return text.replace("\\", "\\" + _WORD_JOINER).replace("{", "\\{").replace("}", "\\}")


def ass_time(frame: int, fps: int) -> str:
    """The time at which an event must begin (or end) to do so on `frame`.

    Half a frame early: times have steps of 10 ms, so one that fell on the frame itself could be read
    as the frame before or the one after. Rounded half up, in whole numbers.
    """
    hundredths = max(0, (100 * (2 * frame - 1) + fps) // (2 * fps))
    minutes, hundredths = divmod(hundredths, 6000)
    return f"{minutes // 60}:{minutes % 60:02}:{hundredths // 100:02}.{hundredths % 100:02}"
