"""Who imports whom: the rules of the layout, read from the source, and what an import costs."""

import ast
import subprocess
import sys
from fnmatch import fnmatch
from pathlib import Path

import pytest

from pipelines import METHODS

ROOT = Path(__file__).resolve().parent.parent
OWN = {"app", "datasets_cards", "evaluation", "pipelines", "study", "tests", "torchvision_guard", "train", "ui"}
SHARED = {  # may go into Hub files
    "pipelines.color",
    "pipelines.domain_filter",
    "pipelines.efficientnet_lite",
    "pipelines.folding",
    "pipelines.generation.encoder",
    "pipelines.generation.gate",
    "pipelines.generation.generator",
    "pipelines.generation.judge",
    "pipelines.generation.noise",
    "pipelines.generation.output",
    "pipelines.generation.reading",
    "pipelines.generation.requests",
    "pipelines.generation.noise_sampling",
    "pipelines.guided_upsampling",
    "pipelines.hints",
    "pipelines.images",
    "pipelines.line_extraction",
    "pipelines.pretrained",
    "pipelines.sampling",
    "pipelines.styled_block",
    "pipelines.tiles",
}
FILES = sorted(
    file
    for top in [*ROOT.glob("*.py"), *(ROOT / name for name in OWN - {"tests"})]
    for file in ([top] if top.suffix else top.rglob("*.py"))
    if file.is_file()
)

# pattern of the file -> all it may import beside the standard library; a name covers its submodules
ONLY = {
    "pipelines/*/networks_*.py": {"torch", "diffusers", "numpy", "PIL"} | SHARED,
    "pipelines/*/pipeline_*.py": {"torch", "diffusers", "numpy", "PIL"} | SHARED,
    "pipelines/*/losses*.py": {"torch", "pipelines.gan_losses"},
    **{
        f"{name.replace('.', '/')}.py": {"torch", "diffusers", "numpy", "PIL"} | SHARED
        for name in sorted(SHARED)
        if name.startswith("pipelines.generation.")
    },
    "pipelines/color.py": {"torch"},
    "pipelines/domain_filter.py": {"torch"},
    "pipelines/efficientnet_lite.py": {"torch"},
    "pipelines/folding.py": {"torch"},
    "pipelines/gan_losses.py": {"torch"},
    "pipelines/guided_upsampling.py": {"torch", "pipelines.sampling"},
    "pipelines/hints.py": {"torch", "numpy", "PIL"},
    "pipelines/line_extraction.py": {"torch"},
    "pipelines/sampling.py": {"torch"},
    "pipelines/styled_block.py": {"torch"},
    "pipelines/images.py": {"torch", "numpy", "PIL"},
    "pipelines/tiles.py": {"numpy"},
    "pipelines/method.py": set(),
    "train/[!_]*.py": {"torch", "accelerate", "diffusers", "numpy", "tqdm", "train"},
}

# pattern of the file -> what it must not import
NEVER = {
    "pipelines/*.py": {"train", "evaluation", "ui", "app", "gradio", "datasets_cards", "study"},
    "pipelines/generation/*.py": {"ui", "app", "gradio", "datasets_cards", "study"},
    "pipelines/*/recipe*.py": {"ui", "app", "gradio", "datasets_cards", "study"},
    "pipelines/*/tab.py": {"train", "evaluation", "app", "study"},
    "pipelines/*/tab_*.py": {"train", "evaluation", "app", "study"},
    "train/*.py": {"ui", "app", "gradio", "datasets_cards", "evaluation", "study"},
    "evaluation/[!_]*.py": {"pipelines", "train", "ui", "app", "gradio", "datasets_cards", "study"},
    "evaluation/__main__.py": {"train", "ui", "app", "gradio", "datasets_cards", "study"},
    "datasets_cards/**.py": {"train", "evaluation", "ui", "app", "gradio", "study"},
    "ui/*.py": {"train", "evaluation", "app", "study"},
    "app.py": {"train", "evaluation", "datasets_cards"},
}


def name_of(file: Path) -> str:
    return file.relative_to(ROOT).as_posix()


def imports(file: Path) -> dict[str, int]:
    """Full names of what a file imports, inside functions too, with the line; type checking alone counts."""
    found: dict[str, int] = {}
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name: node.lineno for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            found |= {f"{module}.{alias.name}": node.lineno for alias in node.names}
    return found


