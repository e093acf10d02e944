"""Style transfer: its network, what it is trained on, and its losses, in closed forms and invariants."""

import pytest
import torch
import torch.nn.functional as F

from editing_fixtures import small_parts
from pipelines.product_studio.losses_style import content_loss, style_loss, total_variation
from pipelines.product_studio.networks_style_transfer import StyleNetwork, VggTaps, grained, moments, renormed
from pipelines.product_studio.recipe_style import style_scales


def picture(seed: int = 0, height: int = 48, width: int = 48) -> torch.Tensor:
    smooth = torch.rand(1, 3, 6, 6, generator=torch.Generator().manual_seed(seed))
    return F.interpolate(smooth, (height, width), mode="bilinear")[0]


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_moments_are_those_of_the_weighted_pixels():
    tap = torch.randn(2, 5, 12, 12, generator=rng(1)) + 3
    mean, deviation = moments(tap)
    assert torch.allclose(mean, tap.mean((2, 3), keepdim=True)) and mean.shape == (2, 5, 1, 1)
    assert torch.allclose(deviation, tap.std((2, 3), correction=0, keepdim=True), atol=1e-4)
    for weight in (torch.ones(2, 1, 48, 48), torch.zeros(2, 1, 48, 48)):
        assert all(
            torch.allclose(x, y, atol=1e-4) for x, y in zip(moments(tap, weight), (mean, deviation), strict=True)
        )
    half = torch.zeros(2, 1, 12, 12)
    half[..., :6] = 1
    assert torch.allclose(moments(tap, half)[0], tap[..., :6].mean((2, 3), keepdim=True), atol=2e-3)


def test_adaptive_normalisation_gives_the_statistics_asked_for():
    tap = torch.randn(1, 4, 16, 16, generator=rng(2)) * 2 + 1
    mean, deviation = torch.rand(1, 4, 1, 1) * 3, torch.rand(1, 4, 1, 1) + 0.5
    found = moments(renormed(tap, mean, deviation))
    assert torch.allclose(found[0], mean, atol=1e-4) and torch.allclose(found[1], deviation, atol=1e-3)
    assert torch.allclose(renormed(tap, *moments(tap)), tap, atol=1e-4)
    flat = renormed(torch.ones(1, 4, 8, 8) + 1e-4 * torch.randn(1, 4, 8, 8), mean, deviation)
    assert (flat - mean).abs().max() < 0.05  # rounding errors are not blown up


def test_the_style_code_decides_the_style_and_named_ones_are_carried():
    network = small_parts()["style"]
    image, style = picture(1)[None] * 2 - 1, picture(9)[None] * 2 - 1
    code = network.code(style)
    assert code.shape == (1, network.code_length) == (1, 2 * 8 * 7)
    assert network(image, code).shape == image.shape
    assert not torch.allclose(network(image, code), network(image, network.code(image)))
    assert torch.allclose(network(image, code), network(image, code, None, network.encoder(image)))
    assert torch.equal(network.named_code("waves"), network.codes[1:2])
    with pytest.raises(ValueError, match="a picture or one of mosaic, waves, got 'cubism'"):
        network.named_code("cubism")


def test_large_style_pictures_are_shrunk_to_the_networks_scale():
    network = StyleNetwork(width=24, encoder_width=8, style_area=40 * 60).eval()
    style = picture(3, 80, 120)[None] * 2 - 1
    small = F.interpolate(style, (40, 60), mode="bilinear", antialias=True)
    assert torch.allclose(network.code(style), network.code(small))
    network.register_to_config(style_area=80 * 120)
    assert not torch.allclose(network.code(style), network.code(small))


def test_the_encoder_stays_frozen_in_training():
    network = StyleNetwork(width=24, encoder_width=8).train()
    assert not network.encoder.training and network.training
    assert not any(value.requires_grad for value in network.encoder.parameters())


def test_style_losses_in_closed_form():
    one, two = (torch.full((2, 3, 1, 1), value) for value in (1.0, 3.0))
    assert torch.equal(style_loss([(one, one)], [(one, one)], [1.0]), torch.zeros(2))
    found, wanted = [(one, one), (one, two)], [(two, one), (one, one)]
    assert torch.equal(style_loss(found, wanted, [1.0, 4.0]), torch.tensor([5.0, 5.0]))
    steps = torch.arange(4.0).expand(1, 1, 4, 4)
    assert total_variation(steps).item() == 1


def test_content_is_where_things_are_not_how_strong():
    maps = torch.randn(2, 3, 8, 8, generator=rng(3))
    other = torch.randn(2, 3, 8, 8, generator=rng(4))
    assert content_loss(3 * maps + 1, maps).max() < 1e-6
    assert torch.allclose(content_loss(other, maps), torch.full((2,), 2.0), atol=0.6)
    assert content_loss(torch.ones_like(maps), torch.zeros_like(maps)).max() < 1e-6  # flat: no storm of rounding errors
    half = torch.zeros(2, 1, 8, 8)
    half[..., 4:] = 1
    mixed = torch.cat([other[..., :4], maps[..., 4:]], dim=3)
    assert content_loss(mixed, maps, half).max() < 0.01 < content_loss(mixed, maps).min()


def test_style_scales_are_the_variance_over_styles():
    styles = torch.stack([picture(seed, 128, 128) for seed in range(3)]) * 2 - 1
    features = VggTaps(8, depth=5)
    scales = style_scales(features, styles)
    mean, deviation = moments(features(styles)[2])
    assert len(scales) == 5 and all(scale > 0 for scale in scales)
    assert scales[2] == pytest.approx(float(mean.var(0).mean() + deviation.var(0).mean()), rel=1e-4)


def test_feature_networks_of_any_depth_agree():
    deep, shallow = VggTaps(8, depth=5), VggTaps(8)
    assert deep.channels == (8, 16, 32, 64, 64) and len(deep.features) == 11 and len(shallow.features) == 5
    shallow.load_state_dict({key: deep.state_dict()[key] for key in shallow.state_dict()})
    image = picture(2)[None] * 2 - 1
    taps = deep(image)
    assert [tap.shape[2] for tap in taps] == [image.shape[2] // 2**n for n in range(5)]
    assert all(torch.equal(x, y) for x, y in zip(shallow(image), taps, strict=False))


def test_grain_lies_on_flat_places_and_is_seeded():
    image = torch.ones(1, 3, 64, 64)
    image[..., 32:] = torch.rand(1, 3, 64, 32, generator=rng(5)) * 2 - 1
    found = grained(image, 0.2, rng(0))
    assert torch.equal(found, grained(image, 0.2, rng(0))) and grained(image, 0.0) is image
    added = (found - image)[0]
    assert added[..., :28].std().item() == pytest.approx(0.2, rel=0.2)
    assert added[..., 36:].std() < 0.5 * added[..., :28].std()


def test_grain_makes_a_plain_background_vary():
    torch.manual_seed(0)
    plain, grain = (StyleNetwork(width=24, encoder_width=8, grain=amount).eval() for amount in (0.0, 0.2))
    grain.load_state_dict(plain.state_dict())
    image = torch.ones(1, 3, 32, 32)
    code = plain.code(picture(9)[None] * 2 - 1)
    flat, varied = (network(image, code)[..., 8:-8, 8:-8].std((2, 3)).max() for network in (plain, grain))
    assert flat < 0.01 * varied
    assert torch.equal(grain(image, code), grain(image, code))
