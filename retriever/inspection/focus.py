"""The point of a picture that draws the eye: motion of its own, sharp detail, contrast. Pure numpy.

A crop keeps a strip as wide or as high as the whole picture, so each axis is settled by itself: by the strip that
holds most of that evidence. Frames are arrays of three planes (Y, U, V), each height by width, in 8 bits, all
of one size; a run is frames that follow each other closely, while runs may lie far apart.
"""

from collections.abc import Sequence
from functools import reduce
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Frame = NDArray[np.uint8]
Map = NDArray[np.floating]
Span = tuple[slice, slice]

MOTION, DETAIL, CONTRAST = 1.0, 0.5, 0.5
"Weights of the kinds of evidence where they are at their clearest."
QUIET = 2.0
"Levels of luma by which frames differ although nothing moves: noise, and what coding leaves."
LOUDEST = 40.0
"More change than this counts no more: a black edge moves no faster than a grey one."
STRIP = 0.1
"The share of the picture that must fit together, as the standard deviation of a bell."
FAINT = 0.25
"Evidence that every place has."
MIDDLE, HEADS, FACES = 0.5, 0.45, 0.35
"The usual position of the main thing: from left to right, and from top to bottom in a wide and in an upright picture."
REACH = 0.45
"Within half of that it may be anywhere as well; this far away it is half as likely."
EDGE = 3
"Rows and columns of small frames that are not trusted: coding and alignment leave their marks there."
MARGIN = 0.1
"Of what is looked at, the share at either end that is never the answer."


def focus(runs: Sequence[Sequence[Frame]]) -> tuple[float, float]:
    """The point, as shares of width and height from the top left: 0.1 to 0.9, in hundredths."""
    heads = [run[0].astype(np.float32) for run in runs]
    detail, contrast, motion = (
        _clear(_mean([_detail(head[0]) for head in heads]), 1.0),
        _clear(_mean([_contrast(_halved(head)) for head in heads]), 1.0),
        _clear(_moved([[_halved(frame[:1].astype(np.float32))[0] for frame in run] for run in runs]), QUIET),
    )
    seen = FAINT + DETAIL * detail + CONTRAST * contrast + MOTION * motion
    _, height, width = heads[0].shape
    return _best(seen.mean(axis=0), MIDDLE), _best(seen.mean(axis=1), HEADS if width > 1.2 * height else FACES)


def _best(mass: Map, usual: float) -> float:
    """The middle of the strip that holds most."""
    places = (np.arange(len(mass)) + 0.5) / len(mass)
    held = np.exp(-0.5 * ((places[:, None] - places) / STRIP) ** 2) @ mass
    likely = 1 / (1 + ((places - usual) / REACH) ** 4)
    found = float(places[np.argmax(held * likely)])
    return round(min(1 - MARGIN, max(MARGIN, found)), 2)


def _clear(part: Map, much: float) -> Map:
    """Evidence as a mass of one at most: less, the less it stands out, whose half way is `much` above the usual."""
    part = _box(np.pad(_inner(part), EDGE, mode="edge"), max(1, round(0.03 * max(part.shape))))
    usual, most = max(_level(part, 0.5), _level(part[_border(part.shape)], 0.8)), _level(part, 0.99)
    above = np.clip(part, usual, max(usual, most)) - usual
    rise, mass = above.max(), above.mean()
    if mass == 0:
        return above
    strength = rise**2 / (rise**2 + much**2) * rise / (usual + rise)
    return above * np.float32(strength / mass)


def _detail(luma: Map) -> Map:
    """Fine texture, and more so where the texture is fine altogether: that is, in focus."""
    fine, coarse = np.abs(luma - _box(luma, 1)), np.abs(luma - _box(luma, 4))
    return _halved((fine / np.sqrt(coarse + 2))[None])[0]


def _contrast(frame: Map) -> Map:
    """The distance of each place from the colours of the border."""
    border = frame[:, _border(frame.shape[1:])]
    centre, spread = border.mean(axis=1), border.var(axis=1) + 25
    return np.sqrt((((frame - centre[:, None, None]) ** 2) / spread[:, None, None]).sum(axis=0))


