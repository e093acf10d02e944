"""Write a pipeline as a Hub folder that stands alone, check it, publish it.

    model_index.json               _class_name: ["pipeline_<method>_<hash>", "<Class>"]
    pipeline_<method>_<hash>.py
    <component>/networks_..._<hash>.py, config.json, diffusion_pytorch_model[.fp16].safetensors
    README.md, training.json

The source stays modular; only here are a class's module and the project modules it imports joined to one file without
any relative import, which is all that diffusers loads reliably. diffusers copies the code of all folders into one flat
namespace, where equal names silently win over each other: the hash of the content keeps two versions apart.
"""

import ast
import hashlib
import importlib
import inspect
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from string import Template
from typing import Any

import torch
from diffusers import DiffusionPipeline
from huggingface_hub import HfApi
from safetensors.torch import save_file
from torch import nn

import torchvision_guard
from pipelines import METHODS, Method, get_method
from pipelines.pretrained import INDEX, bundled_folder

__all__ = ["bundled_folder", "check_hub_folder", "publish", "save_for_hub"]

# The base class of the project's pipelines is diffusers' own in a Hub file.
_REPLACED = {
    "pipelines.pretrained": ("PretrainedPipeline", "DiffusionPipeline", "from diffusers import DiffusionPipeline")
}
_ALLOWED = {".json", ".safetensors", ".py", ".md"}


def save_for_hub(
    pipe: DiffusionPipeline,
    folder: str | Path,
    *,
    dtype: torch.dtype | None = None,
    fp16_variant: bool = False,
    training: Mapping[str, Any] | None = None,
    values: Mapping[str, Any] | None = None,
) -> Path:
    """Write `pipe` as a Hub folder, whole or not at all.

    Args:
        folder: does not exist, is empty, or holds an earlier export, which is replaced.
        dtype: of the weights on disk; None keeps that in memory.
        fp16_variant: write float16 weights beside them, under diffusers' variant name.
        training: contents of training.json, from which the model card takes its facts too.
        values: further fields of the model card.

    Returns:
        The folder.

    Raises:
        ValueError: if `folder` holds something else, or `pipe` belongs to no method.
    """
    folder = Path(folder)
    if folder.exists() and any(folder.iterdir()) and not (folder / INDEX).is_file():
        raise ValueError(f"{folder} holds something else than an export: choose another folder.")
    method = _method_named(type(pipe).__name__)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh = Path(temporary) / "export"
        fresh.mkdir()
        _write(pipe, method, fresh, dtype, fp16_variant, training, values)
        if folder.exists():
            folder.rename(Path(temporary) / "old")
        fresh.rename(folder)
    return folder


def _write(pipe, method: Method, folder: Path, dtype, fp16_variant: bool, training, values) -> None:
    cls = _installed(method, type(pipe).__name__)
    index: dict[str, Any] = {
        "_class_name": [_write_module(cls, folder), cls.__name__],
        "_diffusers_version": version("diffusers"),
    }
    for name, component in pipe.components.items():
        part = folder / name
        part.mkdir()
        network = _installed(method, type(component).__name__)
        index[name] = [_write_module(network, part), network.__name__]
        _write_weights(component, part, dtype, fp16_variant)
    _write_json(folder / INDEX, index)
    if training is not None:
        _write_json(folder / "training.json", training)
    card = model_card(method, training or {}, values or {})
    (folder / "README.md").write_text(card, encoding="utf-8")


def _write_weights(component: nn.Module, folder: Path, dtype: torch.dtype | None, fp16_variant: bool) -> None:
    config = {"_class_name": type(component).__name__, "_diffusers_version": version("diffusers")}
    config |= {key: value for key, value in component.config.items() if not key.startswith("_")}
    _write_json(folder / "config.json", config)
    files = {"diffusion_pytorch_model.safetensors": dtype}
    if fp16_variant:
        files["diffusion_pytorch_model.fp16.safetensors"] = torch.float16
    for name, wanted in files.items():
        state = {
            key: (tensor.to(wanted) if wanted and tensor.is_floating_point() else tensor).cpu().contiguous().clone()
            for key, tensor in component.state_dict().items()
        }
        save_file(state, folder / name, metadata={"format": "pt"})
        (folder / name).chmod(0o644)  # safetensors writes 0600, which a server of another user cannot read


