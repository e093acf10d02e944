"""The default generator of pictures from noise as an ONNX graph."""

import json
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.generation.generator import PictureGenerator
from pipelines.onnx_graph import OnnxGraph, need

# The last line makes a row of pictures.
EXAMPLE = """
import sys
import numpy as np, onnxruntime
from PIL import Image

count = 4
random = np.random.default_rng(int(sys.argv[3]) if len(sys.argv) > 3 else 0)
inputs = {"latents": random.standard_normal((count, LATENTS), np.float32)}  # times 0.7, say: more typical, less varied
inputs["category"] = np.full(count, CATEGORIES.index(sys.argv[1]))
(pictures,) = onnxruntime.InferenceSession(f"{sys.path[0]}/$model").run(None, inputs)
row = np.concatenate(list(pictures), axis=2).transpose(1, 2, 0)
Image.fromarray((row * 255).round().astype(np.uint8)).save(sys.argv[2])
"""
COLOUR = 'inputs["colour"] = np.full(count, COLOURS.index(sys.argv[4]) if len(sys.argv) > 4 else OTHER)\n'


class PicturesFromNoise(nn.Module):
    """The network with pictures in [0, 1]."""

    def __init__(self, generator: nn.Module):
        super().__init__()
        self.generator = generator

    def forward(self, latents: Tensor, category: Tensor, colour: Tensor | None = None) -> Tensor:
        """(B, latents) of standard normal noise, (B,) int64 and, where colours are told, (B,) int64."""
        return (self.generator(latents, category, colour).clamp(-1, 1) + 1) / 2


def noise_graph(pipe: Any, cls: type[PictureGenerator], method: str) -> OnnxGraph:
    """The graph of a pipeline whose generator is a `cls`; ValueError for another."""
    need(pipe.generator, cls, method)
    config = pipe.generator.config
    random = torch.Generator().manual_seed(0)

    def inputs(count: int) -> dict[str, Tensor]:
        numbers = torch.arange(count)
        made = {"latents": torch.randn(count, config.latents, generator=random)}
        made["category"] = numbers % len(config.categories)
        return made | ({"colour": numbers % (len(config.colours) + 1)} if config.colours else {})

    example = EXAMPLE.replace("LATENTS", str(config.latents)).replace("CATEGORIES", json.dumps(list(config.categories)))
    if config.colours:
        line = COLOUR.replace("COLOURS", json.dumps(list(config.colours))).replace("OTHER", str(len(config.colours)))
        example = example.replace("(pictures,)", f"{line}(pictures,)")
    batch = torch.export.Dim("batch", min=1, max=4096)
    given = inputs(2)
    return OnnxGraph(PicturesFromNoise(pipe.generator), given, inputs(5), example, {name: {0: batch} for name in given})