def _border(shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """The left, right and upper edge, where the main thing seldom is; at the lower one people are often cut off."""
    edge = max(1, round(0.06 * min(shape)))
    border = np.ones(shape, bool)
    border[edge:, edge:-edge] = False
    return border


def _moved(runs: Sequence[Sequence[Map]]) -> Map:
    """Motion of things by themselves, from the first to the last of each run and from run to run."""
    pairs = [(run[0], run[-1]) for run in runs if len(run) > 1]
    pairs += [(before[0], after[0]) for before, after in pairwise(runs)]
    return _mean([_motion(_box(a, 1), _box(b, 1)) for a, b in pairs] or [np.zeros_like(runs[0][0])])


def _motion(a: Map, b: Map) -> Map:
    """The change between two frames apart from the movement of the camera."""
    moved = np.zeros_like(a)
    overlaps = [_overlap(a.shape, shift) for shift in ((0, 0), _shift(a, b))]
    here, there = min(overlaps, key=lambda spans: _unlike(a[spans[0]], b[spans[1]]))
    left = _unexplained(a[here], b[there])
    usual = _level(left, 0.5)
    # Where everything has changed, as at a cut, no part of the picture has moved by itself.
    trust = max(0.0, 1 - 4 * usual / (float(a.std()) + 1))
    _inner(moved[here])[:] = trust * np.clip(_inner(left) - 2 * usual - QUIET, 0, LOUDEST)
    return moved


def _shift(a: Map, b: Map) -> tuple[int, int]:
    """The movement of the whole picture, down and right, by phase correlation."""
    height, width = a.shape
    window = np.outer(np.hanning(height), np.hanning(width))
    first, second = (np.fft.rfft2((frame - frame.mean()) * window) for frame in (a, b))
    cross = second * np.conj(first)
    peaks = np.fft.irfft2(cross / (np.abs(cross) + 1e-3), (height, width))
    y, x = divmod(int(np.argmax(peaks)), width)
    y, x = (y if y <= height // 2 else y - height), (x if x <= width // 2 else x - width)
    return (y, x) if abs(y) <= height // 4 and abs(x) <= width // 4 else (0, 0)


def _overlap(shape: tuple[int, ...], shift: tuple[int, int]) -> tuple[Span, Span]:
    """The part that both frames show, as slices of the first and of the second."""
    (height, width), (down, right) = shape, shift
    here = slice(max(0, -down), height - max(0, down)), slice(max(0, -right), width - max(0, right))
    there = slice(max(0, down), height + min(0, down)), slice(max(0, right), width + min(0, right))
    return here, there


def _unlike(a: Map, b: Map) -> float:
    return _level(np.abs(a - b), 0.5)


def _unexplained(a: Map, b: Map) -> Map:
    """The change that no small shift, zoom or turn of the whole picture explains, and no change of its light.

    Least squares over the constancy of brightness, in which what does not go along loses its say.
    """
    change, both = b - a, (a + b) / 2
    down, right = np.gradient(both)
    y, x = np.meshgrid(*(np.linspace(-1, 1, size, dtype=np.float32) for size in a.shape), indexing="ij")
    model = np.stack((right, right * x, right * y, down, down * x, down * y, both, np.ones_like(both)), axis=-1)
    # A quarter of the places tells as much.
    some, wanted = model[::2, ::2].reshape(-1, 8), change[::2, ::2].ravel()
    say = np.ones_like(wanted)
    for _ in range(4):
        weighted = some.T * say
        answer = np.linalg.lstsq(weighted @ some, weighted @ wanted, rcond=1e-6)[0]
        left = np.abs(wanted - some @ answer)
        say = 1 / (1 + (left / (2 * _level(left, 0.5) + 0.5)) ** 2)
    return np.abs(change - model @ answer)


def _halved(planes: Map) -> Map:
    """Planes of half the width and height; an odd last row or column is dropped."""
    even = planes[:, : planes.shape[1] // 2 * 2, : planes.shape[2] // 2 * 2]
    rows = even[:, ::2] + even[:, 1::2]
    return (rows[:, :, ::2] + rows[:, :, 1::2]) / 4


def _inner(image: Map) -> Map:
    return image[EDGE:-EDGE, EDGE:-EDGE]


def _box(image: Map, radius: int) -> Map:
    """Each place as the mean of the square around it; beyond its edges the picture goes on as it ends."""
    size = 2 * radius + 1
    for _ in range(2):  # along the rows, and along the columns
        width = image.shape[1]
        wide = np.pad(image, ((0, 0), (radius, radius)), mode="edge")
        image = reduce(np.add, (wide[:, at : at + width] for at in range(size))).T / np.float32(size)
    return image


def _level(part: Map, share: float) -> float:
    """The quantile at `share`. That of numpy loads a lot that is of no use here."""
    place = round(share * (part.size - 1))
    return float(np.partition(part, place, axis=None)[place])


def _mean(maps: Sequence[Map]) -> Map:
    return np.mean(maps, axis=0, dtype=np.float32)
