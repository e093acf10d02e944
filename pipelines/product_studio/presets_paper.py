"""Options and presets of the article's GAN: as printed, with the usual loss, and with its counter-measures to collapse.

The article gives networks, Adam's rate, losses and kinds of augmentation. Ours: batch (Keras's default), steps, how far
pictures are cropped and turned, and the numbers of the counter-measures, of which it gives directions only.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal

from pipelines.product_studio.asked import CATEGORIES, COLOURS
from train.recipe import TrainConfig


@dataclass(frozen=True)
class ProductPaperConfig(TrainConfig):
    """Options of `train product_studio paper` and of the rows beside it."""

    steps: int = 20_000
    batch_size: int = 32
    ema_images: float = 0.0  # the article averages no weights
    save_every: int = 500
    validate_every: int = 1000
    best: str = "kid"
    size: int = 256
    """Side of the pictures in pixels: 16, 32, 64, 128 or 256. Smaller ones take fewer up-samplings."""
    conditional: bool = True
    """Tell both networks category and colour, since people choose these; else as in the article's code."""
    categories: tuple[str, ...] = CATEGORIES
    """Labels of the pictures, in the order of their numbers."""
    colours: tuple[str, ...] = COLOURS
    """Colours that can be asked for; pictures of others are "other"."""
    subset: str | None = "studio"
    """Train on pictures of this subset of the data alone."""
    width: int = 128
    """Channels of both networks."""
    latents: int = 100
    """Numbers that all levels of a picture are made from."""
    loss: Literal["printed", "non-saturating"] = "printed"
    """The generator's: as printed, drawing D toward 0.5, or -log D(G(z)). D's is binary cross-entropy."""
    lr: float = 1e-4
    """Adam learning rate of the generator, constant."""
    judge_lr: float = 1e-4
    """Adam learning rate of the discriminator, constant."""
    capacity: int = 1
    """Counter-measure: the generator has so many times `width` channels."""
    judge_depth: int = 2
    """Counter-measure: convolutions of the discriminator; those after the second halve the side."""
    level_latents: int = 0
    """Counter-measure: further numbers, for each of the generator's five convolutions alone."""
    smallest: float = 0.9
    """Side of the smallest crop as a share of the picture's."""
    rotation: float = 10.0
    """Degrees by which pictures are turned at most."""
    mirror: bool = True
    """Hand out half of the pictures mirrored."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("width", "latents", "capacity"):
            if (value := getattr(self, name)) < 1:
                raise ValueError(f"{name} must be at least 1, got {value}.")


COUNTER_MEASURES: dict[str, tuple[str, dict[str, Any]]] = {
    "larger-g": ("a generator of twice the channels", {"capacity": 2}),
    "balanced-lr": ("a quarter of the rate for D, which else gets ahead", {"judge_lr": 2.5e-5}),
    "stronger-d": ("three more convolutions in D", {"judge_depth": 5}),
    "more-noise": ("twenty more latents for each convolution of G", {"level_latents": 20}),
}
"""What the article names against mode collapse, in its order: name -> description, options."""

_PAPER = ProductPaperConfig()
_ALL = {name: value for _, options in COUNTER_MEASURES.values() for name, value in options.items()}
_TINY = replace(_PAPER, steps=4, batch_size=4, save_every=2, validate_every=4, size=16, width=4, latents=6)

PAPER_PRESETS: dict[str, tuple[str, ProductPaperConfig]] = {
    "paper": ("the article's GAN with its loss as printed, 256 px", _PAPER),
    "paper-nonsaturating": ("the same with the non-saturating loss", replace(_PAPER, loss="non-saturating")),
    **{
        f"paper-{name}": (f"against collapse: {text}", replace(_PAPER, **options))
        for name, (text, options) in COUNTER_MEASURES.items()
    },
    "paper-all-four": ("against collapse: all four counter-measures", replace(_PAPER, **_ALL)),
    "paper-tiny": ("the article's recipe with narrow networks: seconds, for tests", _TINY),
}
