"""Labelled pictures as training data: whole squares, brought to size once and held as uint8."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
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
        zoom: side of the smallest crop as a share of the picture's; 1 takes whole pictures.

    Raises:
        FileNotFoundError: if nothing is left.
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
        zoom: float = 1.0,
    ):
        rows = load_pictures(folder, split)
        kept = [
            number
            for number, (label, kind) in enumerate(zip(rows["label"], rows["subset"], strict=True))
            if label in categories and subset in (None, kind)
        ]
        if not kept:
            raise FileNotFoundError(f"{folder} has no {split} pictures of {', '.join(categories)}.")
        rows = rows.select(kept)
        self.size, self.mirror, self.zoom = size, mirror, zoom
        self.category = torch.tensor([categories.index(label) for label in rows["label"]])
        names = rows["colour"] if colours else [""] * len(rows)
        self.colour = torch.tensor([colours.index(name) if name in colours else len(colours) for name in names])
        held = size if zoom == 1 else round(size / zoom)
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
        picture, room = self.pictures[index], self.pictures.shape[-1] - self.size
        turn, across, down = torch.rand(3, generator=rng).tolist()
        left, top = round(across * room), round(down * room)
        picture = picture[:, top : top + self.size, left : left + self.size]
        if self.mirror and turn < 0.5:
            picture = picture.flip(-1)
        image = picture.float() / 127.5 - 1
        return {"image": image, "category": self.category[index], "colour": self.colour[index]}
