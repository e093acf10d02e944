"""Which weights made a picture: a name and a revision that go into the picture's file."""

import hashlib
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

_DIGESTS: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


def model_of(pipe: Any, method: str, source: str | None, revision: str | None) -> tuple[str, str]:
    """Name and revision of the weights of a pipeline that makes pictures.

    Args:
        pipe: has the network `generator`.
        method: name of the method.
        source: what it was loaded from: a Hub id or a folder, whose place on the disk is nobody's business; None: the
            bundled weights.
        revision: the one asked for on the Hub.

    Returns:
        "detail-generator (bundled)", a folder's name or a Hub id, and the revision: the one given, or a digest of the
        generator's numbers, which changes with them.
    """
    if source is None:
        name = f"{method.replace('_', '-')} (bundled)"
    else:
        folder = Path(source).expanduser()
        name = folder.resolve().name if folder.is_dir() else str(source)
    return name, revision or digest(pipe.generator)


def digest(network: Any) -> str:
    """Twelve hexadecimal digits, after "sha256:", of a network's parameters and buffers as float32."""
    if network not in _DIGESTS:
        total = hashlib.sha256()
        for key, values in sorted(network.state_dict().items()):
            total.update(key.encode())
            total.update(values.detach().float().cpu().contiguous().numpy().tobytes())
        _DIGESTS[network] = f"sha256:{total.hexdigest()[:12]}"
    return _DIGESTS[network]
