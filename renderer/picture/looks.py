"""The look of each style, and the grades that make clips of different cameras match.

Pure. Everything here stays on planar 8-bit 4:2:0 in BT.709, limited range: a filter that works in RGB would make
ffmpeg convert every frame twice. Per clip: `grade`. For the film as a whole: `finish`.
"""

from math import exp, hypot, log
from typing import NamedTuple

import ffmpeg

from common.contracts.footage import Tone
from common.contracts.request import Style
from common.contracts.timeline import CardKind
from renderer.ffmpeg.formats import BT709, Stream
from renderer.ffmpeg.source import source
from renderer.frame import Area, FrameSize, picture_area

GRAIN_FPS = 12
"New grain this often, as in hand-made animation: with every frame it would cost three times the bits."
BLACK, WHITE, NEUTRAL = 16, 235, 128
"Codes of limited range."
_NOTHING = "0x828282"
"The RGB that becomes a luma of 128, which changes nothing where grain is merged; `gray` is darker."

# What a well exposed picture looks like, and how far towards it a clip may be moved.
_MID_LOW, _MID_HIGH = 88.0, 150.0
_WHITE_LOW = 212.0
_HAZE = 30.0
_MOST_GAIN = 0.35
_MOST_LOWERED = 10.0
_MOST_LIGHTENED, _MOST_DARKENED = 0.22, 0.08
_MOST_CHROMA = 8.0
# A clip darker than the first is dark on purpose and stays so; up to the second it is ever more a matter of exposure.
_NIGHT, _DAY = 20.0, 104.0
# A cast stronger than the first may be the colour of the subject, beyond the second surely: sunsets, the deep sea.
_CAST, _SUBJECT = 8.0, 32.0


class Filter(NamedTuple):
    """One filter of ffmpeg and its options."""

    name: str
    options: dict[str, str | float]


class Look(NamedTuple):
    """Everything that a style does to the picture; the default of each field does nothing."""

    contrast: float = 0.0
    "The added steepness of the curve in its middle; its ends stay where they are."
    pivot: float = 0.45
    "The luma that contrast leaves alone, 0 to 1."
    lift: float = 0.0
    "Codes that black is raised by."
    drop: float = 0.0
    "Codes that white is lowered by."
    saturation: float = 1.0
    shadows: tuple[float, float] = (0.0, 0.0)
    "Tint of the dark parts: red and blue difference, in codes."
    highlights: tuple[float, float] = (0.0, 0.0)
    vignette: float = 0.0
    "The share of light that is lost in the corners."
    grain: int = 0
    "The strength of the noise on the luma, in codes; whatever survives encoding costs bits."
    evening: float = 1.0
    "The share of the correction it needs that a clip gets."


LOOKS: dict[Style, Look] = {
    "cinematic": Look(
        contrast=0.13,
        pivot=0.40,
        saturation=0.96,
        shadows=(-5.0, 4.0),
        highlights=(3.5, -4.5),
        vignette=0.24,
    ),
    "documentary": Look(evening=0.8),
    "vivid": Look(contrast=0.16, saturation=1.26),
    "mono": Look(contrast=0.22, pivot=0.42, saturation=0.0, vignette=0.22, grain=4),
    "vintage": Look(
        contrast=-0.04,
        lift=15.0,
        drop=10.0,
        saturation=0.76,
        shadows=(2.0, 1.5),
        highlights=(4.5, -8.5),
        vignette=0.34,
        grain=5,
    ),
    "minimal": Look(lift=4.0, saturation=0.88, evening=0.8),
}


def grade(style: Style, tone: Tone | None) -> tuple[Filter, ...]:
    """The filters for one clip, in order; () where it may stay as it is. For 8-bit 4:2:0 in BT.709, limited range."""
    look, evened = LOOKS[style], evening(tone, LOOKS[style].evening)
    tints = _tints(look, evened)
    colourless = look.saturation == 0.0
    luma = _luma(look, evened)
    # Saturation goes along with the tints where there are any: one pass over the colours is enough.
    chroma = "" if any(tints.values()) and not colourless else _saturated(look.saturation)
    filters = []
    if luma or chroma:
        filters.append(Filter("lutyuv", {"y": luma or "val", "u": chroma or "val", "v": chroma or "val"}))
    if any(tints.values()) and not colourless:
        filters.append(Filter("colorcorrect", {**tints, "saturation": look.saturation}))
    return tuple(filters)


