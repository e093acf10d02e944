"""Losses of the colorizer: tensors in, one value for each picture out. Nothing here steps, reduces or logs.

Sources: [1] pix2pix, Isola et al., 2017, https://arxiv.org/abs/1611.07004; [2] LSGAN, Mao et al., 2017,
https://arxiv.org/abs/1611.04076; [3] hinge GAN, Lim and Ye, 2017, https://arxiv.org/abs/1705.02894; [4] R1, Mescheder
et al., 2018, https://arxiv.org/abs/1801.04406; [5] colour as classes, Zhang et al., 2016,
https://arxiv.org/abs/1603.08511.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def _per_image(values: Tensor) -> Tensor:
    return values.flatten(1).mean(1)


def _check_pair(output: Tensor, target: Tensor) -> None:
    if output.shape != target.shape:
        raise ValueError(f"Output and target must have one shape, got {tuple(output.shape)} and {tuple(target.shape)}.")


def least_squares_loss(logits: Tensor, target: float) -> Tensor:
    """Least squares against an all-`target` map, [2]: mean over patches of (D - target)^2.

    Args:
        logits: (B, ...) patch map; higher = more real.
        target: 1 for what shall count as real, 0 for generated.

    Returns:
        (B,) in [0, inf).
    """
    return _per_image((logits - target).square())


def absolute_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L1, the mean of |output - target| over an image, [1]; (B, ...) both -> (B,). ValueError if shapes differ."""
    _check_pair(output, target)
    return _per_image((output - target).abs())


def squared_error_loss(output: Tensor, target: Tensor) -> Tensor:
    """L2, the mean of (output - target)^2 over an image: the paper's comparison to L1, blurrier."""
    _check_pair(output, target)
    return _per_image((output - target).square())


def hinge_discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """Hinge loss of D, [3]: mean max(0, 1 - D(real)) + mean max(0, 1 + D(fake)); (B, ...) both -> (B,)."""
    return _per_image(F.relu(1 - real_logits)) + _per_image(F.relu(1 + fake_logits))


def hinge_generator_loss(fake_logits: Tensor) -> Tensor:
    """Hinge loss of G, [3]: -mean D(fake); (B, ...) -> (B,), unbounded."""
    return -_per_image(fake_logits)


def gradient_penalty(images: Tensor, logits: Tensor) -> Tensor:
    """R1, [4]: |d m / d images|^2, where m is the mean of an image's patch map; multiply by gamma / 2.

    The mean, not the sum, so that gamma means the same for maps of every size.

    Args:
        images: (B, ...) what the discriminator was shown, with requires_grad.
        logits: (B, ...) what it answered.

    Returns:
        (B,) in [0, inf), differentiable.

    Raises:
        ValueError: if the logits cannot be traced back to the images.
    """
    if not images.requires_grad or not logits.requires_grad:
        raise ValueError("R1 needs logits computed from images with requires_grad, outside no_grad.")
    (gradient,) = torch.autograd.grad(_per_image(logits).sum(), images, create_graph=True, allow_unused=True)
    if gradient is None:
        raise ValueError("R1 needs logits computed from these very images, not from a copy.")
    return gradient.square().flatten(1).sum(1)


def chroma_loss(chroma: Tensor, target: Tensor, beta: float) -> Tensor:
    """Huber loss on chroma: squared below `beta`, linear above, continuous; (B, 2, H, W) both -> (B,).

    d^2 / (2 beta) where |d| < beta, else |d| - beta / 2. Linear tails, since a wrong hue must not outweigh all else.
    """
    _check_pair(chroma, target)
    return _per_image(F.smooth_l1_loss(chroma, target, beta=beta, reduction="none"))


def spread_loss(chroma: Tensor, target: Tensor) -> Tensor:
    """How far the spread of the chroma within a picture is off, as a ratio: |log s(chroma) - log s(target)|.

    s = sqrt(1 + var a + var b), in CIELAB units; the 1, about one just noticeable difference, keeps flat pictures
    from asking for a ratio of two noises. A tint has s = 1 whatever its colour: this is the loss that a colorizer
    pays for painting everything brown.

    Args:
        chroma, target: (B, 2, H, W) CIELAB.

    Returns:
        (B,) in [0, inf).
    """
    _check_pair(chroma, target)

    def log_spread(ab: Tensor) -> Tensor:
        return 0.5 * (1 + ab.var((2, 3), correction=0).sum(1)).log()

    return (log_spread(chroma) - log_spread(target)).abs()


def moment_loss(chroma: Tensor, target: Tensor) -> Tensor:
    """How far the mean strength of the colours is off: |mean |chroma| - mean |target|| / 20 CIELAB units.

    Args:
        chroma, target: (B, 2, H, W) CIELAB.

    Returns:
        (B,) in [0, inf); 20 units are about the mean chroma of a strongly coloured painting.
    """
    _check_pair(chroma, target)

    def strength(ab: Tensor) -> Tensor:
        return (1 + ab.square().sum(1)).sqrt().mean((1, 2))  # the 1 keeps the root smooth at grey

    return (strength(chroma) - strength(target)).abs() / 20


