"""The demo without an engine: the samples of the package are those that the recipe asks for."""

import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from pairforge import cli, demo
from pairforge.pipeline import open_session
from pairforge.pipeline.presampled import build_presampled
from pairforge.recipe import load_recipe


def test_nothing_is_missing_and_the_pairs_are_those_of_the_engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "vllm", None)  # as if it were not installed: nothing may start it
    summary = build_presampled(load_recipe(demo.recipe_path()), tmp_path / "demo", demo.samples_path())
    assert (summary.problems, summary.samples, summary.pairs) == (480, 1095, 307)
    session = open_session(str(tmp_path / "demo"))
    assert session.verdicts.height == session.samples.height


def test_the_command_says_so_and_what_to_do_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    cli.load_commands()
    shown = CliRunner().invoke(cli.app, ["demo", "--run", str(tmp_path / "demo")])
    assert shown.exit_code == 0, shown.output
    assert "vLLM is not installed" in shown.output
    assert "pairforge init my.yaml" in shown.output
