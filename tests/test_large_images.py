"""Files through `paint_file`: the pixels of the path in memory, in bounded memory, whole or not at all."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from pipelines import image_encoder, large_images
from pipelines.images import read_picture
from pipelines.large_images import LargeImage, paint_file
from pipelines.tiles import paint_tiles, shrink
from test_images import broken_files, png_16_bit, swapped_profile
from test_tiles import BlurCanvas, noise


class BlurPipeline:
    """Stands in for a model: blurs over tile borders and adds what only the view knows."""

    view_area = 1000

    def canvas(self, view: np.ndarray, height: int, width: int) -> BlurCanvas:
        return BlurCanvas(view, multiple=2)


class CopyPipeline:
    """Gives back what it gets: shows what was decoded and what was written."""

    view_area = 500_000

    def canvas(self, view: np.ndarray, height: int, width: int):
        self.view = view
        return self

    halo, multiple = 0, 1

    def paint(self, pixels: np.ndarray, top: int, left: int) -> np.ndarray:
        return pixels


def decoded(path: Path) -> np.ndarray:
    """(H, W, C) of a file as libvips sees it."""
    large_image = LargeImage(path)
    return np.concatenate(list(large_image.rows()))


def in_memory(pixels: np.ndarray) -> np.ndarray:
    return paint_tiles(BlurCanvas(shrink(pixels, BlurPipeline.view_area), multiple=2), pixels, tile=50)


@pytest.mark.parametrize("suffix", [".png", ".tif", ".TIFF", ".webp"])
@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_equals_the_path_in_memory(suffix, dtype, tmp_path):
    pixels = noise(233, 311, dtype)
    pyvips.Image.new_from_array(pixels).copy(interpretation="srgb" if dtype == np.uint8 else "rgb16").pngsave(
        str(tmp_path / "a.png")
    )
    paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / f"b{suffix}", tile=64)
    want = in_memory(pixels)
    got = decoded(tmp_path / f"b{suffix}")
    if suffix == ".webp" and dtype == np.uint16:
        assert got.dtype == np.uint8 and np.abs(got.astype(int) - want / 257).max() <= 1
    else:
        assert got.dtype == dtype
        np.testing.assert_array_equal(got, want)


def test_low_tile_rows_of_wide_pictures(tmp_path, monkeypatch):
    monkeypatch.setattr(large_images, "ROW_PIXELS", 1000)
    monkeypatch.setattr(large_images, "_MIN_TILE_ROWS", 3)
    monkeypatch.setattr(large_images, "_STEP_BYTES", 7000)
    pixels = noise(120, 333)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png", tile=64)
    np.testing.assert_array_equal(decoded(tmp_path / "b.png"), in_memory(pixels))


def test_model_without_bounded_field_gets_the_whole(tmp_path, monkeypatch):
    class WholeCanvas:
        halo, multiple = None, 1

        def __init__(self, view: np.ndarray):
            self.paint = BlurCanvas(view, multiple=2).paint

    class Whole(BlurPipeline):
        def canvas(self, view: np.ndarray, height: int, width: int) -> WholeCanvas:
            return WholeCanvas(view)

    pixels = noise(120, 333)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    paint_file(Whole(), tmp_path / "a.png", tmp_path / "b.png", tile=64)
    np.testing.assert_array_equal(decoded(tmp_path / "b.png"), in_memory(pixels))
    monkeypatch.setattr(large_images, "MAX_PICTURE_PIXELS", 1000)
    with pytest.raises(ValueError, match=r"a\.png \(painted as a whole\) is 333x120"):
        paint_file(Whole(), tmp_path / "a.png", tmp_path / "c.png")


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
@pytest.mark.parametrize("suffix", [".png", ".tif"])
def test_alpha_is_kept(dtype, suffix, tmp_path):
    rgba = np.dstack([noise(50, 70, dtype), noise(50, 70, dtype)[..., 1]])
    pyvips.Image.new_from_array(rgba).copy(interpretation="srgb" if dtype == np.uint8 else "rgb16").tiffsave(
        str(tmp_path / "a.tif")
    )
    paint_file(BlurPipeline(), tmp_path / "a.tif", tmp_path / f"b{suffix}", tile=32)
    got = decoded(tmp_path / f"b{suffix}")
    np.testing.assert_array_equal(got[..., 3], rgba[..., 3])
    np.testing.assert_array_equal(got[..., :3], in_memory(np.ascontiguousarray(rgba[..., :3])))


def kinds(folder: Path) -> dict[str, tuple[Image.Image, dict]]:
    """Name -> picture and save options, one for each kind of file that both decoders read."""
    rgb = Image.fromarray(np.asarray(Image.fromarray(noise(6, 9)).resize((90, 60))))
    grey, alpha = rgb.convert("L"), rgb.getchannel("R")
    exif = Image.Exif()
    exif[0x0112] = 6
    rgba, both = rgb.copy(), grey.copy()
    rgba.putalpha(alpha)
    both.putalpha(alpha)
    palette, profile = rgb.convert("P"), {"icc_profile": swapped_profile()}
    return {
        "rgb.png": (rgb, {}), "rgba.png": (rgba, {}), "grey.png": (grey, {}), "la.png": (both, {}),
        "bit.png": (rgb.convert("1"), {}), "bit.tif": (rgb.convert("1"), {"compression": "group4"}),
        "palette.png": (palette, {}), "palette.tif": (palette, {}), "palette.gif": (palette, {}),
        "transparent.png": (palette, {"transparency": 3}),
        "deep.png": (Image.fromarray(noise(60, 90, np.uint16)[..., 0]), {}),
        "deep.tif": (Image.fromarray(noise(60, 90, np.uint16)[..., 0]), {}),
        "rgb.jpg": (rgb, {"quality": 95}), "grey.jpg": (grey, {}), "cmyk.jpg": (rgb.convert("CMYK"), {}),
        "cmyk.tif": (rgb.convert("CMYK"), {}), "rgb.webp": (rgb, {"lossless": True}),
        "rgb.avif": (rgb, {"quality": 100, "subsampling": "4:4:4"}),
        "turned.jpg": (rgb, {"exif": exif}), "turned.png": (rgb, {"exif": exif}), "turned.tif": (rgb, {"exif": exif}),
        "profile.png": (rgb, profile), "profile.jpg": (rgb, profile),
        "bad-profile.png": (rgb, {"icc_profile": b"no profile"}), "unfit.jpg": (grey, profile),
        "rgb.bmp": (rgb, {}), "rgb.jp2": (rgb, {}), "rgb.ppm": (rgb, {}),
        "name[Q=3].png": (rgb, {}), "水墨 山.png": (rgb, {}), "dot.jpg.png": (rgb, {}),
    }  # fmt: skip


def test_both_decoders_agree_on_every_kind_of_file(tmp_path):
    for name, (image, options) in kinds(tmp_path).items():
        image.save(tmp_path / name, **options)
        picture, got = read_picture(tmp_path / name), decoded(tmp_path / name)
        assert got.shape[:2] == picture.pixels.shape[:2], name
        assert got.dtype == picture.pixels.dtype, name
        # YCbCr upsampling and profile arithmetic differ in the last levels between the libraries.
        slack = 0 if Path(name).suffix in (".png", ".tif", ".gif", ".bmp", ".ppm") and "profile" not in name else 8
        assert np.abs(got[..., :3].astype(int) - picture.pixels).max() <= slack, name
        if picture.alpha is not None:
            np.testing.assert_array_equal(got[..., 3], picture.alpha, err_msg=name)


def test_16_bit_colour_keeps_its_bits(tmp_path):
    pixels = noise(40, 30, np.uint16)
    (tmp_path / "a.png").write_bytes(png_16_bit(pixels))
    paint_file(CopyPipeline(), tmp_path / "a.png", tmp_path / "b.tif")
    np.testing.assert_array_equal(decoded(tmp_path / "b.tif"), pixels)


@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (10, 20000)])
def test_extreme_sizes(size, tmp_path):
    Image.new("L", size, 9).save(tmp_path / "a.png")
    paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png")
    assert Image.open(tmp_path / "b.png").size == size


def test_view_is_that_of_memory(tmp_path):
    pixels = noise(900, 1100)
    Image.fromarray(pixels).save(tmp_path / "a.tif")
    pipe = CopyPipeline()
    paint_file(pipe, tmp_path / "a.tif", tmp_path / "b.png")
    np.testing.assert_array_equal(pipe.view, shrink(pixels, pipe.view_area))


def test_broken_files_give_one_sentence_and_leave_nothing(tmp_path):
    words, out = broken_files(tmp_path), tmp_path / "out"
    out.mkdir()
    for name in words:
        with pytest.raises(OSError) as caught:
            paint_file(CopyPipeline(), tmp_path / name, out / "b.png")
        assert name in str(caught.value) and "\n" not in str(caught.value)
        assert not list(out.iterdir())


def test_targets_are_checked_before_work_starts(tmp_path):
    Image.new("RGB", (20000, 3)).save(tmp_path / "wide.png")
    Image.new("RGBA", (9, 9)).save(tmp_path / "clear.png")
    Image.new("RGB", (66000, 1)).save(tmp_path / "wider.png")
    (tmp_path / "there.png").write_bytes(b"kept")
    wide = tmp_path / "wide.png"
    cases = [
        (wide, "a.webp", ValueError, "webp holds at most 16383"),
        (tmp_path / "wider.png", "a.jpg", ValueError, "jpg holds at most 65535"),
        (tmp_path / "clear.png", "a.jpg", ValueError, "no transparency"),
        (wide, "a.bmp", ValueError, "must end in one of .png"),
        (wide, "a", ValueError, "must end in one of .png"),
        (wide, "wide.png", ValueError, "is the source itself"),
        (wide, "there.png", FileExistsError, "exists already"),
        (wide, "nowhere/a.png", FileNotFoundError, "no folder"),
    ]
    before = sorted(tmp_path.iterdir())

    class NoWork:
        @property
        def view_area(self):
            raise AssertionError("work has started")

    for source, target, kind, sentence in cases:
        with pytest.raises(kind, match=sentence):
            paint_file(NoWork(), source, tmp_path / target, overwrite=target == "wide.png")
    with pytest.raises(ValueError, match=r"20000x3 = 0\.1 megapixels; at most 0\.0"):
        paint_file(NoWork(), wide, tmp_path / "a.png", max_pixels=10_000)
    assert sorted(tmp_path.iterdir()) == before and (tmp_path / "there.png").read_bytes() == b"kept"
    paint_file(CopyPipeline(), wide, tmp_path / "there.png", overwrite=True)
    assert Image.open(tmp_path / "there.png").size == (20000, 3)


def test_a_link_to_the_source_is_the_source(tmp_path):
    Image.new("RGB", (3, 3)).save(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "b.png")
    with pytest.raises(ValueError, match="source itself"):
        paint_file(CopyPipeline(), tmp_path / "a.png", tmp_path / "b.png", overwrite=True)


@pytest.mark.parametrize("after", [0, 1, 7])
@pytest.mark.parametrize("error", [InterruptedError, KeyboardInterrupt])
def test_cancelling_leaves_nothing(after, error, tmp_path):
    Image.fromarray(noise(300, 300)).save(tmp_path / "a.png")
    (tmp_path / "b.png").write_bytes(b"old")

    def cancel(done: int, total: int) -> None:
        if done >= after:
            raise error("stop")

    with pytest.raises(error, match="stop"):
        paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png", tile=64, progress=cancel, overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "b.png"]
    assert (tmp_path / "b.png").read_bytes() == b"old"
    assert "image encoder" not in [thread.name for thread in threading.enumerate()]


def test_a_failing_encoder_ends_the_work(tmp_path, monkeypatch):
    def fail(*_):
        raise OSError("No space left on device")

    monkeypatch.setattr(image_encoder, "_save", fail)
    monkeypatch.setattr(image_encoder, "_CHUNK_BYTES", 1000)
    Image.fromarray(noise(300, 300)).save(tmp_path / "a.png")
    with pytest.raises(OSError, match="No space left"):
        paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png", tile=64)
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]


def test_a_target_that_appears_meanwhile_is_kept(tmp_path):
    Image.fromarray(noise(30, 30)).save(tmp_path / "a.png")

    def appear(done: int, total: int) -> None:
        (tmp_path / "b.png").write_bytes(b"theirs")

    with pytest.raises(FileExistsError, match="appeared"):
        paint_file(CopyPipeline(), tmp_path / "a.png", tmp_path / "b.png", progress=appear)
    assert (tmp_path / "b.png").read_bytes() == b"theirs" and len(list(tmp_path.iterdir())) == 2


def test_huge_tiff_becomes_a_pyramid(tmp_path, monkeypatch):
    monkeypatch.setattr(image_encoder, "BIG_TIFF_BYTES", 100_000)
    pixels = noise(600, 700)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    paint_file(CopyPipeline(), tmp_path / "a.png", tmp_path / "b.tif")
    assert (tmp_path / "b.tif").read_bytes()[:4] == b"II+\0"  # BigTIFF
    image = LargeImage(tmp_path / "b.tif")
    assert (image.width, image.height) == (700, 600)
    np.testing.assert_array_equal(decoded(tmp_path / "b.tif"), pixels)


def test_progress_counts_tiles(tmp_path):
    Image.fromarray(noise(300, 200)).save(tmp_path / "a.png")
    seen: list[tuple[int, int]] = []
    paint_file(
        BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png", tile=100, progress=lambda *step: seen.append(step)
    )
    assert seen[0] == (0, 1) and seen[-6:] == [(i, 6) for i in range(1, 7)]


def test_other_decoders_stay_shut():
    for loader in ("svgload", "pdfload", "csvload", "rawload", "vipsload"):
        if pyvips.type_find("VipsForeignLoad", loader):
            with pytest.raises(pyvips.Error):
                getattr(pyvips.Image, loader)("nothing")


MEMORY_SCRIPT = """
import re, sys
from pathlib import Path
def peak():  # MB; ru_maxrss would start at the peak of the process that started this one
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024
sys.path.insert(0, sys.argv[1])
import numpy as np
import pyvips
from pipelines.large_images import paint_file
folder = Path(sys.argv[2])
ramp = pyvips.Image.xyz(8000, 5000)
picture = (ramp[0] % 251).bandjoin([ramp[1] % 241, (ramp[0] + ramp[1]) % 239]).cast("uchar")
picture.copy(interpretation="srgb").tiffsave(str(folder / "a.tif"), tile=True)
before = peak()
class Negative:
    view_area, halo, multiple = 500_000, 16, 2
    def canvas(self, view, height, width): return self
    def paint(self, pixels, top, left): return 255 - pixels
paint_file(Negative(), folder / "a.tif", folder / "b.tif")
print(before, peak())
"""


@pytest.mark.slow
def test_forty_megapixels_in_bounded_memory(tmp_path):
    """120 MB of pixels; the two windows of a tile row are 50 MB. Torch and PIL are part of what is there before."""
    root = Path(__file__).parent.parent
    run = subprocess.run(
        [sys.executable, "-c", MEMORY_SCRIPT, str(root), str(tmp_path)], capture_output=True, text=True, timeout=300
    )
    assert run.returncode == 0, run.stderr
    before, after = map(int, run.stdout.split())
    assert after < 600 and after - before < 250, (before, after)
    image = LargeImage(tmp_path / "b.tif")
    assert (image.width, image.height) == (8000, 5000)
    rows = next(image.rows())[0]
    np.testing.assert_array_equal(rows[:, 0], 255 - np.arange(8000) % 251)
