"""The method's table: the paper's figures, trivial baselines, the paper's models and the default, by group of crops."""

import csv
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor
from tqdm import tqdm

from evaluation.bootstrap import draw_clusters
from evaluation.distribution import fid
from evaluation.gallery import picture_grid, to_image, write_gallery
from evaluation.options import EvaluationOptions
from evaluation.paired import Measured, PairedMeasures, difference, kid_cell, select, summarise
from evaluation.tables import Bound, Cell, Column, Report, Row, Table
from pipelines.landscape_colorizer import baselines
from pipelines.landscape_colorizer.ink_table import ink_report
from pipelines.landscape_colorizer.measured_crops import Crops, painting_order, read_crops, read_photographs
from pipelines.landscape_colorizer.table_rows import (
    BY_LIGHTNESS,
    DEFAULT,
    GREY,
    MEAN,
    ORACLE,
    TRUE,
    Models,
    coloured_outputs,
    epochs_figure,
    load_models,
)
from pipelines.landscape_colorizer.whole_table import whole_table
from pipelines.landscape_colorizer.wishes_table import wishes_table

GROUPS = {"all": "all crops", "colour": "strongly coloured crops", "pale": "pale crops"}

COLUMNS = (
    Column("lpips_alex", "LPIPS Alex ↓", 4),
    Column("lpips_vgg", "LPIPS VGG ↓", 4),
    Column("fid", "FID ↓", 1),
    Column("kid", "KID ×10³ ↓", 1, scale=1000),
    Column("psnr", "PSNR dB ↑", 2),
    Column("ssim", "SSIM ↑", 4),
    Column("fsim", "FSIM ↑", 4),
    Column("ciede2000", "CIEDE2000 ↓", 2),
    Column("colourfulness", "colourfulness", 1),
    Column("chroma", "mean chroma (of real)", 2, ratio="chroma_ratio"),
    Column("spread", "chroma spread (of real)", 2, ratio="spread_ratio"),
)
_OTHER_PICTURES = (
    "published by the paper on its own 100 crops, which are other pictures; its LPIPS network is not stated"
)
PUBLISHED = (
    Row("paper, ResNet-9 (published)", {"fid": Cell(96.78), "lpips_alex": Cell(0.1711)}, _OTHER_PICTURES),
    Row("paper, U-Net (published)", {"fid": Cell(101.59), "lpips_alex": Cell(0.1847)}, _OTHER_PICTURES),
)
_CAPTION = (
    "Brackets: 95 % bootstrap intervals over paintings. KID: unbiased, kernel (x·y/2048 + 1)³, mean ± deviation over "
    "100 subsets of half the crops, 50 at most; where both sets show the same paintings it can fall below 0. FID and "
    "KID: Inception 2015-12-05, crops enlarged to 299 px (bilinear, TensorFlow 1); FID is biased upward at this N and "
    "comparable only within the table. SSIM: Gaussian 11, σ 1.5. Chroma spread: sqrt(var a* + var b*) within a crop. "
    "All baselines keep L*."
)


def build_table(options: EvaluationOptions) -> Report:
    """Measure everything and write the galleries, the contact sheets and the crops' own numbers into `options.out`.

    Raises:
        OSError: if data, weights or a package with feature networks are missing.
        ValueError: if they are not what they should be.
    """
    crops = read_crops(options.data / _files(options)["coloured"], limit=options.limit)
    models = load_models(options)
    options.out.mkdir(parents=True, exist_ok=True)
    for run in options.epochs:
        figure = epochs_figure(run, crops)
        figure.save(options.out / f"epochs-{run.name}.png")

    measures = PairedMeasures()
    colours = baselines.TrainingColours.measure(options.data / "train.parquet")
    outputs = coloured_outputs(crops, colours, models)
    measured = measures(crops.real, outputs)
    real = measures.inception(tqdm(crops.real, "real", leave=False))
    others = _other_paintings(options, crops, measures)
    tables = [
        group_table(group, crops, measured, real, others, models.notes, options.seed)
        for group in GROUPS
        if crops.positions(group).any()
    ]
    tables += [differences_table(crops, measured, models, options.seed)] if models.pipelines else []
    bounds = coloured_bounds(tables) if DEFAULT in models.pipelines else []

    if options.whole:
        tables.append(whole_table(options.whole, models.pipelines, colours, options.seed))
        if DEFAULT in models.pipelines:
            bounds += whole_bounds(tables[-1])
            tables.append(wishes_table(options.whole, models.pipelines[DEFAULT], options.seed))
            bounds += wishes_bounds(tables[-1])

    write_pictures(options.out, "gallery", crops, outputs, models)
    write_crop_numbers(options.out / "pictures.csv", crops, measured)
    ink_file = options.data / _files(options)["ink"]
    if ink_file.is_file():
        ink = read_crops(ink_file, limit=options.limit)
        ink_outputs = coloured_outputs(ink, colours, models, ink=True)
        write_pictures(options.out, "gallery_ink", ink, ink_outputs, models)
        more_tables, more_bounds = ink_report(options, ink, ink_outputs, crops, real, models.notes, measures.inception)
        tables, bounds = tables + more_tables, bounds + more_bounds
    return Report("Landscape colorizer", tables, bounds, _facts(options, crops, models))


