"""The method's table: the paper's figures, trivial translators, the paper's models and the default, by direction."""

from collections import Counter
from functools import cached_property
from typing import Any

import numpy as np

from evaluation.feature_cache import FeatureCache
from evaluation.options import EvaluationOptions
from evaluation.paired import Measured, select
from evaluation.tables import Bound, Report, Row, Table
from pipelines.scene_translator.classifier import PAIRS, Judge, judges_table, train_judge
from pipelines.scene_translator.scene_pictures import Scenes, read_scenes
from pipelines.scene_translator.table_layout import (
    colour_table,
    direction_bounds,
    direction_table,
    pair_table,
    with_gap_closed,
)
from pipelines.scene_translator.table_measures import (
    Ground,
    SceneMeasures,
    summarise_row,
    summarise_targets,
    summarise_training,
)
from pipelines.scene_translator.table_pictures import write_numbers, write_pictures
from pipelines.scene_translator.table_rows import (
    BASELINES,
    DEFAULT,
    REAL_MANY,
    REAL_TEST,
    REAL_TRAIN,
    Direction,
    TrainingColours,
    load_translators,
    scene_outputs,
)

NATURE = "nature"


def build_table(options: EvaluationOptions) -> Report:
    """Measure every direction and write galleries, contact sheets and the pictures' own numbers into `options.out`.

    Raises:
        OSError: if data, weights or a package with feature networks are missing.
        ValueError: if they are not what they should be.
    """
    table = SceneTable(options)
    options.out.mkdir(parents=True, exist_ok=True)
    tables: list[Table] = []
    bounds: list[Bound] = []
    numbers = []
    for pair in table.pairs:
        both: dict[str, list[Row]] = {}
        for direction in (pair, pair[::-1]):
            scenes, measured = table.measure(direction)
            numbers.append((direction, scenes, measured))
            new_tables, new_bounds, both[table.title(direction, table.contents(direction)[0])] = table.tables(
                direction, measured
            )
            tables, bounds = tables + new_tables, bounds + new_bounds
        tables.append(pair_table(both))
    tables.append(table.judged())
    write_numbers(options.out / "pictures.csv", numbers)
    return Report("Scene translator", tables, bounds, table.facts())


