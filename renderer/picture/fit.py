"""Brings a picture into the shape, size and colours of the film, and grades it where it has the fewest pixels."""

from collections.abc import Sequence

import ffmpeg

from common.contracts.footage import Footage
from common.contracts.timeline import Clip
from renderer.ffmpeg.formats import BT709, Stream
from renderer.picture import looks
from renderer.picture.source import Size, Source

Grade = Sequence[looks.Filter]
CENTRE = (0.5, 0.5)
_ENLARGING = {"filter": "bicubic", "param_a": 0, "param_b": 0.6}
"The kernel of the scale filter, in two thirds of its time. Chroma is taken to lie left, as from MPEG-2 on."


def fitted(picture: Stream, clip: Clip, source: Source, size: Size, grade: Grade) -> Stream:
    """The picture in this size and its shape, in the colours of the film, graded."""
    if source.hdr:
        picture = _tone_mapped(picture, *size)
        source = source._replace(matrix="bt709")
    if clip.fit == "contain-blur":
        return graded(_contained(picture, source, *size), grade)
    picture = _cropped(picture, *size, focus=clip.footage.focus if clip.fit == "smart" else CENTRE)
    if clip.footage.kind == "still" or not _is_enlarged(clip.footage, size):
        return graded(scaled(picture, *size, source), grade)
    # Colours and grade take their time per pixel, so they come before there are more of them (a still has only one
    # frame for them). Where colours are ours already, the first of the two scalings hands frames on as they are.
    picture = graded(scaled(picture, "iw", "ih", source), grade)
    return picture.filter("zscale", *size, **_ENLARGING)


def _is_enlarged(footage: Footage, size: Size) -> bool:
    """True if the part that is shown has fewer pixels than a picture of this size."""
    return min(footage.width / size[0], footage.height / size[1]) < 1


def graded(picture: Stream, grade: Grade) -> Stream:
    """The picture as it comes from `scaled`, labelled as limited BT.709 in 8 bits, 4:2:0, and graded."""
    picture = picture.filter("format", "yuv420p").filter("setparams", range="tv", **BT709)
    for name, options in grade:
        picture = picture.filter(name, **options)
    return picture


def _cropped(picture: Stream, width: int, height: int, focus: tuple[float, float] = CENTRE) -> Stream:
    """Cut to this shape around the focus, before scaling: to scale what is cut away would be wasted."""
    ratio = f"{width}/{height}"
    cut_width = f"2*trunc(min(iw,ih*{ratio}/sar)/2)"
    cut_height = f"2*trunc(min(ih,iw*sar/({ratio}))/2)"
    left, top = f"clip(iw*{focus[0]:.4g}-ow/2,0,iw-ow)", f"clip(ih*{focus[1]:.4g}-oh/2,0,ih-oh)"
    return picture.filter("crop", cut_width, cut_height, left, top)


def _contained(picture: Stream, source: Source, width: int, height: int) -> Stream:
    """The whole picture over a blurred, darkened, enlarged copy of itself."""
    both = picture.filter_multi_output("split", 2)
    # The copy is blurred at an eighth of its size, where it costs next to nothing.
    small = even(width / 8), even(height / 8)
    back = (
        scaled(_cropped(both[0].filter("crop", "iw/1.15", "ih/1.15"), *small), *small, source)
        .filter("format", "yuv420p")
        .filter("gblur", sigma=max(small) / 40, steps=2)
        .filter("lutyuv", y="16+(val-16)*0.55", u="128+(val-128)*0.8", v="128+(val-128)*0.8")
        .filter("scale", width, height, flags="bicubic")
        .filter("setsar", 1)
    )
    inside = f"2*trunc(min({width},{height}*dar)/2)", f"2*trunc(min({height},{width}/dar)/2)"
    front = scaled(both[1], *inside, source).filter("setsar", 1).filter("format", "yuv420p")
    return ffmpeg.overlay(back, front, x="2*trunc((W-w)/4)", y="2*trunc((H-h)/4)", format="yuv420")


def scaled(picture: Stream, width: int | str, height: int | str, source: Source) -> Stream:
    return picture.filter(
        "scale",
        width,
        height,
        flags="bicubic",
        in_color_matrix=source.matrix,
        out_color_matrix="bt709",
        out_range="tv",
    )


def _tone_mapped(picture: Stream, width: int, height: int) -> Stream:
    """High dynamic range brought into BT.709; the reference white of HLG and PQ is at 203 cd/m2."""
    # Floating point is slow: no more pixels than the canvas will show.
    share = f"min(1,max({width}/iw,{height}/ih))"
    return (
        picture.filter("scale", f"2*ceil(iw*{share}/2)", f"2*ceil(ih*{share}/2)", flags="bicubic")
        .filter("zscale", primariesin="bt2020", matrixin="bt2020nc", transfer="linear", npl=203)
        .filter("format", "gbrpf32le")
        .filter("zscale", primaries="bt709")
        .filter("tonemap", "mobius", desat=0)
        .filter("zscale", transfer="bt709", matrix="bt709", range="tv")
        .filter("format", "yuv420p")
    )


def even(pixels: float) -> int:
    return max(2, int(pixels) // 2 * 2)
