"""What a person asks of the colorizer: palettes, hints, variants, restoration, vividness, and how sure it is."""

import math

import numpy as np
import pytest
import torch
from PIL import Image

from landscape_fixtures import coloured_tiny
from pipelines import LandscapeColorizer, get_method
from pipelines.color import lab_to_rgb, rgb_to_lab, srgb_gap
from pipelines.landscape_colorizer.chroma_layer import ChromaLayer
from pipelines.landscape_colorizer.fading import LEFT, draw_fading, fade
from pipelines.landscape_colorizer.gamut import largest_chroma, scale_chroma
from pipelines.landscape_colorizer.hint_spreading import hints_on_view, spread_hints, thinned
from pipelines.landscape_colorizer.measure_palettes import has_cast
from pipelines.landscape_colorizer.palettes import Palette, cluster_colours, palette_of, read_palette
from pipelines.landscape_colorizer.recolouring import recolour, transport
from pipelines.landscape_colorizer.restoration import likely_mean, restored, share_left
from pipelines.landscape_colorizer.traditions import BANK, TRADITIONS
from pipelines.landscape_colorizer.variants import palette_gap, palette_of_seed
from pipelines.tiles import paint_tiles, shrink


@pytest.fixture(scope="module")
def pipe() -> LandscapeColorizer:
    return coloured_tiny()