class SceneTable:
    """What the tables of all directions share, and the steps that make one of them.

    Args:
        options: of the command.
    """

    def __init__(self, options: EvaluationOptions):
        self.options = options
        self.test = read_scenes(options.data, options.split, limit=options.limit)
        self.pairs = [pair for pair in PAIRS if set(pair) <= set(self.test.labels)]
        if not self.pairs:
            found = ", ".join(sorted(set(self.test.labels))) or "no picture"
            raise ValueError(f"{options.data} shows no two classes to translate between: it has {found}.")
        self.translators = load_translators(options)
        self.train = read_scenes(options.data, "train", limit=options.references)
        self.measures = SceneMeasures(FeatureCache(options.cache))
        self.colours = TrainingColours.measure(self.train)

    @cached_property
    def judges(self) -> dict[Direction, Judge]:
        """The held-back classifiers, one a pair of classes."""
        val = read_scenes(self.options.data, "val", limit=self.options.references)
        judges = {}
        for pair in self.pairs:
            known, held_back = (scenes.select(scenes.are(*pair)) for scenes in (self.train, val))
            judges[pair] = train_judge(pair, known, self._vgg(known), held_back, self._vgg(held_back))
        return judges

    def judged(self) -> Table:
        """How good the classifiers are."""
        return judges_table(
            list(self.judges.values()), self.test, self._vgg(self.test), self.options.split, self.options.seed
        )

    def measure(self, direction: Direction) -> tuple[Scenes, dict[str, Measured]]:
        """Translate the source class's pictures by every row, write galleries, measure the outputs."""
        scenes, judge = self.test.select(self.test.are(direction[0])), self._judge(direction)
        outputs = scene_outputs(scenes, direction, self.colours, self.translators)
        measured = {}
        for name, output in outputs.items():
            measured[name] = self.measures(scenes.pictures, output, judge, direction[1], keep=name in BASELINES)
        write_pictures(self.options.out, direction, scenes, {name: output.there for name, output in outputs.items()})
        return scenes, measured

    def tables(self, direction: Direction, measured: dict[str, Measured]) -> tuple[list[Table], list[Bound], list[Row]]:
        """A direction's tables and bounds, and the rows of the pictures that it is judged by.

        Where the pictures show nature and more, nature with nature comes first and decides; the bounds on all pictures
        are targets.
        """
        ground, tables, bounds, first = self._ground(direction), [], [], []
        for content in self.contents(direction):
            title = self.title(direction, content)
            rows, captions = self._rows(direction, content, ground, measured)
            tables.append(direction_table(title, rows, captions))
            if DEFAULT in measured:
                bounds += direction_bounds(title, rows, target=bool(first))
            first = first or rows
        title = self.title(direction, self.contents(direction)[0])
        return [*tables, colour_table(title, first)], bounds, first

    def contents(self, direction: Direction) -> list[str | None]:
        """What is measured apart: nature and all pictures; all, which is None, where there is nothing else."""
        kinds = [set(self.test.select(self.test.are(label)).contents) for label in direction]
        apart = all(NATURE in kind for kind in kinds) and any(len(kind) > 1 for kind in kinds)
        return [NATURE, None] if apart else [None]

    def title(self, direction: Direction, content: str | None = None) -> str:
        """ "Cloudy to sunny, nature"."""
        more = "" if self.contents(direction) == [None] else f", {content or 'all contents'}"
        return f"{direction[0].capitalize()} to {direction[1]}{more}"

    def facts(self) -> dict[str, Any]:
        """What the report says of its making."""
        options = self.options
        counts = {
            split: dict(Counter(scenes.labels)) for split, scenes in (("of it", self.test), ("train", self.train))
        }
        facts = {"data": options.data.name, "split": options.split, "pictures": counts["of it"]}
        facts |= {"training pictures looked at": counts["train"], "seed": options.seed}
        dtypes = {name: row.dtype for name, row in self.translators.items()}
        return facts | ({"computed in": dtypes} if dtypes else {})

    def _judge(self, direction: Direction) -> Judge:
        return self.judges[direction if direction in self.judges else direction[::-1]]

    def _ground(self, direction: Direction) -> Ground:
        source, target = (self.test.select(self.test.are(label)) for label in direction)
        judge = self._judge(direction)
        inputs, targets = (
            self.measures.scenes(scenes.pictures, judge, direction[1], keep=True) for scenes in (source, target)
        )
        training = self.train.select(self.train.are(direction[1]))
        return Ground(inputs, source.ids, targets, target.ids, self.measures.inception(training.pictures, keep=True))

    def _rows(
        self, direction: Direction, content: str | None, ground: Ground, measured: dict[str, Measured]
    ) -> tuple[list[Row], str]:
        """Every measured row on the pictures of a content, those of real pictures last; and how many there were."""
        seed, split = self.options.seed, self.options.split
        source, target = (self.test.select(self.test.are(label)).shows(content) for label in direction)
        training = self.train.select(self.train.are(direction[1])).shows(content)
        chosen = ground.select(source, target, training)
        rows = [
            Row(name, summarise_row(select(values, source), chosen, seed), self._note(name))
            for name, values in measured.items()
        ]
        as_many, many = summarise_training(chosen, seed)
        rows += [Row(REAL_TRAIN, as_many), Row(REAL_MANY, many)]
        rows.append(Row(REAL_TEST.format(split=split), summarise_targets(chosen, seed)))
        size = min(len(chosen.input_ids), len(chosen.training))
        counts = (
            f"N = {len(chosen.input_ids)} {direction[0]} pictures translated; FID and KID to the "
            f"{len(chosen.target_ids)} {direction[1]} pictures of the {split} split; real training pictures: FID of "
            f"{size} at a time and of {len(chosen.training)}, KID of {len(chosen.training)}."
        )
        return with_gap_closed(rows), counts

    def _vgg(self, scenes: Scenes) -> np.ndarray:
        """VGG-16's features, class by class: so each picture is looked at once."""
        features = {
            label: iter(self.measures.vgg(scenes.select(scenes.are(label)).pictures, keep=True))
            for label in set(scenes.labels)
        }
        return np.stack([next(features[label]) for label in scenes.labels])

    def _note(self, name: str) -> str | None:
        return self.translators[name].note if name in self.translators else None
