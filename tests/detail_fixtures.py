"""Pictures of categories as training data for the tests: small, noisy, told apart by their colour."""

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from PIL import Image as PILImage

TINTS = {"fruit": (200, 60, 40), "packages": (60, 60, 180), "vegetables": (50, 160, 60)}


def write_pictures(folder: Path, labels: list[str], split: str = "train", size: tuple[int, int] = (24, 20)) -> Path:
    """A split of pictures of (height, width) `size`, as a builder would write it."""
    rng = np.random.default_rng(len(labels))
    pixels = [np.array(TINTS[label]) + rng.integers(-40, 41, (*size, 3)) for label in labels]
    pictures = [PILImage.fromarray(array.clip(0, 255).astype(np.uint8)) for array in pixels]
    rows = {"image": pictures, "id": [f"{split}-{i}" for i in range(len(labels))], "label": labels}
    folder.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict(rows).cast_column("image", Image()).to_parquet(str(folder / f"{split}.parquet"))
    return folder


@pytest.fixture(scope="module")
def grocery(tmp_path_factory) -> Path:
    """Three categories, fruit twice as often, in both splits."""
    folder = tmp_path_factory.mktemp("grocery")
    for split in ("train", "val"):
        write_pictures(folder, ["fruit", "vegetables", "packages", "fruit"] * 3, split)
    return folder
