"""Small pictures that show what the traditions' palettes look like, made at the first start and kept in the cache."""

import hashlib
from pathlib import Path

from PIL import Image, ImageDraw

from datasets_cards.procedural import landscape
from ui.examples import painted

# What people choose from: names in `pipelines.landscape_colorizer.traditions`; "" is the model's own choice.
PALETTES = {
    "": "自选\nOwn choice",
    "blue-green": "青绿\nBlue-green",
    "light-ochre": "浅绛\nLight ochre",
    "gold-green": "金碧\nGold-green",
    "boneless": "没骨\nBoneless",
    "autumn": "秋山\nAutumn",
}
PALETTE_NAMES = tuple(PALETTES)
_SCENE, _WIDTH, _HEIGHT, _CHIPS = 6, 264, 198, 22


def palette_pictures() -> list[tuple[str, str]]:
    """Files and captions, in the order of `PALETTE_NAMES`."""
    numbers = Path(__file__).with_name("traditions.py").read_bytes()  # not imported: it would load torch each time
    name = f"palette-{hashlib.sha256(numbers).hexdigest()[:8]}"
    files = painted(name, tuple((palette,) for palette in PALETTE_NAMES), palette_picture)
    return [(str(file), PALETTES[palette]) for file, palette in zip(files, PALETTE_NAMES, strict=True)]


def palette_picture(name: str) -> Image.Image:
    """A procedural landscape in the colours of a tradition, and these as a strip below; in ink for ""."""
    if not name:
        return landscape(_SCENE, _WIDTH, _HEIGHT, ink=True)
    import numpy as np
    import torch

    from pipelines.color import lab_to_rgb, rgb_to_lab
    from pipelines.landscape_colorizer.recolouring import recolour
    from pipelines.landscape_colorizer.traditions import TRADITIONS

    palette = TRADITIONS[name].palette
    pixels = np.asarray(landscape(_SCENE, _WIDTH, _HEIGHT))
    lab = rgb_to_lab(torch.from_numpy(pixels.astype(np.float32) / 255).permute(2, 0, 1)[None])
    chroma = recolour(lab[:, :1] / 50 - 1, lab[:, 1:], palette)
    rgb = lab_to_rgb(torch.cat([lab[:, :1], chroma], dim=1))[0].permute(1, 2, 0)
    picture = Image.fromarray((rgb * 255).round().byte().numpy())
    _draw_chips(picture, palette.swatches())
    return picture


def _draw_chips(picture: Image.Image, swatches: list[tuple[str, float]]) -> None:
    draw, left = ImageDraw.Draw(picture), 0.0
    for colour, share in swatches:
        right = left + share * picture.width
        draw.rectangle([round(left), picture.height - _CHIPS, round(right), picture.height], fill=colour)
        left = right
