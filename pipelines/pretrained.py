"""Pipelines with weights: `X.from_pretrained()`, from the project's own folder, any other folder, or the Hub.

The classes are always those installed here. A folder names them in model_index.json and brings numbers, nothing
else: its code is not read, nobody is asked to trust it, and weights come as safetensors, never as a pickle.
diffusers' own loader would take the folder's code, or look for a pickle, where something is missing.
"""

import re
from pathlib import Path
from typing import Any, Self

import torch
from diffusers import DiffusionPipeline

from pipelines import METHODS, get_method
from pipelines.components import PICKLES, load_component, one_line, read_json, weights_name
from pipelines.method import Method

INDEX = "model_index.json"
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

# What may lie in a model's repository: what an export writes, pictures for the card, a licence, git's own.
_HUB_SUFFIXES = {".json", ".md", ".py", ".safetensors", ".txt", ".png", ".jpg", ".jpeg", ".webp", ".gif"}
_HUB_NAMES = {".gitattributes", ".gitignore", "LICENSE"}


class PretrainedPipeline(DiffusionPipeline):
    """Base of the methods' pipelines. In a Hub folder they stand on `DiffusionPipeline` itself."""

    @classmethod
    def from_pretrained(
        cls,
        source: str | Path | None = None,
        *,
        variant: str | None = None,
        dtype: torch.dtype | None = None,
        revision: str | None = None,
        cache_dir: str | Path | None = None,
        token: str | bool | None = None,
        local_files_only: bool = False,
    ) -> Self:
        """Load a pipeline on the CPU, in evaluation mode.

        Args:
            source: a folder or Hub id ("namespace/name"); None for the weights that come with the project.
            variant: take the files of this variant, e.g. "fp16". None takes the plain files, or, where a component
                has one file only, that one.
            dtype: of the parameters; None is float32, whatever precision the files have.
            revision: branch, tag or commit of a Hub model.
            cache_dir, token, local_files_only: as in huggingface_hub.

        Raises:
            OSError: if the folder, the Hub model or a file of it is missing or cannot be read.
            ValueError: if what is there does not fit this class; the message says what was found and what is needed.
        """
        dtype = torch.float32 if dtype is None else dtype
        if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
            raise ValueError(f"dtype must be a floating point torch.dtype such as torch.float16, got {dtype!r}.")
        weights_name(variant)  # checks the variant before anything is fetched
        method = method_of(cls.__name__)
        folder = _local_folder(source, method)
        if folder is None:
            hub = {"cache_dir": cache_dir, "token": token, "local_files_only": local_files_only}
            folder = _download(cls, str(source), variant, {"revision": revision} | hub)
        arguments: dict[str, Any] = {}
        for name, value in read_index(folder, cls).items():
            if isinstance(value, type):
                arguments[name] = load_component(folder / name, value, variant, dtype)
            else:
                arguments[name] = value
        return cls(**arguments)


def method_of(class_name: str) -> Method:
    """The method whose pipeline has this class name.

    Raises:
        ValueError: if there is none.
    """
    for name in METHODS:
        method = get_method(name)
        if method.pipeline.split(":")[1] == class_name:
            return method
    raise ValueError(f"{class_name} is no method's pipeline; methods are {', '.join(sorted(METHODS))}.")


def bundled_folder(name: str) -> Path:
    """Where the weights of the method called `name` lie that come with the project."""
    return Path(__file__).resolve().parent.parent / "weights" / name


def read_index(folder: Path, cls: type) -> dict[str, Any]:
    """What model_index.json asks for, checked against `cls`.

    Returns:
        Constructor argument -> the installed class of a component, None for one that is left out, or a plain value.

    Raises:
        OSError: if there is no such file.
        ValueError: if it is no index, or one of another pipeline, or names a class that is not the method's.
    """
    index = read_json(folder / INDEX)
    named = index.get("_class_name")
    named = named[-1] if isinstance(named, list) and named else named
    if named != cls.__name__:
        raise ValueError(f"{folder} holds weights of a {named}, not of a {cls.__name__}.")
    components, options = map(set, cls._get_signature_keys(cls))
    entries = {key: value for key, value in index.items() if not key.startswith("_")}
    missing, unknown = sorted(components - set(entries)), sorted(set(entries) - components - options)
    if missing or unknown:
        what = f"lacks the component {missing[0]}" if missing else f"has an unknown component {unknown[0]}"
        raise ValueError(f"{folder / INDEX} {what}; a {cls.__name__} has {', '.join(sorted(components))}.")
    method = method_of(cls.__name__)
    return {
        key: _component_class(folder / INDEX, key, value, method) if key in components else value
        for key, value in entries.items()
    }