def _files(options: EvaluationOptions) -> dict[str, str]:
    """The files that are measured. The validation split has no ink crops unless its builder kept some."""
    if options.split == "test":
        return {"coloured": "test_colour.parquet", "ink": "test_ink.parquet"}
    return {"coloured": "val.parquet", "ink": "val_ink.parquet"}


def group_table(
    group: str,
    crops: Crops,
    measured: dict[str, Measured],
    real: np.ndarray,
    others: tuple[np.ndarray, list[str], list[str]],
    notes: dict[str, str | None],
    seed: int,
) -> Table:
    """One group's table: published rows (all crops only), every measured row, real crops of other paintings."""
    chosen = crops.positions(group)
    paintings = [name for name, inside in zip(crops.paintings, chosen, strict=True) if inside]
    rows = list(PUBLISHED) if group == "all" else []
    for name, values in measured.items():
        cells = summarise(select(values, chosen), real[chosen], paintings, seed)
        rows.append(Row(name, cells, notes.get(name)))
    features, groups, other_paintings = others
    inside = np.array([group in ("all", name) for name in groups])
    if inside.sum() > 1:
        own = draw_clusters(paintings, seed=seed)
        other = draw_clusters([p for p, i in zip(other_paintings, inside, strict=True) if i], seed=seed + 1)
        cells = {
            "fid": Cell(fid(real[chosen], features[inside])),
            "kid": kid_cell(real[chosen], features[inside], own, other, seed),
        }
        name = f"real crops of other paintings (N = {inside.sum()})"
        rows.append(Row(name, cells, "unpaired: no floor for the other rows, whose pictures are the same paintings"))
    caption = f"N = {chosen.sum()} crops of {len(set(paintings))} paintings. {_CAPTION}"
    return Table(GROUPS[group].capitalize(), COLUMNS, rows, caption)


def differences_table(crops: Crops, measured: dict[str, Measured], models: Models, seed: int) -> Table:
    """Paired differences of LPIPS (Alex), each model minus each of the baselines that matter."""
    rows, columns = [], []
    for baseline in (MEAN, BY_LIGHTNESS, ORACLE):
        columns.append(Column(baseline, f"minus {baseline}", 4))
    for group in GROUPS:
        chosen = crops.positions(group)
        if not chosen.any():
            continue
        paintings = [name for name, inside in zip(crops.paintings, chosen, strict=True) if inside]
        for model in models.pipelines:
            first = select(measured[model], chosen)
            cells = {
                column.key: difference(first, select(measured[column.key], chosen), "lpips_alex", paintings, seed)
                for column in columns
            }
            rows.append(Row(f"{model}, {GROUPS[group]}", cells))
    return Table(
        "Difference of LPIPS Alex", columns, rows, "Below zero is better. 95 % bootstrap intervals over paintings."
    )


def coloured_bounds(tables: list[Table]) -> list[Bound]:
    """What the default must reach on the coloured crops."""
    cells = {table.title: {row.name: row.cells for row in table.rows} for table in tables}
    by_group = {group: cells[title.capitalize()] for group, title in GROUPS.items() if title.capitalize() in cells}

    def value(group: str, row: str, measure: str) -> float:
        return by_group[group][row][measure].value

    lpips = "lpips_alex"
    own = value("all", DEFAULT, lpips)
    bounds = [Bound("LPIPS, all: at most 0.85 of mean colour's", own, 0.85 * value("all", MEAN, lpips))]
    for group in by_group.keys() - {"all"}:
        found, mean = value(group, DEFAULT, lpips), value(group, MEAN, lpips)
        bounds.append(Bound(f"LPIPS, {GROUPS[group]}: below mean colour's", found, mean))
        bounds.append(Bound(f"LPIPS, {GROUPS[group]}: at most 0.75 of mean colour's", found, 0.75 * mean, target=True))
    bounds.append(Bound("LPIPS, all: below mean colour by lightness", own, value("all", BY_LIGHTNESS, lpips)))
    for row in (MEAN, BY_LIGHTNESS):
        bounds.append(Bound(f"KID, all: below {row}", value("all", DEFAULT, "kid"), value("all", row, "kid")))
    bounds.append(Bound("LPIPS, all: below the oracle's", own, value("all", ORACLE, lpips), target=True))
    for group in by_group.keys() - {"all"}:
        claim = f"chroma spread, {GROUPS[group]}: fraction of real"
        bounds.append(Bound(claim, value(group, DEFAULT, "spread_ratio"), 0.6, at_most=False))
    if "colour" in by_group:
        claim = "mean chroma, strongly coloured crops: fraction of real"
        bounds.append(Bound(claim, value("colour", DEFAULT, "chroma_ratio"), 0.7, at_most=False))
    return bounds


