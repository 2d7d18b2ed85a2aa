"""An append-only log of JSON lines that survives the death of its process.

Every `append` is one unbuffered write: once it returns, the row outlives `kill -9`. A background thread calls
`fsync` on a short interval, so that a power loss costs at most that interval. A last line without its newline is
torn (the process died inside the write): readers skip it, the next writer cuts it off, and whoever plans the work
finds it missing and does it again.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

from pairforge.errors import RunError
from pairforge.rowfiles import BadRow, read_json_lines


class AppendLog:
    """The one writer of a log file. A context manager; use it from one thread."""

    def __init__(self, path: Path, *, fsync_s: float = 1.0) -> None:
        """Open the log for appending and cut off a torn last line.

        Raises `RunError` when the file cannot be written.
        """
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._fd = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
            self._end = _end_of_last_line(self._fd)
            os.ftruncate(self._fd, self._end)
            sync_folder(path.parent)
        except OSError as error:
            raise cannot_write(path, error) from error
        self._unsynced = False
        self._sync_error: OSError | None = None
        self._closing = threading.Event()
        self._syncer = threading.Thread(target=self._sync_every, args=(fsync_s,), name="log-fsync", daemon=True)
        self._syncer.start()

    def append(self, row: Mapping[str, Any]) -> None:
        """Write one row; when this returns, the row survives the process.

        Raises `RunError` (disk full, file system gone) with the log cut back to its last whole row.
        """
        if self._sync_error is not None:
            raise cannot_write(self.path, self._sync_error)
        line = json.dumps(row, separators=(",", ":")).encode() + b"\n"  # ASCII: lone surrogates survive as escapes
        try:
            written = 0
            while written < len(line):  # a short write is legal, and usual just before the disk is full
                written += os.pwrite(self._fd, line[written:], self._end + written)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, self._end)
            raise cannot_write(self.path, error) from error
        self._end += len(line)
        self._unsynced = True

    def sync(self) -> None:
        """Make everything appended so far survive a power loss, now."""
        if self._unsynced:
            self._unsynced = False  # before the call: a row appended during it waits for the next one
            os.fsync(self._fd)

    def close(self) -> None:
        """Sync and close. Safe to call twice."""
        if self._closing.is_set():
            return
        self._closing.set()
        self._syncer.join()
        try:
            self.sync()
        except OSError as error:
            raise cannot_write(self.path, error) from error
        finally:
            os.close(self._fd)

    def __enter__(self) -> AppendLog:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def _sync_every(self, interval_s: float) -> None:
        while not self._closing.wait(interval_s):
            try:
                self.sync()
            except OSError as error:  # the next append raises it
                self._sync_error = error
                return


def read_log(path: Path) -> Iterator[dict[str, Any]]:
    """The rows of a log, oldest first; none when there is no file. A torn last line is not a row.

    Raises `RunError` naming the line when a whole line is not a JSON object.
    """
    if not path.exists():
        return
    for number, row in read_json_lines(path, whole_lines=True):
        if isinstance(row, BadRow):
            raise RunError(
                f"{path}, line {number}: not a JSON object",
                hint="the file was damaged; delete that line, and what it held will be done again",
            )
        yield row


def cannot_write(path: Path, error: OSError) -> RunError:
    """The one way to say that a file of a run cannot be written."""
    return RunError(
        f"cannot write {path}: {error.strerror or error}",
        hint="everything stored so far is kept; check free space and permissions, then run the same command again",
    )


def sync_folder(folder: Path) -> None:
    """Make names created in, or renamed into, a folder survive a power loss."""
    fd = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def _end_of_last_line(fd: int, block_bytes: int = 1 << 16) -> int:
    """The offset after the last newline (0 when there is none), reading backwards from the end."""
    position = os.fstat(fd).st_size
    while position > 0:
        start = max(0, position - block_bytes)
        found = os.pread(fd, position - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        position = start
    return 0
