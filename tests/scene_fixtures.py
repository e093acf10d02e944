"""Scenes as training data for the tests: small pictures whose colour tells their label."""

from pathlib import Path

import numpy as np
import pytest
from datasets import Dataset, Image
from PIL import Image as PILImage

COLOURS = {"summer": (60, 140, 40), "winter": (230, 230, 240), "cloudy": (120, 120, 125), "sunny": (80, 140, 240)}


def write_scenes(folder: Path, labels: list[str], contents: list[str] | None = None, split: str = "train") -> Path:
    """Small noisy pictures of each label's colour, as a builder would write them."""
    rng = np.random.default_rng(len(labels))
    pictures = []
    for label in labels:
        pixels = np.array(COLOURS[label]) + rng.integers(-25, 26, (72, 80, 3))
        pictures.append(PILImage.fromarray(pixels.clip(0, 255).astype(np.uint8)))
    rows = {"image": pictures, "label": labels, "content": contents or ["nature"] * len(labels)}
    folder.mkdir(parents=True, exist_ok=True)
    Dataset.from_dict(rows).cast_column("image", Image()).to_parquet(str(folder / f"{split}.parquet"))
    return folder


@pytest.fixture(scope="module")
def scenes(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("scenes")
    for split in ("train", "val"):
        write_scenes(folder / "summer2winter", ["summer", "winter"] * 3, split=split)
        write_scenes(folder / "cloudy2sunny", ["cloudy", "sunny"] * 3, split=split)
    return folder
