"""How much memory the process holds and may hold."""

import ctypes
import gc
import sys
from pathlib import Path

import psutil

_CGROUP_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))  # v2, v1
SHARE = 0.8  # of what the machine or container has; the rest is for the work itself


def resident_bytes() -> int:
    """Resident memory of this process."""
    return psutil.Process().memory_info().rss


def memory_limit(files: tuple[Path, ...] = _CGROUP_LIMITS) -> int:
    """Bytes that the container, or else the machine, has.

    Args:
        files: where the kernel tells a container's limit; "max", or a number beyond the machine's, is none.
    """
    limit = psutil.virtual_memory().total
    for file in files:
        try:
            text = file.read_text(encoding="ascii").strip()
        except OSError:
            continue
        if text.isdecimal():
            limit = min(limit, int(text))
    return limit


def ceiling(megabytes: int) -> int:
    """Bytes of resident memory at which idle models go: so many megabytes, or a share of what there is."""
    return min(megabytes * 1_000_000, int(SHARE * memory_limit()))


def hand_back() -> None:
    """Collect what nobody refers to, and give free pages back to the system where the C library would keep them."""
    gc.collect()
    if sys.platform == "linux":
        try:
            ctypes.CDLL("libc.so.6").malloc_trim(0)
        except (OSError, AttributeError):  # another C library keeps less
            return
