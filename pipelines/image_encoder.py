"""Write a picture row by row: PNG, TIFF, JPEG or WebP, whole under its name or not at all.

The encoder is libvips on a thread of its own. It draws the picture from a PNG stream without compression that
exists only in passing: rows go in at one end while compressed bytes leave for the disk at the other.
"""

import os
import queue
import secrets
import shutil
import struct
import threading
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyvips

SUFFIXES = (".png", ".tif", ".tiff", ".jpg", ".jpeg", ".webp")
MAX_SIDE = {".jpg": 65535, ".jpeg": 65535, ".webp": 16383}  # what the formats' headers can say
BIG_TIFF_BYTES = 4_000_000_000  # a plain TIFF ends at 2^32 bytes

_CHUNK_BYTES = 1 << 20
_PNG_COLOUR_TYPE = {1: 0, 3: 2, 4: 6}


def check_target(source: Path, target: Path, overwrite: bool) -> None:
    """Make sure that `target` may be written.

    Raises:
        ValueError: for a suffix that is not in `SUFFIXES`, or a target that is the source.
        FileExistsError: if it exists and `overwrite` is False.
        FileNotFoundError: if its folder does not exist.
    """
    if target.suffix.lower() not in SUFFIXES:
        raise ValueError(f"Cannot write {target.name}: the name must end in one of {', '.join(SUFFIXES)}.")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"There is no folder {str(target.parent)!r} to write {target.name} into.")
    if target.exists() and source.exists() and os.path.samefile(source, target):
        raise ValueError(f"{target.name} is the source itself; choose another target.")
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target.name} exists already and is kept; ask for overwriting to replace it.")


def check_target_size(target: Path, height: int, width: int, alpha: bool) -> None:
    """Raise a ValueError if the format cannot hold a picture of this size, or its transparency."""
    suffix = target.suffix.lower()
    limit = MAX_SIDE.get(suffix)
    if limit is not None and max(height, width) > limit:
        raise ValueError(
            f"Cannot write {target.name}: {suffix[1:]} holds at most {limit} pixels a side and the picture is "
            f"{width}x{height}; use .png or .tif."
        )
    if alpha and suffix in (".jpg", ".jpeg"):
        raise ValueError(f"Cannot write {target.name}: jpg holds no transparency; use .png, .tif or .webp.")


@contextmanager
def encode_rows(
    target: Path, height: int, width: int, channels: int, dtype: np.dtype, overwrite: bool = False
) -> Iterator[Callable[[np.ndarray], None]]:
    """Open `target` for writing; use as `with encode_rows(...) as write: write(rows) ...`.

    PNG, TIFF and WebP are written without loss, JPEG at quality 95 without chroma subsampling. JPEG and WebP hold
    8 bits: 16 are reduced. A TIFF of more than `BIG_TIFF_BYTES` becomes a tiled BigTIFF pyramid. Memory: some rows,
    but WebP needs the whole picture (4 bytes a pixel, at most 1.1 GB). The file grows under a hidden temporary name
    beside `target` and is renamed when whole; any exception in the block deletes it.

    Args:
        height, width, channels: of the picture; 1, 3 or 4 channels.
        dtype: uint8 or uint16.
        overwrite: replace a file that is there.

    Yields:
        A function that takes the next rows (h, width, channels).

    Raises:
        OSError: if the file cannot be written, or rows are missing at the end.
        FileExistsError: if `target` came to exist meanwhile and `overwrite` is False.
    """
    suffix = target.suffix.lower()
    temporary = target.with_name(f".{secrets.token_hex(8)}{suffix}")
    stream = _RowStream(height, width, channels, np.dtype(dtype))
    encoder = threading.Thread(target=stream.encode, args=(temporary, suffix), name="image encoder", daemon=True)
    encoder.start()
    try:
        try:
            yield stream.write
            stream.close()
        except _EncoderStopped:
            pass  # its error is told below
        except BaseException:
            stream.abort()
            raise
        finally:
            encoder.join()
        if stream.error is not None:
            raise OSError(f"{target.name} could not be written ({_reason(stream.error, target)}).") from stream.error
        if target.exists() and not overwrite:
            raise FileExistsError(f"{target.name} appeared while the picture was painted and is kept.")
        os.replace(temporary, target)
    finally:
        temporary.unlink(missing_ok=True)


