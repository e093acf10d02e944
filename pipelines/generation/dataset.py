"""Labelled pictures as training data: middle squares, brought to size once and held as uint8, and crops of these."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from pipelines.generation.labelled_pictures import decode, load_pictures, square


class ConditionedPictures(torch.utils.data.Dataset):
    """Pictures with category and colour.

    Args:
        folder: see `load_pictures`.
        split: "train", "val" or "test".
        size: side in pixels.
        categories: labels, in the order of their numbers; pictures of others are left out.
        colours: likewise; a picture of another colour is kept and has the number len(colours), "other".
        subset: keep only pictures of this subset; None keeps all.
        mirror: hand out half of the pictures mirrored.
        crops: smallest and largest side of the square crops handed out, as shares of the picture's middle square, which
            is held so large that the smallest crop has `size`: crops of one side are cut, larger ones also resized.

    Raises:
        FileNotFoundError: if nothing is left, or no training picture of some category.
        ValueError: if a column is missing.
    """

    def __init__(
        self,
        folder: Path,
        split: str,
        size: int,
        categories: Sequence[str],
        colours: Sequence[str] = (),
        subset: str | None = None,
        mirror: bool = False,
        crops: tuple[float, float] = (1.0, 1.0),
    ):
        asked = {"colour": bool(colours), "subset": subset is not None}
        rows = load_pictures(folder, split, [column for column, needed in asked.items() if needed])
        labels = [str(label) for label in rows["label"]]
        kinds = [None] * len(rows) if subset is None else rows["subset"]
        pairs = enumerate(zip(labels, kinds, strict=True))
        kept = [number for number, (label, kind) in pairs if label in categories and kind == subset]
        self.category = torch.tensor([categories.index(labels[number]) for number in kept])
        missing = [name for number, name in enumerate(categories) if number not in self.category]
        if not kept or (split == "train" and missing):
            raise FileNotFoundError(f"{folder} has no {split} pictures of {', '.join(missing)}.")
        rows = rows.select(kept)
        names = rows["colour"] if colours else [""] * len(rows)
        self.colour = torch.tensor([colours.index(name) if name in colours else len(colours) for name in names])
        self.size, self.mirror, self.categories = size, mirror, tuple(categories)
        held = round(size / crops[0])
        self.largest = max(size, round(held * crops[1]))  # side of the largest crop in pixels as they are held
        squares = np.stack([square(decode(row), held) for row in rows])
        self.pictures = torch.from_numpy(squares).permute(0, 3, 1, 2).contiguous()

    def __len__(self) -> int:
        return len(self.pictures)

    def weights(self, evenness: float = 0.5) -> Tensor:
        """(len,) float64 sampling weights: 0 as often as they are, 1 all pairs of category and colour alike often."""
        pairs = list(zip(self.category.tolist(), self.colour.tolist(), strict=True))
        counts = Counter(pairs)
        return torch.tensor([counts[pair] ** -evenness for pair in pairs], dtype=torch.float64)

    def frequencies(self, categories: int, colours: int) -> list[list[float]]:
        """[category][colour, "other" last] -> share of the category's pictures, to four digits."""
        table = torch.zeros(categories, colours + 1, dtype=torch.float64)
        table.index_put_((self.category, self.colour), torch.ones(len(self), dtype=torch.float64), accumulate=True)
        return [[round(share, 4) for share in row] for row in (table / table.sum(1, keepdim=True)).tolist()]

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """{"image": (3, size, size) float32 in [-1, 1], "category": () int64, "colour": () int64}."""
        picture = self.pictures[index]
        turn, across, down, share = torch.rand(4, generator=rng).tolist()
        side = self.size + round(share * (self.largest - self.size))
        left, top = round(across * (picture.shape[-1] - side)), round(down * (picture.shape[-1] - side))
        picture = picture[:, top : top + side, left : left + side]
        if self.mirror and turn < 0.5:
            picture = picture.flip(-1)
        image = picture.float() / 127.5 - 1
        if side != self.size:
            sides = (self.size, self.size)
            image = F.interpolate(image[None], sides, mode="bicubic", antialias=True)[0].clamp(-1, 1)
        return {"image": image, "category": self.category[index], "colour": self.colour[index]}
