"""Deep Zoom pyramids: every level is the picture, in tiles, and nothing is left where one could not be finished."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pipelines.deep_zoom import TILE, write_deep_zoom
from test_images import broken_files


def smooth(height: int, width: int) -> Image.Image:
    """A picture that JPEG keeps to a few levels."""
    small = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    return Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC)


def level(tiles: Path, number: int) -> Image.Image:
    """One level put together again."""
    parts = {tuple(map(int, file.stem.split("_"))): Image.open(file) for file in (tiles / str(number)).glob("*.jpg")}
    width = sum(part.width for (_, row), part in parts.items() if row == 0)
    height = sum(part.height for (column, _), part in parts.items() if column == 0)
    whole = Image.new("RGB", (width, height))
    for (column, row), part in parts.items():
        assert part.mode == "RGB" and not part.getexif()
        whole.paste(part, (column * TILE, row * TILE))
    return whole


def difference(one: Image.Image, other: Image.Image) -> int:
    assert one.size == other.size
    return int(np.abs(np.asarray(one, int) - np.asarray(other, int)).max())


@pytest.mark.parametrize(("height", "width", "top"), [(700, 1300, 11), (512, 512, 9), (3, 1025, 11), (1, 1, 0)])
def test_every_level_is_the_picture(height, width, top, tmp_path):
    picture = smooth(height, width)
    picture.save(tmp_path / "a.png")
    zoom = write_deep_zoom(tmp_path / "a.png", tmp_path / "zoom")
    assert (zoom.width, zoom.height) == (width, height)
    assert difference(level(zoom.tiles, top), picture) <= 16
    for number in range(top):
        size = [-(-side // 2 ** (top - number)) for side in (width, height)]
        assert level(zoom.tiles, number).size == tuple(size)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.png", "zoom.dzi", "zoom_files"]
    assert {path.suffix for path in tmp_path.rglob("*.*") if path.is_file() and path.stem != "a"} == {".dzi", ".jpg"}
    assert zoom.tiles == tmp_path / "zoom_files"


def test_turned_deep_and_transparent_pictures(tmp_path):
    picture, exif = smooth(60, 90), Image.Exif()
    exif[0x0112] = 6
    picture.save(tmp_path / "turned.png", exif=exif)
    zoom = write_deep_zoom(tmp_path / "turned.png", tmp_path / "turned")
    assert difference(level(zoom.tiles, 7), picture.rotate(-90, expand=True)) <= 16
    Image.new("RGBA", (50, 40), (255, 0, 0, 128)).save(tmp_path / "clear.png")
    zoom = write_deep_zoom(tmp_path / "clear.png", tmp_path / "clear")
    assert difference(level(zoom.tiles, 6), Image.new("RGB", (50, 40), (255, 127, 127))) <= 2
    Image.fromarray(np.full((40, 50), 257 * 77, np.uint16)).save(tmp_path / "deep.png")
    zoom = write_deep_zoom(tmp_path / "deep.png", tmp_path / "deep")
    assert difference(level(zoom.tiles, 6), Image.new("RGB", (50, 40), (77, 77, 77))) <= 2


def test_stopped_or_damaged_it_leaves_nothing(tmp_path):
    smooth(3000, 3000).save(tmp_path / "a.png")
    broken = broken_files(tmp_path)
    before = sorted(tmp_path.iterdir())

    seen: list[str] = []

    def stop() -> None:
        seen.extend(path.name for path in tmp_path.iterdir())
        raise InterruptedError("enough")

    with pytest.raises(InterruptedError, match="enough"):
        write_deep_zoom(tmp_path / "a.png", tmp_path / "zoom", check=stop)
    assert "a.png" in seen and not [name for name in seen if name.startswith("zoom")]
    for name in broken:
        with pytest.raises(OSError, match=name.replace(".", r"\.")):
            write_deep_zoom(tmp_path / name, tmp_path / "zoom")
    with pytest.raises(ValueError, match="megapixels"):
        write_deep_zoom(tmp_path / "a.png", tmp_path / "zoom", max_pixels=100)
    assert sorted(tmp_path.iterdir()) == before


def test_a_pyramid_is_not_written_over(tmp_path):
    smooth(30, 30).save(tmp_path / "a.png")
    write_deep_zoom(tmp_path / "a.png", tmp_path / "zoom")
    with pytest.raises(FileExistsError, match="zoom_files exists already"):
        write_deep_zoom(tmp_path / "a.png", tmp_path / "zoom")
