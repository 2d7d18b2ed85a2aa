"""What `import pairforge` offers: every public name, loaded when it is used, with examples that run."""

import doctest
import inspect
import os
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest

import pairforge
from pairforge import api

ROOT = Path(__file__).parent.parent
NEED_A_RUN = {
    "plan",
    "build",
    "sample",
    "make_view",
    "sweep",
}  # their examples sample with vLLM: they run together below


def examples(name: str) -> list[doctest.Example]:
    return doctest.DocTestParser().get_examples(inspect.getdoc(getattr(api, name)) or "")


def run_examples(names: list[str]) -> None:
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
    for name in names:
        test = doctest.DocTest(examples(name), {"pairforge": pairforge, "pl": pl}, name, None, None, None)
        assert runner.run(test).failed == 0, name


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that looks like a checkout: `recipes/` is there, `runs/` is empty."""
    (tmp_path / "recipes").symlink_to(ROOT / "recipes")
    monkeypatch.chdir(tmp_path)


def test_importing_loads_nothing_heavy():
    code = "import sys, pairforge; print(sorted({'polars', 'pyarrow', 'transformers', 'sympy'} & set(sys.modules)))"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env={**os.environ})
    assert found.stdout.strip() == "[]"


@pytest.mark.parametrize("name", sorted(set(pairforge.__all__) - {"__version__"}))
def test_every_public_name_is_documented(name: str):
    offered = getattr(pairforge, name)
    assert inspect.getdoc(offered)
    if inspect.isfunction(offered) and offered.__module__ == api.__name__:
        assert examples(name), f"{name} has no example"


def test_the_two_lists_of_names_are_one():
    assert set(pairforge.__all__) == {*api.__all__, "__version__"}
    assert dir(pairforge) == sorted(pairforge.__all__)


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="buidl"):
        pairforge.buidl  # noqa: B018


def test_examples_that_need_no_run(checkout: None):
    run_examples(sorted(set(api.__all__) - NEED_A_RUN))


@pytest.mark.engine
def test_examples_on_a_run_in_the_order_of_a_first_hour(checkout: None):
    run_examples(["plan", "build", "sample", "make_view", "sweep"])
    run = pairforge.open_run("mine")
    assert run.pairs("wide").height < run.pairs().height == 307
    assert run.samples().height == run.verdicts().height
    assert set(run.problems()["id"]) >= set(run.pairs()["problem_id"])
    assert run.dataset().column_names[:3] == ["id", "problem_id", "prompt"]
