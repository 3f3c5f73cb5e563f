from typing import get_args

import numpy as np
import pytest

from common.contracts.footage import Light, SceneryRecipe, Theme
from renderer.scenery import PIXEL_FORMAT, paint, scenery_size

THEMES, LIGHTS = get_args(Theme), get_args(Light)
SMALL = (192, 108)
FPS = 30


def frames(recipe: SceneryRecipe, numbers: list[int], size: tuple[int, int] = SMALL) -> list[np.ndarray]:
    """The frames with these numbers as (height, width, 3) arrays."""
    width, height = scenery_size(*size)
    raw = [next(paint(recipe, *size, FPS, number, 1)) for number in numbers]
    return [np.frombuffer(one, np.uint8).reshape(height, width, 3) for one in raw]


def recipe(theme: str = "ocean", light: str = "sunset", seed: int = 1) -> SceneryRecipe:
    return SceneryRecipe.model_validate({"theme": theme, "light": light, "seed": seed})


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Mean absolute difference in code values."""
    return float(np.abs(one.astype(int) - other).mean())


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("light", LIGHTS)
def test_every_theme_in_every_light_is_a_picture_that_moves(theme: str, light: str) -> None:
    first, later = frames(recipe(theme, light), [0, 15])
    assert first.mean() > 8, "black"
    assert first.mean() < 245, "white"
    assert first.std() > 6, "flat"
    assert difference(first, later) > 0.5, "does not move"


@pytest.mark.parametrize("theme", THEMES)
def test_a_frame_depends_on_its_number_alone(theme: str) -> None:
    painted = list(paint(recipe(theme), *SMALL, FPS, 40, 4))
    again = list(paint(recipe(theme), *SMALL, FPS, 42, 2))
    assert painted[2:] == again


def test_a_frame_at_another_rate_shows_the_same_moment() -> None:
    at_30 = next(paint(recipe("abstract"), *SMALL, 30, 60, 1))
    at_60 = next(paint(recipe("abstract"), *SMALL, 60, 120, 1))
    pair = [np.frombuffer(one, np.uint8) for one in (at_30, at_60)]
    assert difference(*pair) < 2


@pytest.mark.parametrize("theme", THEMES)
def test_another_seed_is_another_picture(theme: str) -> None:
    pictures = [frames(recipe(theme, seed=seed), [0])[0] for seed in (1, 2, 3)]
    for one, other in ((0, 1), (0, 2), (1, 2)):
        assert difference(pictures[one], pictures[other]) > 6


@pytest.mark.parametrize("theme", THEMES)
def test_it_goes_on_moving_after_an_hour(theme: str) -> None:
    first, later = frames(recipe(theme), [3600 * FPS, 3600 * FPS + 15])
    assert first.std() > 6
    assert difference(first, later) > 0.5


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", [(108, 192), (120, 120), (160, 90), (64, 36), (96, 40)])
def test_any_shape_of_canvas_gets_frames_of_the_promised_size(theme: str, size: tuple[int, int]) -> None:
    width, height = scenery_size(*size)
    painted = [frame for seed in range(4) for frame in paint(recipe(theme, seed=seed), *size, FPS, 5, 3)]
    assert [len(one) for one in painted] == [width * height * 3] * 12


@pytest.mark.parametrize("canvas", [(1920, 1080), (1080, 1920), (1080, 1080), (1280, 720), (3840, 2160), (160, 90)])
def test_the_painted_size_is_even_in_shape_and_no_larger_than_the_canvas(canvas: tuple[int, int]) -> None:
    width, height = scenery_size(*canvas)
    assert width % 2 == 0
    assert height % 2 == 0
    assert width <= canvas[0]
    assert height <= canvas[1]
    assert width / height == pytest.approx(canvas[0] / canvas[1], rel=0.02)


def test_frames_are_packed_rgb() -> None:
    assert PIXEL_FORMAT == "rgb24"
    sunset = frames(recipe("ocean", "sunset"), [0])[0]
    red, _, blue = sunset[: len(sunset) // 3].reshape(-1, 3).mean(axis=0)
    assert red > blue, "a sunset sky is warm"


def test_night_is_darker_than_day() -> None:
    for theme in ("ocean", "mountains", "forest", "city", "meadow", "snow", "underwater"):
        day, night = (frames(recipe(theme, light), [0])[0].mean() for light in ("day", "night"))
        assert night < day * 0.75, theme


@pytest.mark.parametrize("weather", ["rain", "snow"])
def test_weather_falls_before_any_place(weather: str) -> None:
    dry = recipe("city", "overcast")
    wet = dry.model_copy(update={"weather": weather})
    one, other = frames(wet, [3, 4])
    assert difference(one, frames(dry, [3])[0]) > 0.3
    assert difference(one, other) > difference(*frames(dry, [3, 4]))
