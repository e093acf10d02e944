"""The default generators' networks: what depends on what, and what the judge, the encoder and the gate do."""

import copy

import numpy as np
import pytest
import torch

from pipelines import get_method
from pipelines.generation.augment import Shift
from pipelines.generation.encoder import LatentHead
from pipelines.generation.gate import next_seed, score, through_gate
from pipelines.generation.generator import Conditions, PictureGenerator
from pipelines.generation.judge import JudgeHeads, view
from pipelines.generation.requests import make_request, paint


@pytest.fixture(scope="module")
def studio():
    """Its bars lie at the median of each category's scores."""
    torch.manual_seed(0)
    pipe = get_method("product_studio").tiny()
    medians = [float(np.median(pipe(name, batch_size=30, seed=500, gate=False).scores)) for name in pipe.categories]
    pipe.judge.register_to_config(bars=medians)
    return pipe


@pytest.fixture(scope="module")
def details():
    torch.manual_seed(0)
    return get_method("detail_generator").tiny()


def test_sizes_must_fit_the_widths():
    with pytest.raises(ValueError, match="3 widths make pictures of side 16, not 32"):
        PictureGenerator(32, channels=[8, 8, 8])


def test_the_bundled_generators_have_the_stated_size():
    """Parameters counted from the layers' shapes, for the detail generator's widths."""
    widths, latents, context = (256, 192, 128, 64, 48), 128, 256
    network = PictureGenerator(64, latents, ["a", "b", "c"], channels=widths, context=context)

    def block(before, after):
        convs = 9 * before * after + after + 9 * after * after + after
        told = 2 * (context + 1) * (before + after)
        return convs + told + (0 if before == after else before * after + after)

    expected = 3 * 64 + (latents + 64 + 1) * context + (context + 1) * context + (context + 1) * widths[0] * 16
    expected += block(widths[0], widths[0]) + sum(map(block, widths[:-1], widths[1:])) + 27 * widths[-1] + 3
    assert sum(p.numel() for p in network.parameters()) == expected


def test_a_picture_depends_on_its_own_row_alone(studio):
    request = make_request(studio.generator.config, ["bags", "shoes", "bags"], ["red", "black", "black"], 3, 0)
    together = paint(studio.generator, request)
    alone = paint(studio.generator, make_request(studio.generator.config, "shoes", "black", 1, 1))
    assert torch.allclose(together[1:2], alone, atol=1e-5)
    assert together.shape == (3, 3, 16, 16)


def test_latents_category_and_colour_all_matter(studio):
    network, zeros = studio.generator, torch.zeros(1, dtype=torch.int64)
    latents = torch.randn(1, 8)
    with torch.no_grad():
        first = network(latents, zeros, zeros)
        for other in (
            network(-latents, zeros, zeros),
            network(latents, zeros + 1, zeros),
            network(latents, zeros, zeros + 1),
        ):
            assert (other - first).abs().max() > 1e-4
        assert torch.equal(network(latents, zeros), network(latents, zeros, zeros + 2))  # None is "other"


def test_truncation_goes_to_the_mean_picture(studio):
    config = studio.generator.config
    request = make_request(config, "bags", "red", 4, 0)
    still = paint(studio.generator, request, 0.0)
    assert torch.allclose(still, still[:1].expand_as(still), atol=1e-6)
    spread = [paint(studio.generator, request, share).std(0).mean() for share in (0.3, 1.0)]
    assert 0 < spread[0] < spread[1]


def test_conditions_without_colours_take_none():
    plain = Conditions(3, 0, 5)
    assert plain.colour is None and plain(torch.tensor([0, 2])).shape == (2, 5)


def test_the_view_is_what_the_features_were_trained_on():
    assert torch.allclose(view(torch.full((1, 3, 128, 128), 1.0)), torch.tensor((255 - 127) / 128))
    assert torch.allclose(view(torch.full((1, 3, 64, 64), -1.0)), torch.tensor((0 - 127) / 128))


def test_the_judge_is_told_what_was_asked_for():
    torch.manual_seed(0)
    heads = JudgeHeads([4, 6], categories=2, colours=3, width=8).eval()
    maps = [torch.randn(2, 4, 5, 5), torch.randn(2, 6, 3, 3)]
    zeros = torch.zeros(2, dtype=torch.int64)
    logits = heads(maps, zeros, zeros)
    assert [tuple(one.shape) for one in logits] == [(2, 25), (2, 9), (2, 1)]
    for asked in ((zeros + 1, zeros), (zeros, zeros + 2)):
        assert all((one - other).abs().max() > 0 for one, other in zip(logits, heads(maps, *asked), strict=True))
    swapped = heads([one.flip(0) for one in maps], zeros, zeros)
    assert all(torch.allclose(one.flip(0), other, atol=1e-5) for one, other in zip(logits, swapped, strict=True))


