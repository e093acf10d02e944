"""Style pictures for training: the project's own named styles, drawn, and crops of paintings with open rights."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from datasets_cards.procedural.product_styles import STYLES, style
from pipelines.product_studio.white_masks import white_mask

NAMES = tuple(STYLES)
NAMED_SEED, NAMED_SIDE = 0, 256
"""A named style is the picture `style(NAMED_SEED, name, NAMED_SIDE)`."""
FIRST_SEED = 1000  # training draws others than examples and named styles show
DRAWN_SHARE = 0.7


@lru_cache(maxsize=512)
def drawn_style(number: int, side: int) -> np.ndarray:
    """Training style number `number`, all names in turn, (side, side, 3) uint8, not to be written to."""
    pixels = np.array(style(FIRST_SEED + number, NAMES[number % len(NAMES)], side))
    pixels.setflags(write=False)
    return pixels


def named_styles(names: Sequence[str] = NAMES) -> Tensor:
    """The pictures of named styles, (K, 3, 256, 256) float32 in [-1, 1]."""
    drawn = [np.asarray(style(NAMED_SEED, name, NAMED_SIDE)) for name in names]
    return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 127.5 - 1


class StylePairs(torch.utils.data.Dataset):
    """A product picture with its mask, and the style it is to take; drawn independently.

    Args:
        pictures: (H, W, 3) uint8 each, on white.
        paintings: (H, W, 3) uint8 each, sides at least 32; empty: drawn styles alone.
        size: side of the pictures handed out, a multiple of 4.
        seeds: drawn styles of each name.
    """

    def __init__(self, pictures: Sequence[np.ndarray], paintings: Sequence[np.ndarray], size: int, seeds: int):
        layers = [np.dstack([picture, (white_mask(picture) * 255).round().astype(np.uint8)]) for picture in pictures]
        self.layers = [torch.from_numpy(layer).permute(2, 0, 1) for layer in layers]
        self.paintings, self.size = paintings, size
        self.drawn = seeds * len(NAMES)

    def __len__(self) -> int:
        return len(self.layers)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"image" and "style" (3, s, s) float32 in [-1, 1], "mask" (1, s, s) in [0, 1], "chance" () uniform}."""
        u = torch.rand(4, generator=rng).tolist()
        size = self.size if u[0] < 0.5 else round(self.size * (1 + 0.5 * u[1]))
        layers = self._square(self.layers[index].float() / 255, size, rng)
        layers = layers.flip(2) if u[2] < 0.5 else layers
        return {
            "image": layers[:3] * 2 - 1,
            "mask": layers[3:],
            "style": self._style(rng) * 2 - 1,
            "chance": torch.tensor(u[3]),
        }

    def _style(self, rng: torch.Generator) -> Tensor:
        u = torch.rand(2, generator=rng).tolist()
        if u[0] < DRAWN_SHARE or not self.paintings:
            pixels = drawn_style(int(torch.randint(self.drawn, (), generator=rng)), max(64, 3 * self.size // 2))
        else:
            pixels = self.paintings[int(torch.randint(len(self.paintings), (), generator=rng))]
        picture = torch.from_numpy(np.array(pixels)).permute(2, 0, 1).float() / 255
        side = round(self.size * (1 + 0.5 * u[1]))
        return self._square(picture, side, rng)

    def _square(self, picture: Tensor, side: int, rng: torch.Generator) -> Tensor:
        """Resized so that the short side is `side`, then a random crop of `size`."""
        height, width = picture.shape[1:]
        factor = side / min(height, width)
        new = (max(side, round(height * factor)), max(side, round(width * factor)))
        picture = F.interpolate(picture[None], new, mode="bilinear", antialias=True)[0]
        top, left = (int(torch.randint(length - self.size + 1, (), generator=rng)) for length in new)
        return picture[:, top : top + self.size, left : left + self.size].clamp(0, 1)
