"""A product studio made of some of its parts, as a training run of one part saves it."""

import copy
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from torch import nn

from pipelines.product_studio.pipeline_product_studio import ProductStudio


def studio_of(parts: dict[str, nn.Module]) -> Any:
    """A `ProductStudio` with copies of these components in evaluation mode; the others are left out."""
    return ProductStudio(**{name: copy.deepcopy(network).eval() for name, network in parts.items()})


def merged(folders: Iterable[str | Path]) -> Any:
    """One `ProductStudio` of the parts that several folders hold; where two hold a part, the later one's is taken.

    Raises:
        OSError, ValueError: if a folder holds no product studio.
    """
    parts: dict[str, nn.Module] = {}
    for folder in folders:
        found = ProductStudio.from_pretrained(folder)
        parts |= {name: part for name, part in found.components.items() if part is not None}
    return ProductStudio(**parts)