def test_shifts_move_and_grey_out_alike():
    torch.manual_seed(0)
    picture = torch.rand(1, 3, 16, 16).expand(2, 3, 16, 16)
    shift = Shift(2, 16, share=0.25, hole=0.0)
    moved = shift(picture)
    assert moved.shape == picture.shape and torch.equal(moved, shift(picture))
    for one, (y, x) in zip(moved, shift.moves.tolist(), strict=True):
        down, right = y - 4, x - 4
        kept = one[:, max(0, -down) : 16 - max(0, down), max(0, -right) : 16 - max(0, right)]
        source = picture[0][:, max(0, down) : 16 + min(0, down), max(0, right) : 16 + min(0, right)]
        assert torch.equal(kept, source)
    white = Shift(4, 16, hole=0.5)(torch.ones(4, 3, 16, 16))
    assert set(white.unique().tolist()) <= {0.0, 1.0} and white.mean() > 0.5  # holes are grey, borders stay white


def test_the_encoder_reads_pictures_of_any_size(details):
    for side in (16, 40):
        mean, log_variance = details.encoder(torch.rand(2, 3, side, side), torch.tensor([0, 2]))
        assert mean.shape == log_variance.shape == (2, 8) and mean.isfinite().all()


def test_the_encoder_does_not_mind_how_large_features_are():
    """ImageNet features reach the tens; read as they are, they once silenced nine of ten hidden units for good."""
    torch.manual_seed(0)
    head = LatentHead((4, 6, 8, 10, 12), 16, 2, 0, hidden=64)
    maps = [torch.randn(32, count, 32 >> level, 32 >> level) for level, count in enumerate((4, 6, 8, 10, 12))]
    image, category = torch.rand(32, 3, 64, 64) * 2 - 1, torch.zeros(32, dtype=torch.long)
    with torch.no_grad():
        small, _ = head([100 * x for x in maps], image, category)
        large, _ = head([10_000 * x for x in maps], image, category)
    assert torch.allclose(small, large, atol=1e-2 * float(large.abs().max()))


def test_the_gate_keeps_what_passes_and_tries_the_rest_again(studio):
    request = make_request(studio.generator.config, None, None, 12, 0)
    once = through_gate(studio.generator, studio.judge, request, 1.0, 1)
    assert once.request.seeds == request.seeds and len(once.scores) == 12
    bars = [studio.judge.config.bars[number] for number in request.category]
    assert once.accepted == [value >= bar for value, bar in zip(once.scores, bars, strict=True)]
    assert once.acceptance_rate == sum(once.accepted) / 12 and 0 < sum(once.accepted) < 12
    more = through_gate(studio.generator, studio.judge, request, 1.0, 20)
    assert sum(more.accepted) > sum(once.accepted)
    for slot in range(12):
        if once.accepted[slot]:
            assert more.request.seeds[slot] == request.seeds[slot] and torch.equal(
                more.pictures[slot], once.pictures[slot]
            )
        else:
            assert more.scores[slot] >= once.scores[slot]
    seeds = [one for one, old in zip(more.request.seeds, request.seeds, strict=True) if one != old]
    assert len(set(seeds)) == len(seeds) > 0
    again = score(studio.judge, more.pictures, request.category, request.colour)
    assert torch.allclose(torch.tensor(again), torch.tensor(more.scores), atol=1e-4)


def test_a_judge_without_bars_lets_all_pass(studio):
    judge = copy.deepcopy(studio.judge)
    judge.register_to_config(bars=None)
    gated = through_gate(studio.generator, judge, make_request(studio.generator.config, None, None, 3, 0), 1.0, 8)
    assert gated.accepted == [True] * 3 and gated.acceptance_rate == 1.0


@pytest.mark.parametrize("tries", [0, 65, 2.0, True])
def test_bad_tries(studio, tries):
    with pytest.raises(ValueError, match="tries must be"):
        studio("bags", tries=tries)


def test_further_seeds_stay_in_range_and_differ():
    seeds = {next_seed(seed, attempt) for seed in range(50) for attempt in range(1, 20)}
    assert len(seeds) == 50 * 19 and min(seeds) >= 0 and max(seeds) < 2**63
