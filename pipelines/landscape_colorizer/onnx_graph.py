"""The landscape colorizer as one ONNX graph: a picture in, the same picture coloured out."""

from typing import Any

import torch
from torch import Tensor, nn

from pipelines.color import lab_to_rgb
from pipelines.landscape_colorizer.networks_landscape_colorizer import TwoNetGenerator
from pipelines.landscape_colorizer.two_net_canvas import normalised_lightness
from pipelines.onnx_graph import OnnxGraph, need, picture_sizes

EXAMPLE = """
import sys
import numpy as np, onnxruntime
from PIL import Image

picture = Image.open(sys.argv[1]).convert("RGB")  # below: sides that are multiples of 32, as trained: 512 x 512 at most
scale = min(1, (512 * 512 / (picture.width * picture.height)) ** 0.5)
size = [max(2, round(side * scale / 32)) * 32 for side in picture.size]
pixels = np.asarray(picture.resize(size), np.float32).transpose(2, 0, 1)[None] / 255
(coloured,) = onnxruntime.InferenceSession(f"{sys.path[0]}/$model").run(None, {"image": pixels})
Image.fromarray((coloured[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(sys.argv[2])
"""


class PictureColouring(nn.Module):
    """What the pipeline does to a picture too small for samples (`pipelines.tiles`), its sides multiples of 32."""

    def __init__(self, generator: TwoNetGenerator):
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1] both."""
        grey = normalised_lightness(image)
        chroma = self.generator.paint(grey, self.generator.plan(grey), (0, 0), (0.25, 0.25))
        return lab_to_rgb(torch.cat([(grey + 1) * 50, chroma], dim=1)).clamp(0, 1)


def build_graph(pipe: Any) -> OnnxGraph:
    """The graph of a pipeline with the default network; ValueError for another."""
    need(pipe.generator, TwoNetGenerator, "landscape_colorizer")
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 3, *size, generator=random) for size in ((96, 128), (160, 64)))
    sizes = {"image": picture_sizes("image")}
    return OnnxGraph(PictureColouring(pipe.generator), {"image": first}, {"image": second}, EXAMPLE, sizes)
