"""One component of a pipeline on disk: config.json beside safetensors, written and read with every check.

The file names are those of diffusers, so that it reads the same folder. What a file says is compared with what the
class needs before memory is taken for it, and a file that does not fit is named in one sentence.
"""

import json
import re
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

CONFIG = "config.json"
WEIGHTS = "diffusion_pytorch_model"  # + [.variant] + .safetensors
PICKLES = {".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt"}
VARIANTS = {"fp16": torch.float16, "bf16": torch.bfloat16}

_MAX_JSON_BYTES = 1 << 24
_VARIANT = re.compile(r"[A-Za-z0-9_-]+")


def weights_name(variant: str | None = None) -> str:
    """File name of the weights.

    Raises:
        ValueError: for a variant that is no plain word.
    """
    if variant is None:
        return f"{WEIGHTS}.safetensors"
    if not _VARIANT.fullmatch(variant):
        raise ValueError(f'variant must be a word of letters, digits, "-" and "_" such as "fp16", got {variant!r}.')
    return f"{WEIGHTS}.{variant}.safetensors"


def read_json(file: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises:
        FileNotFoundError: if there is no such file.
        ValueError: if it is no JSON object, or larger than any of ours.
    """
    if not file.is_file():
        raise FileNotFoundError(f"{file.parent} has no {file.name}.")
    if file.stat().st_size > _MAX_JSON_BYTES:
        raise ValueError(f"{file} is larger than {_MAX_JSON_BYTES >> 20} MiB, which no such file should be.")
    try:
        value = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file} is not valid JSON: {one_line(error)}.") from error
    if not isinstance(value, dict):
        raise ValueError(f"{file} must hold a JSON object, not a {type(value).__name__}.")
    return value


def write_json(file: Path, value: dict[str, Any]) -> None:
    """Write a JSON object for people and machines to read."""
    file.write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def save_component(network: Any, folder: Path, variant: str | None = None, dtype: torch.dtype | None = None) -> None:
    """Write config.json and weights.

    Args:
        network: a diffusers `ModelMixin` with `ConfigMixin`.
        folder: is made; nothing may be there.
        variant: "fp16" or "bf16" also writes a file of that name in that precision.
        dtype: precision of the plain file; None keeps the network's.

    Raises:
        ValueError: for another variant, or weights that are not finite, also after conversion.
    """
    if variant is not None and variant not in VARIANTS:
        raise ValueError(f"variant must be one of {', '.join(VARIANTS)} or None, got {variant!r}.")
    folder.mkdir(parents=True)
    config = json.loads(network.to_json_string())
    config.pop("_name_or_path", None)  # would tell where on the maker's disk it came from
    write_json(folder / CONFIG, config)
    precisions = {None: dtype} | ({variant: VARIANTS[variant]} if variant else {})
    for name, precision in precisions.items():
        state = {key: _converted(key, value, precision) for key, value in network.state_dict().items()}
        file = folder / weights_name(name)
        save_file(state, file, metadata={"format": "pt"})
        file.chmod(0o644)  # safetensors makes it readable by its owner alone


def load_component(folder: Path, cls: type, variant: str | None, dtype: torch.dtype) -> nn.Module:
    """Build `cls` from config.json and fill it from safetensors, in evaluation mode, on the CPU.

    Args:
        folder: the component's folder.
        variant: which file to take; None takes the plain one, or the only one there is.
        dtype: of the parameters; the file's own precision does not matter.

    Raises:
        OSError: if a file is missing, or the weights cannot be read.
        ValueError: if one does not fit the class; the sentence names what was found and what is needed.
    """
    config = read_json(folder / CONFIG)
    named = config.get("_class_name", cls.__name__)
    if named != cls.__name__:
        raise ValueError(f"{folder / CONFIG} describes a {named}, but model_index.json asks for a {cls.__name__}.")
    file = find_weights(folder, variant)
    with torch.device("meta"):  # takes no memory, whatever sizes the configuration asks for
        described = _build(cls, config, folder / CONFIG)
    state = read_weights(file, described.state_dict())
    network = _build(cls, config, folder / CONFIG)
    network.load_state_dict(state)
    return nn.Module.to(network, dtype).eval()  # diffusers' own `to` warns of nothing


def find_weights(folder: Path, variant: str | None) -> Path:
    """The safetensors file to load; see `load_component`."""
    file = folder / weights_name(variant)
    if file.is_file():
        return file
    others = sorted(other.name for other in folder.glob(f"{WEIGHTS}*.safetensors"))
    if variant is None and len(others) == 1 and re.fullmatch(rf"{WEIGHTS}\.[\w-]+\.safetensors", others[0]):
        return folder / others[0]
    pickles = sorted(other.name for other in folder.glob("*") if other.suffix in PICKLES)
    if others:
        there = f"; it has {', '.join(others)}"
    elif pickles:
        there = f"; it has {', '.join(pickles)}, and pickles, which may run code when opened, are never loaded"
    else:
        there = ""
    raise FileNotFoundError(f"{folder} has no {file.name}{there}.")


def read_weights(file: Path, expected: dict[str, Tensor]) -> dict[str, Tensor]:
    """Read a whole file of tensors that must be those of `expected`, by key, shape and kind of number.

    Raises:
        OSError: if the file is no safetensors file, or not a whole one.
        ValueError: if keys are missing or too many, a shape or kind is another, or a number is not finite.
    """
    try:
        with safe_open(file, framework="pt", device="cpu") as tensors:
            _check_keys(file, set(tensors.keys()), set(expected))
            for key, value in expected.items():
                shape = list(tensors.get_slice(key).get_shape())
                if shape != list(value.shape):
                    raise ValueError(f"{file}: {key} has shape {shape}, expected {list(value.shape)}.")
            state = {key: tensors.get_tensor(key) for key in expected}
    except SafetensorError as error:
        raise OSError(f"{file} is not a whole safetensors file ({one_line(error)}).") from error
    for key, value in state.items():
        if value.is_floating_point() != expected[key].is_floating_point() or value.is_complex():
            raise ValueError(f"{file}: {key} holds {value.dtype}, expected {expected[key].dtype}.")
        if value.is_floating_point() and not value.isfinite().all():
            raise ValueError(f"{file}: {key} holds numbers that are not finite.")
    return state


def read_precision(folder: Path) -> str:
    """Precision of the plain weights in a folder of components: "fp16", "bf16", else "fp32"."""
    names = {"F16": "fp16", "BF16": "bf16"}
    for component in sorted(path.parent for path in folder.glob(f"*/{CONFIG}")):
        with safe_open(find_weights(component, None), framework="pt", device="cpu") as tensors:
            kinds = {tensors.get_slice(key).get_dtype() for key in tensors.keys()}  # noqa: SIM118  no mapping
        if found := kinds & set(names):
            return names[found.pop()]
    return "fp32"


def one_line(error: BaseException, limit: int = 200) -> str:
    """The first line of what an error says, cut to `limit` characters, without its full stop."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0][:limit].rstrip(". ")


def _build(cls: type, config: dict[str, Any], file: Path) -> Any:
    options = {key for key in config if not key.startswith("_")}
    unknown = sorted(options - set(cls._get_init_keys(cls)))
    if unknown:
        raise ValueError(f"{file} has options that {cls.__name__} does not know: {', '.join(unknown)}.")
    try:
        return cls.from_config(config)
    except Exception as error:  # what a constructor raises for values it was never meant to see cannot be listed
        raise ValueError(f"{file} describes no {cls.__name__} that can be built: {one_line(error)}.") from error


def _check_keys(file: Path, got: set[str], expected: set[str]) -> None:
    for what, keys in (("lacks", sorted(expected - got)), ("holds unexpected", sorted(got - expected))):
        if keys:
            more = f" and {len(keys) - 3} more" if len(keys) > 3 else ""
            counts = f"{len(got)} tensors found, {len(expected)} expected"
            raise ValueError(f"{file} {what} {', '.join(keys[:3])}{more} ({counts}).")


def _converted(key: str, value: Tensor, dtype: torch.dtype | None) -> Tensor:
    if value.is_floating_point():
        value = value.to(dtype or value.dtype)
        if not value.isfinite().all():
            raise ValueError(f"{key} cannot be saved as {value.dtype}: it holds numbers that are not finite.")
    return value.detach().to("cpu").contiguous()
