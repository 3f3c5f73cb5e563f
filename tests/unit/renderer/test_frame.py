"""The place of the picture in the frame."""

from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.contracts.request import Style
from common.contracts.timeline import TextFrame
from renderer.frame import LETTERBOX, picture_area, picture_size

STYLES: tuple[Style, ...] = get_args(Style)
unhurried = settings(deadline=None)
SIDES = st.integers(64, 1920).map(lambda half: 2 * half)


@unhurried
@given(st.sampled_from(STYLES), SIDES, SIDES)
def test_the_picture_is_inside_the_canvas_at_even_places(style: Style, width: int, height: int):
    canvas = TextFrame(style=style, width=width, height=height)
    area = picture_area(style, canvas)
    assert (area.width, area.height) == picture_size(style, canvas)
    assert not any(side % 2 for side in area)
    assert (area.left, area.width) == (0, width)
    assert area.top * 2 + area.height == height


@unhurried
@given(st.sampled_from(STYLES), SIDES, SIDES)
def test_only_a_wide_canvas_gets_bars(style: Style, width: int, height: int):
    area = picture_area(style, TextFrame(style=style, width=width, height=height))
    if not LETTERBOX.get(style) or not 1.7 < width / height < 2.35:
        assert area.top == 0
    else:
        # As near as pairs of rows come.
        assert abs(area.height - width / 2.35) <= 2


@pytest.mark.parametrize("size", [(1080, 1920), (1080, 1080), (1080, 1350), (1440, 1080)])
def test_other_shapes_than_wide_ones_have_none(size: tuple[int, int]):
    canvas = TextFrame(style="cinematic", width=size[0], height=size[1])
    assert picture_size("cinematic", canvas) == size
