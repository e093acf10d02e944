"""Write a method's networks as ONNX, checked against PyTorch, with an example that runs without it."""

import tempfile
import warnings
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pipelines.method import Method
from pipelines.onnx_graph import OnnxGraph

OPSET = 18
TOLERANCE = 1e-3  # in [0, 1]


def export_onnx(method: Method, out: Path, source: str | None = None) -> str:
    """Write <method>.onnx and example.py into `out`.

    Args:
        out: folder; made if need be. Only these two files in it are replaced.
        source: folder or Hub id of the weights; None takes the bundled ones.

    Returns:
        A sentence: what was written, and how far it is from PyTorch.

    Raises:
        ValueError: if the method or its network has no ONNX form, or the export differs from PyTorch; nothing is left.
        OSError: if the weights or the packages that write ONNX are missing.
    """
    if method.onnx is None:
        raise ValueError(f"{method.name} has no ONNX form.")
    try:
        import onnxscript  # noqa: F401  what torch.onnx writes with
    except ImportError as error:
        raise OSError("ONNX files are written by the package onnxscript: pip install -r requirements.txt") from error
    graph: OnnxGraph = method.load("onnx")(method.load("pipeline").from_pretrained(source))
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".") as temporary:
        file = Path(temporary) / f"{method.name}.onnx"
        write_graph(graph, file)
        off = difference(graph, file)
        if not off <= TOLERANCE:
            raise ValueError(f"The ONNX form of {method.name} differs from PyTorch by {off:.2g}: it was not written.")
        size = file.stat().st_size
        file.replace(out / file.name)
    example = Template(graph.example).substitute(model=f"{method.name}.onnx")
    (out / "example.py").write_text(example.lstrip(), encoding="utf-8")
    told = f"opset {OPSET}, {size / 1e6:.1f} MB, at most {off:.1g} of 1 from PyTorch"
    return f"Wrote {out / file.name} ({told}) and {out / 'example.py'}."


def write_graph(graph: OnnxGraph, file: Path) -> None:
    """Write the graph as one file."""
    sizes = tuple(graph.sizes.get(name) for name in graph.inputs)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")  # of names that torch gives to its own constants
        program = torch.export.export(
            graph.module.eval(),
            tuple(graph.inputs.values()),
            dynamic_shapes=sizes,
            strict=any(0 in axes for axes in graph.sizes.values()),  # slow; else the len() of a batch would be fixed
        )
        torch.onnx.export(
            program,
            (),
            file,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(graph.inputs),
            output_names=["picture"],
            external_data=False,
            custom_translation_table={torch.ops.aten.median.dim: _median},
            verbose=False,
        )


def difference(graph: OnnxGraph, file: Path) -> float:
    """The largest difference between ONNX Runtime and PyTorch, for both sets of inputs."""
    import onnxruntime

    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return max(_difference(graph, session, inputs) for inputs in (graph.inputs, graph.others))


def _difference(graph: OnnxGraph, session: Any, inputs: dict[str, Tensor]) -> float:
    with torch.no_grad():
        expected = graph.module(*inputs.values()).numpy()
    (painted,) = session.run(["picture"], {name: value.numpy() for name, value in inputs.items()})
    if painted.shape != expected.shape:
        raise ValueError(f"ONNX Runtime paints {painted.shape}, PyTorch {expected.shape}.")
    return float(np.abs(painted - expected).max())


def _median(self: Any, dim: int, keepdim: bool = False) -> Any:
    """PyTorch's median (the lower one) for ONNX, which has none: the last of the smaller half. The axis stays."""
    import onnxscript

    op: Any = onnxscript.opset18
    half = (self.shape[dim] + 1) // 2
    smaller = op.TopK(self, op.Constant(value_ints=[half]), axis=dim, largest=0, sorted=1)
    first, last, axis = (op.Constant(value_ints=[number]) for number in (half - 1, half, dim))
    return tuple(op.Slice(part, first, last, axis) for part in smaller)