class _EncoderStopped(Exception):
    """The encoder takes no more rows: its `error` says why."""


class _RowStream:
    """The passage between two threads: `write` puts PNG chunks in, libvips takes bytes out."""

    def __init__(self, height: int, width: int, channels: int, dtype: np.dtype):
        self.shape, self.dtype = (height, width, channels), dtype
        self.error: Exception | None = None
        self._ended = threading.Event()
        self._aborted = False
        self._chunks: queue.Queue[bytes] = queue.Queue(maxsize=2)
        self._rest, self._at_end = memoryview(b""), False
        self._deflate = zlib.compressobj(0)
        bits = 8 * dtype.itemsize
        header = struct.pack(">IIBBBBB", width, height, bits, _PNG_COLOUR_TYPE[channels], 0, 0, 0)
        self._chunks.put(b"\x89PNG\r\n\x1a\n" + _png_chunk(b"IHDR", header))

    def write(self, rows: np.ndarray) -> None:
        step = max(1, _CHUNK_BYTES // (self.shape[1] * self.shape[2] * self.dtype.itemsize))
        for start in range(0, len(rows), step):
            part = rows[start : start + step].astype(self.dtype.newbyteorder(">"), copy=False)
            lines = np.ascontiguousarray(part).reshape(len(part), -1).view(np.uint8)
            filtered = np.pad(lines, ((0, 0), (1, 0)))  # each PNG row starts with its filter: 0, none
            self._put(_png_chunk(b"IDAT", self._deflate.compress(filtered.tobytes())))

    def close(self) -> None:
        self._put(_png_chunk(b"IDAT", self._deflate.flush()) + _png_chunk(b"IEND", b""))
        self._put(b"")

    def abort(self) -> None:
        self._aborted = True
        while not self._ended.is_set():
            try:
                self._chunks.put(b"", timeout=0.05)
                return
            except queue.Full:
                continue

    def encode(self, path: Path, suffix: str) -> None:
        """The encoder thread: returns when the file is whole, or with `error` set."""
        try:
            source = pyvips.SourceCustom()
            source.on_read(self._read)
            image = pyvips.Image.pngload_source(source, access="sequential", unlimited=True, fail_on="error")
            _save(image, path, suffix)
        except Exception as error:  # raised to the writer's thread, whatever it is
            self.error = error
        finally:
            self._ended.set()

    def _put(self, data: bytes) -> None:
        while not self._ended.is_set():  # an encoder that failed takes nothing more; its error is raised at the end
            try:
                self._chunks.put(data, timeout=0.1)
                return
            except queue.Full:
                continue
        if self.error is not None:
            raise _EncoderStopped

    def _read(self, size: int) -> bytes:
        if self._aborted or self._at_end:
            return b""
        if not self._rest:
            self._rest = memoryview(self._chunks.get())
            self._at_end = not self._rest
        part, self._rest = self._rest[:size], self._rest[size:]
        return bytes(part)


def _save(image: pyvips.Image, path: Path, suffix: str) -> None:
    if suffix == ".png":
        image.pngsave(str(path), compression=3)
    elif suffix == ".webp":
        image.webpsave(str(path), lossless=True, effort=2)
    elif suffix in (".jpg", ".jpeg"):
        image.jpegsave(str(path), Q=95, subsample_mode="off")
    else:
        samples = image.width * image.height * image.bands
        big = samples * (2 if image.format == "ushort" else 1) > BIG_TIFF_BYTES
        image.tiffsave(str(path), compression="deflate", predictor="horizontal", bigtiff=big, tile=big, pyramid=big)


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _reason(error: BaseException, target: Path) -> str:
    if shutil.disk_usage(target.parent).free < _CHUNK_BYTES:  # libvips does not always hand on what the system said
        return "the disk is full"
    lines = [line.strip() for line in str(getattr(error, "detail", "") or error).splitlines() if line.strip()]
    return lines[-1][:200] if lines else type(error).__name__
