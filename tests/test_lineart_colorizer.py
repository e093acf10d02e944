"""The line art colorizer: hints, references, lines kept, sizes, and what it says of odd input."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from pipelines import get_method
from pipelines.hints import hint_map, read_hints
from pipelines.lineart_colorizer.drawing_pixels import is_drawing
from pipelines.lineart_colorizer.networks_lineart_colorizer import ColourLookup
from pipelines.lineart_colorizer.networks_reference_encoder import patch_colours, sorted_palette
from pipelines.lineart_colorizer.pipeline_lineart_colorizer import (
    BLANK,
    GREY_REFERENCE,
    NOT_A_DRAWING,
    LineArtColorizer,
    joined_style,
)

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def pipe() -> LineArtColorizer:
    torch.manual_seed(0)
    return get_method("lineart_colorizer").tiny()


def drawing_of(width: int = 96, height: int = 72, paper: int = 255) -> Image.Image:
    drawing = Image.new("L", (width, height), paper)
    draw = ImageDraw.Draw(drawing)
    draw.ellipse([width // 8, height // 8, width // 2, height - height // 8], outline=0, width=2)
    draw.line([0, height // 2, width, height // 3], fill=30, width=2)
    return drawing


def reference_of(seed: int = 0) -> Image.Image:
    colours = np.random.default_rng(seed).integers(0, 256, (4, 5, 3), dtype=np.uint8)
    return Image.fromarray(colours).resize((80, 64), Image.Resampling.NEAREST)


# --- hints ---------------------------------------------------------------------------------------------------------


def test_points_and_pictures_say_the_same():
    layer = read_hints([(10, 5, "#ff8000", 2), (3, 3, (0, 0, 255), 1)], 20, 30)
    assert layer.shape == (20, 30, 4)
    assert (
        tuple(layer[5, 10]) == (255, 128, 0, 255) and tuple(layer[3, 3]) == (0, 0, 255, 255) and layer[15, 25, 3] == 0
    )
    assert np.array_equal(read_hints(Image.fromarray(layer), 20, 30), layer)
    assert read_hints(Image.new("RGBA", (30, 20)), 20, 30) is None and read_hints([], 20, 30) is None


def test_a_views_hints_are_means_of_what_is_given():
    layer = np.zeros((8, 8, 4), np.uint8)
    layer[0, 0] = (255, 0, 0, 255)
    layer[1, 1] = (0, 0, 255, 255)
    layer[0, 1] = (255, 255, 255, 60)  # hardly there
    found = hint_map(layer, 4, 4)
    assert found.shape == (1, 4, 4, 4)
    assert found[0, :, 0, 0].tolist() == pytest.approx([0, -1, 0, 1], abs=1e-6)
    assert found[0, :, 1:].abs().max() == 0


@pytest.mark.parametrize(
    "hints, message",
    [
        ([(40, 5, "red")], r"\(40, 5\) lies outside the picture of 30x20"),
        ([(1, 5, "reddish")], "#rrggbb"),
        ([(1, 5, (0, 0, 300))], "0 to 255"),
        ([(1, 5)], r"\(x, y, colour\)"),
        ([(1, 5, "red", 0)], "radius"),
        (Image.new("RGB", (30, 20)), "RGBA"),
        (Image.new("RGBA", (20, 20)), "20x20 pixels, the picture 30x20"),
    ],
)
def test_bad_hints_are_told(hints, message):
    with pytest.raises(ValueError, match=message):
        read_hints(hints, 20, 30)


# --- networks ------------------------------------------------------------------------------------------------------


def test_patch_colours_leave_lines_out():
    image = torch.full((1, 3, 16, 16), 0.5)
    image[:, :, ::4] = -1  # a quarter of each patch is ink
    assert torch.allclose(patch_colours(image), torch.full((1, 3, 2, 2), 0.5))


def test_the_palette_does_not_know_where_colours_lie():
    colours = torch.rand(2, 3, 8, 8)
    shuffled = colours.flatten(2)[:, :, torch.randperm(64)].view(2, 3, 8, 8)
    assert torch.allclose(sorted_palette(colours), sorted_palette(shuffled))
    light = sorted_palette(colours).mean(1)
    assert (light.diff(dim=1) >= 0).all()


def test_lookup_fetches_the_colour_of_the_likest_token():
    lookup = ColourLookup(4, 4)
    with torch.no_grad():
        lookup.query.weight.copy_(torch.eye(4).view(4, 4, 1, 1))
        lookup.query.bias.zero_()
        lookup.sharpness.fill_(6.0)
    x = torch.zeros(1, 4, 2, 2)
    x[0, 0, 0, 0] = x[0, 1, 0, 1] = x[0, 2, 1, 0] = x[0, 3, 1, 1] = 1
    tokens, colours = torch.eye(4)[None], torch.rand(1, 4, 3)
    found = lookup(x, {"tokens": tokens, "colours": colours})[1]
    assert torch.allclose(found.flatten(2).transpose(1, 2), colours, atol=1e-4)
    order = torch.tensor([2, 0, 3, 1])  # where a token stands in the list, and so in the reference, says nothing
    again = lookup(x, {"tokens": tokens[:, order], "colours": colours[:, order]})[1]
    assert torch.allclose(found, again, atol=1e-5)


def test_weights_of_references_count_pictures_not_tokens():
    styles = [
        {"vector": torch.full((1, 2), v), "tokens": torch.zeros(1, n, 4), "colours": torch.full((1, n, 3), v)}
        for v, n in ((1.0, 4), (0.0, 12))
    ]
    joined = joined_style(styles, [3.0, 1.0])
    assert joined["vector"].tolist() == [[0.75, 0.75]]
    assert joined["weights"].exp().sum() == pytest.approx(1) and joined["weights"].exp()[0, :4].sum() == pytest.approx(
        0.75
    )
    colours = ColourLookup(4, 4)(torch.zeros(1, 4, 2, 2), joined)[1]
    assert torch.allclose(colours, torch.tensor(0.75)), "tokens that are all alike are fetched by their weights"


# --- pipeline ------------------------------------------------------------------------------------------------------


def test_the_reference_decides_the_colours_and_the_drawing_the_rest(pipe):
    drawing = drawing_of()
    first, second = (pipe(drawing, reference_of(seed)).images[0] for seed in (0, 1))
    assert first.size == second.size == drawing.size
    assert np.abs(np.asarray(first).astype(int) - np.asarray(second)).mean() > 1


def test_hints_change_their_place(pipe):
    drawing = drawing_of()
    plain = np.asarray(pipe(drawing, reference_of()).images[0]).astype(int)
    hinted = np.asarray(pipe(drawing, reference_of(), hints=[(70, 60, "#00ff00")]).images[0]).astype(int)
    change = np.abs(plain - hinted).mean(2)
    assert change[55:66, 65:76].mean() > 0.1


@pytest.mark.parametrize("size", [(1, 1), (33, 7), (300, 220)])
def test_any_size_and_lines_kept(pipe, size):
    drawing = drawing_of(*size) if min(size) > 8 else Image.new("L", size, 200)
    kept = np.asarray(pipe(drawing, reference_of(), keep_lines=True).images[0])
    assert kept.shape == (size[1], size[0], 3)
    ink = np.asarray(drawing)[..., None]
    assert (kept <= ink).all() and (kept[ink[..., 0] == 0] == 0).all()


def test_lists_alpha_and_several_references(pipe):
    clear = drawing_of().convert("RGBA")
    clear.putalpha(Image.linear_gradient("L").resize(clear.size))
    result = pipe([clear, drawing_of(50, 40)], [reference_of(0), reference_of(1)], hints=[None, [(5, 5, "red")]])
    assert [image.size for image in result.images] == [(96, 72), (50, 40)]
    assert np.array_equal(np.asarray(result.images[0].getchannel("A")), np.asarray(clear.getchannel("A")))
    alone = pipe(drawing_of(), [reference_of(0), reference_of(1)], reference_weights=[1, 0]).images[0]
    assert np.array_equal(np.asarray(alone), np.asarray(pipe(drawing_of(), reference_of(0)).images[0]))
    with pytest.raises(ValueError, match="hints for 1 drawings and 2"):
        pipe([drawing_of(), drawing_of()], reference_of(), hints=[None])
    for weights in ([1], [0, 0], [1, -1]):
        with pytest.raises(ValueError, match="2 references and the weights"):
            pipe(drawing_of(), [reference_of(), reference_of()], reference_weights=weights)


def test_odd_input_is_told(pipe):
    assert pipe(drawing_of(), reference_of()).notes == [[]]
    photo = reference_of(3).resize((96, 72), Image.Resampling.BICUBIC)
    assert pipe(photo, reference_of()).notes == [[NOT_A_DRAWING]]
    assert BLANK in pipe(Image.new("L", (64, 64), 255), reference_of()).notes[0]
    assert GREY_REFERENCE in pipe(drawing_of(), Image.linear_gradient("L")).notes[0]


def test_drawings_are_told_from_pictures():
    assert is_drawing(np.asarray(drawing_of().convert("RGB")))
    assert is_drawing(np.asarray(drawing_of(paper=200).convert("RGB")))
    sepia = np.asarray(drawing_of().convert("RGB")) * np.array([1.0, 0.92, 0.75])
    assert is_drawing(sepia.astype(np.uint8)) and is_drawing((sepia * 257).astype(np.uint16))
    assert not is_drawing(np.asarray(reference_of()))
    assert not is_drawing(np.asarray(Image.linear_gradient("L").convert("RGB")))


def test_tiles_equal_the_whole(pipe):
    from pipelines.tiles import paint_tiles, shrink

    drawing = np.asarray(drawing_of(260, 190).convert("RGB"))
    for picture in (drawing, np.asarray(reference_of(5).resize((260, 190), Image.Resampling.BICUBIC))):
        style = pipe._style(reference_of(), None)[0]
        canvas = pipe._canvas(shrink(picture, pipe.view_area), 190, 260, style, None, True, 0.7)
        whole = paint_tiles(canvas, picture, tile=4096)
        parts = paint_tiles(canvas, picture, tile=64)
        assert np.abs(whole.astype(int) - parts).max() <= 1


PAGE_SCRIPT = """
import re, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import torchvision_guard
import numpy as np
from PIL import Image
from datasets_cards.procedural.drawing import drawing
from pipelines import LineArtColorizer
from pipelines.large_images import paint_file
from pipelines.lineart_colorizer.layers import layers_of, write_psd
folder = Path(sys.argv[2])
drawn = drawing(4, 1000, 1500)
drawn.lines.resize((2000, 3000)).save(folder / "page.png")
drawn.colour.resize((400, 600)).save(folder / "reference.png")
pipe = LineArtColorizer.from_pretrained()
start = time.monotonic()
whole = pipe(folder / "page.png", folder / "reference.png").images[0]
seconds = time.monotonic() - start
paint_file(pipe, folder / "page.png", folder / "tiles.png", tile=701, reference=folder / "reference.png")
assert np.array_equal(np.asarray(Image.open(folder / "tiles.png")), np.asarray(whole))
peak = lambda: int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
coloured = peak()
write_psd(layers_of(whole, Image.open(folder / "page.png")), folder / "layers.psd")
print(coloured, peak(), seconds)
"""


@pytest.mark.slow
def test_a_page_of_2000_by_3000_in_bounded_memory_and_without_seams(tmp_path):
    """With the bundled weights; the whole process, libraries included, layers too, stays below 2 GB."""
    done = subprocess.run([sys.executable, "-c", PAGE_SCRIPT, str(ROOT), str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    coloured, layered, seconds = map(float, done.stdout.split())
    assert coloured < 1500 and layered < 2000 and seconds < 60, done.stdout
