"""The detail generator as an ONNX graph: noise and what is asked for in, pictures out."""

from typing import Any

from pipelines.detail_generator.networks_detail_generator import DetailPictureGenerator
from pipelines.generation.onnx_graph import noise_graph
from pipelines.onnx_graph import OnnxGraph


def build_graph(pipe: Any) -> OnnxGraph:
    """The graph of a pipeline with the default generator; ValueError for another."""
    return noise_graph(pipe, DetailPictureGenerator, "detail_generator")
