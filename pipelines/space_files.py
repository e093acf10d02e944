"""Which files the app needs: what `app.py` and the methods' pipelines and tabs import, and the data beside them."""

import ast
from pathlib import Path

from pipelines import METHODS, get_method

ROOT = Path(__file__).resolve().parent.parent
LEFT_OUT = ("train", "evaluation", "tests")  # offered by commands that are not the app's
DATA_SUFFIXES = {".css", ".html", ".js", ".json", ".svg"}
WHOLE = ("study",)  # templates, migrations and pictures of these are found by their place, not by an import
REQUIREMENTS_END = "# evaluation"  # heading in requirements.txt after which the app needs nothing


def app_files(root: Path = ROOT) -> list[Path]:
    """Paths, relative to `root`, of the modules that the app may load and of the data files beside them, sorted."""
    modules: set[Path] = set()
    waiting = [root / "app.py", root / "torchvision_guard.py", *_targets(root)]
    while waiting:
        file = waiting.pop()
        if file in modules:
            continue
        modules.add(file)
        waiting += [found for name in _imported(file) for found in _files_of(name, root)]
    data = {
        beside
        for file in modules
        if file.parent != root
        for beside in file.parent.iterdir()
        if beside.suffix in DATA_SUFFIXES
    }
    whole = {
        file
        for name in WHOLE
        for file in (root / name).rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and file.suffix != ".pyi"
    }
    return sorted(file.relative_to(root) for file in modules | data | whole)


def app_requirements(root: Path = ROOT) -> str:
    """The lines of requirements.txt that the app needs."""
    text = (root / "requirements.txt").read_text(encoding="utf-8")
    head, mark, _ = text.partition(f"\n{REQUIREMENTS_END}")
    if not mark:
        raise ValueError(f"requirements.txt has no heading {REQUIREMENTS_END!r}: what does the app need?")
    return f"{head}\n"


def _targets(root: Path) -> list[Path]:
    """What is imported by a name in a string: the methods, their pipelines, networks and tabs."""
    names = list(METHODS.values())
    for method in map(get_method, METHODS):
        names += [target.split(":")[0] for target in (method.pipeline, method.tab, *method.networks)]
    return [file for name in names for file in _files_of(name, root)]


def _imported(file: Path) -> set[str]:
    """Dotted names that a module imports anywhere, those after `from` with and without what they give."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def _files_of(name: str, root: Path) -> list[Path]:
    """The project's own files behind a dotted name, those of the packages around it too; none for a library's."""
    parts = name.split(".")
    if parts[0] in LEFT_OUT:
        return []
    found = []
    for count in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:count])
        found += [file for file in (place.with_suffix(".py"), place / "__init__.py") if file.is_file()]
    return found
