"""Pipelines loaded once and kept, whoever asks first."""

import json
import re
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pipelines
from pipelines import get_method
from ui import gpu, memory
from ui.job_log import write_line
from ui.languages import UserError

HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
Key = tuple[str, str | None, str | None]  # method, source, revision


def load_pipeline(method: str, source: str | None, revision: str | None) -> Any:
    """The pipeline of `method` from a folder, a Hub id, or (None) the bundled weights."""
    import torchvision_guard  # noqa: F401  before diffusers, see its docstring

    options = {"revision": revision} if revision else {}
    pipe = get_method(method).load("pipeline").from_pretrained(source, **options)
    return pipe if gpu.DEVICE == "cpu" else pipe.to(gpu.DEVICE)


class Models:
    """Pipelines by method, source and revision, loaded on first use behind a lock.

    Args:
        sources: method name -> folder or Hub id to use in place of the bundled weights. The operator's choice: not
            restricted by `folders`.
        folders: whether a person at the page may name a folder. Only for an app nobody else reaches: a path typed by
            a stranger would tell which folders exist on the host and load what lies there.
        most: how many pipelines stay loaded; the one unused for longest goes first, never one at work.
        ceiling: bytes of resident memory beyond which idle pipelines go; None for no such limit.
        load: called as load(method, source, revision).
        resident: tells the bytes of resident memory.
    """

    def __init__(
        self,
        sources: dict[str, str] | None = None,
        *,
        folders: bool = False,
        most: int = 2,
        ceiling: int | None = None,
        load: Callable[[str, str | None, str | None], Any] | None = None,
        resident: Callable[[], int] = memory.resident_bytes,
    ):
        self.sources, self.folders, self.most = dict(sources or {}), folders, most
        self._load = load or load_pipeline
        self._custom, self._ceiling, self._resident = load is not None, ceiling, resident
        self._loaded: OrderedDict[Key, Any] = OrderedDict()
        self._at_work: Counter[Key] = Counter()
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
        key = self._key(method, source, revision)
        with self._reserved(key):
            return self._pipe(key)

    @contextmanager
    def use(self, method: str, source: str | None = None, revision: str | None = None) -> Iterator[Any]:
        """The pipeline, as `get`, and nobody takes it away until the block ends."""
        key = self._key(method, source, revision)
        try:
            with self._reserved(key):
                yield self._pipe(key)
        finally:
            self.make_room()

    def loaded(self) -> list[str]:
        """Methods of the pipelines in memory, the one used last at the end."""
        with self._lock:
            return [method for method, *_ in self._loaded]

    def make_room(self) -> int:
        """Let idle pipelines go, the one unused for longest first, while memory is short; how many went."""
        gone = 0
        while self._ceiling is not None and self._resident() > self._ceiling and self._drop_idle():
            memory.hand_back()
            gone += 1
        if gone:
            write_line("models", outcome="released", count=gone)
        return gone

    def warm_up(self, methods: list[str]) -> threading.Thread:
        """Load the default pipelines of `methods` in the background; failures show when the button is pressed."""

        def load() -> None:
            for method in methods:
                try:
                    self.get(method)
                except UserError as error:
                    write_line("models", outcome="failed", method=method, reason=error.key)

        thread = threading.Thread(target=load, name="warm-up", daemon=True)
        thread.start()
        return thread

    def _key(self, method: str, source: str | None, revision: str | None) -> Key:
        """What the default and what a person typed stand for; UserError for what cannot be loaded."""
        source, revision = (source or "").strip() or None, (revision or "").strip() or None
        if source is None:
            if not self.has_default(method):
                raise UserError("error_no_weights")
            return method, self.sources.get(method), None
        source = str(Path(source).expanduser()) if source.startswith("~") else source
        self._check_source(source)
        return method, source, revision

    @contextmanager
    def _reserved(self, key: Key) -> Iterator[None]:
        with self._lock:
            self._at_work[key] += 1
        try:
            yield
        finally:
            with self._lock:
                self._at_work[key] -= 1
                if not self._at_work[key]:
                    del self._at_work[key]

    def _pipe(self, key: Key) -> Any:
        if (pipe := self._remembered(key)) is not None:
            return pipe
        with self._loading:  # one at a time: two loads at once need twice the memory and no less time
            if (pipe := self._remembered(key)) is not None:
                return pipe
            self.make_room()
            pipe = gpu.placed(self._load_or_explain(key), key)
            with self._lock:
                self._loaded[key] = pipe
            while len(self._loaded) > self.most and self._drop_idle():
                pass
            return pipe

    def _drop_idle(self) -> bool:
        """Forget the pipeline unused for longest; False where all are at work."""
        with self._lock:
            idle = next((key for key in self._loaded if key not in self._at_work), None)
            if idle is not None:
                del self._loaded[idle]
            return idle is not None

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
            write_line("models", outcome="failed", method=method, error=type(error).__name__)
            if not self.folders:  # the sentence may name places on the host
                raise UserError("error_model", source=source or method) from error
            reason = str(error).strip().split("\n")[0][:400]
            raise UserError("error_model_because", source=source or method, reason=reason) from error


def _bundled(method: str) -> Path:
    """Where the weights of `method` lie that come with the project, if they are there."""
    return Path(pipelines.__file__).resolve().parent.parent / "weights" / method
