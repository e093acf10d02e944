"""The paper's style encoders: what a pretrained VGG says of a reference as a whole, as one vector.

Sources: [1] VGG, Simonyan and Zisserman, 2015, https://arxiv.org/abs/1409.1556; the paper, section 2.2: the output of
VGG-19's fully connected layer, before its ReLU. Key names are those of torchvision, whose published weights fit.
"""

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import Tensor, nn

VGG16 = (2, 2, 3, 3, 3)  # convolutions of each block; the tap of a block is the ReLU after its last one
VGG19 = (2, 2, 4, 4, 4)
_BLOCKS = (1, 2, 4, 8, 8)  # channels of the blocks, in widths
LARGEST = 10.0  # deviations from the mean
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)  # of ImageNet's pictures in [0, 1]


class Vgg16ConvStyle(ModelMixin, ConfigMixin):
    """Mean and standard deviation of the channels at five depths of VGG-16: 2944 numbers, standardised.

    It stands in where VGG-19 cannot be had, and is not what the paper took. Its raw numbers differ in scale by
    thousands, so each is shifted and scaled by its mean and spread over training pictures, see `standardise`.

    Args:
        kind: "vgg16-conv".
        size: side in pixels that references are brought to.
        width: channels of the first block; 64 fits the published weights.
    """

    multiple = 1

    @register_to_config
    def __init__(self, kind: str = "vgg16-conv", size: int = 224, width: int = 64):
        super().__init__()
        self.size = size
        self.features = vgg_features(VGG16, width, last_pool=False)
        self.length = 2 * sum(count * width for count in _BLOCKS)
        self.register_buffer("mean", torch.zeros(self.length))
        self.register_buffer("spread", torch.ones(self.length))
        self.requires_grad_(False)

    def forward(self, reference: Tensor) -> dict[str, Tensor]:
        """Describe references.

        Args:
            reference: (B, 3, H, W) in [-1, 1], of any size.

        Returns:
            "vector" (B, 2944), standardised, in [-10, 10]: a number that hardly varied in training must not shout down
            the others for a reference unlike those. In the reference's precision.
        """
        vector = (self.statistics(reference) - self.mean.float()) / self.spread.float()
        return {"vector": vector.clamp(-LARGEST, LARGEST).to(reference.dtype)}

    def statistics(self, reference: Tensor) -> Tensor:
        """The numbers before they are standardised, (B, 2944) float32: each depth's means, then its deviations."""
        x, parts = vgg_input(reference, self.size).to(self.dtype), []
        layers = list(self.features)
        for layer, after in zip(layers, [*layers[1:], None], strict=True):
            x = layer(x)
            if after is None or isinstance(after, nn.MaxPool2d):
                variance, mean = torch.var_mean(x.float(), (2, 3), correction=0)
                parts += [mean, variance.sqrt()]
        return torch.cat(parts, dim=1)

    def standardise(self, statistics: Tensor) -> None:
        """Take mean and spread from `statistics`, (N, 2944), of N training references.

        A number that never varies gets the spread 1, not 0.

        Raises:
            ValueError: for fewer than two references, or numbers of another encoder.
        """
        if statistics.ndim != 2 or len(statistics) < 2 or statistics.shape[1] != self.length:
            raise ValueError(f"statistics must be (at least 2, {self.length}), got {tuple(statistics.shape)}.")
        spread, mean = torch.std_mean(statistics.float(), 0, correction=0)
        self.mean.copy_(mean)
        self.spread.copy_(torch.where(spread > 1e-5, spread, torch.ones_like(spread)))


class Vgg19FcStyle(ModelMixin, ConfigMixin):
    """The paper's: VGG-19's fully connected layer on the reference, before its ReLU; 4096 numbers.

    Two of its layers have 4096 outputs, and the text does not say which is meant. Ours: the first.

    Args:
        kind: "vgg19-fc".
        size: side in pixels that references are brought to, a multiple of 32; 224 fits the published weights.
        width: channels of the first block; 64 fits them.
        length: of the vector; 4096 fits them.
    """

    multiple = 1

    @register_to_config
    def __init__(self, kind: str = "vgg19-fc", size: int = 224, width: int = 64, length: int = 4096):
        super().__init__()
        self.size, self.length = size, length
        self.features = vgg_features(VGG19, width, last_pool=True)
        self.classifier = nn.Sequential(nn.Linear(_BLOCKS[-1] * width * (size // 32) ** 2, length))
        self.requires_grad_(False)

    def forward(self, reference: Tensor) -> dict[str, Tensor]:
        """(B, 3, H, W) in [-1, 1], of any size -> "vector" (B, 4096), unbounded, in the reference's precision."""
        x = vgg_input(reference, self.size).to(self.dtype)
        return {"vector": self.classifier(self.features(x).flatten(1)).to(reference.dtype)}


def vgg_features(blocks: tuple[int, ...], width: int, last_pool: bool) -> nn.Sequential:
    """The convolutional part of a VGG [1], numbered as torchvision's `features`."""
    layers: list[nn.Module] = []
    before = 3
    for count, channels in zip(blocks, (scale * width for scale in _BLOCKS), strict=True):
        for _ in range(count):
            layers += [nn.Conv2d(before, channels, 3, padding=1), nn.ReLU()]
            before = channels
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*(layers if last_pool else layers[:-1]))


def vgg_input(reference: Tensor, size: int) -> Tensor:
    """(B, 3, H, W) in [-1, 1] -> (B, 3, size, size) float32, scaled as VGG was trained; sides are squeezed."""
    image = reference.float()
    if image.shape[2:] != (size, size):
        image = F.interpolate(image, size=(size, size), mode="bilinear", align_corners=False, antialias=True)
    mean, std = (image.new_tensor(values).view(1, 3, 1, 1) for values in (_MEAN, _STD))
    return ((image + 1) / 2 - mean) / std
