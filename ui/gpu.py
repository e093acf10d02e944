"""Where the networks run: on the CPU, on a device that DANQING_DEVICE names, or on a ZeroGPU Space's borrowed one.

A ZeroGPU Space lends a graphics card to a forked process, for the time of one call of a function that `spaces.GPU`
decorates: what goes in and comes out is pickled. So a pipeline is named by its key there, never sent, and progress
is not shown. Everywhere else `run` and `call` are plain calls.
"""

import importlib
import os
import weakref
from collections.abc import Callable
from typing import Any

from ui.languages import UserError

SECONDS = 60  # that a call may take on the borrowed card
ZERO = os.environ.get("SPACES_ZERO_GPU", "").lower() in ("1", "t", "true")  # as `spaces.config` reads it
_spaces: Any = importlib.import_module("spaces") if ZERO else None  # before torch, which it prepares
DEVICE = os.environ.get("DANQING_DEVICE") or ("cuda" if ZERO else "cpu")

Key = tuple[str, str | None, str | None]  # method, source, revision
_keys: "weakref.WeakKeyDictionary[Any, Key]" = weakref.WeakKeyDictionary()
_pipes: "weakref.WeakValueDictionary[Key, Any]" = weakref.WeakValueDictionary()


def placed(pipe: Any, key: Key) -> Any:
    """The pipeline itself, known by its key from now on."""
    if ZERO:
        _keys[pipe], _pipes[key] = key, pipe
    return pipe


def run(function: Callable, pipe: Any, *arguments: Any, progress: Callable | None = None, **options: Any) -> Any:
    """function(pipe, *arguments, progress=progress, **options), on the device.

    Args:
        function: of a module, not a lambda or a method.

    Raises:
        OSError, ValueError: as the function does.
    """
    if not ZERO:
        return function(pipe, *arguments, progress=progress, **options)
    value, error = _on_card(_keys[pipe], function, arguments, options)
    if error is not None:
        raise error
    return value


def call(pipe: Any, name: str, *arguments: Any, progress: Callable | None = None, **options: Any) -> Any:
    """A method of the pipeline, "__call__" for itself, as `run`; one that takes no `progress` is given none."""
    return run(_method, pipe, name, *arguments, progress=progress, **options)


def _method(pipe: Any, name: str, *arguments: Any, progress: Callable | None, **options: Any) -> Any:
    shown = {"progress": progress} if progress is not None else {}
    return getattr(pipe, name)(*arguments, **options, **shown)


def _in_fork(key: Key, function: Callable, arguments: tuple, options: dict[str, Any]) -> tuple[Any, Any]:
    """Value and None, or None and an error of a kind that the caller knows.

    A fork that is older than the pipeline has it not, and loads its own.
    """
    from ui.models import load_pipeline

    pipe = _pipes.get(key)
    try:
        if pipe is None:
            pipe = load_pipeline(*key)
            _own[key] = pipe
            placed(pipe, key)
        return function(pipe, *arguments, progress=None, **options), None
    except UserError as error:
        return None, error
    except (OSError, ValueError) as error:
        return None, (OSError if isinstance(error, OSError) else ValueError)(str(error))


_own: dict[Key, Any] = {}  # a fork's own pipelines, which nothing else would keep
_on_card = _spaces.GPU(duration=SECONDS)(_in_fork) if ZERO else _in_fork
