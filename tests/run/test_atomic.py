"""Folders that take their place as a whole, and what killed processes leave."""

import os
from pathlib import Path

import pytest

from pairforge.run.atomic import beside, remove_leftovers, replacing_folder

DEAD = 4194399  # above the largest process id of a machine with default settings


def test_a_folder_is_replaced_as_a_whole(tmp_path: Path):
    place = tmp_path / "deep" / "place"
    for content in ("old", "new"):
        with replacing_folder(place) as folder:
            (folder / content).write_text(content)
    assert [file.name for file in place.iterdir()] == ["new"]
    assert [file.name for file in place.parent.iterdir()] == ["place"]


def test_a_block_that_fails_leaves_the_old_folder(tmp_path: Path):
    with replacing_folder(tmp_path / "place") as folder:
        (folder / "old").touch()
    with pytest.raises(KeyError), replacing_folder(tmp_path / "place") as folder:
        (folder / "new").touch()
        raise KeyError
    assert [str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")] == ["place", "place/old"]


def test_leftovers_of_dead_processes_go_and_others_stay(tmp_path: Path):
    for name in (f".a.{DEAD}.tmp", f"sub/.b.json.{DEAD}.tmp", f".gone.{DEAD}.old", f"sub/.there.{DEAD}.old"):
        (tmp_path / name).mkdir(parents=True)
    for name in ("there", "sub/there", "sub/.notes.tmp", f"sub/{beside(tmp_path / 'mine').name}"):
        (tmp_path / name).mkdir(exist_ok=True)
    remove_leftovers(tmp_path)
    left = {str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*")}
    assert left == {"gone", "there", "sub", "sub/there", "sub/.notes.tmp", f"sub/.mine.{os.getpid()}.tmp"}
