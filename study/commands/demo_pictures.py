"""`python -m study demo-pictures`: paint the pictures of the demonstration and have the bundled model colour them."""

from pathlib import Path

from PIL import Image
from tqdm import tqdm

from study.demo import BUNDLED, MODEL, REAL_FOLDER

_COUNT, _PAINTED, _KEPT = 30, 512, 320  # pictures; pixels painted, where the painter's brush is at home; pixels kept
_FIRST_SEED = 1000


def demo_pictures(out: Path = BUNDLED) -> None:
    """Write painted and coloured pictures as WebP, and the revision of the weights that coloured them.

    Args:
        out: the folder; by default the one that the app shows.
    """
    import torchvision_guard  # noqa: F401  before diffusers, see its docstring
    from datasets_cards.procedural import landscape
    from pipelines import get_method
    from pipelines.generation.identity import digest

    pipe = get_method(MODEL).load("pipeline").from_pretrained()
    for name in (REAL_FOLDER, MODEL):
        (out / name).mkdir(parents=True, exist_ok=True)
    for number in tqdm(range(_COUNT), unit="painting", disable=None):
        painting = landscape(_FIRST_SEED + number, _PAINTED, _PAINTED)
        coloured = pipe(painting.convert("L").convert("RGB")).images[0]
        for name, picture in ((REAL_FOLDER, painting), (MODEL, coloured)):
            small = picture.convert("RGB").resize((_KEPT, _KEPT), Image.Resampling.LANCZOS)
            small.save(out / name / f"{number:02d}.webp", quality=92, method=6)
    (out / "revision.txt").write_text(digest(pipe.generator) + "\n")
