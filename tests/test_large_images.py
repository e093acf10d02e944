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

from datasets_cards.procedural import landscape
from pipelines import get_method, image_encoder, large_images
from pipelines.images import read_picture
from pipelines.large_images import LargeImage, paint_file
from pipelines.tiles import paint_tiles, sample, shrink
from test_images import broken_files, png_16_bit, swapped_profile
from test_tiles import BlurCanvas, noise

ROOT = Path(__file__).resolve().parent.parent
SCROLL = "shitao_zhanggong_grotto_colour.jpg"


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


def test_a_shifted_grid_gives_the_same_file(tmp_path):
    pixels = noise(233, 311)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    seen: list[tuple[int, int]] = []
    options = {"tile": 64, "offset": (30, 17), "progress": lambda *step: seen.append(step)}
    paint_file(BlurPipeline(), tmp_path / "a.png", tmp_path / "b.png", **options)
    np.testing.assert_array_equal(decoded(tmp_path / "b.png"), in_memory(pixels))
    assert seen[-1] == (30, 30)  # 5 rows of 6 tiles


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


LIMITED_SCRIPT = """
import resource, sys
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_large_images import CopyPipeline
from pipelines.large_images import paint_file
source, out = Path(sys.argv[3]), Path(sys.argv[4])
for suffix in (".png", ".tif", ".jpg", ".webp"):
    whole, part = out / f"whole{suffix}", out / f"part{suffix}"
    paint_file(CopyPipeline(), source, whole, tile=64)
    size = whole.stat().st_size
    for short in (1, 100, 5000, size // 2, size - 10, 0):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size - short, resource.RLIM_INFINITY))
        try:
            paint_file(CopyPipeline(), source, part, tile=64)
            print(suffix, short, "written")
        except OSError as error:
            print(suffix, short, "refused" if f"part{suffix} could not be written" in str(error) else error)
        print(sum(path.name.startswith((".", "part")) for path in out.iterdir()))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    part.unlink()
"""


def in_child(script: str, *arguments: object, timeout: int = 300) -> str:
    """What a script prints that runs in a process of its own."""
    command = [sys.executable, "-c", script, str(ROOT), str(ROOT / "tests"), *map(str, arguments)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=timeout)
    assert run.returncode == 0, run.stderr
    return run.stdout


def test_a_file_that_cannot_grow_leaves_nothing(tmp_path):
    """As on a full disk: the system cuts every write off at a size, up to one byte before the last."""
    Image.fromarray(noise(90, 200)).save(tmp_path / "a.png")
    (tmp_path / "out").mkdir()
    lines = in_child(LIMITED_SCRIPT, tmp_path / "a.png", tmp_path / "out").splitlines()
    assert len(lines) == 48
    for said, left in zip(lines[::2], lines[1::2], strict=True):
        enough = said.split()[1] == "0"
        assert said.endswith("written" if enough else "refused") and left == ("1" if enough else "0"), (said, left)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp"])
def test_a_full_disk_leaves_nothing(suffix, tmp_path):
    Image.fromarray(noise(600, 700)).save(tmp_path / "a.png")
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", disk], capture_output=True, text=True)
    if mount.returncode:
        pytest.skip(f"needs the right to mount a small disk: {mount.stderr.strip()}")
    try:
        with pytest.raises(OSError, match=rf"b{suffix} could not be written \(the disk is full\)"):
            paint_file(CopyPipeline(), tmp_path / "a.png", disk / f"b{suffix}", tile=64)
        assert not list(disk.iterdir())
    finally:
        subprocess.run(["umount", "--lazy", disk], check=True)  # libvips lets go of its files in its own time


KILLED_SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from test_large_images import CopyPipeline
from pipelines.large_images import paint_file
def slowly(done, total):
    if done > total // 2:
        print("half", flush=True)
        time.sleep(60)
