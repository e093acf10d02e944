"""Options and presets of the paper's two stages: its model, its variants, the ablations and the row beside it."""

from dataclasses import dataclass, replace
from typing import Literal

from pipelines.detail_generator.networks_single_scale import KERNEL_MODES
from train.recipe import TrainConfig


@dataclass(frozen=True)
class PaperConfig(TrainConfig):
    """Options of `train detail_generator paper` and of the rows beside it.

    The paper gives the kernels, the pooling and the objective. Ours, after DCGAN: batch, Adam and its rate, widths.
    """

    steps: int = 20_000
    batch_size: int = 64
    ema_images: float = 0.0  # the paper averages no weights
    save_every: int = 500
    validate_every: int = 1000
    best: str = "kid"
    stage: Literal["single-scale", "vae-msgan"] = "vae-msgan"
    """The convolutional GAN of one scale, or the one with encoder and discriminator of several scales."""
    category: str | None = None
    """Train on this category alone; None: one model for all, told which."""
    size: int = 64
    """Side of the pictures in pixels, a power of two from 16 on."""
    width: int = 64
    """Channels at half the size in G, E and a discriminator of stage 1; a branch of stage 2's has half as many."""
    latents: int = 128
    """Numbers that a picture is made from."""
    generator_kernel: int = 5
    """Kernel of the generator's transposed convolutions, odd."""
    discriminator_kernels: tuple[int, ...] = (3, 5, 7)
    """Kernels of the discriminator's convolutions, odd: one for each branch; one alone in the stage "single-scale"."""
    pooling: Literal["none", "average", "max"] = "max"
    """What halves the discriminator's maps: strides, or pooling."""
    pooled: tuple[int, ...] | None = None
    """Levels of the discriminator that pool, 1 is the one at full size, the others use strides; None: all pool."""
    adversarial: Literal["log", "wasserstein"] = "log"
    """L_GAN: the stated log loss with Adam, or the critic with clipped weights and RMSprop."""
    saturating: bool = False
    """G minimises log(1 - D(G(z))), equation (1) to the letter; else -log D(G(z)). For the log loss."""
    critic_steps: int = 1
    """Steps of D for one of the others, the paper's k; every step draws a new batch."""
    clip: float = 0.01
    """Limit of a clipped critic's weights."""
    divergence: float = 1.0
    """Weight of L_KL."""
    likelihood: float = 1.0
    """Weight of L_LL, the reconstruction in D's features."""
    lr: float = 2e-4
    """Learning rate of all networks, constant."""
    weight_decay: float = 1e-4
    """L2 penalty on the weights of layers, the claimed regularisation; a clipped critic has none."""
    smallest: float = 1.0
    """Side of the smallest crop as a share of the picture's; 1 takes whole pictures."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.critic_steps < 1:
            raise ValueError(f"critic_steps must be at least 1, got {self.critic_steps}.")
        if not 0 < self.smallest <= 1:
            raise ValueError(f"smallest must be above 0 and at most 1, got {self.smallest}.")
        if self.stage == "single-scale" and len(self.discriminator_kernels) != 1:
            kernels = ", ".join(map(str, self.discriminator_kernels))
            raise ValueError(f"The stage single-scale has one kernel in its discriminator, got {kernels}.")

    def changed(self, **changes) -> "PaperConfig":
        """The same run with other options."""
        return replace(self, **changes)


_PAPER = PaperConfig()
_WASSERSTEIN = {"adversarial": "wasserstein", "critic_steps": 5, "lr": 5e-5}  # as in WGAN, algorithm 1
# Stage 1. The text does not say which pooling the kernels were tried with, nor at which levels pooling was: strides for
# the kernels; all levels, the two at large sizes, or those at small sizes for pooling, with the kernels then chosen.
_SINGLE = PaperConfig(stage="single-scale", latents=100, discriminator_kernels=(5,), pooling="none")
_LEVELS = {
    "": ("all levels", None),
    "-early": ("the two levels at large sizes", (1, 2)),
    "-late": ("the two levels at small sizes", (3, 4)),
}
_TINY = PaperConfig(steps=4, batch_size=4, size=16, width=4, latents=6, save_every=2, validate_every=4)

PAPER_PRESETS: dict[str, tuple[str, PaperConfig]] = {
    "paper": ("the paper's VAE-MSGAN with the stated log loss, 64 px", _PAPER),
    "paper-128": ("the same at 128 px", _PAPER.changed(size=128)),
    "paper-wgan": ("its Wasserstein variant, critic with clipped weights", _PAPER.changed(**_WASSERSTEIN)),
    "paper-dcgan": ("what it is compared with: a conditional DCGAN, Wasserstein loss", _SINGLE.changed(**_WASSERSTEIN)),
    **{
        f"paper-kernels-{mode}": (
            f"stage 1, kernel mode {mode}: {up}x{up} in G, {down}x{down} in D",
            _SINGLE.changed(generator_kernel=up, discriminator_kernels=(down,)),
        )
        for mode, (up, down) in KERNEL_MODES.items()
    },
    "paper-pool-none": ("stage 1 without pooling: kernel mode 4 by another name", _SINGLE),
    **{
        f"paper-pool-{pooling}{name}": (
            f"stage 1, {pooling} pooling at {where}",
            _SINGLE.changed(pooling=pooling, pooled=levels),
        )
        for pooling in ("average", "max")
        for name, (where, levels) in _LEVELS.items()
    },
    "paper-tiny": ("the paper's recipe with narrow networks: seconds, for tests", _TINY),
}
