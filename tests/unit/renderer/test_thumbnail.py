import numpy as np

from renderer.picture.thumbnail import richness

GREY = np.full((90, 160), 128, np.uint8)
CHESS = (np.indices((90, 160)).sum(axis=0) // 8 % 2 * 150 + 60).astype(np.uint8)


def test_a_picture_with_contrast_and_detail_is_richer_than_a_flat_one():
    assert richness(CHESS) > richness(GREY)


def test_the_same_picture_in_the_dark_is_poorer():
    assert richness(CHESS // 5) < 0.1 * richness(CHESS)


def test_black_is_worth_nothing():
    assert richness(np.full((90, 160), 16, np.uint8)) == 0
