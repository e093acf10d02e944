"""Every kind of picture people hand in, whole and broken, gives a `Picture` or one clear sentence."""

import io
import struct
import zlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageCms

from pipelines.images import (
    Picture,
    picture_format,
    profile_needs_conversion,
    read_picture,
    read_pictures,
    write_pictures,
)


@pytest.fixture
def ramp() -> np.ndarray:
    """(6, 9, 3) uint8, no two pixels alike."""
    return np.random.default_rng(0).permutation(6 * 9 * 3).reshape(6, 9, 3).astype(np.uint8)


def swapped_profile() -> bytes:
    """A valid RGB profile that is not sRGB: its red and blue primaries trade places."""
    data = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    swap = {b"rXYZ": b"bXYZ", b"bXYZ": b"rXYZ"}
    count = struct.unpack(">I", data[128:132])[0]
    out = bytearray(data.replace("sRGB".encode("utf-16-be"), "test".encode("utf-16-be")).replace(b"sRGB", b"test"))
    for start in range(132, 132 + 12 * count, 12):
        out[start : start + 4] = swap.get(data[start : start + 4], data[start : start + 4])
    return bytes(out)


def png_16_bit(array: np.ndarray) -> bytes:
    """A 16-bit RGB PNG, which PIL cannot write."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in array)
    header = struct.pack(">IIBBBBB", array.shape[1], array.shape[0], 16, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def test_array_tensor_pil_and_path_agree(ramp, tmp_path):
    Image.fromarray(ramp).save(tmp_path / "a.png")
    floats = ramp.astype(np.float32) / 255
    for image in (ramp, Image.fromarray(ramp), str(tmp_path / "a.png"), tmp_path / "a.png"):
        picture = read_picture(image)
        assert picture.alpha is None and picture.pixels.dtype == np.uint8
        assert (picture.height, picture.width) == (6, 9)
        np.testing.assert_array_equal(picture.pixels, ramp)
    for image in (floats, floats.astype(np.float64), torch.from_numpy(floats).permute(2, 0, 1)):
        np.testing.assert_array_equal(read_picture(image).pixels, ramp.astype(np.uint16) * 257)


@pytest.mark.parametrize(
    "mode", ["1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "CMYK", "YCbCr", "LAB", "HSV"]
)
def test_every_8_bit_mode(mode):
    picture = read_picture(Image.new(mode, (5, 4)))
    assert picture.pixels.shape == (4, 5, 3) and picture.pixels.dtype == np.uint8
    assert (picture.alpha is not None) == (mode in ("LA", "La", "PA", "RGBA", "RGBa"))


def test_palette_transparency_and_transparent_colour(tmp_path):
    image = Image.new("P", (2, 1))
    image.putpalette([10, 20, 30, 40, 50, 60])
    image.putdata([0, 1])
    image.save(tmp_path / "p.png", transparency=0)
    picture = read_picture(tmp_path / "p.png")
    assert picture.pixels.tolist() == [[[10, 20, 30], [40, 50, 60]]] and picture.alpha.tolist() == [[0, 255]]
    Image.fromarray(np.array([[7, 9]], np.uint8)).save(tmp_path / "l.png", transparency=7)
    assert read_picture(tmp_path / "l.png").alpha.tolist() == [[0, 255]]


def test_16_bit_grey_keeps_its_bits(tmp_path):
    values = np.array([[0, 1, 255], [256, 40000, 65535]], np.uint16)
    Image.fromarray(values).save(tmp_path / "g.png")
    Image.fromarray(values).save(tmp_path / "g.tif")
    images = [
        tmp_path / "g.png",
        tmp_path / "g.tif",
        values,
        values[..., None],
        Image.fromarray(values.astype(np.int32)),
    ]
    for image in [*images, Image.fromarray(values.astype(np.float32) / 65535)]:
        picture = read_picture(image)
        assert picture.pixels.dtype == np.uint16
        np.testing.assert_array_equal(picture.pixels, np.repeat(values[..., None], 3, axis=2))


def test_16_bit_rgb_file_is_read_at_8_bits(ramp, tmp_path):
    (tmp_path / "deep.png").write_bytes(png_16_bit(ramp.astype(np.uint16) * 257))
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png").pixels, ramp)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
def test_exif_orientation(orientation, suffix, tmp_path):
    corners = np.zeros((16, 32, 3), np.uint8)
    corners[:8, :16], corners[:8, 16:], corners[8:, :16] = 255, 170, 85
    image = Image.fromarray(corners)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image.save(tmp_path / f"a{suffix}", exif=exif)
    got = read_picture(tmp_path / f"a{suffix}").pixels.astype(int)
    names = {2: "FLIP_LEFT_RIGHT", 3: "ROTATE_180", 4: "FLIP_TOP_BOTTOM", 5: "TRANSPOSE"}
    names |= {6: "ROTATE_270", 7: "TRANSVERSE", 8: "ROTATE_90"}
    want = image if orientation == 1 else image.transpose(Image.Transpose[names[orientation]])
    assert np.abs(got - np.asarray(want).astype(int)).max() <= 8


def test_damaged_exif_does_not_cost_the_picture(ramp, tmp_path):
    Image.fromarray(ramp).save(tmp_path / "a.png", exif=b"Exif\0\0not a tag block")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, ramp)


def test_profile_is_converted_to_srgb(tmp_path):
    pure = Image.new("RGB", (4, 4), (255, 0, 0))
    pure.save(tmp_path / "a.png", icc_profile=swapped_profile())
    assert read_picture(tmp_path / "a.png").pixels[0, 0].tolist() == [0, 0, 255]
    pure.putalpha(77)
    pure.save(tmp_path / "b.png", icc_profile=swapped_profile())
    picture = read_picture(tmp_path / "b.png")
    assert picture.pixels[0, 0].tolist() == [0, 0, 255] and picture.alpha[0, 0] == 77


def test_profiles_without_effect(ramp, tmp_path):
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert profile_needs_conversion(swapped_profile(), 3)
    for profile, channels in ((srgb, 3), (b"no profile", 3), (swapped_profile(), 1), (swapped_profile()[:200], 3)):
        assert not profile_needs_conversion(profile, channels)
    Image.fromarray(ramp).save(tmp_path / "a.png", icc_profile=b"no profile")
    np.testing.assert_array_equal(read_picture(tmp_path / "a.png").pixels, ramp)


def test_first_frame_of_an_animation(tmp_path):
    frames = [Image.new("RGB", (8, 8), colour) for colour in ("red", "green", "blue")]
    for suffix in (".gif", ".webp", ".png"):
        frames[0].save(tmp_path / f"a{suffix}", save_all=True, append_images=frames[1:], lossless=True)
        assert read_picture(tmp_path / f"a{suffix}").pixels[3, 3].tolist() == [255, 0, 0]


@pytest.mark.parametrize("size", [(1, 1), (20000, 10), (10, 20000)])
def test_extreme_sizes(size, tmp_path):
    Image.new("L", size, 7).save(tmp_path / "a.png")
    assert read_picture(tmp_path / "a.png").pixels.shape == (size[1], size[0], 3)


def test_bool_and_odd_memory_layouts():
    assert read_picture(np.array([[True, False]])).pixels[0, :, 0].tolist() == [255, 0]
    array = np.arange(2 * 3 * 4, dtype=np.uint8).reshape(2, 3, 4)
    picture = read_picture(array)
    np.testing.assert_array_equal(picture.pixels, array[..., :3])
    np.testing.assert_array_equal(picture.alpha, array[..., 3])
    np.testing.assert_array_equal(read_picture(array[::-1, ::2]).pixels, array[::-1, ::2, :3])


def broken_files(folder) -> dict[str, str]:
    """Name -> a word of the sentence that must come."""
    noise = Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8))
    for suffix in ("png", "jpg", "webp", "tif", "gif", "bmp"):
        buffer = io.BytesIO()
        noise.save(buffer, {"jpg": "JPEG", "tif": "TIFF"}.get(suffix, suffix))
        (folder / f"cut.{suffix}").write_bytes(buffer.getvalue()[: len(buffer.getvalue()) // 2])
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "text.jpg").write_text("this is a letter, not a picture")
    (folder / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>")
    (folder / "paper.pdf").write_bytes(b"%PDF-1.4\n%%EOF\n")
    (folder / "header.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    (folder / "folder.png").mkdir()
    words = {f"cut.{suffix}": "damaged" for suffix in ("png", "jpg", "webp", "tif", "gif", "bmp")}
    words |= {"text.jpg": "not a picture", "drawing.svg": "not a picture", "paper.pdf": "not a picture"}
    return words | {"empty.jpg": "0 bytes", "header.png": "damaged", "folder.png": "not a file", "none.png": "no file"}


def test_broken_files_give_one_sentence(tmp_path):
    for name, word in broken_files(tmp_path).items():
        with pytest.raises(OSError) as caught:
            read_picture(tmp_path / name)
        sentence = str(caught.value)
        assert word in sentence and name in sentence and "\n" not in sentence and len(sentence) < 300


def test_decompression_bomb_is_refused_by_its_header(tmp_path):
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    (tmp_path / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") * 9)
    limit = Image.MAX_IMAGE_PIXELS
    with pytest.raises(ValueError, match=r"60000x60000 = 3600\.0 megapixels; at most 200\.0"):
        read_picture(tmp_path / "bomb.png")
    assert limit == Image.MAX_IMAGE_PIXELS


def test_limit_is_ours_and_no_warning_comes(tmp_path, monkeypatch, recwarn):
    Image.new("L", (300, 200)).save(tmp_path / "a.png")
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)  # would warn
    read_picture(tmp_path / "a.png")
    assert not recwarn.list
    for image in (tmp_path / "a.png", np.zeros((200, 300)), torch.zeros(3, 200, 300), Image.new("L", (300, 200))):
        with pytest.raises(ValueError, match=r"at most 0\.1 are allowed"):
            read_picture(image, max_pixels=59_999)


@pytest.mark.parametrize(
    ("image", "sentence"),
    [
        (torch.full((3, 4, 4), torch.nan), "NaN"),
        (np.full((4, 4, 3), np.inf), "infinite"),
        (torch.full((3, 4, 4), -1.0), "in \\[0, 1\\]"),
        (np.full((4, 4), 255.0), "values from 255 to 255"),
        (torch.zeros(2, 4, 4), "1, 3 or 4 channels, got \\(2, 4, 4\\)"),
        (torch.zeros(5, 4, 3), "got \\(5, 4, 3\\)"),
        (np.zeros((3, 4, 5), np.uint8), "1, 3 or 4 channels, got \\(3, 4, 5\\)"),
        (np.zeros((4,), np.uint8), "got \\(4,\\)"),
        (np.zeros((4, 4), np.int64), "dtype int64; allowed are uint8"),
        (np.zeros((0, 4, 3), np.uint8), "at least 1x1"),
        (torch.zeros(3, 4, 0), "at least 1x1"),
        (Image.fromarray(np.full((2, 2), 70000, np.int32)), "0 to 65535"),
        (Image.fromarray(np.full((2, 2), 255, np.float32)), "in \\[0, 1\\]"),
    ],
)
def test_bad_values_and_shapes(image, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_picture(image)


def test_other_types_and_empty_lists():
    with pytest.raises(TypeError, match="got int"):
        read_picture(3)
    with pytest.raises(ValueError, match="empty list"):
        read_pictures([])


def test_lists_and_batches(ramp):
    batch = np.stack([ramp, ramp[::-1]])
    tensor = torch.from_numpy(batch).permute(0, 3, 1, 2)
    for image in (batch, tensor, [ramp, Image.fromarray(ramp[::-1])]):
        first, second = read_pictures(image)
        np.testing.assert_array_equal(first.pixels, ramp)
        np.testing.assert_array_equal(second.pixels, ramp[::-1])
    assert len(read_pictures(ramp)) == 1


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_outputs_round_trip(dtype):
    top = np.iinfo(dtype).max
    pixels = np.random.default_rng(1).integers(0, top + 1, (5, 4, 3)).astype(dtype)
    alpha = pixels[..., 0].copy()
    opaque, clear = Picture(pixels), Picture(pixels, alpha)
    np.testing.assert_array_equal(np.round(write_pictures([opaque], "np")[0] * top), pixels)
    tensor = write_pictures([clear, clear], "pt")
    assert tensor.shape == (2, 4, 5, 4) and tensor.dtype == torch.float32 and 0 <= tensor.min() <= tensor.max() <= 1
    np.testing.assert_array_equal(read_picture(tensor[0]).alpha // (1 if top > 255 else 257), alpha)
    (pil,) = write_pictures([clear])
    assert pil.mode == "RGBA" and pil.size == (4, 5)
    np.testing.assert_array_equal(np.asarray(pil)[..., :3], np.round(pixels / (top // 255)))
    mixed = write_pictures([opaque, clear], "np")
    assert isinstance(mixed, list) and [array.shape[2] for array in mixed] == [3, 4]
    with pytest.raises(ValueError, match="output_type"):
        write_pictures([opaque], "jpeg")


def test_picture_format_goes_by_content():
    assert picture_format(b"\x89PNG\r\n\x1a\n" + bytes(8)) == "PNG"
    assert picture_format(b"\xff\xd8\xff\xe0" + bytes(12)) == "JPEG"
    assert picture_format(b"%PDF-1.4") is None and picture_format(b"") is None