def _component_class(file: Path, name: str, entry: Any, method: Method) -> type | None:
    if entry == [None, None]:
        return None
    class_name = entry[1] if isinstance(entry, list) and len(entry) == 2 else entry
    classes = method.network_classes()
    if not isinstance(class_name, str) or class_name not in classes:
        allowed = ", ".join(classes)
        raise ValueError(f"{file} asks for a {name} of class {class_name!r}; {method.name} has {allowed}.")
    return classes[class_name]


def _local_folder(source: str | Path | None, method: Method) -> Path | None:
    """The folder that `source` means, or None for a Hub id."""
    if source is None:
        folder = bundled_folder(method.name)
        if not (folder / INDEX).is_file():
            raise FileNotFoundError(f"No weights of {method.name} are bundled in {folder}: name a folder or Hub id.")
        return folder
    folder = Path(source).expanduser()
    if folder.is_dir():
        return folder
    if folder.suffix in PICKLES:
        raise ValueError(f"{source} is a pickle, which may run code when opened: a folder of safetensors is needed.")
    if folder.exists():
        raise NotADirectoryError(f"{source} is a file; needed is the folder that holds {INDEX}, or a Hub id.")
    if isinstance(source, Path) or not _HUB_ID.fullmatch(source):
        raise FileNotFoundError(f"There is no folder {str(source)!r}, and a Hub id reads namespace/name.")
    return None


def _download(cls: type, repo: str, variant: str | None, options: dict[str, Any]) -> Path:
    """Fetch the index, then the JSON and safetensors files of the components it names; return the cached folder.

    A repository that holds a pickle, or a file that no model has, is refused, whether or not it would be read.
    """
    from huggingface_hub import hf_hub_download, snapshot_download
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import httpx

    try:
        folder = Path(hf_hub_download(repo, INDEX, **options)).parent
        components = [name for name, value in read_index(folder, cls).items() if isinstance(value, type)]
        pinned = options | {"revision": folder.name}  # the commit just seen, should a new one come meanwhile
        if not options["local_files_only"]:
            _refuse_strangers(repo, folder.name, options["token"])
        files = [weights_name(variant)] + (["*.safetensors"] if variant is None else [])
        for file in files:  # the second, all variants, only where there is no plain file
            patterns = [f"{name}/{one}" for name in components for one in ("config.json", file)]
            folder = Path(snapshot_download(repo, allow_patterns=patterns, **pinned))
            if all(any((folder / name).glob(file)) for name in components):
                break
        return folder
    except (OSError, HFValidationError, httpx.HTTPError) as error:
        raise OSError(_hub_sentence(repo, options["revision"], error)) from error


def _refuse_strangers(repo: str, commit: str, token: str | bool | None) -> None:
    from huggingface_hub import HfApi
    from huggingface_hub.errors import OfflineModeIsEnabled
    from huggingface_hub.utils import httpx

    try:
        names = HfApi(token=token).list_repo_files(repo, revision=commit)
    except (OfflineModeIsEnabled, httpx.TransportError):
        return  # nothing can be fetched either: what lies in the cache was looked at when it came
    for name in map(Path, names):
        if name.suffix in PICKLES:
            raise ValueError(f"The Hub model {repo!r} holds {name}, a pickle, which may run code when opened: refused.")
        if name.name not in _HUB_NAMES and name.suffix not in _HUB_SUFFIXES:
            raise ValueError(f"The Hub model {repo!r} holds {name}, which is no part of a model: refused.")


def _hub_sentence(repo: str, revision: str | None, error: Exception) -> str:
    from huggingface_hub import errors

    start = f"There is no folder {repo!r} here, and on the Hub"
    if isinstance(error, errors.GatedRepoError):
        return f"The Hub model {repo!r} asks for permission first: request it on its page, then pass `token`."
    if isinstance(error, errors.RepositoryNotFoundError):
        return f"{start} no model of that name is public; a private one needs `token`."
    if isinstance(error, errors.RevisionNotFoundError):
        return f"The Hub model {repo!r} has no revision {revision!r}."
    if isinstance(error, errors.RemoteEntryNotFoundError):
        return f"The Hub model {repo!r} has no {INDEX}: it is no pipeline."
    if isinstance(error, errors.LocalEntryNotFoundError | errors.OfflineModeIsEnabled):
        cause = error.__cause__
        if cause is not None and not isinstance(cause, errors.OfflineModeIsEnabled):
            return (
                f"There is no folder {repo!r} here, and the Hub does not answer ({one_line(cause)}): try again later."
            )
        return f"{start} nothing can be looked up offline; the model was not downloaded before."
    return f"The Hub model {repo!r} could not be downloaded: {one_line(error)}."
