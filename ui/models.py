"""Pipelines loaded once and kept, whoever asks first."""

import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pipelines
from pipelines import get_method
from ui.languages import UserError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
Key = tuple[str, str | None, str | None]  # method, source, revision


def load_pipeline(method: str, source: str | None, revision: str | None) -> Any:
    """The pipeline of `method` from a folder, a Hub id, or (None) the bundled weights."""
    import torchvision_guard  # noqa: F401  before diffusers, see its docstring

    options = {"revision": revision} if revision else {}
    return get_method(method).load("pipeline").from_pretrained(source, **options)


class Models:
    """Pipelines by method, source and revision, loaded on first use behind a lock.

    Args:
        sources: method name -> folder or Hub id to use in place of the bundled weights. The operator's choice: not
            restricted by `folders`.
        folders: whether a person at the page may name a folder. Only for an app nobody else reaches: a path typed by
            a stranger would tell which folders exist on the host and load what lies there.
        most: how many pipelines stay loaded; the one unused for longest goes first.
        load: called as load(method, source, revision).
    """

    def __init__(
        self,
        sources: dict[str, str] | None = None,
        *,
        folders: bool = False,
        most: int = 2,
        load: Callable[[str, str | None, str | None], Any] | None = None,
    ):
        self.sources, self.folders, self.most = dict(sources or {}), folders, most
        self._load = load or load_pipeline
        self._custom = load is not None
        self._loaded: OrderedDict[Key, Any] = OrderedDict()
        self._lock, self._loading = threading.Lock(), threading.Lock()

    def has_default(self, method: str) -> bool:
        """Whether `get(method)` has weights to load; otherwise the page says so rather than run a random network."""
        return self._custom or method in self.sources or (_bundled(method) / "model_index.json").is_file()

    def default_parts(self, method: str) -> frozenset[str] | None:
        """Names of the networks that the default weights of `method` have; None where no folder tells."""
        if self._custom:
            return None
        folder = Path(self.sources.get(method) or _bundled(method))
        try:
            index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        parts = {name: kind for name, kind in index.items() if not name.startswith("_")}
        return frozenset(name for name, kind in parts.items() if isinstance(kind, list) and all(kind))

    def get(self, method: str, source: str | None = None, revision: str | None = None) -> Any:
        """The pipeline of `method`, loading it if need be.

        Args:
            source: Hub id or folder as typed by a person; None or "" for the default.
            revision: branch, tag or commit on the Hub.

        Raises:
            UserError: no default weights, a name that is none, a folder where none may be chosen, or a model that
                does not load.
        """
        source, revision = (source or "").strip() or None, (revision or "").strip() or None
        if source is None:
            if not self.has_default(method):
                raise UserError("error_no_weights")
            source, revision = self.sources.get(method), None
        else:
            source = str(Path(source).expanduser()) if source.startswith("~") else source
            self._check_source(source)
        key = (method, source, revision)
        if (pipe := self._remembered(key)) is not None:
            return pipe
        with self._loading:  # one at a time: two loads at once need twice the memory and no less time
            if (pipe := self._remembered(key)) is not None:
                return pipe
            pipe = self._load_or_explain(key)
            with self._lock:
                self._loaded[key] = pipe
                while len(self._loaded) > self.most:
                    self._loaded.popitem(last=False)
            return pipe

    def warm_up(self, methods: list[str]) -> threading.Thread:
        """Load the default pipelines of `methods` in the background; failures show when the button is pressed."""

        def load() -> None:
            for method in methods:
                try:
                    self.get(method)
                except UserError as error:
                    print(f"{method}: {error}", flush=True)

        thread = threading.Thread(target=load, name="warm-up", daemon=True)
        thread.start()
        return thread

    def _remembered(self, key: Key) -> Any | None:
        with self._lock:
            if key not in self._loaded:
                return None
            self._loaded.move_to_end(key)
            return self._loaded[key]

    def _check_source(self, source: str) -> None:
        # A relative folder may look like a Hub id, and loaders prefer the folder: so both are asked for. Where folders
        # are refused, the answer is the same whether there is one or not.
        is_folder = Path(source).is_dir()
        if is_folder and self.folders:
            return
        if is_folder or not HUB_ID.fullmatch(source):
            raise UserError("error_model_name_or_folder" if self.folders else "error_model_name", source=source[:100])

    def _load_or_explain(self, key: Key) -> Any:
        method, source, revision = key
        try:
            return self._load(method, source, revision)
        except (OSError, ValueError) as error:  # what `from_pretrained` raises, in sentences
            print(f"{method}: {error}", flush=True)
            if not self.folders:  # the sentence may name places on the host
                raise UserError("error_model", source=source or method) from error
            reason = str(error).strip().split("\n")[0][:400]
            raise UserError("error_model_because", source=source or method, reason=reason) from error


def _bundled(method: str) -> Path:
    """Where the weights of `method` lie that come with the project, if they are there."""
    return Path(pipelines.__file__).resolve().parent.parent / "weights" / method
