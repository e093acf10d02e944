"""Builds LPD: paintings in, 256x256 crops out, every drop with its reason."""

import json
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import tyro
from tqdm import tqdm

from datasets_cards.lpd.cutting import Crop, cut, seed_of
from datasets_cards.lpd.filters import Thresholds
from datasets_cards.lpd.paintings import Painting, survey
from datasets_cards.lpd.report import Report
from datasets_cards.lpd.text import TextFinder
from datasets_cards.lpd.writer import SplitWriter
from datasets_cards.sources import SourceImage, read_sources
from datasets_cards.whole_folder import whole_folder

DEFAULTS = Thresholds()
FILES = ("train", "val", "test_colour", "test_ink")


def build(
    source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction],
    out: Path,
    *,
    test_source: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = (),
    seed: int = 0,
    coloured_test: int = 100,
    ink_test: int = 100,
    val_share: float = 0.05,
    test_share: float = 0.1,
    one_painting: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ("qianli",),
    jpeg: bool = False,
    text_cache: Path = Path("runs/lpd-text.json"),
    threads: int = 1,
    overwrite: bool = False,
    thresholds: Thresholds = DEFAULTS,
) -> None:
    """Make the Landscape Paintings Dataset from a collection of paintings.

    Args:
        source: A folder, a .parquet file or a Hub data set; repeat for more.
        out: Folder to make, whole or not at all.
        test_source: Where the test crops come from, instead of the test splits of --source; repeat for more.
        seed: Decides splits, thinning and the test crops.
        coloured_test: Coloured test crops: half from strongly coloured paintings, half from pale ones.
        ink_test: Ink test crops.
        val_share: Share of the paintings for validation, where a source has no splits.
        test_share: Share of the paintings for testing, where a source has no splits.
        one_painting: Collections whose pictures are tiles of one scroll: each stays in one split.
        jpeg: Also write the crops as files: jpeg/FILE/GROUP/.
        text_cache: File that remembers the text detector's answers.
        threads: CPU threads of the text detector.
        overwrite: Replace the folder if it exists.
        thresholds: Limits of the filters.

    Raises:
        ValueError: a source without usable pictures, or an argument out of range.
        OSError: a source that does not exist, or `out` that does.
    """
    if not (0 <= val_share < 1 and 0 <= test_share < 1 and val_share + test_share < 1):
        raise ValueError(f"val_share and test_share must leave something to train on, got {val_share}, {test_share}.")
    with whole_folder(out, overwrite) as folder:
        images = gather(source, test_source)
        paintings, left = survey(
            images,
            one_painting=one_painting,
            seed=seed,
            val=val_share,
            test=0.0 if test_source else test_share,
            max_cast=thresholds.cast,
        )
        report = Report(seed, paintings, left)
        text = TextFinder(text_cache, threads)
        try:
            _cut_all(paintings, folder, report, text, thresholds, seed, (coloured_test, ink_test), jpeg)
        finally:
            text.save()
        report.write(folder, {"source": source, "test_source": test_source, "thresholds": thresholds})
    print(json.dumps(report.counts(), indent=2))


def gather(source: Sequence[str], test_source: Sequence[str]) -> list[SourceImage]:
    """The pictures of both kinds of source; with a test source, the others' own test pictures are left aside."""
    images = read_sources(source)
    if not test_source:
        return images
    tests = [image for image in read_sources(test_source) if image.split in ("test", None)]
    if not tests:
        raise ValueError(f"The test sources hold no test pictures: {', '.join(test_source)}.")
    names = {image.name for image in tests}
    others = [image for image in images if image.split != "test" and image.name not in names]
    return others + [image.as_split("test") for image in tests]


def choose_test(crops: Sequence[Crop], wanted: int, seed: int, name: str) -> list[Crop]:
    """`wanted` of the kept test crops, spread evenly: each painting gives its nth before any gives one more.

    Depends on the crops' own paintings and the seed only, so other sources change nothing.
    """
    rng = seed_of(seed, name)
    by_painting: dict[str, list[Crop]] = {}
    for crop in crops:
        by_painting.setdefault(crop.painting.image.name, []).append(crop)
    turns = []
    for painting in sorted(by_painting):
        own = by_painting[painting]
        own = [own[i] for i in rng.permutation(len(own))]
        order = rng.random()
        turns += [((turn, order), crop) for turn, crop in enumerate(own)]
    return [crop for _, crop in sorted(turns, key=lambda item: item[0])[:wanted]]


def _cut_all(
    paintings: Sequence[Painting],
    folder: Path,
    report: Report,
    text: TextFinder,
    thresholds: Thresholds,
    seed: int,
    test_counts: tuple[int, int],
    jpeg: bool,
) -> None:
    """Cut every painting that has a place in the set; training crops are written as they come."""
    tests: dict[str, list[Crop]] = {"colour": [], "pale": [], "ink": []}
    used = [p for p in paintings if p.split == "test" or p.group != "ink"]
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(SplitWriter(folder / f"{name}.parquet", folder / "jpeg" / name if jpeg else None))
            for name in FILES
        }
        for painting in tqdm(used, desc="crops", unit="painting"):
            for crop in cut(painting, text, thresholds, seed):
                report.add(crop)
                if crop.reason:
                    continue
                if painting.split == "test":
                    tests[painting.group].append(crop)
                else:
                    _write(writers[painting.split], painting.split, crop, report)
        coloured, ink = test_counts
        wanted = {"colour": coloured - coloured // 2, "pale": coloured // 2, "ink": ink}
        for group, crops in tests.items():
            name = "test_ink" if group == "ink" else "test_colour"
            for crop in choose_test(crops, wanted[group], seed, group):
                _write(writers[name], name, crop, report)


def _write(writer: SplitWriter, name: str, crop: Crop, report: Report) -> None:
    image, box = crop.painting.image, crop.box
    writer.write(
        crop.pixels,
        group=crop.painting.group,
        painting=image.name,
        work=crop.painting.work,
        box=[box.x, box.y, box.side],
        source=image.source,
        licence=image.licence,
    )
    report.written(name, crop)
