"""Options of `python -m evaluation`, the same for every method."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro


@dataclass(frozen=True)
class EvaluationOptions:
    """Measure a method's models beside its trivial baselines."""

    data: Path
    """The data set's folder, as its builder wrote it."""
    out: Path
    """Folder for table.md, table.json, table.csv, pictures.csv, the gallery and the contact sheet."""
    split: Literal["test", "val"] = "test"
    """Develop on val; test is for the table that is published."""
    weights: str | None = None
    """Folder or Hub id of the default row's weights; unset: the bundled ones."""
    baselines_only: bool = False
    """Leave out the default row."""
    paper: tuple[str, ...] = ()
    """Rows of the paper's model, each ROW=FOLDER, e.g. ResNet-9=runs/resnet/best. Where the parts of a row were trained
    apart, ROW comes once for each folder."""
    epochs: tuple[Path, ...] = ()
    """Runs whose kept checkpoints become the columns of a figure, one picture a row."""
    whole: tuple[Path, ...] = ()
    """Whole pictures, as files or parquet files, for a method whose table has a part on them."""
    references: int = 500
    """Real training pictures of the unpaired comparisons, of each class where there are classes."""
    cache: Annotated[Path | None, tyro.conf.arg(help_behavior_hint="(default: none)")] = None
    """Folder that keeps features of the real pictures for the next table of the same data."""
    limit: Annotated[int | None, tyro.conf.arg(help_behavior_hint="(default: all)")] = None
    """Measure only so many pictures of each group: for a quick look, not for a table."""
    studies: bool = False
    """Also run studies that train classifiers on a generator's pictures, where the method has some: half an hour."""
    seed: int = 0
    """Of the bootstrap, of KID's subsets and of the reference pictures."""
    check: bool = False
    """Exit with status 1 unless every bound holds."""

    def paper_rows(self) -> dict[str, Path]:
        """Row name -> folder, for a method whose rows have one folder each.

        Raises:
            ValueError: if an entry is not ROW=FOLDER, or a name comes twice.
        """
        rows = self.paper_folders()
        for name, folders in rows.items():
            if len(folders) > 1:
                raise ValueError(f"--paper takes ROW=FOLDER entries of different names, got {name!r} twice.")
        return {name: folders[0] for name, folders in rows.items()}

    def paper_folders(self) -> dict[str, tuple[Path, ...]]:
        """Row name -> its folders, in the order given.

        Raises:
            ValueError: if an entry is not ROW=FOLDER, or comes twice.
        """
        rows: dict[str, tuple[Path, ...]] = {}
        for entry in self.paper:
            name, equals, folder = entry.partition("=")
            if not (name and equals and folder) or Path(folder) in rows.get(name, ()):
                raise ValueError(f"--paper takes ROW=FOLDER entries, each once, got {entry!r}.")
            rows[name] = (*rows.get(name, ()), Path(folder))
        return rows
