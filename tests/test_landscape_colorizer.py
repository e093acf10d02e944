"""What the default colorizer promises: its luminance, its tiles, its field of view, its inputs."""

import numpy as np
import pytest
import torch
from PIL import Image

from datasets_cards.procedural import landscape
from evaluation.seams import chroma_of_whole_and_crops
from pipelines import LandscapeColorizer, get_method
from pipelines.color import luminance, rgb_to_lab
from pipelines.landscape_colorizer.networks_landscape_colorizer import Refiner, TwoNetGenerator
from pipelines.sampling import sample_bilinear
from pipelines.tiles import paint_tiles, sample, shrink


@pytest.fixture(scope="module")
def pipe() -> LandscapeColorizer:
    """A tiny model whose refiner does something: untrained, its last layer is zero."""
    torch.manual_seed(1)
    pipe = get_method("landscape_colorizer").tiny()
    torch.nn.init.normal_(pipe.generator.refiner.leave.weight, std=0.3)
    torch.nn.init.normal_(pipe.generator.palette.to_chroma.weight, std=0.3)
    return pipe


def painting(height: int, width: int, channels: int = 3) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, channels), dtype=np.uint8)


def test_tiles_equal_the_whole(pipe):
    """By construction: the palette is decided before the first tile, and the halo covers the refiner's field."""
    pixels = painting(150, 210)
    canvas = pipe.canvas(shrink(pixels, 4000), 150, 210)
    whole = paint_tiles(canvas, pixels, tile=1024)
    tiled = paint_tiles(canvas, pixels, tile=34)
    # The same sums in another order may round to the neighbouring level, and to no other.
    assert np.abs(whole.astype(int) - tiled).max() <= 1
    assert (whole == tiled).mean() > 0.999


def test_the_whole_is_as_vivid_as_its_parts():
    """The mean chroma of the samples' places is that of the samples coloured alone."""
    pipe = get_method("landscape_colorizer").load("pipeline").from_pretrained()
    pixels = np.asarray(landscape(5, 400, 1000))
    parts = sample(pixels, pipe.sample_side)
    seen = shrink(pixels, pipe.view_area)
    without, canvas = pipe.canvas(seen, 1000, 400), pipe.canvas(seen, 1000, 400, samples=parts)
    crops = [np.asarray(pipe(one.pixels).images[0]) for one in parts]

    def ratio(chosen) -> float:
        whole = paint_tiles(chosen, pixels)
        places = [whole[one.top :, one.left :][:256, :256] for one in parts]
        return chroma_of_whole_and_crops(np.concatenate(places), crops)

    assert ratio(canvas) == pytest.approx(1, abs=0.01)
    assert abs(ratio(without) - 1) > 0.02 and ratio(without) * canvas.vigour == pytest.approx(1, abs=0.02)


def test_halo_is_no_wider_than_it_must_be(pipe):
    """The refiner's field, measured by gradients, is `FIELD`, and half of it fits into the halo."""
    grey = torch.zeros(1, 1, 96, 96, requires_grad=True)
    cells = torch.randn(1, 2 + 4, 48, 48)
    chroma = pipe.generator.refiner(grey, cells)
    chroma[0, :, 48, 48].sum().backward()
    rows = grey.grad[0, 0].abs().sum(1).nonzero()
    reach = int(rows.max() - rows.min()) + 1
    assert reach == Refiner.FIELD
    assert pipe.canvas(painting(8, 8), 8, 8).halo >= reach // 2


def test_luminance_is_the_inputs_own(pipe):
    """L* of the output is that of the input, to the rounding of 16 bits, for every grey and a vivid palette."""
    grey = np.repeat(np.linspace(0, 65535, 64 * 64).astype(np.uint16).reshape(64, 64, 1), 3, axis=2)
    coloured = pipe(grey, output_type="np").images[0]
    before = luminance(torch.from_numpy(grey.astype(np.float32) / 65535).permute(2, 0, 1)[None])
    after = luminance(torch.from_numpy(coloured).permute(2, 0, 1)[None])
    assert (before - after).abs().max() < 2e-4
    assert np.ptp(coloured, axis=2).max() > 0.05  # and it is coloured


