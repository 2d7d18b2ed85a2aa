"""The lock: one process at a time, named, and never left behind."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from pairforge.errors import RunError
from pairforge.run.lock import locked

HOLD = "import sys,pathlib; from pairforge.run.lock import locked\nwith locked(pathlib.Path(sys.argv[1])): print('held', flush=True); sys.stdin.read()"
TRY = "import sys,pathlib; from pairforge.run.lock import locked\nwith locked(pathlib.Path(sys.argv[1])): print('held')"


def hold(file: Path) -> subprocess.Popen:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "held\n"
    return holder


def test_a_second_process_is_told_who_holds_it(tmp_path: Path):
    holder = hold(tmp_path / "run" / ".lock")
    with pytest.raises(RunError, match=f"in use by process {holder.pid}"), locked(tmp_path / "run" / ".lock"):
        pass
    holder.communicate()
    with locked(tmp_path / "run" / ".lock"):
        pass


def test_the_lock_of_a_killed_process_is_taken_over(tmp_path: Path):
    holder = hold(tmp_path / ".lock")
    holder.kill()
    holder.wait()
    assert (tmp_path / ".lock").read_text() != ""  # its name is still there, and means nothing
    with locked(tmp_path / ".lock"):
        assert str(os.getpid()) in (tmp_path / ".lock").read_text()


def test_one_process_may_take_it_twice_and_keeps_it_until_the_outer_end(tmp_path: Path):
    def others_try() -> bool:
        done = subprocess.run([sys.executable, "-c", TRY, str(tmp_path / ".lock")], capture_output=True, text=True)
        return done.returncode == 0

    with locked(tmp_path / ".lock"):
        with locked(tmp_path / ".lock"):
            assert not others_try()
        assert not others_try()
    assert others_try()


def test_a_place_that_cannot_be_written_is_a_clear_error(tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(RunError, match="cannot write"), locked(tmp_path / "file" / ".lock"):
        pass
