"""What a grade does to brightness, by its own text: the expressions of `lutyuv` are read as ffmpeg reads them."""

from collections.abc import Iterable

from renderer.picture.looks import Filter


def curve(grade: Iterable[Filter], luma: float) -> float:
    """The luma, in codes, that a pixel of that luma has behind the filters."""
    for name, options in grade:
        if name == "lutyuv":
            luma = _value(str(options["y"]), luma)
    return luma


def _value(expression: str, val: float) -> float:
    kept: dict[int, float] = {}

    def store(place: int, value: float) -> float:
        kept[place] = value
        return value

    def clip(value: float, low: float, high: float) -> float:
        return min(high, max(low, value))

    # The expressions are our own; they are Python's, too.
    return float(eval(expression, {"val": val, "st": store, "ld": kept.__getitem__, "clip": clip, "pow": pow}))
