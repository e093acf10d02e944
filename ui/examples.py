"""Pictures to try the app with: made by the project's own programs, once, then kept in the user's cache."""

import hashlib
import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from PIL import Image

from datasets_cards import procedural
from datasets_cards.procedural import drawing, landscape, product, scene, style
from datasets_cards.procedural.product_styles import STYLES

# seed, width, height: chosen by eye for variety
INK_LANDSCAPES = ((6, 800, 600), (5, 600, 800), (10, 700, 700), (8, 1440, 480), (2, 800, 600), (21, 800, 600))
# seed, width, height, look
SCENES = (
    (22, 768, 512, "sunny"),
    (20, 768, 512, "winter"),
    (17, 768, 512, "cloudy"),
    (23, 768, 512, "summer"),
    (8, 640, 640, "winter"),
    (15, 512, 720, "summer"),
)
DRAWINGS = ((14, 704, 832), (8, 768, 768), (9, 768, 640), (10, 704, 832), (4, 832, 640), (5, 832, 640))
REFERENCES = ((0, 512, 512), (13, 512, 512), (5, 512, 512), (2, 512, 512), (9, 512, 512), (11, 512, 512))

# seed, size, kind, colour
PRODUCTS = (
    (1, 384, "shoes", "red"),
    (2, 384, "bags", "brown"),
    (3, 384, "watches", "black"),
    (4, 384, "sandals_heels", "pink"),
    (5, 384, "sunglasses", "black"),
    (6, 384, "wallets", "blue"),
)
STYLE_NAMES = tuple(STYLES)


def ink_landscapes() -> list[Path]:
    """PNG files of ink landscapes without rights of others; painted at the first start, in a few seconds."""
    return painted("ink-landscape", INK_LANDSCAPES, lambda *options: landscape(*options, ink=True))


def scenes() -> list[Path]:
    """PNG files of photograph-like scenes without rights of others; made at the first start, in a few seconds."""
    return painted("scene", SCENES, scene)


def drawings() -> list[Path]:
    """PNG files of line drawings without rights of others; drawn at the first start, in a few seconds."""
    return painted("drawing", DRAWINGS, lambda *options: drawing(*options).lines)


def coloured_drawings() -> list[Path]:
    """PNG files of coloured drawings, each in a palette of its own, to take colours from."""
    return painted("coloured-drawing", REFERENCES, lambda *options: drawing(*options).colour)


def products() -> list[Path]:
    """PNG files of products on white, without rights of others; drawn at the first start."""
    return painted("product", PRODUCTS, product)


def styles() -> list[Path]:
    """PNG files of the named styles, in the order of `STYLE_NAMES`; drawn at the first start."""
    return painted("style", tuple((0, name, 256) for name in STYLE_NAMES), style)


def painted(name: str, options: Sequence[tuple], paint: Callable[..., Image.Image]) -> list[Path]:
    """The files of pictures paint(*options), those painted that are not there."""
    folder = _cache_folder() / f"{name}s-{_painter_version()}"
    files = [folder / f"{name}-{number}.png" for number in range(1, len(options) + 1)]
    for file, chosen in zip(files, options, strict=True):
        if not file.is_file():
            folder.mkdir(parents=True, exist_ok=True)
            partial = file.with_suffix(f".{os.getpid()}.partial")
            paint(*chosen).save(partial, "PNG")
            partial.replace(file)
    return files


def _cache_folder() -> Path:
    """The user's cache folder, or a fresh temporary one where that cannot be written."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "danqing"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="danqing-"))
    return folder if os.access(folder, os.W_OK) else Path(tempfile.mkdtemp(prefix="danqing-"))


def _painter_version() -> str:
    """Changes with the painter's source, so that old pictures are not shown for new ones."""
    sources = sorted(Path(procedural.__file__).parent.glob("*.py"))
    return hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()[:12]