def whole_bounds(table: Table) -> list[Bound]:
    """What the default must reach on whole paintings; the aims beyond the bounds are targets."""
    cells = {row.name: row.cells for row in table.rows}[DEFAULT]
    ratios = (("chroma, whole over crops", "whole_crops", 0.03), ("seam ratio", "seam", 0.05))
    bounds = [
        Bound(f"whole paintings, {claim}: within {slack} of 1", abs(cells[key].value - 1), slack, target=True)
        for claim, key, slack in ratios
    ]
    return [*bounds, Bound("whole paintings, grid shift: at most one level", cells["shift"].value, 1)]


def wishes_bounds(table: Table) -> list[Bound]:
    """Restoring must beat leaving as it is; radii must hold what they promise where the weights know them."""
    rows = {row.name: row.cells for row in table.rows}
    bounds = [
        Bound(f"faded: {key}, restored below as it is", rows["faded, restore 1.0"][key].value, as_is.value)
        for key, as_is in rows["faded, as it is"].items()
    ]
    share = rows["grey, coloured"].get("covered")
    if share is not None:
        bounds.append(Bound("uncertainty: share covered is off 0.9 by at most", abs(share.value - 0.9), 0.08))
    return bounds


def write_pictures(out: Path, name: str, crops: Crops, outputs: dict[str, Tensor], models: Models) -> None:
    """The paper's gallery (real, grey, coloured) and a contact sheet of every third crop with the baselines."""
    columns = {"real": crops.real, GREY: crops.grey} | {row: outputs[row] for row in models.pipelines}
    captions = [f"{group}, {painting}" for group, painting in zip(crops.groups, crops.paintings, strict=True)]
    as_images = {heading: [to_image(picture) for picture in pictures] for heading, pictures in columns.items()}
    write_gallery(out / name, "Landscape colorizer: " + name.replace("_", " "), as_images, captions)
    sheet = {"real": crops.real, **outputs}
    some = {row: [to_image(picture) for picture in sheet[row][::3]] for row in sheet if row != TRUE}
    picture_grid(some, side=128, blocks=2).save(out / f"contact_sheet{name.removeprefix('gallery')}.jpg", quality=92)


def write_crop_numbers(file: Path, crops: Crops, measured: dict[str, Measured]) -> None:
    """Every measure of every crop, one line a crop and row, to find where a model fails."""
    measures = list(next(iter(measured.values())).values)
    with file.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream, lineterminator="\n")
        writer.writerow(["row", "crop", "group", "painting", *measures])
        for name, values in measured.items():
            for crop in range(len(crops)):
                numbers = [f"{values.values[measure][crop]:.6g}" for measure in measures]
                writer.writerow([name, crop, crops.groups[crop], crops.paintings[crop], *numbers])


def _other_paintings(
    options: EvaluationOptions, crops: Crops, measures: PairedMeasures
) -> tuple[np.ndarray, list[str], list[str]]:
    """Real training crops, as many of each group as are measured: features, groups, paintings."""
    file, rows = options.data / "train.parquet", []
    for group in sorted(set(crops.groups)):
        rows += painting_order(file, group, options.seed)[: crops.groups.count(group)]
    if not rows:
        return np.empty((0, 2048)), [], []
    pictures, groups, paintings = read_photographs(file, rows)
    return measures.inception(tqdm(pictures, "other paintings", leave=False)), groups, paintings


def _facts(options: EvaluationOptions, crops: Crops, models: Models) -> dict[str, Any]:
    counts = {GROUPS.get(group, group): crops.groups.count(group) for group in sorted(set(crops.groups))}
    dtypes = {name: str(pipe.generator.dtype).removeprefix("torch.") for name, pipe in models.pipelines.items()}
    return {"data": options.data.name, "split": options.split, "crops": counts, "seed": options.seed} | (
        {"computed in": dtypes} if dtypes else {}
    )