paint_file(CopyPipeline(), sys.argv[3], sys.argv[4], tile=64, progress=slowly, overwrite=True)
"""


def test_a_killed_process_leaves_the_old_file(tmp_path):
    Image.fromarray(noise(900, 900)).save(tmp_path / "a.png")
    (tmp_path / "b.tif").write_bytes(b"old")
    paths = [str(path) for path in (ROOT, ROOT / "tests", tmp_path / "a.png", tmp_path / "b.tif")]
    with subprocess.Popen([sys.executable, "-c", KILLED_SCRIPT, *paths], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stdout.readline() == b"half\n"
        process.kill()
    assert (tmp_path / "b.tif").read_bytes() == b"old"
    assert all(path.name.startswith(".") or path.stem in "ab" for path in tmp_path.iterdir())


# --- the bundled colorizer on whole scrolls


@pytest.fixture(scope="module")
def colorizer():
    """The bundled landscape colorizer."""
    return get_method("landscape_colorizer").load("pipeline").from_pretrained()


@pytest.mark.parametrize(
    "options",
    [
        {"palette": "no such palette"},
        {"palette": "words.png"},
        {"hints": [(400, 5, "#ffffff")]},
        {"hints": [(5, 5, "no colour")]},
        {"vividness": 3},
        {"strength": -1},
        {"restore": 2},
        {"seed": -1},
    ],
    ids=str,
)
def test_bad_wishes_leave_nothing(options, tmp_path):
    pipe = get_method("landscape_colorizer").tiny()
    Image.fromarray(noise(300, 200)).save(tmp_path / "a.png")
    (tmp_path / "words.png").write_bytes(b"no picture")
    if options.get("palette") == "words.png":
        options = {"palette": str(tmp_path / "words.png")}
    before = sorted(tmp_path.iterdir())
    with pytest.raises((ValueError, OSError)):
        paint_file(pipe, tmp_path / "a.png", tmp_path / "b.png", **options)
    assert sorted(tmp_path.iterdir()) == before


def whole_canvas(pipe, pixels, **wishes):
    """As `paint_file` makes it, from a picture in memory."""
    seen = {"samples": sample(pixels, pipe.sample_side)}
    return pipe.canvas(shrink(pixels, pipe.view_area), *pixels.shape[:2], **seen, **wishes)


def test_a_file_is_coloured_as_the_picture_in_memory(colorizer, tmp_path):
    """Samples at full size included, which the file's first pass cuts out of passing rows."""
    picture = landscape(3, 530, 560, ink=True)
    picture.save(tmp_path / "a.png")
    paint_file(colorizer, tmp_path / "a.png", tmp_path / "b.png")
    assert whole_canvas(colorizer, np.asarray(picture)).vigour != 1
    np.testing.assert_array_equal(decoded(tmp_path / "b.png"), np.asarray(colorizer(picture).images[0]))


WISHES = {"palette": "blue-green", "hints": [(700, 900, "#c03020")], "seed": 2, "vividness": 1.4}


@pytest.mark.parametrize("wishes", [{}, WISHES], ids=["plain", "wishes"])
def test_tile_equals_whole_on_a_part_of_a_real_scroll(colorizer, shared_data, wishes):
    """At most one level apart: the convolutions of differently shaped tiles round differently in the last bit."""
    with Image.open(shared_data / "scrolls" / SCROLL) as scroll:
        pixels = np.asarray(scroll.convert("RGB").crop((2000, 300, 2760, 1260)))
    canvas = whole_canvas(colorizer, pixels, **wishes)
    whole = canvas.paint(pixels, 0, 0).astype(int)
    for tile, offset in ((256, (0, 0)), (256, (98, 30)), ((128, 600), (0, 0)), (500, (250, 3))):
        tiled = paint_tiles(canvas, pixels, tile=tile, offset=offset)
        assert np.abs(tiled - whole).max() <= 1, (tile, offset)


@pytest.mark.slow
def test_tile_equals_whole_on_the_real_scroll(colorizer, shared_data, tmp_path):
    """8770 x 1417 px from file to file: three sizes of tile, two offsets of the grid, and all of it at once."""
    with Image.open(shared_data / "scrolls" / SCROLL) as scroll:
        pixels = np.asarray(scroll.convert("RGB"))
    canvas = whole_canvas(colorizer, pixels)
    whole = canvas.paint(pixels, 0, 0).astype(int)
    Image.fromarray(pixels).save(tmp_path / "scroll.tif")  # the two libraries' JPEG decoders differ in the last bits
    for tile in (384, 1024, 2000):
        for offset in ((0, 0), (210, 166)):
            paint_file(colorizer, tmp_path / "scroll.tif", tmp_path / "b.tif", tile=tile, offset=offset, overwrite=True)
            gap = np.abs(decoded(tmp_path / "b.tif") - whole)
            assert gap.max() <= 1, (tile, offset, gap.max(), (gap > 1).mean())


LARGE_SCRIPT = """
import sys
sys.path[:0] = sys.argv[1:3]
import torchvision_guard
from pathlib import Path
import numpy as np
import pyvips
from evaluation.benchmark_worker import forget_peak, peak_megabytes
from pipelines import LandscapeColorizer
from pipelines.large_images import paint_file
folder = Path(sys.argv[3])
pipe = LandscapeColorizer.from_pretrained()
for source, target in (("mosaic.tif", "b.png"), ("mosaic.png", "b.jpg"), ("mosaic.jpg", "b.tif")):
    forget_peak()
    paint_file(pipe, folder / source, folder / target, overwrite=True)
    image = pyvips.Image.new_from_file(str(folder / target))
    print(image.width, image.height, round(peak_megabytes()))
"""


@pytest.mark.slow
def test_a_hundred_megapixels_in_two_gigabytes(tmp_path):
    """The bundled colorizer in a process of its own: TIFF to PNG, PNG to JPEG, JPEG to TIFF, each of 25,000 x 4,000 px,
    a mosaic of procedural paintings."""
    paintings = [pyvips.Image.new_from_array(np.asarray(landscape(seed, 1000, 800))) for seed in range(5)]
    mosaic = pyvips.Image.arrayjoin([paintings[(3 * n) % 5] for n in range(125)], across=25)
    for suffix in (".tif", ".png", ".jpg"):
        mosaic.copy(interpretation="srgb").write_to_file(str(tmp_path / f"mosaic{suffix}"))
    for line in in_child(LARGE_SCRIPT, tmp_path, timeout=3000).splitlines():
        width, height, megabytes = map(int, line.split())
        assert (width, height) == (25_000, 4_000) and megabytes < 2_000