def _check_classes(chroma: Tensor, bins: Tensor, neighbours: int, sigma: float) -> None:
    if chroma.ndim != 4 or chroma.shape[1] != 2 or bins.ndim != 2 or bins.shape[1] != 2:
        given = f"{tuple(chroma.shape)} and {tuple(bins.shape)}"
        raise ValueError(f"Chroma must be (B, 2, H, W) and bins (Q, 2), got {given}.")
    if not 1 <= neighbours <= len(bins) or not sigma > 0:
        raise ValueError(f"neighbours must be in [1, {len(bins)}] and sigma above 0, got {neighbours} and {sigma}.")


@torch.no_grad()
def nearest_bins(chroma: Tensor, bins: Tensor, neighbours: int = 5, sigma: float = 5.0) -> tuple[Tensor, Tensor]:
    """The bins nearest to each colour and their shares exp(-d^2 / (2 sigma^2)), scaled to sum to 1; [5], section 2.2.

    Distances to all bins are held for 4096 pixels at a time only.

    Args:
        chroma: (B, 2, H, W) CIELAB.
        bins: (Q, 2) CIELAB.

    Returns:
        Numbers of bins, nearest first, and shares, both (B, neighbours, H, W).
    """
    _check_classes(chroma, bins, neighbours, sigma)
    batch, _, height, width = chroma.shape
    colours, centres = chroma.permute(0, 2, 3, 1).reshape(-1, 2).float(), bins.to(chroma.device).float()
    exact = "donot_use_mm_for_euclid_dist"  # by the matrix product, near distances drown in rounding
    found = [
        torch.cdist(part, centres, compute_mode=exact).topk(neighbours, dim=1, largest=False)
        for part in colours.split(4096)
    ]
    distances, numbers = (torch.cat(parts) for parts in zip(*found, strict=True))
    shares = F.softmax(-distances.square() / (2 * sigma**2), dim=1)
    numbers, shares = (x.view(batch, height, width, -1).permute(0, 3, 1, 2) for x in (numbers, shares))
    return numbers, shares


def encode_chroma(chroma: Tensor, bins: Tensor, neighbours: int = 5, sigma: float = 5.0) -> Tensor:
    """Soft encoding of colours as a distribution over bins, [5]: (B, 2, H, W), (Q, 2) -> (B, Q, H, W), sums 1."""
    numbers, shares = nearest_bins(chroma, bins, neighbours, sigma)
    batch, _, height, width = chroma.shape
    return shares.new_zeros(batch, len(bins), height, width).scatter_(1, numbers, shares)


def rebalancing_weights(frequencies: Tensor, uniform: float = 0.5) -> Tensor:
    """Class weights against the prevalence of browns and greys, [5], equation 4.

    w ~ 1 / ((1 - uniform) p + uniform / Q), scaled so that the mean of w over pixels, sum p w, is 1.

    Args:
        frequencies: (Q,) how often each bin was seen, counts or shares.
        uniform: share of the uniform distribution mixed in, (0, 1]; 1 weights all alike.

    Returns:
        (Q,)
    """
    total = frequencies.sum()
    if frequencies.ndim != 1 or not 0 < uniform <= 1 or (frequencies < 0).any() or not total > 0:
        raise ValueError(f"Weights need (Q,) counts from 0 up, not all 0, and uniform in (0, 1], got {uniform}.")
    shares = frequencies / total
    weights = 1 / ((1 - uniform) * shares + uniform / len(shares))
    return weights / (shares * weights).sum()


def chroma_cross_entropy(
    logits: Tensor, target: Tensor, bins: Tensor, weights: Tensor, neighbours: int = 5, sigma: float = 5.0
) -> Tensor:
    """Rebalanced cross-entropy to the soft encoding Z of the true colours, [5], equations 2 and 3.

    The mean over pixels (the source sums) of -w[nearest bin] sum_q Z_q log softmax(logits)_q. Z is never laid out
    over all bins: only its `neighbours` entries are gathered.

    Args:
        logits: (B, Q, H, W).
        target: (B, 2, H, W) CIELAB, of the logits' height and width.
        bins: (Q, 2) CIELAB.
        weights: (Q,) of the classes, see `rebalancing_weights`.

    Returns:
        (B,) in [0, inf).
    """
    numbers, shares = nearest_bins(target, bins, neighbours, sigma)
    expected = (len(target), len(bins), *target.shape[2:])
    if logits.shape != expected or weights.shape != expected[1:2]:
        given = f"{tuple(logits.shape)} and {tuple(weights.shape)}"
        raise ValueError(f"Logits must be {expected} and weights {expected[1:2]}, got {given}.")
    surprise = logits.logsumexp(1) - (shares * logits.gather(1, numbers)).sum(1)  # the shares sum to 1
    return _per_image(weights.to(logits.device)[numbers[:, 0]] * surprise)
