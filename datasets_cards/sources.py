"""Where pictures come from: a folder, a parquet file or a data set of the Hub, read alike."""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

SPLITS = ("train", "val", "test")
_SPLIT_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}
_SPLIT_FOLDERS = {**_SPLIT_NAMES, "trainA": "train", "trainB": "train", "testA": "test", "testB": "test"}  # CycleGAN's
_IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff", ".bmp", ".gif"}
_COLUMNS = ("group", "collection", "source", "licence", "rights")


@dataclass(frozen=True)
class SourceImage:
    """One picture of a source, still encoded. Fields a source does not have are None."""

    name: str  # unique among all sources of a build, the same in every build
    split: str | None  # "train", "val", "test"
    group: str | None
    collection: str | None
    source: str | None
    licence: str | None
    _place: Any = field(repr=False, compare=False)  # a file, or (data set, row, column)
    label: str | None = None
    rights: str | None = None
    more: Mapping[str, str | None] = field(default_factory=dict, compare=False)  # column asked for: its text

    def as_split(self, split: str) -> "SourceImage":
        """The same picture, put into `split`."""
        return replace(self, split=split)

    def file_name(self) -> str:
        """The name of the file that the picture was, as far as its source tells; else ""."""
        if isinstance(self._place, Path):
            return self._place.name
        dataset, row, column = self._place
        value = dataset[row][column]
        return Path((value or {}).get("path") or "").name

    def read(self) -> bytes:
        """The encoded file; OSError if it cannot be read."""
        if isinstance(self._place, Path):
            return self._place.read_bytes()
        dataset, row, column = self._place
        value = dataset[row][column]
        if not value or (value["bytes"] is None and value["path"] is None):
            raise OSError(f"{self.name} has no image in its row.")
        return value["bytes"] if value["bytes"] is not None else Path(value["path"]).read_bytes()


def read_sources(
    sources: Sequence[str], label_column: str | None = None, columns: Sequence[str] = ()
) -> list[SourceImage]:
    """All pictures of `sources`, in a fixed order.

    Args:
        sources: folders, .parquet files, or Hub ids ("user/name"). The split comes from a subfolder's name
            (train, val, test), a parquet file's suffix (-train, -val, -test), a `split` column, or a Hub
            data set's own splits where there is more than one. A folder's pictures have the innermost folder's name
            for a label, those that name a split left aside.
        label_column: where parquet files and Hub data sets hold the labels, as text or `ClassLabel`; None: not wanted.
        columns: others of theirs to read alike, into `SourceImage.more`; folders have none.

    Raises:
        ValueError: no source, the same one twice, a source without pictures or without one of the columns, or two
            pictures of one name.
        OSError: a source that does not exist.
    """
    if not sources:
        raise ValueError("No source was given: name at least one folder, .parquet file or Hub data set.")
    if len(set(sources)) != len(sources):
        raise ValueError(f"A source was given twice: {', '.join(sources)}.")
    images: list[SourceImage] = []
    for source in sources:
        found = list(_read_source(source, label_column, columns))
        if not found:
            raise ValueError(f"{source} holds no pictures (looked for {', '.join(sorted(_IMAGE_SUFFIXES))}).")
        images += found
    names: set[str] = set()
    for image in images:
        if image.name in names:
            raise ValueError(f"Two pictures are called {image.name}: rename one of the folders or files they lie in.")
        names.add(image.name)
    return images


def fingerprint(data: bytes) -> str:
    """A short content hash."""
    return hashlib.sha256(data).hexdigest()[:24]


def _read_source(source: str, label_column: str | None, columns: Sequence[str]) -> Iterator[SourceImage]:
    path = Path(source)
    if path.is_dir():
        yield from _from_folder(path)
    elif path.suffix == ".parquet":
        yield from _from_parquet(path, label_column, columns)
    elif path.exists():
        raise ValueError(f"{source} is neither a folder nor a .parquet file.")
    elif re.fullmatch(r"[\w.-]+/[\w.-]+", source) and not path.parent.is_dir():
        yield from _from_hub(source, label_column, columns)
    else:
        raise FileNotFoundError(f"{source} does not exist; give a folder, a .parquet file or a Hub id (user/name).")


