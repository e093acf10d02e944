"""Networks as tables of layers, in the order in which data meet them, to compare with what a paper says.

A convolution is (kind, in, out, kernel, stride, padding, bias, side of its output); "up" is a transposed one. The rest:
("reflect", pixels), ("instance" or "batch", channels), ("leaky", slope), ("dropout", p), ("relu",) and ("tanh",).
"""

from collections.abc import Callable

import torch
from torch import nn


def expected_parameters(table: list[tuple]) -> int:
    convolutions = [layer for layer in table if layer[0] in ("conv", "up")]
    gains = sum(2 * layer[1] for layer in table if layer[0] == "batch")  # and offsets; instance norm has neither
    return gains + sum(i * o * k * k + o * bias for _, i, o, k, _, _, bias, _ in convolutions)


def describe(module: nn.Module, side: int) -> tuple:
    match module:
        case nn.Conv2d() | nn.ConvTranspose2d():
            sizes = {*module.kernel_size}, {*module.stride}, {*module.padding}
            assert all(len(both) == 1 for both in sizes) and module.groups == 1 and module.dilation == (1, 1)
            kind = "conv" if isinstance(module, nn.Conv2d) else "up"
            shape = (both.pop() for both in sizes)
            return kind, module.in_channels, module.out_channels, *shape, module.bias is not None, side
        case nn.ReflectionPad2d():
            return "reflect", *{*module.padding}
        case nn.InstanceNorm2d(affine=False, track_running_stats=False):
            return "instance", module.num_features
        case nn.BatchNorm2d(affine=True):
            return "batch", module.num_features
        case nn.LeakyReLU():
            return "leaky", module.negative_slope
        case nn.Dropout():
            return "dropout", module.p
    return (type(module).__name__.lower(),)


def trace(network: nn.Module, channels: int, size: int) -> list[tuple]:
    """Layers in the order in which data meet them. Runs on the meta device: shapes without arithmetic."""
    met: list[tuple] = []
    for module in network.modules():
        if not list(module.children()):
            module.register_forward_hook(lambda module, _, output: met.append(describe(module, output.shape[-1])))
    network(torch.zeros(1, channels, size, size, device="meta"))
    return met


def field(network: nn.Module, channels: int, output_at: int) -> int:
    """Side of the square of inputs that one output depends on, by gradients.

    All weights are made positive, so that no gradient cancels and no ReLU is shut.
    """
    for parameter in network.parameters():
        nn.init.constant_(parameter, 1 / parameter[0].numel() if parameter.ndim > 1 else 0.0)
    image = torch.full((1, channels, 256, 256), 1e-6, dtype=torch.float64, requires_grad=True)
    network.double()(image)[0, :, output_at, output_at].sum().backward()
    rows = image.grad[0].abs().sum((0, 2)).nonzero()
    return int(rows.max() - rows.min()) + 1


def gradients(networks: list[nn.Module], losses: Callable[[torch.Tensor], torch.Tensor], *batches: torch.Tensor):
    """Gradients of all parameters, flat, of the mean of `losses`, (B,), averaged over equal batches."""
    for network in networks:
        network.zero_grad()
    for batch in batches:
        (losses(batch).mean() / len(batches)).backward()
    return torch.cat([p.grad.flatten() for network in networks for p in network.parameters()])


def distance_of_halves(networks: list[nn.Module], losses: Callable[[torch.Tensor], torch.Tensor]) -> float:
    """How far the gradients of two half batches of unlike pictures are from those of the whole, relative."""
    images = torch.rand(4, 3, 64, 64) * 2 - 1
    images *= torch.tensor([0.2, 0.4, 0.7, 1.0]).view(4, 1, 1, 1)
    whole, halves = gradients(networks, losses, images), gradients(networks, losses, images[:2], images[2:])
    return ((whole - halves).norm() / whole.norm()).item()
