"""The line art colorizer as one ONNX graph: a drawing and a reference in, the drawing coloured out."""

from typing import Any

import torch
from torch import Tensor, nn

from pipelines.lineart_colorizer.networks_lineart_colorizer import LineArtGenerator
from pipelines.lineart_colorizer.networks_reference_encoder import ReferenceEncoder
from pipelines.onnx_graph import OnnxGraph, need, picture_sizes

REFERENCE = 256  # side of the reference

EXAMPLE = """
import sys
import numpy as np, onnxruntime
from PIL import Image

drawing = Image.open(sys.argv[1]).convert("L")  # below: sides that are multiples of 32, 512 x 512 at most
scale = min(1, (512 * 512 / (drawing.width * drawing.height)) ** 0.5)
size = [max(2, round(side * scale / 32)) * 32 for side in drawing.size]
lines = np.asarray(drawing.resize(size), np.float32)[None, None] / 255
palette = Image.open(sys.argv[2]).convert("RGB").resize((256, 256))
inputs = {"drawing": lines, "reference": np.asarray(palette, np.float32).transpose(2, 0, 1)[None] / 255}
(coloured,) = onnxruntime.InferenceSession(f"{sys.path[0]}/$model").run(None, inputs)
Image.fromarray((coloured[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(sys.argv[3])
"""


class DrawingColouring(nn.Module):
    """Both networks in a row; what the pipeline does afterwards (even colours, lines kept) is not in it."""

    def __init__(self, generator: nn.Module, encoder: nn.Module):
        super().__init__()
        self.generator, self.encoder = generator, encoder

    def forward(self, drawing: Tensor, reference: Tensor) -> Tensor:
        """(1, 1, H, W), 1 = paper, and (1, 3, 256, 256), both in [0, 1] -> (1, 3, H, W) in [0, 1]."""
        return (self.generator(drawing * 2 - 1, self.encoder(reference * 2 - 1)).clamp(-1, 1) + 1) / 2


def build_graph(pipe: Any) -> OnnxGraph:
    """The graph of a pipeline with the default networks; ValueError for others."""
    need(pipe.generator, LineArtGenerator, "lineart_colorizer")
    need(pipe.style_encoder, ReferenceEncoder, "lineart_colorizer")
    random = torch.Generator().manual_seed(0)
    references = torch.rand(2, 3, REFERENCE, REFERENCE, generator=random)
    inputs = {"drawing": torch.rand(1, 1, 96, 128, generator=random), "reference": references[:1]}
    others = {"drawing": torch.rand(1, 1, 160, 64, generator=random), "reference": references[1:]}
    module = DrawingColouring(pipe.generator, pipe.style_encoder)
    return OnnxGraph(module, inputs, others, EXAMPLE, {"drawing": picture_sizes("drawing")})
