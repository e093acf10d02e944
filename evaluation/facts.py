"""What a table must say of its making: machine, versions."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

import torch

_PACKAGES = ("torch", "torchmetrics", "lpips", "piq", "scikit-image", "torch-fidelity", "numpy")


def machine() -> str:
    """Processor, cores, memory-independent and nameless: "x86_64, Example CPU, 2 cores, 2 threads"."""
    return f"{platform.machine()}, {_processor()}, {os.cpu_count()} cores, {torch.get_num_threads()} threads"


def load() -> str:
    """How busy the machine is: the mean number of running processes over 1, 5 and 15 minutes; "unknown" elsewhere."""
    return " ".join(f"{value:.1f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that measure."""
    return {"python": platform.python_version()} | {package: version(package) for package in _PACKAGES}


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    if info.is_file():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown processor"
