"""The scene translator as one ONNX graph: a picture and the number of what it is to become in, the picture out."""

import json
from typing import Any

import torch
from torch import Tensor, nn

from pipelines.onnx_graph import OnnxGraph, need, picture_sizes
from pipelines.scene_translator.networks_scene_translator import SceneGenerator

EXAMPLE = """
import sys
import numpy as np, onnxruntime
from PIL import Image

target = np.array([TARGETS.index(sys.argv[3])])
picture = Image.open(sys.argv[1]).convert("RGB")  # below: sides that are multiples of 32, 384 x 384 at most
scale = min(1, (384 * 384 / (picture.width * picture.height)) ** 0.5)
size = [max(2, round(side * scale / 32)) * 32 for side in picture.size]
pixels = np.asarray(picture.resize(size), np.float32).transpose(2, 0, 1)[None] / 255
inputs = {"image": pixels, "target": target, "source": np.array([-1])}  # the source's number, -1 where it is not told
(translated,) = onnxruntime.InferenceSession(f"{sys.path[0]}/$model").run(None, inputs)
Image.fromarray((translated[0].transpose(1, 2, 0) * 255).round().astype(np.uint8)).save(sys.argv[2])
"""


class PictureTranslation(nn.Module):
    """The network between pictures in [0, 1]."""

    def __init__(self, generator: nn.Module):
        super().__init__()
        self.generator = generator

    def forward(self, image: Tensor, target: Tensor, source: Tensor) -> Tensor:
        """(1, 3, H, W) in [0, 1], (1,) and (1,) int64, -1 for no source -> (1, 3, H, W) in [0, 1]."""
        return (self.generator(image * 2 - 1, target, source).clamp(-1, 1) + 1) / 2


def build_graph(pipe: Any) -> OnnxGraph:
    """The graph of a pipeline with the default network; ValueError for another."""
    need(pipe.generator, SceneGenerator, "scene_translator")
    random = torch.Generator().manual_seed(0)
    first, second = (torch.rand(1, 3, *size, generator=random) for size in ((96, 128), (160, 64)))
    inputs = {"image": first, "target": torch.tensor([1]), "source": torch.tensor([-1])}
    others = {"image": second, "target": torch.tensor([2]), "source": torch.tensor([3])}
    example = EXAMPLE.replace("TARGETS", json.dumps(list(pipe.targets)))
    return OnnxGraph(PictureTranslation(pipe.generator), inputs, others, example, {"image": picture_sizes("image")})
