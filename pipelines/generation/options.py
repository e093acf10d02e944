"""Options of the default generators' training."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from train.recipe import TrainConfig


@dataclass(frozen=True)
class GenerationConfig(TrainConfig):
    """Options of the default generators' training."""

    batch_size: int = 8
    precision: Literal["no", "bf16"] = "bf16"
    channels_last: bool = True
    ema_images: float = 6000
    save_every: int = 200
    validate_every: int = 800
    best: str = "kid"
    size: int = 64
    """Side of the pictures in pixels, a power of two from 16 on."""
    latents: int = 128
    """Numbers that a picture is made from."""
    categories: tuple[str, ...] = ()
    """Labels of the pictures, in the order of their numbers."""
    colours: tuple[str, ...] = ()
    """Colours that can be asked for; () tells none. Pictures of other colours are trained on as "other"."""
    subset: str | None = None
    """Train on pictures of this subset of the data alone."""
    mirror: bool = False
    """Hand out half of the pictures mirrored."""
    zoom: float = 1.0
    """Side of the crops as a share of the picture's; 1 takes whole pictures."""
    channels: tuple[int, ...] = (256, 192, 128, 64, 48)
    """Channels of the generator's maps at sides 4, 8, 16, ..."""
    context: int = 256
    """Length of the vector that tells the generator's blocks latents and conditions."""
    lr: float = 6e-4
    """Adam learning rate of generator and encoder, warmed up over 100 steps, constant, over the last third to 5 %."""
    judge_lr: float = 1e-3
    """Adam learning rate of the discriminator's heads."""
    judge_width: int = 64
    """Channels of the discriminator's heads."""
    warm_up: int = 150
    """Steps of the VAE alone before the judge joins in."""
    blurring_noise: float = 0.03
    """Deviation of the noise, in units of [-1, 1], that the judge sees on real and made pictures alike: a background of
    plain white would give every made picture away by its last grey level (Sonderby et al., 2017)."""
    adversarial: float = 1.0
    """Weight of the generator's hinge loss; 0 trains the VAE alone, without judge and reader."""
    rebuilt: float = 0.5
    """Share of each batch that is also rebuilt from its latents; at least one picture."""
    pixels: float = 4.0
    """Weight of the reconstruction loss in pixels (L1)."""
    likelihood: float = 7.0
    """Weight of the reconstruction loss in features."""
    divergence: float = 4e-4
    """Weight of the KL divergence of the latents to N(0, I), in nats."""
    spread: float = 1.0
    """How far samples are drawn, as a share of how far the latents of training pictures lie apart: wider gives more
    variety for a little precision. Of validation and pipeline, not of training; choose it on validation pictures."""
    recovery: float = 1.0
    """Weight of reading a sample's latents back from it, the mean square error: samples that all look alike cannot tell
    what they were made from (VEEGAN, Srivastava et al., 2017, https://arxiv.org/abs/1705.07761)."""
    reader: float = 0.3
    """Weight of the loss on category and colour as a classifier of real pictures reads them."""
    evenness: float = 0.5
    """How far rare pairs of category and colour are drawn more often: 0 as they are, 1 all alike."""
    start_from: Path | None = None
    """Folder of a pipeline whose networks training starts from, as far as sizes agree; it may make smaller pictures."""
    encoder_width: float = 1.0
    """Scale of the feature networks' channels; below 1 they start from random weights (for tests)."""
    encoder_depth: float = 1.0
    """Scale of the feature networks' number of blocks; below 1 they start from random weights (for tests)."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not 0 < self.rebuilt <= 1:
            raise ValueError(f"rebuilt must be above 0 and at most 1, got {self.rebuilt}.")
        if not 0 < self.zoom <= 1:
            raise ValueError(f"zoom must be above 0 and at most 1, got {self.zoom}.")
        if self.spread <= 0:
            raise ValueError(f"spread must be above 0, got {self.spread}.")
