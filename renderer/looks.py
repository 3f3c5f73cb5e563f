"""What each style does to the picture: mild grades made of filters that are cheap on planar YUV.

None of them leaves YUV: a filter that works in RGB would make ffmpeg convert every frame twice.
"""

from typing import NamedTuple

from common.contracts.request import Style


class Filter(NamedTuple):
    """One filter of ffmpeg and its options."""

    name: str
    options: dict[str, str | float]


def _curve(contrast: float = 1.0, saturation: float = 1.0, lift: float = 0.0, pivot: int = 118) -> Filter:
    """Contrast around `pivot`, saturation, and `lift` added to the blacks, as one table per plane."""
    chroma = f"clip((val-128)*{saturation}+128,16,240)"
    luma = f"clip((val-{pivot})*{contrast}+{pivot}+{lift}*(235-val)/219,16,235)"
    return Filter("lutyuv", {"y": luma, "u": chroma, "v": chroma})


def _tones(shadows: tuple[float, float], highlights: tuple[float, float]) -> Filter:
    """Tints (red, blue) for the dark and the bright parts, each -1 to 1."""
    options: dict[str, str | float] = {"rl": shadows[0], "bl": shadows[1], "rh": highlights[0], "bh": highlights[1]}
    return Filter("colorcorrect", options)


_LOOKS: dict[Style, tuple[Filter, ...]] = {
    "cinematic": (
        _curve(contrast=1.07, saturation=1.04, pivot=112),
        _tones(shadows=(-0.016, 0.012), highlights=(0.012, -0.016)),
    ),
    "documentary": (),
    "vivid": (_curve(contrast=1.05, saturation=1.22),),
    "mono": (_curve(contrast=1.08, saturation=0.0, pivot=110),),
    "vintage": (
        _curve(contrast=0.90, saturation=0.78, lift=14),
        _tones(shadows=(0.010, 0.004), highlights=(0.014, -0.030)),
        # Grain on the luma only: coloured grain looks like a bad sensor and costs bits.
        Filter("noise", {"c0s": 5, "c0f": "t"}),
    ),
    "minimal": (),
}


def look(style: Style) -> tuple[Filter, ...]:
    """The filters of a style, in order; none where the picture should stay as it is."""
    return _LOOKS[style]
