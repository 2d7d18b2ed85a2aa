"""The append-only log: what was appended is there after any death of the writer."""

import errno
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import RunError
from pairforge.run.log import AppendLog, read_log

rows = st.lists(st.dictionaries(st.text(), st.one_of(st.text(), st.integers(), st.none(), st.booleans())), max_size=8)


def write(path: Path, *some: dict) -> None:
    with AppendLog(path) as log:
        for row in some:
            log.append(row)


def test_rows_come_back_in_order(tmp_path: Path):
    write(tmp_path / "log", {"a": 1}, {"b": "zwei\n\ud800"})
    write(tmp_path / "log", {"c": None})
    assert list(read_log(tmp_path / "log")) == [{"a": 1}, {"b": "zwei\n\ud800"}, {"c": None}]


def test_a_log_that_was_never_written_is_empty(tmp_path: Path):
    assert list(read_log(tmp_path / "none")) == []


@given(rows=rows, data=st.data())
def test_cut_anywhere_every_whole_line_survives_and_writing_goes_on(tmp_path_factory, rows, data):
    path = tmp_path_factory.mktemp("log") / "log"
    write(path, *rows)
    content = path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    path.write_bytes(content[:cut])
    whole = content[:cut].count(b"\n")
    assert list(read_log(path)) == rows[:whole]
    write(path, {"after": True})
    assert list(read_log(path)) == [*rows[:whole], {"after": True}]


def test_a_torn_line_longer_than_a_block_is_cut_off(tmp_path: Path):
    write(tmp_path / "log", {"a": 1})
    with (tmp_path / "log").open("ab") as torn:
        torn.write(b'{"text": "' + b"x" * 200_000)
    write(tmp_path / "log", {"b": 2})
    assert list(read_log(tmp_path / "log")) == [{"a": 1}, {"b": 2}]


def test_damage_in_the_middle_is_named(tmp_path: Path):
    (tmp_path / "log").write_bytes(b'{"a": 1}\n\0\0\0\n{"b": 2}\n')
    with pytest.raises(RunError, match="line 2: not a JSON object"):
        list(read_log(tmp_path / "log"))


def test_a_full_disk_is_a_clear_error_and_leaves_whole_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = AppendLog(tmp_path / "log")
    log.append({"a": 1})
    real, calls = os.pwrite, []

    def full_after_five_bytes(fd: int, data: bytes, offset: int) -> int:
        calls.append(offset)
        if len(calls) > 1:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return real(fd, data[:5], offset)

    monkeypatch.setattr(os, "pwrite", full_after_five_bytes)
    with pytest.raises(RunError, match="No space left on device"):
        log.append({"b": "never there"})
    monkeypatch.undo()
    assert (tmp_path / "log").read_bytes() == b'{"a":1}\n'
    log.append({"c": 3})
    log.close()
    assert list(read_log(tmp_path / "log")) == [{"a": 1}, {"c": 3}]


def test_a_real_full_device_is_a_clear_error():
    with pytest.raises(RunError, match="cannot write /dev/full"):
        AppendLog(Path("/dev/full")).append({"a": 1})


def test_a_folder_that_cannot_be_written_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(RunError, match="cannot write"):
        AppendLog(tmp_path / "file" / "log")


def test_fsync_runs_on_its_interval_and_a_failing_one_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    log = AppendLog(tmp_path / "log", fsync_s=0.01)
    synced = []
    monkeypatch.setattr(os, "fsync", synced.append)
    log.append({"a": 1})
    wait_until(lambda: synced)

    def broken(fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "fsync", broken)
    log.append({"b": 2})
    wait_until(lambda: log._sync_error)
    with pytest.raises(RunError, match="Input/output error"):
        log.append({"c": 3})


def test_kill_9_loses_nothing_that_was_reported(tmp_path: Path):
    """A writer reports each row after `append` returned; after SIGKILL every reported row is in the log."""
    code = (
        "import sys; from pathlib import Path; from pairforge.run.log import AppendLog\n"
        "log = AppendLog(Path(sys.argv[1]))\n"
        "for n in range(10**9):\n    log.append({'run': sys.argv[2], 'n': n, 'text': 'x' * 2000})\n    print(n, flush=True)"
    )
    path = tmp_path / "log"
    for run in "abc":
        writer = subprocess.Popen([sys.executable, "-c", code, str(path), run], stdout=subprocess.PIPE, text=True)
        assert writer.stdout is not None
        reported = [int(writer.stdout.readline()) for _ in range(50)]
        writer.send_signal(signal.SIGKILL)
        reported += [int(line) for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
        writer.wait()
        stored = [row["n"] for row in read_log(path) if row["run"] == run]
        assert stored[: len(reported)] == reported
        assert len(stored) <= len(reported) + 1  # at most the row that was written and not yet reported


def wait_until(condition, limit_s: float = 10.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)