def halves(height: int = 40, width: int = 60) -> np.ndarray:
    """A dark left and a light right half, grey."""
    picture = np.full((height, width, 3), 200, dtype=np.uint8)
    picture[:, : width // 2] = 80
    return picture


def cube(steps: int = 26) -> torch.Tensor:
    """sRGB colours all over the cube, its faces too: (1, 3, N, 1)."""
    values = torch.linspace(0, 1, steps, dtype=torch.float64)
    return torch.cartesian_prod(values, values, values).T[None, :, :, None]


# vividness


@pytest.mark.parametrize("factor", [0.0, 0.5, 1.0, 1.5, 2.0])
def test_vividness_neither_clips_nor_shifts_hue_anywhere_in_the_cube(factor):
    lab = rgb_to_lab(cube())
    scaled = scale_chroma(lab, factor)
    assert srgb_gap(scaled).max() < 6e-3  # of linear light
    back = rgb_to_lab(lab_to_rgb(scaled))
    assert (back[:, 0] - lab[:, 0]).abs().max() < 1e-3
    strong = (scaled[:, 1:].norm(dim=1) > 3) & (lab[:, 1:].norm(dim=1) > 3)
    turned = torch.atan2(back[:, 2], back[:, 1]) - torch.atan2(lab[:, 2], lab[:, 1])
    turned = (turned + math.pi).remainder(2 * math.pi) - math.pi
    assert not strong.any() or turned[strong].abs().max() < math.radians(0.5)


def test_more_vividness_keeps_the_order_of_chroma():
    """Clipping would make two colours one; here the stronger stays the stronger."""
    chroma = torch.linspace(0.5, float(largest_chroma(torch.tensor(50.0), torch.tensor(1.0))) * 0.99, 50)
    lab = torch.stack([torch.full_like(chroma, 50), chroma * math.cos(1.0), chroma * math.sin(1.0)])[None, :, :, None]
    scaled = scale_chroma(lab, 2.0)[0, 1:, :, 0].norm(dim=0)
    assert (scaled.diff() > 0).all() and (scaled >= chroma).all()
    assert float(scaled[0] / chroma[0]) == pytest.approx(2.0, rel=0.02)  # weak colours gain the whole factor


def test_largest_chroma_is_where_the_cube_ends():
    for rgb in ((1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (0, 1, 1)):
        lab = rgb_to_lab(torch.tensor(rgb, dtype=torch.float64).view(1, 3, 1, 1))[0, :, 0, 0]
        found = largest_chroma(lab[0], torch.atan2(lab[2], lab[1]))
        assert float(found) == pytest.approx(float(lab[1:].norm()), rel=0.02)


# strength


def test_strength_runs_from_the_picture_itself_to_the_new_colours(pipe):
    picture = np.random.default_rng(0).integers(60, 200, (32, 40, 3), dtype=np.uint8)
    own = np.asarray(pipe(picture, strength=0.0).images[0])
    assert np.abs(own.astype(int) - picture).max() <= 1
    assert (np.asarray(pipe(picture, strength=1.0).images[0]) == np.asarray(pipe(picture).images[0])).all()


# palettes


def test_clusters_of_a_picture_of_two_colours():
    lab = np.repeat([[30.0, 10, 20], [70.0, -20, 5]], [30, 10], axis=0)
    np.testing.assert_allclose(cluster_colours(lab, 6), [[30, 10, 20, 0.75], [70, -20, 5, 0.25]], atol=1e-5)


def test_a_palette_reads_its_own_text_and_shows_swatches():
    palette = read_palette("50 0 0 3, 46 -26 2 1")
    assert palette.weights == (0.75, 0.25)
    assert [share for _, share in palette.swatches()] == [0.75, 0.25]
    lab = rgb_to_lab(torch.tensor([0x2F, 0x7A, 0x6B]).view(1, 3, 1, 1) / 255)[0, :, 0, 0]
    assert Palette((tuple(lab.tolist()),), (2,)).swatches() == [("#2f7a6b", 1.0)]


@pytest.mark.parametrize(
    ("colours", "weights"), [((), ()), (((50, 0, 0),), (1, 2)), (((150, 0, 0),), (1,)), (((50, 0, 0),), (0,))]
)
def test_what_is_no_palette_is_refused(colours, weights):
    with pytest.raises(ValueError, match="palette has|L\\* goes"):
        Palette(colours, weights)


def test_traditions_and_bank_are_palettes_and_differ():
    assert set(TRADITIONS) == {"blue-green", "light-ochre", "gold-green", "boneless", "autumn"}
    assert len(BANK) == len(set(BANK)) == 32
    cold = {name: sum(w for (_, a, b), w in zip(t.palette.colours, t.palette.weights, strict=True) if b < 0)
            for name, t in TRADITIONS.items()}  # fmt: skip
    assert max(cold, key=lambda name: cold[name]) == "blue-green"


def test_transport_keeps_both_marginals():
    rng = np.random.default_rng(0)
    shares, others = rng.dirichlet(np.ones(5)), rng.dirichlet(np.ones(3))
    plan = transport(rng.normal(size=(5, 3)) * 8, rng.normal(size=(3, 3)) * 8, shares, others)
    np.testing.assert_allclose(plan.sum(1), shares, atol=1e-3)
    np.testing.assert_allclose(plan.sum(0), others, atol=1e-9)


def test_recolouring_brings_the_palettes_colours_in_its_shares():
    lightness = torch.full((1, 1, 20, 40), -0.4)
    lightness[..., 20:] = 0.4
    chroma = torch.zeros(1, 2, 20, 40)
    chroma[:, 1, :, :20], chroma[:, 1, :, 20:] = 5, 15
    palette = Palette(((30, -20, -10), (70, 10, 40)), (0.5, 0.5))
    painted = recolour(lightness, chroma, palette)
    assert painted[0, :, :, :20].mean((1, 2)).tolist() == pytest.approx([-20, -10], abs=2)
    assert painted[0, :, :, 20:].mean((1, 2)).tolist() == pytest.approx([10, 40], abs=2)


def test_a_palette_by_name_by_picture_and_by_itself(pipe, tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (40, 48), dtype=np.uint8)
    first = pipe(picture, palette="青绿").images[0]
    assert first == pipe(picture, palette="blue-green").images[0]
    assert first == pipe(picture, palette=TRADITIONS["blue-green"].palette).images[0]
    reference = Image.fromarray(np.full((16, 16, 3), (40, 110, 160), dtype=np.uint8))
    reference.save(tmp_path / "blue.png")
    blue = pipe(picture, palette=str(tmp_path / "blue.png"), return_palettes=True)
    assert (np.asarray(blue.images[0]) == np.asarray(pipe(picture, palette=reference).images[0])).all()
    assert palette_gap(blue.palettes[0].array(), palette_of(reference).array()) < palette_gap(
        pipe(picture, return_palettes=True).palettes[0].array(), palette_of(reference).array()
    )
    with pytest.raises(ValueError, match="neither a tradition .* nor a picture"):
        pipe(picture, palette="purple-rain")
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    with pytest.raises(OSError, match="damaged"):
        pipe(picture, palette=tmp_path / "broken.png")


# hints


def test_a_hint_colours_what_it_belongs_to_and_stops_at_the_edge():
    lightness = torch.full((1, 1, 40, 60), -0.4)
    lightness[..., 30:] = 0.6
    chroma = torch.zeros(1, 2, 40, 60)
    hints = hints_on_view([(10, 20, "#2f7a6b")], (40, 60), (40, 60))
    colour = rgb_to_lab(torch.tensor([0x2F, 0x7A, 0x6B]).view(1, 3, 1, 1) / 255)[0, 1:, 0, 0]
    painted = spread_hints(chroma, lightness, hints)[0]
    torch.testing.assert_close(painted[:, 20, 10], colour)
    assert painted[:, 20, 26].norm() > 0.5 * colour.norm()  # 16 px away, in the same half
    assert painted[:, 20, 34].norm() < 0.15 * colour.norm()  # 24 px away, beyond the edge
    assert painted[:, :, 34:].norm(dim=0).max() < painted[:, :, :26].norm(dim=0).min()


def test_two_hints_share_by_nearness():
    lightness, chroma = torch.zeros(1, 1, 20, 60), torch.zeros(1, 2, 20, 60)
    hints = hints_on_view([(5, 10, "red"), (54, 10, "blue")], (20, 60), (20, 60))
    painted = spread_hints(chroma, lightness, hints)[0]
    assert painted[1, 10, 10] > 0 > painted[1, 10, 49]  # red has b* above 0, blue below


def test_brushwork_inside_a_form_is_no_border():
    lightness = torch.full((1, 1, 40, 60), -0.4)
    lightness[..., ::4] += 0.2  # strokes of 10 in L*
    lightness[..., 30:] += 1.0
    hints = hints_on_view([(10, 20, "#2f7a6b")], (40, 60), (40, 60))
    painted = spread_hints(torch.zeros(1, 2, 40, 60), lightness, hints)[0].norm(dim=0)
    assert painted[:, :28].min() > 0.5 * painted.max() and painted[:, 33:].max() < 0.2 * painted.max()


def test_a_colour_is_laid_on_light_places_as_a_wash_and_under_ink():
    blue = torch.tensor([0x2F, 0x5F, 0x9E]).view(1, 3, 1, 1) / 255
    own = rgb_to_lab(blue)[0, :, 0, 0]
    torch.testing.assert_close(thinned(blue, float(own[0]))[:, 0], own[1:])
    strength = [float(thinned(blue, lightness).norm()) for lightness in (2.0, 20.0, float(own[0]), 60.0, 80.0, 95.0)]
    assert strength[0] < strength[1] < strength[2] > strength[3] > strength[4] > strength[5]
    assert strength[0] < 5 > strength[5] and thinned(blue, 80.0)[1] < 0  # as good as ink, and paper; blue between
    light = torch.full((1, 1, 20, 20), 0.6)
    laid = hints_on_view([(10, 10, "#2f5f9e")], (20, 20), (20, 20), light)[0, :2, 10, 10]
    torch.testing.assert_close(laid, thinned(blue, 80.0)[:, 0])
    for plain in ((0, 0, 0), (255, 255, 255)):
        assert thinned(torch.tensor(plain).view(1, 3, 1, 1) / 255, 60.0).norm() < 0.1


def test_a_ground_with_a_cast_is_told_from_paper_and_silk():
    def ground(a: float, b: float) -> bool:
        return has_cast(np.array([[30, 0, -30, 0.5], [80, a, b, 0.5]], np.float32))

    assert ground(11, -4) and ground(-9, 2) and ground(0, -12)
    assert not ground(8, 20) and not ground(0, 25) and not ground(2, -2)


def test_hints_are_given_in_pixels_of_the_full_picture():
    small = hints_on_view([(150, 50, "red")], (100, 300), (50, 150))
    rows, columns = small[0, 2].nonzero(as_tuple=True)
    assert abs(float(rows.float().mean()) - 25) < 1 and abs(float(columns.float().mean()) - 75) < 1
    assert hints_on_view(None, (10, 10), (5, 5)) is None and hints_on_view([], (10, 10), (5, 5)) is None


@pytest.mark.parametrize(
    "hint",
    [
        *[(60, 5, "red"), (5, -1, "red"), (5, 5, "no colour"), (5, 5, (1, 2)), (5, 5), (5, 5, "red", 0)],
        *[("5", 5, "red"), (5, None, "red"), (5, 5, 7), (5, 5, None), (5, 5, (1, "2", 3)), (5, 5, "red", "wide")],
        *[(float("nan"), 5, "red"), (5, True, "red")],
    ],
)
def test_a_bad_hint_is_refused(pipe, hint):
    with pytest.raises(ValueError, match="hint"):
        pipe(halves(), hints=[hint])


def test_hints_of_several_pictures(pipe):
    both = pipe([halves(), halves()], hints=[[(5, 5, "red")], None])
    assert (np.asarray(both.images[1]) == np.asarray(pipe(halves()).images[0])).all()
    assert (np.asarray(both.images[0]) != np.asarray(both.images[1])).any()
    with pytest.raises(ValueError, match="hints for 1 pictures and 2"):
        pipe([halves(), halves()], hints=[None])


# tiles


def test_tiles_equal_the_whole_under_every_wish(pipe):
    picture = np.random.default_rng(0).integers(0, 256, (150, 210, 3), dtype=np.uint8)
    wishes = {"palette": "autumn", "hints": [(30, 40, "teal")], "vividness": 1.5, "strength": 0.8, "restore": 0.5}
    canvas = pipe.canvas(shrink(picture, 4000), 150, 210, seed=3, **wishes)
    whole, tiled = paint_tiles(canvas, picture, tile=1024), paint_tiles(canvas, picture, tile=34)
    assert np.abs(whole.astype(int) - tiled).max() <= 1


def test_a_layer_at_the_views_own_size_is_the_change_itself():
    lightness, change = torch.rand(1, 1, 12, 14), torch.randn(1, 2, 12, 14)
    layer = ChromaLayer(lightness, change, 12, 14)
    assert torch.equal(layer.read(lightness[:, :, 2:8, 4:9], 2, 4), change[:, :, 2:8, 4:9])


def test_a_layer_follows_the_edges_of_the_full_picture():
    """A change on the dark half of the view ends where the full picture's dark half does, not a blurred way beyond."""
    small = torch.full((1, 1, 16, 16), -0.6)
    small[..., 8:] = 0.6
    change = torch.zeros(1, 2, 16, 16)
    change[:, 0, :, :8] = 30
    full = small.repeat_interleave(8, 2).repeat_interleave(8, 3)
    read = ChromaLayer(small, change, 128, 128).read(full, 0, 0)
    assert (read[0, 0, :, 62] - 30).abs().max() < 1.5 and read[0, 0, :, 65].abs().max() < 1.5


# variants


def test_seeds_decide_the_colouring_alone(pipe):
    picture = halves()
    four = pipe(picture, num_images_per_prompt=4)
    assert four.seeds == [None, 0, 1, 2]
    second = pipe(picture, seed=1).images[0]
    assert (np.asarray(second) == np.asarray(four.images[2])).all()
    listed = pipe([picture, picture], num_images_per_prompt=2, seed=[1, None])
    assert listed.seeds == [1, None, 1, None]
    assert (np.asarray(listed.images[2]) == np.asarray(second)).all()
    first = pipe(picture, generator=torch.Generator().manual_seed(7)).seeds
    assert first == pipe(picture, generator=torch.Generator().manual_seed(7)).seeds and first[0] is not None


@pytest.mark.parametrize(("seed", "count"), [([1, 2], 1), (-1, 1), ([1, -3], 2)])
def test_seeds_that_do_not_fit_are_refused(pipe, seed, count):
    with pytest.raises(ValueError, match="as many as num_images_per_prompt"):
        pipe(halves(), seed=seed, num_images_per_prompt=count)


def test_first_seeds_take_palettes_that_differ():
    drawn = [palette_of_seed(seed, BANK).array() for seed in range(4)]
    gaps = [palette_gap(a, b) for i, a in enumerate(drawn) for b in drawn[:i]]
    everything = [palette_gap(a.array(), b.array()) for i, a in enumerate(BANK) for b in BANK[:i]]
    assert min(gaps) > np.median(everything) / 2
    with pytest.raises(ValueError, match="0 or more"):
        palette_of_seed(-1, BANK)


def test_a_black_hint_on_black_is_a_colour(pipe):
    assert thinned(torch.zeros(1, 3, 1, 1), 0.0).tolist() == [[0], [0]]
    painted = np.asarray(pipe(np.zeros((40, 60), np.uint8), hints=[(20, 20, "#000000")]).images[0])
    assert painted.max() <= 2


def test_a_seed_asks_for_one_palette_whatever_the_size(pipe):
    picture = np.kron(halves(), np.ones((4, 4, 1), np.uint8))
    large, small = (pipe(one, seed=3, return_palettes=True).palettes[0].array() for one in (picture, picture[::2, ::2]))
    other = pipe(picture, seed=4, return_palettes=True).palettes[0].array()
    assert palette_gap(large, small) < palette_gap(large, other) / 2


# restoration


def test_restoring_undoes_most_of_the_stated_fading():
    torch.manual_seed(0)
    old = torch.nn.functional.interpolate(torch.randn(1, 2, 6, 6) * 12, size=(48, 48), mode="bilinear")
    old = old + torch.tensor([3.0, 15.0]).view(1, 2, 1, 1)
    faded = fade(old, torch.tensor([0.3]), torch.tensor([[4.0, 12.0]]))
    mean = old.mean((2, 3))
    spread = float((old - mean[:, :, None, None]).square().sum(1).mean().sqrt())
    back = restored(torch.zeros_like(old), faded, spread, mean, 1.0)
    assert (back - old).norm(dim=1).mean() < 0.5 * (faded - old).norm(dim=1).mean()
    pairs = [(x - x.mean((2, 3), keepdim=True)).flatten() for x in (back, old)]
    assert torch.nn.functional.cosine_similarity(*pairs, dim=0) > 0.99  # hues are the painting's own
    assert torch.equal(restored(old, faded, spread, mean, 0.0), old)


def test_what_is_left_of_the_chroma_is_within_the_model():
    middle = sum(LEFT) / 2
    assert share_left(middle * 10, 10) == pytest.approx(middle)  # both say the same
    assert share_left(10, 10) == pytest.approx(middle**0.5)  # seems not faded: half way to the model's middle
    assert share_left(0, 10) == LEFT[0] and share_left(1000, 10) == share_left(5, 0) == 1


def test_the_likely_mean_lies_between_what_is_found_and_what_is_expected():
    expected, veil = torch.tensor([[1.0, 20.0]]), torch.tensor([[3.5, 10.0]])
    as_expected = 0.3 * expected + 0.7 * veil
    torch.testing.assert_close(likely_mean(as_expected, expected, 0.3), expected)
    redder = likely_mean(as_expected + torch.tensor([[2.0, 0.0]]), expected, 0.3)
    assert 1 < redder[0, 0] < 1 + 2 / 0.3 and redder[0, 1] == pytest.approx(20, abs=1e-4)
    found = torch.tensor([[5.0, 9.0]])
    torch.testing.assert_close(likely_mean(found, expected, 1.0), found)  # nothing has faded


def test_a_grey_picture_is_no_evidence():
    chroma = torch.randn(1, 2, 8, 8)
    painted = restored(chroma, torch.zeros(1, 2, 8, 8), 10.0, torch.zeros(1, 2), 1.0)
    torch.testing.assert_close(painted, chroma)


def test_fading_stays_within_its_ranges():
    left, tone = draw_fading(torch.rand(50, 3))
    assert left.min() >= 0.15 and left.max() <= 0.6 and tone[:, 1].min() >= 4
    assert torch.equal(fade(torch.ones(1, 2, 2, 2), torch.ones(1), torch.zeros(1, 2)), torch.ones(1, 2, 2, 2))


# options


@pytest.mark.parametrize("wrong", [{"strength": -0.1}, {"strength": 1.1}, {"restore": 2}, {"vividness": 2.1}])
def test_numbers_out_of_range_are_refused(pipe, wrong):
    with pytest.raises(ValueError, match="must be between 0 and"):
        pipe(halves(), **wrong)


def test_the_papers_networks_say_what_they_do_not_take():
    from pipelines.landscape_colorizer.networks_pix2pix import ResNetGenerator

    paper = LandscapeColorizer(ResNetGenerator(width=4).eval())
    with pytest.raises(ValueError, match="take no palette"):
        paper(halves(), palette="autumn")
    with pytest.raises(ValueError, match="how sure"):
        paper(halves(), return_uncertainty=True)


def test_palettes_are_measured_where_they_are_asked_for(pipe):
    assert pipe(halves()).palettes is None
    (measured,) = pipe(halves(), return_palettes=True).palettes
    assert isinstance(measured, Palette)


# how sure it is


def test_uncertainty_has_the_pictures_size_and_grows_with_its_factor():
    pipe = coloured_tiny(radius=True)
    (radius,) = pipe(halves(), return_uncertainty=True).uncertainty
    assert radius.shape == (40, 60) and radius.dtype == np.float32 and (radius > 0).all()
    pipe.generator.register_to_config(radius_factor=2.0)
    np.testing.assert_allclose(pipe(halves(), return_uncertainty=True).uncertainty[0], 2 * radius, rtol=1e-5)


def test_weights_that_do_not_know_say_so(pipe):
    with pytest.raises(ValueError, match="how sure"):
        pipe(halves(), return_uncertainty=True)


def test_tiny_is_a_colorizer():
    assert isinstance(get_method("landscape_colorizer").tiny(), LandscapeColorizer)
