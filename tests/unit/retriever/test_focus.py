"""Where the eye goes, on painted frames."""

import numpy as np
import pytest
from numpy.typing import NDArray

from retriever.inspection.focus import Frame, focus

WIDTH, HEIGHT = 320, 180
Luma = NDArray[np.floating]


def planes(luma: Luma) -> Frame:
    grey = np.full_like(luma, 128)
    return np.clip(np.stack((luma, grey, grey)), 0, 255).astype(np.uint8)


def texture(seed: int, width: int = WIDTH, height: int = HEIGHT, soft: int = 1) -> Luma:
    """Spots of about so many pixels, as a wall or a lawn has them."""
    rng = np.random.default_rng(seed)
    spots = rng.uniform(-1, 1, (height // soft + 6, width // soft + 6))
    for axis in (0, 1):
        for _ in range(2):
            spots = (np.roll(spots, 1, axis) + 2 * spots + np.roll(spots, -1, axis)) / 4
    return 120 + 220 * np.kron(spots, np.ones((soft, soft)))[:height, :width]


def with_box(ground: Luma, x: float, y: float, seed: int = 9) -> Luma:
    """A patch of the same kind of texture, a sixth as wide as the picture, around that share of it."""
    height, width = ground.shape
    half_height, half_width = height // 6, width // 12
    top, left = round(y * height) - half_height, round(x * width) - half_width
    made = ground.copy()
    made[top : top + 2 * half_height, left : left + 2 * half_width] = texture(seed, 2 * half_width, 2 * half_height)
    return made


@pytest.mark.parametrize("x", [0.2, 0.5, 0.8])
def test_what_moves_before_something_still_is_found(x: float) -> None:
    wall = texture(1)
    runs = [[planes(with_box(wall, x + step + by, 0.5)) for by in (0, 0.01)] for step in (-0.04, 0.0, 0.04)]
    assert focus(runs)[0] == pytest.approx(x, abs=0.06)


def test_an_actor_the_camera_follows_is_found_and_not_what_passes_behind() -> None:
    wall = texture(2, width=2 * WIDTH)

    def seen(at: int) -> Frame:
        return planes(with_box(wall[:, at : at + WIDTH], 0.75, 0.5))

    runs = [[seen(40 * step), seen(40 * step + 6)] for step in range(4)]
    assert focus(runs)[0] == pytest.approx(0.75, abs=0.06)


def test_a_camera_that_moves_alone_draws_the_eye_nowhere() -> None:
    wall = texture(3, width=2 * WIDTH)
    runs = [[planes(wall[:, at : at + WIDTH]) for at in (40 * step, 40 * step + 6)] for step in range(4)]
    assert focus(runs) == pytest.approx((0.5, 0.45), abs=0.06)


def test_light_that_changes_is_no_movement() -> None:
    wall = texture(4)
    runs = [[planes(wall * (1 + 0.05 * (step % 3))), planes(wall + 10)] for step in range(4)]
    assert focus(runs) == pytest.approx((0.5, 0.45), abs=0.06)


def test_a_cut_is_no_movement() -> None:
    runs = [[planes(texture(seed))] * 2 for seed in (5, 6, 7)]
    assert focus(runs) == pytest.approx((0.5, 0.45), abs=0.1)


@pytest.mark.parametrize("x", [0.22, 0.78])
def test_what_is_sharp_before_something_blurred_is_found(x: float) -> None:
    assert focus([[planes(with_box(texture(8, soft=20), x, 0.5))]])[0] == pytest.approx(x, abs=0.06)


@pytest.mark.parametrize("x", [0.25, 0.75])
def test_what_stands_out_by_its_colour_alone_is_found(x: float) -> None:
    frame = planes(texture(10) * 0.1 + 100)
    left = round(x * WIDTH) - 25
    frame[2, 60:130, left : left + 50] = 180
    assert focus([[frame]])[0] == pytest.approx(x, abs=0.06)


@pytest.mark.parametrize(("width", "height", "usual"), [(320, 180, (0.5, 0.45)), (180, 320, (0.5, 0.35))])
def test_where_nothing_is_to_be_seen_the_middle_counts_and_the_height_of_faces(
    width: int, height: int, usual: tuple[float, float]
) -> None:
    even = np.full((height, width), 90.0)
    assert focus([[planes(even)] * 2] * 3) == pytest.approx(usual, abs=0.04)
    rng = np.random.default_rng(11)
    noisy = [[planes(even + rng.normal(0, 3, even.shape)) for _ in range(2)] for _ in range(3)]
    assert focus(noisy) == pytest.approx(usual, abs=0.08)


def test_in_an_upright_picture_the_height_is_found() -> None:
    wall = texture(12, width=HEIGHT, height=WIDTH)
    runs = [[planes(with_box(wall, 0.5, 0.7 + by)) for by in (0, 0.01)] for _ in range(2)]
    assert focus(runs)[1] == pytest.approx(0.7, abs=0.06)


def test_a_little_noise_does_not_move_it() -> None:
    rng = np.random.default_rng(13)
    clean = with_box(texture(14, soft=20), 0.3, 0.5)
    still = focus([[planes(clean)]])
    for _ in range(3):
        assert focus([[planes(clean + rng.normal(0, 2, clean.shape))]]) == pytest.approx(still, abs=0.02)


@pytest.mark.parametrize(("x", "found"), [(0.09, 0.1), (0.91, 0.9)])
def test_it_never_lies_at_the_very_edge(x: float, found: float) -> None:
    even = np.full((HEIGHT, WIDTH), 90.0)
    got = focus([[planes(with_box(even, x + by, 0.5)) for by in (0, 0.005)]] * 2)[0]
    assert got == pytest.approx(found, abs=0.06)
    assert 0.1 <= got <= 0.9


@pytest.mark.parametrize(("width", "height"), [(320, 32), (32, 320), (33, 319)])
def test_a_strip_is_no_trouble(width: int, height: int) -> None:
    strip = planes(texture(15, width=width, height=height))
    assert all(0.1 <= share <= 0.9 for share in focus([[strip, strip], [strip[:, ::-1]]]))
