"""Atomic writes: a file or folder is written beside its place, synced, and renamed into it."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pairforge.records import schema
from pairforge.run.log import cannot_write, sync_folder

_BESIDE = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.(?P<kind>tmp|old)")


@contextlib.contextmanager
def replacing(file: Path) -> Iterator[Path]:
    """A temporary path beside `file` that takes its place, durably, when the block ends well.

    Raises `RunError` when the place cannot be written (read-only, disk full).
    """
    temporary = beside(file)
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(file)
        sync_folder(file.parent)
    except OSError as error:
        raise cannot_write(file, error) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink()


@contextlib.contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """An empty folder beside `folder` that takes its place as a whole when the block ends well.

    A process that is killed between the two renames leaves the old folder as `.old`: see `remove_leftovers`.
    """
    with temporary_folder(beside(folder)) as temporary:
        yield temporary
        old = beside(folder, "old")
        if folder.exists():
            folder.rename(old)
        temporary.rename(folder)
        shutil.rmtree(old, ignore_errors=True)


@contextlib.contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A new, empty folder that is removed when the block ends. Named by `beside`, it is found after a kill."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def beside(place: Path, kind: str = "tmp") -> Path:
    """The name of this process for something that is to stand at `place`."""
    return place.with_name(f".{place.name}.{os.getpid()}.{kind}")


def remove_leftovers(folder: Path) -> None:
    """Remove what processes that were killed left in `folder` and the folders in it, under the names of `beside`.

    A folder that was moved away for a new one that never took its place is put back.
    """
    for pattern in (".*.old", "*/.*.old", ".*.tmp", "*/.*.tmp"):
        for entry in folder.glob(pattern):
            found = _BESIDE.fullmatch(entry.name)
            if found is None or process_lives(int(found["pid"])):
                continue
            place = entry.with_name(found["name"])
            if found["kind"] == "old" and not place.exists():
                entry.rename(place)
            elif entry.is_dir():
                shutil.rmtree(entry)
            else:
                entry.unlink(missing_ok=True)


def process_lives(pid: int) -> bool:
    """Whether a process of this machine has that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:  # it lives and belongs to somebody else
        return True
    return True


def write_text(file: Path, text: str) -> None:
    """Write a text file atomically."""
    with replacing(file) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_rows(
    file: Path, rows: Iterable[Mapping[str, Any]], kind: type | pa.Schema, rows_per_group: int = 1000
) -> int:
    """Write rows as parquet with the schema `kind`, or that of the record `kind`, atomically and in bounded memory;
    returns their number."""
    count, iterator = 0, iter(rows)
    columns = schema(kind) if isinstance(kind, type) else kind
    with replacing(file) as temporary, pq.ParquetWriter(temporary, columns, compression="zstd") as writer:
        while chunk := list(itertools.islice(iterator, rows_per_group)):
            writer.write_table(pa.Table.from_pylist(chunk, schema=columns))
            count += len(chunk)
    return count
