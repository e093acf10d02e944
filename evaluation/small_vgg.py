"""A small VGG-style classifier trained from nothing on the pictures that a study is about.

A judge on pretrained features (`category_classifier`) hides what its training pictures are worth, since it has seen a
million others. This one has seen only them, so it shows whether generated pictures can stand in for real ones. Import
`torchvision_guard` before this module's functions are called.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from tqdm import trange


@dataclass(frozen=True)
class SmallVggOptions:
    """How the classifier is made and trained. The number of steps does not depend on that of the pictures."""

    side: int = 64
    """Pictures are brought to this size, antialiased."""
    width: int = 16
    """Channels of the first block; doubled three times."""
    steps: int = 300
    batch: int = 32
    learning_rate: float = 3e-3
    """The peak: it rises for a tenth of the steps and falls to 0 along a cosine."""
    weight_decay: float = 0.05
    shift: int = 4
    """Pictures are moved by up to so many pixels, edges repeated, and mirrored half of the time."""


DEFAULTS = SmallVggOptions()


class SmallVgg:
    """A trained classifier: categories, and the network that tells them apart."""

    def __init__(self, network: nn.Module, categories: tuple[str, ...], side: int):
        self.network, self.categories, self.side = network.eval(), categories, side

    @torch.no_grad()
    def probabilities(self, pictures: Tensor) -> Tensor:
        """(N, 3, H, W) uint8 -> (N, K), in the order of `categories`."""
        parts = [self.network(part).softmax(1) for part in _prepared(pictures, self.side).split(64)]
        return torch.cat(parts) if parts else torch.empty(0, len(self.categories))

    def predict(self, pictures: Tensor) -> list[str]:
        """The likeliest category of each picture."""
        return [self.categories[position] for position in self.probabilities(pictures).argmax(1).tolist()]


def train_small_vgg(
    pictures: Tensor, labels: Sequence[str], seed: int = 0, options: SmallVggOptions = DEFAULTS
) -> SmallVgg:
    """Train for a fixed number of steps and keep the last weights; the same seed gives the same ones.

    Batches draw a category first, each as often as another, then one of its pictures. The random numbers of the caller
    are left as they are.

    Args:
        pictures: (N, 3, H, W) uint8.
        labels: (N,), of two categories at least.

    Raises:
        ValueError: if pictures and labels do not fit, or show one category only.
    """
    categories = tuple(sorted(set(labels)))
    if len(pictures) != len(labels) or len(categories) < 2:
        raise ValueError(f"{len(pictures)} pictures with {len(labels)} labels of {len(categories)} categories.")
    inputs = _prepared(pictures, options.side)
    members = [torch.tensor([one == name for one in labels]).nonzero()[:, 0] for name in categories]
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = small_vgg(len(categories), options.width)
        _train(network, inputs, members, options)
    return SmallVgg(network, categories, options.side)


def small_vgg(categories: int, width: int = 16) -> nn.Sequential:
    """VGG's convolutions (Simonyan and Zisserman, 2015, https://arxiv.org/abs/1409.1556), by torchvision, in small.

    Four blocks of one, one, two and two 3x3 convolutions with batch norm, each ended by max pooling; the mean over the
    picture in place of VGG's hidden layers, which hold most of its weights. (B, 3, H, W) in [-1, 1] -> (B, K) logits.
    """
    from torchvision.models.vgg import make_layers  # takes a second

    layers = [width, "M", 2 * width, "M", 4 * width, 4 * width, "M", 8 * width, 8 * width, "M"]
    head = nn.Linear(8 * width, categories)
    return nn.Sequential(make_layers(layers, batch_norm=True), nn.AdaptiveAvgPool2d(1), nn.Flatten(), head)


def _train(network: nn.Module, inputs: Tensor, members: list[Tensor], options: SmallVggOptions) -> None:
    optimizer = torch.optim.AdamW(network.parameters(), options.learning_rate, weight_decay=options.weight_decay)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, options.learning_rate, total_steps=options.steps + 1, pct_start=0.1
    )
    network.train()
    for _ in trange(options.steps, desc="classifier", leave=False):
        targets = torch.randint(len(members), (options.batch,))
        chosen = [members[target][torch.randint(len(members[target]), ())] for target in targets.tolist()]
        loss = F.cross_entropy(network(_augmented(inputs[torch.stack(chosen)], options.shift)), targets)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        schedule.step()


def _prepared(pictures: Tensor, side: int) -> Tensor:
    """(N, 3, H, W) uint8 -> (N, 3, side, side) float in [-1, 1]."""
    if pictures.dtype != torch.uint8 or pictures.ndim != 4 or pictures.shape[1] != 3:
        raise ValueError(f"Pictures must be (N, 3, H, W) uint8, got {tuple(pictures.shape)} {pictures.dtype}.")
    images = pictures.float() / 127.5 - 1
    if not len(images) or images.shape[2:] == (side, side):
        return images
    return F.interpolate(images, (side, side), mode="bilinear", antialias=True)


def _augmented(images: Tensor, shift: int) -> Tensor:
    """Each picture mirrored half of the time and moved by up to `shift` pixels either way."""
    n, _, height, width = images.shape
    images = torch.where(torch.rand(n, 1, 1, 1) < 0.5, images.flip(3), images)
    padded = F.pad(images, (shift,) * 4, mode="replicate")
    corners = torch.randint(2 * shift + 1, (n, 2)).tolist()
    return torch.stack([one[:, y : y + height, x : x + width] for one, (y, x) in zip(padded, corners, strict=True)])