def _from_folder(folder: Path) -> Iterator[SourceImage]:
    files = sorted(p for p in folder.rglob("*") if p.suffix.lower() in _IMAGE_SUFFIXES and p.is_file())
    for file in files:
        relative = file.relative_to(folder)
        split = next((_SPLIT_FOLDERS[part] for part in relative.parts[:-1] if part in _SPLIT_FOLDERS), None)
        group = next((part for part in relative.parts[:-1] if part in ("colour", "pale", "ink")), None)
        name = f"{folder.resolve().name}/{relative.as_posix()}"
        label = next(part for part in (*relative.parts[-2::-1], folder.resolve().name, "") if part not in _SPLIT_NAMES)
        yield SourceImage(name, split, group, None, folder.resolve().name, None, file, label)


def _from_parquet(file: Path, label_column: str | None, columns: Sequence[str]) -> Iterator[SourceImage]:
    import datasets

    if not file.is_file():
        raise FileNotFoundError(f"{file} does not exist.")
    suffix = file.stem.rsplit("-", 1)[-1]
    try:
        dataset = datasets.Dataset.from_parquet(str(file))
    except Exception as error:  # datasets wraps pyarrow's errors in types of its own, which vary by release
        raise ValueError(f"{file} is not a readable parquet file ({type(error).__name__}).") from error
    yield from _from_dataset(dataset, file.stem, _SPLIT_NAMES.get(suffix), file.stem, label_column, columns)


def _from_hub(repo: str, label_column: str | None, columns: Sequence[str]) -> Iterator[SourceImage]:
    import datasets

    splits = datasets.load_dataset(repo)
    for split, dataset in splits.items():
        # A data set without splits comes back as a lone "train", which says nothing.
        known = _SPLIT_NAMES.get(str(split)) if len(splits) > 1 else None
        yield from _from_dataset(dataset, f"{repo}/{split}", known, repo, label_column, columns)


def _from_dataset(
    dataset: Any, name: str, split: str | None, source: str, label_column: str | None, columns: Sequence[str]
) -> Iterator[SourceImage]:
    import datasets

    labels = _texts(dataset, name, label_column, "labels")
    more = {key: _texts(dataset, name, key, "texts") for key in columns}
    column = _image_column(dataset, name)
    dataset = dataset.cast_column(column, datasets.Image(decode=False))
    others = dataset.select_columns([c for c in (*_COLUMNS, "split") if c in dataset.column_names])
    rows = others if others.column_names else [{}] * len(dataset)
    for i, row in enumerate(rows):
        own = split or _SPLIT_NAMES.get(str(row.get("split")))
        values = {key: row.get(key) for key in _COLUMNS}
        values["source"] = values["source"] or source
        place = (dataset, i, column)
        also = {key: texts[i] for key, texts in more.items()}
        yield SourceImage(f"{name}/{i:05d}", own, **values, _place=place, label=labels[i], more=also)


def _image_column(dataset: Any, name: str) -> str:
    import datasets

    images = [c for c, feature in dataset.features.items() if isinstance(feature, datasets.Image)]
    structs = [c for c, f in dataset.features.items() if isinstance(f, dict) and set(f) == {"bytes", "path"}]
    found = [c for c in ("image", *images, *structs) if c in (*images, *structs)]
    if not found:
        raise ValueError(f"{name} has no image column; its columns are {', '.join(dataset.column_names)}.")
    return found[0]


def _texts(dataset: Any, name: str, column: str | None, what: str) -> list[str | None]:
    """What each row holds in `column` as text; None where the row, or the caller, has none."""
    import datasets

    if column is None:
        return [None] * len(dataset)
    if column not in dataset.column_names:
        raise ValueError(
            f"{name} has no column {column!r} of {what}; its columns are {', '.join(dataset.column_names)}."
        )
    feature = dataset.features[column]
    if isinstance(feature, datasets.ClassLabel):
        return [feature.names[i] if i is not None and i >= 0 else None for i in dataset[column]]
    return [str(label) if label is not None else None for label in dataset[column]]
