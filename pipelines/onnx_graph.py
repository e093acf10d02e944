"""What a method declares for its export to ONNX: networks joined to one graph, from picture or noise to picture."""

from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

SIDES = 32  # sides of pictures are multiples of it
MOST = 64  # times that, at most


@dataclass(frozen=True)
class OnnxGraph:
    """A graph and how to call it.

    Pictures are (B, channels, H, W) in [0, 1], in and out; the output is called "picture".
    """

    module: nn.Module  # its forward takes the inputs in their order
    inputs: dict[str, Tensor]  # an example of each
    others: dict[str, Tensor]  # the same of other sizes, to check the export with
    example: str  # a program of about ten lines; $model is the file's name
    sizes: dict[str, dict[int, Any]] = field(default_factory=dict)  # input -> axis -> `torch.export.Dim`


def picture_sizes(name: str) -> dict[int, Any]:
    """Height and width of a picture input: any multiples of 32 from 64 to 2048."""
    height, width = (torch.export.Dim(f"{name}_{axis}", min=2, max=MOST) for axis in ("rows", "columns"))
    return {2: SIDES * height, 3: SIDES * width}


def need(network: object, cls: type, method: str) -> None:
    """Raise a ValueError unless `network` is of the class whose export is supported."""
    if type(network).__name__ != cls.__name__:
        raise ValueError(f"Of {method}, {cls.__name__} can be exported to ONNX; this is a {type(network).__name__}.")
