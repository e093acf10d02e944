"""The rows of `python -m evaluation benchmark`: the paper's ResNet-9 in tiles, the default, faster ways to run it."""

import copy
import importlib.util
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

Paint = Callable[[str, str], float]
"""paint(source, target) paints a file and returns the megapixels painted."""

RESNET, DEFAULT = "ResNet-9 fp32", "default"
_RESNET_TILES = 6  # all cost the same: a few tell the time per megapixel


@dataclass(frozen=True)
class BenchmarkRow:
    """One row: `load(weights, seed)` gives its `Paint`; `runs` says whether this machine can run it."""

    note: str
    load: Callable[[str | None, int], Paint]
    runs: Callable[[], bool] = lambda: True


def _load_resnet(weights: str | None, seed: int) -> Paint:
    """The paper's generator, random weights (its time does not depend on them), on 256x256 tiles in PyTorch fp32."""
    from pipelines.images import read_picture
    from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator
    from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
    from pipelines.large_images import LargeImage

    torch.manual_seed(seed)
    pipe = LandscapeColorizer(ResNetGenerator().eval())
    canvas = pipe.canvas(np.zeros((1, 1, 3), np.uint8), 256, 256)

    def paint(source: str, target: str) -> float:
        if (large := LargeImage(Path(source))).height == large.width == 256:
            pixels = read_picture(source).pixels
        else:
            pixels = next(large.rows())[:256]
        tiles = [np.resize(pixels[:, 256 * k : 256 * (k + 1)], (256, 256, 3)) for k in range(_RESNET_TILES)]
        for tile in tiles[: 1 if large.width == 256 else _RESNET_TILES]:
            canvas.paint(tile, 0, 0)
        return len(tiles[: 1 if large.width == 256 else _RESNET_TILES]) * 65_536 / 1e6

    return paint


def _load_default(change: Callable[[nn.Module], Any] | None = None) -> Callable[[str | None, int], Paint]:
    """The default with its refiner changed."""

    def load(weights: str | None, seed: int) -> Paint:
        from pipelines.landscape_colorizer.pipeline_landscape_colorizer import LandscapeColorizer
        from pipelines.large_images import LargeImage, paint_file

        pipe = LandscapeColorizer.from_pretrained(weights)
        if change is not None:
            pipe.generator.refiner = change(pipe.generator.refiner)

        def paint(source: str, target: str) -> float:
            large = LargeImage(Path(source))
            if large.height == large.width == 256:  # as the reference, whose small picture is not written either
                pipe(source)
            else:
                paint_file(pipe, source, target)
            return large.height * large.width / 1e6

        return paint

    return load


class Bfloat16(nn.Module):
    """A refiner in bfloat16, channels last."""

    def __init__(self, refiner: nn.Module):
        super().__init__()
        self.refiner = copy.deepcopy(refiner).to(torch.bfloat16).to(memory_format=torch.channels_last)

    def forward(self, grey: Tensor, palette: Tensor) -> Tensor:
        given = (part.to(torch.bfloat16, memory_format=torch.channels_last) for part in (grey, palette))
        return self.refiner(*given).float()


class ChannelsLast(nn.Module):
    """A refiner in float32, channels last."""

    def __init__(self, refiner: nn.Module):
        super().__init__()
        self.refiner = copy.deepcopy(refiner).to(memory_format=torch.channels_last)

    def forward(self, grey: Tensor, palette: Tensor) -> Tensor:
        return self.refiner(*(part.contiguous(memory_format=torch.channels_last) for part in (grey, palette)))


class OnnxRefiner(nn.Module):
    """A refiner exported to ONNX, run by ONNX Runtime on the CPU."""

    def __init__(self, refiner: nn.Module):
        import onnxruntime

        super().__init__()
        features = next(refiner.parameters()).shape[1] - 4
        free = {0: {2: "height", 3: "width"}, 1: {2: "rows", 3: "columns"}}
        shapes = (torch.zeros(1, 1, 64, 64), torch.zeros(1, features, 32, 32))
        names = {"input_names": ["grey", "palette"], "output_names": ["chroma"]}
        axes = {"grey": free[0], "palette": free[1], "chroma": free[0]}
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        with tempfile.TemporaryDirectory() as folder:
            file = f"{folder}/refiner.onnx"
            torch.onnx.export(refiner, shapes, file, dynamic_axes=axes, dynamo=False, **names)
            self.session = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])

    def forward(self, grey: Tensor, palette: Tensor) -> Tensor:
        given = {"grey": grey.contiguous().numpy(), "palette": palette.contiguous().numpy()}
        return torch.from_numpy(self.session.run(None, given)[0])


def _compiled(refiner: nn.Module) -> Any:
    return torch.compile(refiner, dynamic=True)


def _installed(package: str) -> Callable[[], bool]:
    return lambda: importlib.util.find_spec(package) is not None


ROWS = {
    RESNET: BenchmarkRow(
        f"Random weights, which its time does not depend on; {_RESNET_TILES} tiles of 256x256, as all cost the same.",
        _load_resnet,
    ),
    DEFAULT: BenchmarkRow(
        "File to file, as the app and the command line run it; 256x256 from a file to memory.", _load_default()
    ),
    "channels last": BenchmarkRow("The default, its refiner channels last.", _load_default(ChannelsLast)),
    "bfloat16": BenchmarkRow("The default, its refiner in bfloat16, channels last.", _load_default(Bfloat16)),
    "torch.compile": BenchmarkRow(
        "The default, its refiner compiled; the first picture of each size pays for it.",
        _load_default(_compiled),
        lambda: shutil.which("g++") is not None,
    ),
    "ONNX Runtime": BenchmarkRow(
        "The default, its refiner exported to ONNX.", _load_default(OnnxRefiner), _installed("onnxruntime")
    ),
}
