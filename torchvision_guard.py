"""Let `import torchvision` succeed beside a CPU build of torch. Import this module first, before diffusers or lpips.

The torchvision wheel is linked against CUDA. Beside a CPU torch its compiled operators cannot be loaded, and its
Python part, which describes `nms` and `qnms`, fails with "operator torchvision::nms does not exist". Declaring the
two operators, only where loading fails, lets the Python part import; the compiled operators stay unusable.
"""

import importlib.util
from pathlib import Path

import torch

_SCHEMA = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_declarations: list[torch.library.Library] = []  # a collected library takes its declarations along


def _guard() -> None:
    spec = importlib.util.find_spec("torchvision")
    if spec is None or not spec.submodule_search_locations or hasattr(torch.ops.torchvision, "nms"):
        return
    folder = Path(next(iter(spec.submodule_search_locations)))
    try:
        for file in [*folder.glob("_C*.so"), *folder.glob("_C*.pyd")]:
            torch.ops.load_library(str(file))
    except OSError:
        pass  # built for another torch: declared below
    if hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        library.define(name + _SCHEMA)
    _declarations.append(library)


_guard()
