"""Names of products' colours: drawn products of known colour, white parts and shadows, bad input."""

import numpy as np
import pytest
import torch
from skimage.color import rgb2lab

from evaluation.named_colours import (
    NAMED_COLOURS,
    colour_shares,
    nearest_named_colours,
    product_mask,
    product_pixels,
)


def product(colour: tuple[int, int, int], side: int = 32, background: int = 255) -> torch.Tensor:
    """A square of one colour in the middle."""
    picture = torch.full((3, side, side), background, dtype=torch.uint8)
    quarter = side // 4
    picture[:, quarter:-quarter, quarter:-quarter] = torch.tensor(colour, dtype=torch.uint8)[:, None, None]
    return picture


def lab(picture: torch.Tensor) -> np.ndarray:
    return rgb2lab(picture.permute(1, 2, 0).numpy())


def test_every_named_colour_is_its_own_nearest():
    for name, shades in NAMED_COLOURS.items():
        assert nearest_named_colours(torch.stack([product(shade) for shade in shades])) == [name] * len(shades)
    pure = {"red": (220, 20, 20), "blue": (20, 40, 200), "green": (20, 140, 40), "yellow": (250, 230, 20)}
    assert nearest_named_colours(torch.stack([product(colour) for colour in pure.values()])) == list(pure)


def test_mask_is_the_product():
    mask = product_mask(lab(product((20, 20, 20))))
    assert mask.sum() == 16 * 16 and mask[8:24, 8:24].all()
    assert product_mask(lab(product((20, 20, 20), background=252))).sum() == 16 * 16  # paper is not quite white


def test_white_inside_an_outline_belongs_to_the_product():
    picture = product((20, 20, 20))
    picture[:, 10:22, 10:22] = 255
    assert product_mask(lab(picture)).sum() == 16 * 16
    assert nearest_named_colours(picture[None]) == ["white"]  # 144 white pixels, 112 black ones
    picture[:, 8, 8:24] = 255  # the outline opens, but not to the inside
    assert nearest_named_colours(picture[None]) == ["white"]
    picture[:, 8:12, 15] = 255  # now it does: the white is background
    assert nearest_named_colours(picture[None]) == ["black"]


def test_shadows_do_not_change_the_name_but_most_pixels_do():
    picture = product((170, 30, 40))
    picture[:, 8:14, 8:24] = torch.tensor([20, 18, 18], dtype=torch.uint8)[:, None, None]  # 6 of 16 rows
    assert nearest_named_colours(picture[None]) == ["red"]
    picture[:, 14:18, 8:24] = 20
    assert nearest_named_colours(picture[None]) == ["black"]


def test_shares():
    picture = product((0, 0, 0))
    picture[:, 8:12, 8:24] = torch.tensor([255, 0, 0], dtype=torch.uint8)[:, None, None]
    places = rgb2lab(np.array([[[0, 0, 0], [255, 0, 0], [0, 0, 255]]], dtype=np.uint8))[0]
    assert colour_shares(picture[None], places).tolist() == [[0.75, 0.25, 0.0]]
    assert colour_shares(picture[None][:0], places).shape == (0, 3)


def test_an_empty_picture_is_white():
    empty = torch.full((1, 3, 32, 32), 255, dtype=torch.uint8)
    assert nearest_named_colours(empty) == ["white"] and product_pixels(empty[0]).tolist() == [[100, 0, 0]]
    speck = empty.clone()
    speck[0, :, 5, 5] = 0
    assert nearest_named_colours(speck) == ["white"]


def test_only_the_names_given_can_be_found():
    orange = product((225, 115, 40))[None]
    assert nearest_named_colours(orange, {"red": ((200, 30, 30),), "blue": ((30, 30, 200),)}) == ["red"]


@pytest.mark.parametrize("bad", [torch.rand(3, 8, 8), torch.zeros(1, 8, 8, dtype=torch.uint8)])
def test_bad_pictures(bad):
    with pytest.raises(ValueError, match="uint8"):
        product_pixels(bad)