def covered(name: str, allowed: set[str]) -> bool:
    return any(name == prefix or name.startswith(prefix + ".") for prefix in allowed)


def matches(file: Path, pattern: str) -> bool:
    """Like a shell: `*` stops at a slash, `**` does not."""
    name = name_of(file)
    return fnmatch(name, pattern) and ("**" in pattern or name.count("/") == pattern.count("/"))


@pytest.mark.parametrize("pattern", ONLY)
def test_what_a_file_may_import(pattern):
    files = [file for file in FILES if matches(file, pattern)]
    assert files, f"no file is called {pattern}"
    for file in files:
        allowed = (
            ONLY[pattern] | {f"pipelines.{file.parent.name}"} if pattern.startswith("pipelines/*/") else ONLY[pattern]
        )
        for name, line in imports(file).items():
            fine = name.split(".")[0] in sys.stdlib_module_names or covered(name, allowed)
            assert fine, f"{name_of(file)}:{line} imports {name}"


@pytest.mark.parametrize("pattern", NEVER)
def test_what_a_file_must_not_import(pattern):
    for file in FILES:
        if matches(file, pattern):
            for name, line in imports(file).items():
                assert not covered(name, NEVER[pattern]), f"{name_of(file)}:{line} imports {name}"


def test_recipes_take_only_the_contract_from_the_engine():
    for file in FILES:
        if file.is_relative_to(ROOT / "pipelines"):
            for name, line in imports(file).items():
                assert not covered(name, {"train"}) or covered(name, {"train.recipe"}), f"{name_of(file)}:{line}"


def test_studies_know_pictures_not_methods():
    """But for the tab and the commands, which sit on top."""
    on_top = {ROOT / "study" / "tab.py", ROOT / "study" / "__main__.py", *(ROOT / "study" / "commands").glob("*.py")}
    files = [file for file in FILES if file.is_relative_to(ROOT / "study") and file not in on_top]
    assert len(files) > 20
    for file in files:
        for name, line in imports(file).items():
            foreign = covered(
                name, {"pipelines", "train", "evaluation", "ui", "app", "gradio", "datasets_cards", "torch"}
            )
            assert not foreign, f"{name_of(file)}:{line} imports {name}"


def test_methods_are_named_in_one_place():
    """Nothing but `pipelines/__init__.py` and the method itself imports a method by its name."""
    folders = set(METHODS.values())
    for file in FILES:
        own = ".".join(file.relative_to(ROOT).parent.parts)
        for name, line in imports(file).items():
            foreign = covered(name, folders - {own}) and name_of(file) != "pipelines/__init__.py"
            assert not foreign, f"{name_of(file)}:{line} imports {name}"


def test_no_import_is_relative():
    """Hub files are read one by one: diffusers finds no siblings of siblings, and the sources keep to the same."""
    for file in FILES:
        for name, line in imports(file).items():
            assert not name.startswith("."), f"{name_of(file)}:{line} imports {name}"


def test_names_of_hub_files_are_unique():
    """diffusers copies the code of all repositories into one flat package, where equal names overwrite each other."""
    stems = [file.stem for file in FILES if fnmatch(file.name, "networks_*.py") or fnmatch(file.name, "pipeline_*.py")]
    stems += [name.rsplit(".", 1)[1] for name in SHARED]
    assert len(stems) == len(set(stems)), stems


def loaded_by(code: str) -> set[str]:
    """Top-level names of the modules in memory after running `code` in a fresh process."""
    code += "\nimport sys; print('LOADED', *{name.split('.')[0] for name in sys.modules})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return set(done.stdout.rsplit("LOADED", 1)[1].split())


def test_listing_the_methods_is_light():
    methods = "from pipelines import METHODS, get_method\n[get_method(name) for name in METHODS]"
    assert not loaded_by(methods) & {"torch", "diffusers", "gradio", "numpy"}


def test_the_engine_knows_no_method_and_no_interface():
    assert not loaded_by("import train.loop") & {"pipelines", "gradio", "evaluation", "ui", "diffusers"}
    assert not loaded_by("import train.__main__") & {"gradio", "ui"}


def test_the_app_does_not_load_training():
    loaded = loaded_by(
        "import app\nfrom pipelines import METHODS, get_method\n[get_method(n).load('tab') for n in METHODS]"
    )
    assert "gradio" in loaded and not loaded & {"train", "evaluation", "accelerate", "lpips"}
