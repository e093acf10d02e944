"""Losses of the paper's detail generator: closed forms, equilibria, torch's own distributions, errors."""

import math

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from pipelines.detail_generator.clipped_optimizer import ClippedRMSprop
from pipelines.detail_generator.losses import (
    feature_likelihood_loss,
    log_fake_loss,
    log_generator_loss,
    log_real_loss,
    wasserstein_fake_loss,
    wasserstein_real_loss,
)
from pipelines.generation.losses import latent_divergence_loss

LOGITS = torch.tensor([[-3.0], [-0.5], [0.0], [2.0]])


def test_the_log_loss_is_that_of_probabilities():
    d = torch.sigmoid(LOGITS.double())[:, 0]
    torch.testing.assert_close(log_real_loss(LOGITS.double()), -d.log())
    torch.testing.assert_close(log_fake_loss(LOGITS.double()), -(1 - d).log())
    torch.testing.assert_close(log_generator_loss(LOGITS.double()), -d.log())
    torch.testing.assert_close(log_generator_loss(LOGITS.double(), saturating=True), (1 - d).log())


def test_at_the_equilibrium_d_loses_two_log_two():
    """Equation (5): V = -2 log 2 where D says 1/2 of everything."""
    unsure = torch.zeros(3, 1)
    torch.testing.assert_close(log_real_loss(unsure) + log_fake_loss(unsure), torch.full((3,), 2 * math.log(2)))


@pytest.mark.parametrize("loss", [log_real_loss, log_fake_loss, log_generator_loss])
def test_the_log_loss_is_finite_where_d_is_sure(loss):
    logits = torch.tensor([[-1e4], [1e4]], requires_grad=True)
    value = loss(logits)
    value.sum().backward()
    assert value.isfinite().all() and logits.grad.isfinite().all() and sorted(value.tolist()) == [0.0, 1e4]


def test_both_forms_of_g_want_higher_logits_and_one_is_flat_where_d_is_sure():
    slopes = {}
    for saturating in (False, True):
        logits = LOGITS.clone().requires_grad_()
        log_generator_loss(logits, saturating).sum().backward()
        slopes[saturating] = logits.grad[:, 0]
    d = torch.sigmoid(LOGITS[:, 0])
    torch.testing.assert_close(slopes[False], d - 1)
    torch.testing.assert_close(slopes[True], -d)


def test_wasserstein_estimates_the_distance_of_means():
    """With the critic f(x) = x, what it loses is E G(z) - E x; G minimises -f."""
    real, fake = torch.tensor([[5.0], [7.0]]), torch.tensor([[1.0], [2.0]])
    assert (wasserstein_real_loss(real) + wasserstein_fake_loss(fake)).tolist() == [-4.0, -5.0]


def test_losses_are_means_over_maps_and_keep_images_apart():
    maps = torch.randn(3, 1, 4, 5)
    for loss in (log_real_loss, log_fake_loss, log_generator_loss, wasserstein_real_loss, wasserstein_fake_loss):
        each = torch.stack([loss(one[None])[0] for one in maps])
        torch.testing.assert_close(loss(maps), each)
        torch.testing.assert_close(each, loss(maps.reshape(-1, 1)).view(3, -1).mean(1))


def test_the_divergence_against_torch():
    mean, log_variance = torch.randn(5, 7).double(), torch.randn(5, 7).double()
    posterior = Normal(mean, (log_variance / 2).exp())
    expected = kl_divergence(posterior, Normal(torch.zeros(1).double(), torch.ones(1).double())).sum(1)
    torch.testing.assert_close(latent_divergence_loss(mean, log_variance), expected)


def test_the_divergence_is_0_at_the_prior_only():
    zeros = torch.zeros(1, 4)
    assert latent_divergence_loss(zeros, zeros).item() == 0
    for mean, log_variance in ((zeros + 1e-2, zeros), (zeros, zeros + 1e-2), (zeros, zeros - 1e-2)):
        assert latent_divergence_loss(mean, log_variance).item() > 0


def test_the_likelihood_is_a_normal_density_of_variance_1():
    """-log N(x; y, 1) less log(2 pi) / 2 for each feature."""
    output, target = torch.randn(3, 2, 4, 4).double(), torch.randn(3, 2, 4, 4).double()
    density = Normal(output, 1.0).log_prob(target).flatten(1).sum(1) + 32 * math.log(2 * math.pi) / 2
    torch.testing.assert_close(feature_likelihood_loss(output, target), -density)
    assert feature_likelihood_loss(target, target).tolist() == [0, 0, 0]


@pytest.mark.parametrize("loss", [latent_divergence_loss, feature_likelihood_loss])
def test_shapes_that_differ_are_refused(loss):
    with pytest.raises(ValueError, match="one shape"):
        loss(torch.zeros(2, 3), torch.zeros(2, 1))


def test_clipped_weights_stay_within_the_limit():
    """RMSprop's own step first, then the clipping."""
    start = torch.tensor([0.5, -0.5, 0.003, -0.009])
    clipped, free = (start.clone().requires_grad_() for _ in range(2))
    optimizers = ClippedRMSprop([clipped], lr=1e-3, limit=0.01), torch.optim.RMSprop([free], lr=1e-3)
    for weights, optimizer in zip((clipped, free), optimizers, strict=True):
        (weights * torch.tensor([1.0, 1.0, 2.0, 3.0])).sum().backward()
        optimizer.step()
    torch.testing.assert_close(clipped.detach(), free.detach().clamp(-0.01, 0.01))
    assert (clipped.detach().abs() == torch.tensor(0.01)).tolist() == [True, True, False, True]
    assert clipped.requires_grad


@pytest.mark.parametrize("limit", [0.0, -1.0, math.nan])
def test_a_limit_that_is_not_positive_is_refused(limit):
    with pytest.raises(ValueError, match="must be positive"):
        ClippedRMSprop([torch.zeros(1, requires_grad=True)], lr=1e-3, limit=limit)
