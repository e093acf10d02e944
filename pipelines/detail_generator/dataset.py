"""Pictures of categories as training data: square crops, decoded once, categories alike often."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

from pipelines.generation.labelled_pictures import decode, load_pictures, square


def find_categories(folder: Path, only: str | None = None) -> tuple[str, ...]:
    """The labels of the training pictures, in alphabetical order; `only` keeps that one alone.

    Raises:
        FileNotFoundError: if there are no pictures, or none of that label.
    """
    found = sorted(set(map(str, load_pictures(folder, "train")["label"])))
    if only is not None and only not in found:
        known = ", ".join(found) or "none"
        raise FileNotFoundError(f"{folder} has no training picture labelled {only}; it has {known}.")
    if not found:
        raise FileNotFoundError(f"{folder} has no training pictures.")
    return (only,) if only is not None else tuple(found)


class CategoryPictures(torch.utils.data.Dataset):
    """Random square crops of pictures of some categories, decoded once and held as uint8.

    Args:
        folder: see `load_pictures`; its training pictures are taken.
        size: side of the crops handed out, in pixels.
        categories: labels, in the order of their numbers; pictures of others are left out.
        smallest: side of the smallest crop, as a share of a picture's short side; 1 takes the middle of whole pictures.
        mirror: hand out half of the pictures mirrored.

    Raises:
        FileNotFoundError: if there is no picture of some category.
    """

    def __init__(self, folder: Path, size: int, categories: Sequence[str], smallest: float = 1.0, mirror: bool = True):
        rows = load_pictures(folder, "train")
        rows = rows.filter(lambda label: str(label) in categories, input_columns="label")
        self.size, self.smallest, self.mirror, self.categories = size, smallest, mirror, tuple(categories)
        self.labels = [self.categories.index(str(label)) for label in rows["label"]]
        self.pictures = [decode(row) for row in rows]
        if missing := [name for number, name in enumerate(self.categories) if number not in self.labels]:
            raise FileNotFoundError(f"{folder} has no training picture labelled {', '.join(missing)}.")

    def __len__(self) -> int:
        return len(self.pictures)

    def weights(self) -> Tensor:
        """(len,) float64 sampling weights: categories alike often."""
        counts = Counter(self.labels)
        return torch.tensor([1 / counts[label] for label in self.labels], dtype=torch.float64)

    def draw(self, index: int, rng: torch.Generator) -> dict[str, Tensor]:
        """One random crop: {"image": (3, size, size) float32 in [-1, 1], "label": () int64, its category's number}."""
        share, across, down, turn = torch.rand(4, generator=rng).tolist()
        place = (0.5, 0.5) if self.smallest == 1 else (across, down)
        pixels = square(self.pictures[index], self.size, self.smallest + (1 - self.smallest) * share, *place)
        if self.mirror and turn < 0.5:
            pixels = pixels[:, ::-1]
        image = torch.from_numpy(pixels.copy()).permute(2, 0, 1).float() / 127.5 - 1
        return {"image": image, "label": torch.tensor(self.labels[index])}
