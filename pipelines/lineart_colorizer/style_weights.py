"""Pretrained weights into the paper's style encoders. Training only: saved pipelines carry them along."""

from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import torch
from torch import Tensor

from evaluation.packaged_weights import vgg16_lpips_state
from pipelines.lineart_colorizer.networks_style_encoder import Vgg16ConvStyle, Vgg19FcStyle

StyleKind = Literal["vgg19-fc", "vgg16-conv"]

VGG19_URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"  # torchvision's, trained on ImageNet; 548 MB


def style_encoder(kind: StyleKind, size: int) -> Vgg16ConvStyle | Vgg19FcStyle:
    """A style encoder with its published weights, in evaluation mode.

    Args:
        kind: "vgg19-fc" is the paper's and needs a download; "vgg16-conv" takes weights that a package carries.
        size: side that "vgg16-conv" brings references to; "vgg19-fc" always takes 224.

    Raises:
        ValueError: for another kind.
        OSError: if the weights cannot be had; the message says what to do.
    """
    if kind not in ("vgg19-fc", "vgg16-conv"):
        raise ValueError(f'style must be "vgg19-fc" or "vgg16-conv", got {kind!r}.')
    state = vgg19_state() if kind == "vgg19-fc" else vgg16_lpips_state()
    with torch.device("meta"):  # no time for random weights that are replaced below
        encoder = Vgg19FcStyle() if kind == "vgg19-fc" else Vgg16ConvStyle(size=size)
    standard = {"mean": torch.zeros(encoder.length), "spread": torch.ones(encoder.length)}
    own = {key: state[key] if key in state else standard[key] for key in encoder.state_dict()}
    encoder.load_state_dict(own, assign=True)
    return encoder.requires_grad_(False).eval()


def vgg19_state() -> dict[str, Tensor]:
    """torchvision's VGG-19, downloaded once into torch's cache, its hash checked.

    Raises:
        OSError: if it is not there and cannot be fetched, or is not the published file.
    """
    name = Path(urlsplit(VGG19_URL).path).name
    place = Path(torch.hub.get_dir()) / "checkpoints" / name
    try:
        return torch.hub.load_state_dict_from_url(
            VGG19_URL, map_location="cpu", check_hash=True, weights_only=True, progress=False
        )
    except Exception as error:  # a network fails in many ways, and torch.hub raises RuntimeError for a wrong hash
        raise OSError(
            f"The weights of VGG-19 could not be fetched ({error}). Put {VGG19_URL} at {place}, or train with "
            "--style vgg16-conv: another style vector than the paper's, of weights that are installed."
        ) from error