def _write_json(file: Path, value: Any) -> None:
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _write_module(cls: type, folder: Path) -> str:
    source = standalone_source(cls.__module__)
    name = f"{cls.__module__.rsplit('.', 1)[1]}_{hashlib.sha256(source.encode()).hexdigest()[:8]}"
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return name


def standalone_source(module: str) -> str:
    """The source of `module` and of the project modules it imports, as one file without project imports.

    Raises:
        ValueError: if two of them define the same name, or one imports in a way that cannot be joined.
    """
    modules = _dependencies(module, {})
    imports: dict[str, None] = {}
    bodies, owner = [], {}
    for name, tree in modules.items():
        for definition in _top_level_names(tree):
            if owner.setdefault(definition, name) != name:
                raise ValueError(f"{definition} is defined in {owner[definition]} and in {name}: rename one.")
        bodies.append(_body(name, tree, imports))
    head = (
        f'"""{ast.get_docstring(modules[module])}\n\nWritten by the exporter: one file, nothing else to install.\n"""\n'
    )
    return (
        "\n".join([head, *sorted(imports, key=lambda line: (line.startswith("from"), line)), *bodies]).rstrip() + "\n"
    )


def _dependencies(module: str, found: dict[str, ast.Module]) -> dict[str, ast.Module]:
    """`module` and the project modules it imports, each after those that it needs."""
    tree = ast.parse(inspect.getsource(importlib.import_module(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import) and any(_is_ours(alias.name) for alias in node.names):
            raise ValueError(f"{module}:{node.lineno}: write `from ... import ...` for project modules.")
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            raise ValueError(f"{module}:{node.lineno}: relative imports do not reach the Hub.")
        if _is_ours(node.module) and (node not in tree.body or any(alias.asname for alias in node.names)):
            raise ValueError(f"{module}:{node.lineno}: import project modules at the top and under their own names.")
        if _is_ours(node.module) and node.module not in _REPLACED and node.module not in found:
            _dependencies(node.module, found)
    found[module] = tree
    return found


def _is_ours(name: str | None) -> bool:
    return (name or "").split(".")[0] == "pipelines"


def _top_level_names(tree: ast.Module) -> Iterable[str]:
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for name in (n for target in targets for n in ast.walk(target) if isinstance(n, ast.Name)):
                if isinstance(name.ctx, ast.Store):
                    yield name.id


def _body(name: str, tree: ast.Module, imports: dict[str, None]) -> str:
    """The module's text without docstring and imports, which are added to `imports`."""
    lines = inspect.getsource(importlib.import_module(name)).splitlines()
    dropped: set[int] = set()
    renames: dict[str, str] = {}
    for i, node in enumerate(tree.body):
        docstring = i == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if not docstring and not isinstance(node, (ast.Import, ast.ImportFrom)):
            continue
        dropped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
        if isinstance(node, ast.ImportFrom) and _is_ours(node.module):
            if node.module in _REPLACED:
                old, new, line = _REPLACED[node.module]
                renames[old], imports[line] = new, None
        elif not docstring:
            imports[ast.unparse(node)] = None
    text = "\n".join(line for number, line in enumerate(lines, start=1) if number not in dropped).strip("\n")
    for old, new in renames.items():
        text = text.replace(old, new)
    return f"\n\n# {name.rsplit('.', 1)[1]}\n\n\n{text}\n"


def _method_named(class_name: str) -> Method:
    for name in METHODS:
        if get_method(name).pipeline.endswith(f":{class_name}"):
            return get_method(name)
    raise ValueError(f"{class_name} belongs to no method; METHODS has {', '.join(METHODS)}.")


def _installed(method: Method, class_name: str) -> type:
    """The project's own class of this name: a pipeline loaded from a Hub folder brings copies of them."""
    for target in (method.pipeline, *method.networks):
        module, attribute = target.split(":")
        if attribute == class_name:
            return getattr(importlib.import_module(module), attribute)
    raise ValueError(f"{class_name} is no class of {method.name}.")


def model_card(method: Method, training: Mapping[str, Any], values: Mapping[str, Any]) -> str:
    """The method's card with what is known filled in; what is not is said to be not measured."""
    metrics = training.get("metrics") or {}
    known = {key: value for key, value in training.items() if not isinstance(value, (dict, list))}
    known |= {f"metric_{key}": round(value, 4) for key, value in metrics.items() if isinstance(value, float)}
    template = Template((method.folder / method.card).read_text(encoding="utf-8"))
    names = set(template.get_identifiers())
    fields = dict.fromkeys(names, "not measured") | {"method": method.name.replace("_", "-")}
    return template.substitute(fields | {key: str(value) for key, value in {**known, **values}.items()})


def check_hub_folder(folder: str | Path) -> str:
    """Load an exported folder by diffusers alone, in a fresh process that cannot import this project.

    Returns:
        The name of the pipeline's class.

    Raises:
        ValueError: with the last line of what went wrong.
    """
    code = (
        "import sys; from diffusers import DiffusionPipeline\n"
        "pipe = DiffusionPipeline.from_pretrained(sys.argv[1], trust_remote_code=True)\n"
        "assert not {'pipelines', 'train'} & set(sys.modules), 'the folder needs the project'\n"
        "print(type(pipe).__name__)\n"
    )
    guard = f"import sys; sys.path.insert(0, {str(Path(torchvision_guard.__file__).parent)!r})\n"
    guard += "import torchvision_guard; del sys.path[0]\n"
    with tempfile.TemporaryDirectory() as elsewhere:
        environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
        command = [sys.executable, "-c", guard + code, str(Path(folder).resolve())]
        done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise ValueError(f"{Path(folder).name} does not load on its own: {done.stderr.strip().splitlines()[-1]}")
    return done.stdout.strip().splitlines()[-1]


def publish(
    folder: str | Path, repo_id: str | None = None, *, private: bool = True, revision: str | None = None
) -> str:
    """Upload an exported folder to the Hub.

    Args:
        repo_id: "owner/name"; None takes DANQING_NAMESPACE and the method's name.
        private: of a repository made by this call.
        revision: branch to upload to.

    Returns:
        The address of the commit.

    Raises:
        ValueError: if the folder holds anything but json, safetensors, python and markdown files, or no namespace
            is set.
    """
    folder = Path(folder)
    if not (folder / INDEX).is_file():
        raise ValueError(f"{folder} has no {INDEX}: export a pipeline first.")
    strange = sorted(
        str(file.relative_to(folder)) for file in folder.rglob("*") if file.is_file() and file.suffix not in _ALLOWED
    )
    if strange:
        raise ValueError(f"{folder} holds {strange[0]}: only {', '.join(sorted(_ALLOWED))} files are published.")
    if repo_id is None:
        namespace = os.environ.get("DANQING_NAMESPACE")
        if not namespace:
            raise ValueError("Give a repo_id, or set DANQING_NAMESPACE to your name on the Hub.")
        class_name = json.loads((folder / INDEX).read_text())["_class_name"][-1]
        repo_id = f"{namespace}/{_method_named(class_name).name.replace('_', '-')}"
    api = HfApi()
    api.create_repo(repo_id, private=private, exist_ok=True)
    if revision:
        api.create_branch(repo_id, branch=revision, exist_ok=True)
    return str(api.upload_folder(repo_id=repo_id, folder_path=folder, revision=revision).commit_url)
