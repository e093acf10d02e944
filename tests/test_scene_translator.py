"""What the default scene translator promises: targets, directions, strength, sizes, tiles, inputs."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from pipelines import SceneTranslator, get_method
from pipelines.gan_losses import range_penalty
from pipelines.scene_translator.losses_base import self_similarity, structure_loss
from pipelines.scene_translator.networks_scene_translator import DIRECTIONS, TARGETS, SceneGenerator, colour_mapped
from pipelines.tiles import paint_tiles, shrink

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pipe() -> SceneTranslator:
    """A tiny model that does something visible."""
    torch.manual_seed(1)
    pipe = get_method("scene_translator").tiny()
    torch.nn.init.normal_(pipe.generator.to_map.weight, std=0.2)
    return pipe


def scene(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth colours with some grain, as photographs have."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (5, 7, 3), dtype=np.uint8))
    smooth = np.asarray(small.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return (smooth + rng.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)


def test_targets_and_directions(pipe):
    assert pipe.targets == TARGETS and pipe.directions == DIRECTIONS
    image = scene(40, 56)
    results = {target: np.asarray(pipe(image, target=target).images[0]) for target in TARGETS}
    assert all(result.shape == image.shape for result in results.values())
    for first, second in DIRECTIONS:
        assert (results[first] != results[second]).any()
        told = np.asarray(pipe(image, target=second, source=first).images[0])
        assert (told != results[second]).any(), "the source makes a difference"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"target": "autumn"}, "summer, winter, cloudy, sunny"),
        ({"target": ""}, "summer, winter, cloudy, sunny"),
        ({"target": "winter", "source": "sunny"}, "summer to winter, winter to summer"),
        ({"target": "winter", "source": "winter"}, "summer to winter"),
        ({"target": "winter", "source": "spring"}, "cloudy to sunny"),
        ({"target": "winter", "strength": 1.1}, "between 0 and 1"),
        ({"target": "winter", "strength": float("nan")}, "between 0 and 1"),
    ],
)
def test_bad_options_name_the_allowed_ones(pipe, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        pipe(scene(8, 8), **options)
    with pytest.raises(ValueError, match=sentence):
        pipe.canvas(scene(8, 8), 8, 8, **options)


def test_strength_blends_input_and_translation(pipe):
    image = scene(33, 47)
    floats = image.astype(np.float32) / 255
    none, half, full = (
        pipe(image, target="sunny", strength=strength, output_type="np").images[0] for strength in (0, 0.5, 1)
    )
    assert np.abs(none - floats).max() < 1e-6
    assert np.abs(full - floats).max() > 0.02
    assert np.abs(half - (floats + full) / 2).max() <= 1.01 / 255


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (31, 33), (64, 64), (65, 63), (9, 300)])
def test_any_size(pipe, size):
    image = scene(*size)
    assert np.asarray(pipe(image, target="cloudy").images[0]).shape == image.shape


def test_tiles_equal_the_whole(pipe):
    """The network saw the view before the first tile, and the rest looks at single pixels."""
    pixels = scene(150, 210)
    canvas = pipe.canvas(shrink(pixels, pipe.view_area), 150, 210, target="winter")
    whole = paint_tiles(canvas, pixels, tile=1024)
    tiled = paint_tiles(canvas, pixels, tile=37)
    assert (whole == tiled).all() and (whole != pixels).any()


def test_a_large_picture_looks_like_its_small_copy(pipe):
    """The translation of a picture of nine times the view, shrunk, is near the translation of the shrunken picture."""
    pixels = scene(189, 189)
    small = shrink(pixels, 63 * 63)
    large = np.asarray(pipe(pixels, target="summer").images[0])
    expected = np.asarray(pipe(small, target="summer").images[0]).astype(int)
    changed = np.abs(expected - small).mean()
    assert np.abs(shrink(large, 63 * 63).astype(int) - expected).mean() < 0.25 * changed


def test_alpha_and_sixteen_bits_are_kept(pipe):
    rgba = np.dstack([scene(20, 30), np.arange(600, dtype=np.uint8).reshape(20, 30)])
    result = pipe(Image.fromarray(rgba), target="winter").images[0]
    assert result.mode == "RGBA" and (np.asarray(result)[..., 3] == rgba[..., 3]).all()
    deep = scene(20, 30).astype(np.uint16) * 257
    fine = pipe(deep, target="winter", output_type="np").images[0]
    assert len(np.unique(fine)) > 256


def test_progress_and_cancel(pipe):
    seen = []
    pipe(scene(20, 20), target="winter", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 1)]

    def stop(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        pipe(scene(20, 20), target="winter", progress=stop)


def test_untrained_it_is_near_the_identity():
    """Training starts from the input and not from noise."""
    torch.manual_seed(0)
    generator = SceneGenerator(encoder_width=0.25, encoder_depth=0.5, decoder=(16, 16, 8, 8, 8))
    image = torch.randn(2, 3, 64, 32)
    assert (generator(image, torch.tensor([0, 3])) - image).abs().mean() < 0.2
    with pytest.raises(ValueError, match="multiples of 32"):
        generator(image[:, :, :60], torch.tensor([0, 3]))


def test_an_untold_source_is_minus_one():
    torch.manual_seed(0)
    generator = SceneGenerator(encoder_width=0.25, encoder_depth=0.5, decoder=(16, 16, 8, 8, 8)).eval()
    torch.nn.init.normal_(generator.to_map.weight, std=0.2)
    image, target = torch.randn(2, 3, 32, 32), torch.tensor([1, 2])
    untold = generator(image, target)
    assert torch.equal(untold, generator(image, target, torch.tensor([-1, -1])))
    mixed = generator(image, target, torch.tensor([-1, 3]))
    assert torch.allclose(mixed[0], untold[0], atol=1e-5) and not torch.allclose(mixed[1], untold[1], atol=1e-3)


def test_colour_maps():
    image = torch.randn(1, 3, 2, 2)
    maps = torch.zeros(1, 3, 4, 2, 2)
    maps[:, 0, 1], maps[:, 2, 3] = 2.0, 0.5  # red gains twice green, blue an offset
    found = colour_mapped(image, maps.flatten(1, 2))
    assert torch.allclose(found[:, 0], image[:, 0] + 2 * image[:, 1])
    assert torch.allclose(found[:, 1], image[:, 1]) and torch.allclose(found[:, 2], image[:, 2] + 0.5)


def test_training_keeps_the_encoders_statistics():
    generator = SceneGenerator(encoder_width=0.25, encoder_depth=0.5, decoder=(16, 16, 8, 8, 8)).train()
    before = {key: value.clone() for key, value in generator.state_dict().items() if "running" in key}
    generator(torch.randn(2, 3, 32, 32), torch.tensor([0, 1]))
    assert before and all(torch.equal(value, generator.state_dict()[key]) for key, value in before.items())


def test_structure_loss():
    """Zero for the same layout, whatever is added to or multiplied with all features; large for a shuffled one."""
    features = torch.randn(2, 8, 6, 6, generator=torch.Generator().manual_seed(0))
    assert structure_loss([features], [features]).abs().max() < 1e-6
    offset = torch.randn(1, 8, 1, 1)
    assert structure_loss([3 * features + offset], [features]).max() < 1e-5
    shuffled = features.flatten(2)[:, :, torch.randperm(36, generator=torch.Generator().manual_seed(1))]
    assert structure_loss([shuffled.view_as(features)], [features]).min() > 0.2
    cosines = self_similarity(features)
    assert cosines.shape == (2, 36, 36) and torch.allclose(cosines.diagonal(dim1=1, dim2=2), torch.ones(2, 36))


def test_range_penalty():
    values = torch.tensor([[0.5, -1.0], [1.5, -3.0]])
    assert torch.allclose(range_penalty(values), torch.tensor([0.0, (0.25 + 4) / 2]))


MEMORY_SCRIPT = """
import re, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torchvision_guard
import pyvips
import torch
from pipelines.large_images import paint_file
from pipelines.scene_translator.networks_scene_translator import SceneGenerator
from pipelines.scene_translator.pipeline_scene_translator import SceneTranslator
folder = Path(sys.argv[2])
ramp = pyvips.Image.xyz(6000, 4000)
picture = (ramp[0] % 251).bandjoin([ramp[1] % 241, (ramp[0] + ramp[1]) % 239]).cast("uchar")
picture.copy(interpretation="srgb").jpegsave(str(folder / "a.jpg"))
torch.manual_seed(0)
pipe = SceneTranslator(SceneGenerator().eval())
paint_file(pipe, folder / "a.jpg", folder / "b.png", target="winter")
paint_file(pipe, folder / "a.jpg", folder / "c.png", target="winter", tile=701)
print(int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024)
"""


@pytest.mark.slow
def test_24_megapixels_in_bounded_memory_and_without_seams(tmp_path):
    """The whole process, libraries included, stays below 2 GB; tiles of another size give the same pixels."""
    import pyvips

    done = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, str(ROOT), str(tmp_path)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) < 2000
    first, second = (pyvips.Image.new_from_file(str(tmp_path / name)) for name in ("b.png", "c.png"))
    assert (first.width, first.height) == (6000, 4000)
    assert (first - second).abs().max() == 0