def test_a_colour_input_counts_as_its_grey_version(pipe):
    colour = torch.rand(1, 3, 40, 40, generator=torch.manual_seed(0))
    grey = luminance(colour)
    first = pipe(colour[0], output_type="pt").images[0]
    from pipelines.color import linear_to_srgb

    second = pipe(linear_to_srgb(grey)[0], output_type="pt").images[0]
    torch.testing.assert_close(first, second, atol=2e-3, rtol=0)


def test_vividness_runs_from_grey_to_more(pipe):
    image = painting(64, 64, 1)[..., 0]
    chroma = []
    for vividness in (0.0, 0.5, 1.0):
        rgb = pipe(image, vividness=vividness, output_type="pt").images[0][None]
        chroma.append(float(rgb_to_lab(rgb)[:, 1:].norm(dim=1).mean()))
    assert chroma[0] < 0.05 and chroma[0] < chroma[1] < chroma[2]
    for wrong in (-0.1, 2.1):
        with pytest.raises(ValueError, match="between 0 and 2"):
            pipe(image, vividness=wrong)


@pytest.mark.parametrize("size", [(1, 1), (1, 70), (33, 47), (64, 64), (10, 2000)])
def test_output_has_the_size_of_the_input(pipe, size):
    assert pipe(painting(*size)).images[0].size == size[::-1]


def test_alpha_is_kept(pipe):
    image = Image.fromarray(painting(20, 30, 4), "RGBA")
    coloured = pipe(image).images[0]
    assert coloured.mode == "RGBA"
    assert (np.asarray(coloured)[..., 3] == np.asarray(image)[..., 3]).all()


def test_one_tile_size_or_another_the_plan_is_read_at_the_same_places():
    plan = torch.randn(1, 3, 20, 30)
    scale = (20 / 160, 30 / 240)
    whole = sample_bilinear(plan, (80, 120), (0, 0), scale, stride=2)
    part = sample_bilinear(plan, (16, 24), (40, 64), scale, stride=2)
    assert torch.equal(part, whole[:, :, 20:36, 32:56])


def test_sampling_a_plan_of_equal_size_is_bilinear():
    """Against torch's own bilinear resize, which aligns the same way (half-pixel centres)."""
    plan = torch.randn(1, 3, 16, 24)
    expected = torch.nn.functional.interpolate(plan, size=(32, 48), mode="bilinear", align_corners=False)
    torch.testing.assert_close(sample_bilinear(plan, (32, 48), (0, 0), (0.25, 0.25), stride=2), expected)


def test_wishes_reach_the_colours():
    """The spread asked for and the tint asked for change the plan; an unknown tint is not a tint of zero."""
    torch.manual_seed(0)
    palette = TwoNetGenerator(encoder_width=0.25, encoder_depth=0.5, decoder=(16, 8, 8)).eval().palette
    grey = torch.randn(2, 1, 64, 64)
    plain, estimate = palette(grey, torch.tensor([5.0, 5.0]))
    assert estimate.shape == (2,)
    assert not torch.allclose(plain, palette(grey, torch.tensor([20.0, 20.0]))[0])
    assert not torch.allclose(plain, palette(grey, torch.tensor([5.0, 5.0]), torch.zeros(2, 2))[0])
    unknown = torch.full((2, 2), torch.nan)
    assert torch.equal(plain, palette(grey, torch.tensor([5.0, 5.0]), unknown)[0])


def test_progress_counts_tiles_and_can_cancel(pipe):
    seen: list[tuple[int, int]] = []
    pipe(painting(30, 1100), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 2), (2, 2)]

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipe(painting(30, 1100), progress=stop)


def test_colours_do_not_depend_on_the_other_pictures_of_a_list(pipe):
    one, two = painting(40, 50), painting(64, 32)
    alone, together = pipe(one).images[0], pipe([one, two]).images
    assert (np.asarray(alone) == np.asarray(together[0])).all()
