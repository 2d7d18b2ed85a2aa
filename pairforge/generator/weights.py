"""The identity of a local model's weights: a digest that any training changes, in a fraction of a second."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

PIECE_BYTES = 1 << 16
PIECES_OF_OTHERS = 64  # of a file whose tensors are not known
SUFFIXES = (".safetensors", ".bin", ".pt", ".pth", ".gguf")
LONGEST_HEADER_BYTES = 100_000_000  # what safetensors itself accepts


def weights_digest(folder: str | Path) -> str:
    """32 hex digits over a model folder: its config.json, and of each weight file the name, the size and samples.

    Of a safetensors file, the header and 64 KiB from the middle of every tensor are read (a small tensor whole); of any
    other weight file, 64 pieces of that size. A 7B model takes some 20 MB of reading. Renaming the folder changes
    nothing; a training step changes it. It is no protection against someone who forges weights: for that, compare whole
    files. "" for a folder without weights.
    """
    files = sorted(file for file in Path(folder).glob("*") if file.suffix in SUFFIXES and file.is_file())
    if not files:
        return ""
    found = hashlib.sha256()
    config = Path(folder) / "config.json"
    found.update(config.read_bytes() if config.is_file() else b"")
    for file in files:
        size = file.stat().st_size
        found.update(f"\n{file.name} {size}\n".encode())
        with file.open("rb") as handle:
            for piece in _pieces(handle, size, is_safetensors=file.suffix == ".safetensors"):
                found.update(piece)
    return found.hexdigest()[:32]


def _pieces(handle: BinaryIO, size: int, *, is_safetensors: bool) -> Iterator[bytes]:
    """The parts of a file that stand for it."""
    header = _header(handle, size) if is_safetensors else b""
    yield header
    start = 8 + len(header)
    for begin, end in sorted(_tensors(header)) or _equal_parts(size):
        offset = start if header else 0
        middle = max(begin, (begin + end - PIECE_BYTES) // 2)
        handle.seek(offset + middle)
        yield handle.read(min(PIECE_BYTES, end - begin))


def _header(handle: BinaryIO, size: int) -> bytes:
    """The JSON header of a safetensors file, b"" where it has none."""
    length = int.from_bytes(handle.read(8), "little")
    return handle.read(length) if 0 < length <= min(size - 8, LONGEST_HEADER_BYTES) else b""


def _tensors(header: bytes) -> list[tuple[int, int]]:
    """Where each tensor begins and ends, counted from the end of the header."""
    try:
        entries = json.loads(header).values()
        spans = [entry["data_offsets"] for entry in entries if "data_offsets" in entry]
        return [(int(begin), int(end)) for begin, end in spans if 0 <= begin < end]
    except (ValueError, TypeError, AttributeError):
        return []


def _equal_parts(size: int) -> list[tuple[int, int]]:
    step = max(PIECE_BYTES, -(-size // PIECES_OF_OTHERS))
    return [(begin, min(size, begin + step)) for begin in range(0, size, step)]
