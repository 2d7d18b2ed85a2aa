"""One writer at a time: a lock that names its holder and cannot outlive it."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from pairforge.errors import RunError
from pairforge.run.log import cannot_write

_held: dict[Path, int] = {}


@contextlib.contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold the lock `file` for the block. A process that holds it already may take it again.

    The kernel frees the lock of a process that died, however it died, so a stale lock is taken over silently.
    Raises `RunError` naming the holder when another process has it.
    """
    file = file.absolute()
    if _held.get(file):
        _held[file] += 1
        try:
            yield
        finally:
            _held[file] -= 1
        return
    fd = _take(file)
    _held[file] = 1
    try:
        yield
    finally:
        del _held[file]
        with contextlib.suppress(OSError):
            os.ftruncate(fd, 0)
        os.close(fd)


def _take(file: Path) -> int:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        fd = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise cannot_write(file, error) from error
    try:
        # A POSIX lock, not flock: child processes do not inherit it, so an engine's orphan cannot keep it.
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.ftruncate(fd, 0)
        os.pwrite(fd, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
    except OSError as error:
        holder = os.pread(fd, 1000, 0)
        os.close(fd)
        if error.errno in (errno.EACCES, errno.EAGAIN):
            raise _in_use(file, holder) from None
        raise cannot_write(file, error) from error
    return fd


def _in_use(file: Path, holder: bytes) -> RunError:
    try:
        who = json.loads(holder)
        pid, host = int(who["pid"]), str(who["host"])
    except (ValueError, KeyError, TypeError):  # it has the lock and has not written its name yet
        return RunError(f"{file.parent} is in use by another process", hint="wait for it, or name another run")
    where = "" if host == socket.gethostname() else f" on {host}"
    return RunError(
        f"{file.parent} is in use by process {pid}{where}",
        hint=f"wait for it, or stop it (`kill {pid}`): it keeps what it has, and this command goes on from there",
    )
