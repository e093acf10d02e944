"""Write a pipeline as a Hub folder that stands alone; check it; publish it. The commands: `pipelines.hub_commands`.

    model_index.json               _class_name: ["pipeline_<method>_<hash>", "<Class>"]
    pipeline_<method>_<hash>.py
    <component>/                   networks_<...>_<hash>.py, config.json, diffusion_pytorch_model.safetensors
    README.md, training.json       the model card, and how the weights were made

Such a folder loads by `X.from_pretrained(folder)` here, and anywhere by diffusers alone:
`DiffusionPipeline.from_pretrained(folder, trust_remote_code=True)`. Why files are joined and names carry a hash says
`pipelines.standalone`.
"""

import torchvision_guard  # noqa: F401  isort: skip  before diffusers
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers import DiffusionPipeline
from diffusers import __version__ as diffusers_version

from pipelines.components import save_component, write_json
from pipelines.hub_check import check_hub_folder
from pipelines.hub_publish import hub_id, publish, stranger_in
from pipelines.model_card import model_card
from pipelines.pretrained import INDEX, bundled_folder, method_of
from pipelines.standalone import hashed_name, standalone_source

__all__ = ["bundled_folder", "check_hub_folder", "hub_id", "publish", "save_for_hub"]


def save_for_hub(
    pipe: DiffusionPipeline,
    folder: str | Path,
    *,
    variant: str | None = None,
    dtype: torch.dtype | None = None,
    training: Mapping[str, Any] | None = None,
    evaluation: Mapping[str, Any] | None = None,
    card_values: Mapping[str, Any] | None = None,
) -> Path:
    """Write `pipe` as a Hub folder, whole or not at all.

    Args:
        pipe: a method's pipeline, made here or loaded from anywhere.
        folder: does not exist, is empty, or holds an earlier export, which is replaced.
        variant: "fp16" or "bf16" writes weights of that precision beside the plain ones, for `variant=`.
        dtype: precision of the plain weights; None keeps the pipeline's. The bundled ones are float16.
        training: becomes training.json, and fills in the card.
        evaluation: table.json of `python -m evaluation`, for the card.
        card_values: fields of the card that no file tells.

    Returns:
        The folder.

    Raises:
        FileExistsError: if `folder` holds anything else than an earlier export.
        ValueError: if `pipe` or a part of it is no method's, or cannot be written in that precision.
    """
    folder = Path(folder)
    check_target(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as temporary:
        fresh, old = Path(temporary) / "new", Path(temporary) / "old"
        fresh.mkdir()
        values = {"components": _describe(pipe)} | dict(card_values or {})
        card = model_card(method_of(type(pipe).__name__), training, evaluation, values)
        (fresh / "README.md").write_text(card, encoding="utf-8")
        if training is not None:
            write_json(fresh / "training.json", dict(training))
        _write_parts(pipe, fresh, variant, dtype)
        replaces = folder.exists()
        if replaces:
            folder.rename(old)
        try:
            fresh.rename(folder)
        except OSError:
            if replaces:
                old.rename(folder)
            raise
    return folder


def check_target(folder: Path) -> None:
    """Raise a FileExistsError unless `folder` is new, empty, or an earlier export."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    if not folder.is_dir() or not (folder / INDEX).is_file():
        raise FileExistsError(f"{folder} is there and is no earlier export: choose another folder.")
    if stranger := stranger_in(folder):
        raise FileExistsError(f"{folder} holds {stranger}, which no export wrote: choose another folder.")


def _write_parts(pipe: DiffusionPipeline, folder: Path, variant: str | None, dtype: torch.dtype | None) -> None:
    method = method_of(type(pipe).__name__)
    index: dict[str, Any] = {
        "_class_name": [_write_code(type(pipe), folder), type(pipe).__name__],
        "_diffusers_version": diffusers_version,
    }
    options = type(pipe)._get_signature_keys(type(pipe))[1]
    index |= {name: pipe.config[name] for name in sorted(options) if name in pipe.config}
    for name, component in pipe.components.items():
        if component is None:
            index[name] = [None, None]
            continue
        network = getattr(component, "_orig_mod", component)  # torch.compile wraps it
        cls = type(network)
        if cls.__name__ not in method.network_classes():
            raise ValueError(f"{name} is a {cls.__name__}, which is no network of {method.name}.")
        save_component(network, folder / name, variant, dtype)
        of_library = cls.__module__.split(".")[0] == "diffusers"
        index[name] = ["diffusers" if of_library else _write_code(cls, folder / name), cls.__name__]
    write_json(folder / INDEX, index)


def _describe(pipe: DiffusionPipeline) -> str:
    """What the pipeline is made of: "generator: TwoNetGenerator, 3.9 M parameters"."""
    return "; ".join(
        f"{name}: {type(part).__name__}, {sum(value.numel() for value in part.parameters()) / 1e6:.1f} M parameters"
        for name, part in pipe.components.items()
        if isinstance(part, torch.nn.Module)
    )


def _write_code(cls: type, folder: Path) -> str:
    source = standalone_source(cls.__module__)
    name = hashed_name(cls.__module__, source)
    (folder / f"{name}.py").write_text(source, encoding="utf-8")
    return name
