"""The product studio's generator as an ONNX graph: noise and what is asked for in, pictures out."""

from typing import Any

from pipelines.generation.onnx_graph import noise_graph
from pipelines.onnx_graph import OnnxGraph
from pipelines.product_studio.networks_product_studio import ProductPictureGenerator


def build_graph(pipe: Any) -> OnnxGraph:
    """The graph of a pipeline with the default generator; ValueError for another."""
    return noise_graph(pipe, ProductPictureGenerator, "product_studio")