class Evening(NamedTuple):
    """The correction that makes a clip match the others: levels, a curve, and the colour of white."""

    low: float = BLACK
    "The luma that becomes black."
    high: float = WHITE
    "The luma that becomes white."
    gamma: float = 1.0
    "Below 1 lightens the middle."
    u: float = 0.0
    "Added to the chroma of white; less is added to darker pixels, nothing to black."
    v: float = 0.0


def evening(tone: Tone | None, share: float = 1.0) -> Evening:
    """A mild, bounded step towards a common exposure and a neutral white. A clip that is dark on purpose stays dark."""
    if tone is None:
        return Evening()
    trust = share * _ramp(tone.mid, _NIGHT, _DAY)
    low = BLACK + trust * _at_most(_MOST_LOWERED, max(0.0, tone.black - _HAZE) / 2)
    missing = max(0.0, (_WHITE_LOW - BLACK) / max(1.0, tone.white - BLACK) - 1)
    high = low + (WHITE - low) / (1 + trust * _at_most(_MOST_GAIN, missing))
    gamma = 1 + trust * _bend((tone.mid - low) / (high - low))
    u, v = _white_balance(tone, trust)
    return Evening(_step(low), _step(high), round(gamma, 3), _step(u), _step(v))


def _bend(mid: float) -> float:
    """The deviation of the exponent from 1, for middle tones at `mid` of all light."""
    mid = min(0.99, max(0.01, mid))
    wanted = min(max(mid, (_MID_LOW - BLACK) / 219), (_MID_HIGH - BLACK) / 219)
    bend = log(wanted) / log(mid) - 1
    return -_at_most(_MOST_LIGHTENED, -bend) if bend < 0 else _at_most(_MOST_DARKENED, bend)


def _white_balance(tone: Tone, trust: float) -> tuple[float, float]:
    u, v = tone.u - NEUTRAL, tone.v - NEUTRAL
    strength = hypot(u, v)
    share = _at_most(_MOST_CHROMA, strength) / max(strength, 0.01)
    share *= trust * (1 - _ramp(strength, _CAST, _SUBJECT))
    return -u * share, -v * share


def _at_most(most: float, wanted: float) -> float:
    """About `wanted` while it is small, and ever nearer to `most`: what differs still differs, by less."""
    return most * (1 - exp(-wanted / most))


