"""Layers of a coloured drawing: they give the picture again, lines are told from colours, programs can open them."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pipelines.lineart_colorizer.layers import ink_of, layers_of, regions, write_psd


def drawing_of(width: int = 120, height: int = 90) -> Image.Image:
    large = Image.new("L", (4 * width, 4 * height), 255)
    draw = ImageDraw.Draw(large)
    draw.ellipse([60, 60, 280, 300], outline=0, width=8)
    draw.rectangle([200, 100, 440, 260], outline=40, width=8)
    return large.resize((width, height), Image.Resampling.LANCZOS)


def coloured(drawing: Image.Image, shaded: bool = True) -> Image.Image:
    labels = regions(ink_of(drawing))
    colours = np.random.default_rng(1).integers(70, 220, (labels.max() + 1, 3))[labels].astype(float)
    if shaded:
        colours *= np.linspace(0.7, 1.15, drawing.width)[None, :, None]
    paper = np.asarray(drawing)[..., None] / 255
    return Image.fromarray((paper * colours + (1 - paper) * np.array([40, 20, 30])).clip(0, 255).astype(np.uint8))


def test_closed_regions_are_told_apart():
    drawing = drawing_of()
    labels = regions(ink_of(drawing))
    places = {"outside": (4, 4), "circle": (45, 25), "both": (45, 60), "box": (45, 100)}
    numbers = {name: int(labels[place]) for name, place in places.items()}
    assert len(set(numbers.values())) == 4 and 0 not in numbers.values()
    assert set(np.unique(labels)) == {0, *numbers.values()}
    assert labels[45, 15] == 0, "the circle's line"


def test_a_small_gap_does_not_join_two_regions():
    drawing = drawing_of()
    ImageDraw.Draw(drawing).rectangle([14, 44, 17, 45], fill=255)
    labels = regions(ink_of(drawing))
    assert labels[45, 25] != labels[4, 4]


def test_blank_and_black_pages_have_one_region():
    for value in (0.0, 1.0):
        labels = regions(np.full((20, 30), value))
        assert labels.shape == (20, 30) and (labels == 1).all()


def test_layers_give_the_picture_again():
    drawing = drawing_of()
    picture = coloured(drawing)
    layers = layers_of(picture, drawing)
    assert np.abs(layers.composite().astype(int) - np.asarray(picture)).max() <= 1


def test_flat_has_one_colour_a_region_and_no_lines():
    drawing = drawing_of()
    layers = layers_of(coloured(drawing, shaded=False), drawing)
    labels = regions(ink_of(drawing))
    for number in range(1, labels.max() + 1):
        assert len(np.unique(layers.flat[labels == number], axis=0)) == 1
    assert len(np.unique(layers.flat.reshape(-1, 3), axis=0)) == labels.max(), "lines have no colour of their own there"
    inside = ink_of(drawing) == 0
    assert (layers.lines[..., 3][inside] == 0).mean() > 0.9 and layers.lines[..., 3][ink_of(drawing) > 0.9].min() > 200


def test_the_file_opens_with_its_layers_and_modes(tmp_path: Path):
    from psd_tools import PSDImage
    from psd_tools.constants import BlendMode

    drawing = drawing_of()
    picture = coloured(drawing).convert("RGBA")
    mask = Image.new("L", picture.size, 255)
    ImageDraw.Draw(mask).rectangle([0, 0, 20, 90], fill=0)
    picture.putalpha(mask)
    write_psd(layers_of(picture, drawing), tmp_path / "a.psd")
    psd = PSDImage.open(tmp_path / "a.psd")
    modes = {layer.name: layer.blend_mode for layer in psd}
    assert list(modes) == ["flat", "shade", "light", "lines"], "from the bottom up"
    assert modes["shade"] == BlendMode.MULTIPLY and modes["light"] == BlendMode.SCREEN
    seen = np.asarray(psd.composite(force=True).convert("RGBA")).astype(int)
    assert (seen[:, :20, 3] == 0).all() and (seen[:, 22:, 3] >= 254).all()
    assert np.abs(seen[:, 22:, :3] - np.asarray(picture)[:, 22:, :3]).max() <= 2


def test_sizes_must_agree():
    with pytest.raises(ValueError, match="120x90 and 10x10"):
        layers_of(Image.new("RGB", (120, 90)), Image.new("L", (10, 10)))
