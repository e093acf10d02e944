"""The demonstration that every app offers: the project's own procedural paintings, and what a model made of them."""

from pathlib import Path

from study import default_texts
from study.catalogue import PLAN_FILE
from study.making import Design, make_study
from study.plan import AnalysisPlan, Block, Condition
from study.stimuli import SourcePicture

NAME = "demo"
BUNDLED = Path(__file__).parent / "demo_pictures"
MODEL = "landscape-colorizer"
REAL_FOLDER = "painted"


def make_demo(studies: Path) -> Path:
    """The folder of the demonstration, made where it is not there yet, in a second or two.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = studies / NAME
    if (folder / PLAN_FILE).is_file():
        return folder
    painted, coloured = (_pictures(BUNDLED / name) for name in (REAL_FOLDER, MODEL))
    condition = Condition(MODEL, MODEL, f"{MODEL} (bundled)", (BUNDLED / "revision.txt").read_text().strip(), "greyed")
    plan = {
        "title": default_texts.DEMO_TITLE,
        "consent": default_texts.DEMO_CONSENT,
        "background": default_texts.BACKGROUND[:1],
        "analysis": AnalysisPlan(group_by=("art_training",)),
        "demo": True,
    }
    design = Design(
        NAME, (Block("choose_generated", 5, 4),), practice=1, gold=1, instructed=0, size=(320, 320), plan=plan
    )
    try:
        make_study(folder, design, painted, {condition: coloured})
    except OSError:
        if not (folder / PLAN_FILE).is_file():  # else another process has just made it
            raise
    return folder


def _pictures(folder: Path) -> list[SourcePicture]:
    return [SourcePicture.from_file(file, file.stem) for file in sorted(folder.glob("*.webp"))]