def _ramp(value: float, low: float, high: float) -> float:
    """0 up to `low`, 1 from `high` on, smooth between."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return share * share * (3 - 2 * share)


def _step(value: float) -> float:
    """Half codes suffice, and the same clip has the same text on every machine."""
    return round(value * 2) / 2


def _luma(look: Look, evened: Evening) -> str:
    """The curve as an expression of `val`; empty for a straight line."""
    light = f"clip((val-{evened.low:g})/{evened.high - evened.low:g},0,1)"
    if evened.gamma != 1.0:
        light = f"pow({light},{evened.gamma:g})"
    if (evened.low, evened.high, evened.gamma) == (BLACK, WHITE, 1.0) and not (look.contrast or look.lift or look.drop):
        return ""
    if look.contrast:
        # A cubic through both ends: nothing is clipped.
        light = f"st(0,{light})+{4 * look.contrast:g}*ld(0)*(1-ld(0))*(ld(0)-{look.pivot:g})"
    low, high = BLACK + look.lift, WHITE - look.drop
    return f"{low:g}+{high - low:g}*({light})"


def _saturated(saturation: float) -> str:
    if saturation == 1.0:
        return ""
    return f"clip((val-{NEUTRAL})*{saturation:g}+{NEUTRAL},16,240)" if saturation else str(NEUTRAL)


def _tints(look: Look, evened: Evening) -> dict[str, str | float]:
    """Options of `colorcorrect`, which adds to the chroma what it finds between these for the luma of a pixel."""
    white = WHITE / 255
    (red_low, blue_low), (red_high, blue_high) = look.shadows, look.highlights
    red, blue = red_high + evened.v, blue_high + evened.u
    return {
        "rl": round(red_low / 255, 5),
        "bl": round(blue_low / 255, 5),
        "rh": round((red / white - red_low * (1 / white - 1)) / 255, 5),
        "bh": round((blue / white - blue_low * (1 / white - 1)) / 255, 5),
    }


def backdrop(kind: CardKind, width: int, height: int) -> tuple[Filter, ...]:
    """Filters that make the picture a ground for words: darker, and soft where there is much to read."""
    share, colours = (0.62, 0.92) if kind == "title" else (0.40, 0.75)
    chroma = f"128+(val-128)*{colours}"
    darker = Filter("lutyuv", {"y": f"16+(val-16)*{share}", "u": chroma, "v": chroma})
    # Each step is as wide as it needs to be and costs the same: three of them are as smooth as a bell.
    radius = max(1, round(min(width, height) / 120))
    soft = Filter("boxblur", {"lr": radius, "lp": 2, "cr": max(1, radius // 2), "cp": 1})
    return (darker,) if kind == "title" else (soft, darker)


class Finish(NamedTuple):
    """The layers over the film as a whole. `over` is all that composing needs."""

    area: Area
    frame: tuple[int, int]
    fps: int
    vignette: float
    grain: int

    def over(self, picture: Stream) -> Stream:
        """From the joined clips, of `picture_size`, to the canvas: vignette, grain, bars. Needs no input file."""
        if self.vignette:
            picture = _blended(picture, self._mask(), mode="multiply")
        if self.grain:
            # The grain goes on for ever; the film does not.
            picture = _blended(picture, self._grain(), mode="grainmerge", shortest=1)
        if self.area.height < self.frame[1]:
            picture = picture.filter("pad", *self.frame, self.area.left, self.area.top)
        return picture

    def _mask(self) -> Stream:
        """One picture of how much light passes; 255 is all. Drawn small and enlarged: it has no detail."""
        _, _, width, height = self.area
        small = max(2, width // 16 * 2), max(2, height // 16 * 2)
        # Distance from the middle, 1 in the corners; the middle is left alone.
        distance = "hypot(2*X/(W-1)-1,2*Y/(H-1)-1)/1.414214"
        lost = f"{255 * self.vignette:g}*pow(clip(({distance}-0.35)/0.65,0,1),1.8)"
        return (
            _drawn("white", small, self.fps)
            .filter("trim", end_frame=1)
            .filter("geq", lum=f"255-{lost}", cb=NEUTRAL, cr=NEUTRAL)
            .filter("scale", width, height, flags="bicubic")
            # A little noise, so that the steps of 8 bits are not seen in a clear sky.
            .filter("noise", c0s=2, all_seed=1)
            .filter("setsar", 1)
            .filter("setparams", range="tv", **BT709)
        )

    def _grain(self) -> Stream:
        """Noise around grey, on the luma only: coloured grain looks like a bad sensor and costs bits."""
        size = self.area.width, self.area.height
        noise = _drawn(_NOTHING, size, GRAIN_FPS).filter("noise", c0s=self.grain, c0f="t", all_seed=1)
        return noise.filter("setsar", 1).filter("setparams", range="tv", **BT709)


def _blended(picture: Stream, other: Stream, mode: str, **more: int) -> Stream:
    """The luma of both in one; the chroma stays that of the picture. Cheaper than any filter made for the purpose."""
    return ffmpeg.filter([picture, other], "blend", c0_mode=mode, c1_mode="normal", c2_mode="normal", **more)


def _drawn(colour: str, size: tuple[int, int], fps: int) -> Stream:
    plain = source("color", c=colour, size="{}x{}".format(*size), rate=fps)
    return plain.filter("format", "yuv420p")


def finish(style: Style, frame: FrameSize, fps: int) -> Finish:
    """The layers over all clips of a film together, below the watermark, the cards and the captions."""
    look = LOOKS[style]
    return Finish(picture_area(style, frame), (frame.width, frame.height), fps, look.vignette, look.grain)
