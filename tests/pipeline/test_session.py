"""What a command loads: each tokenizer once, and each table once for every time that it changed."""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from pairforge import lengths
from pairforge.cli import app, sweeps, views  # noqa: F401  (importing registers the commands)
from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import (
    Session,
    build,
    evidence_counts,
    make_view,
    open_session,
    prepare,
    sample,
    sampling,
    verify,
)
from pairforge.pipeline.verifying import missing_verdicts
from pairforge.records import Verdict, to_row
from pairforge.run import Run, read_view
from pairforge.verifier import VERIFIER_VERSION
from tests.pipeline.conftest import add

Make = Callable[..., Any]
ONCE = {"tokenizer": 1, "sample_table": 1, "verdict_table": 1, "problem_table": 1}


@pytest.fixture
def loads(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often tokenizers were loaded and tables were read."""
    seen: Counter[str] = Counter()

    def counting(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def counted(*args: Any, **kwargs: Any) -> Any:
            seen[name] += 1
            return function(*args, **kwargs)

        return counted

    monkeypatch.setattr(lengths, "load_tokenizer", counting("tokenizer", lengths.load_tokenizer))
    for name in ("sample_table", "verdict_table", "problem_table", "problems"):
        monkeypatch.setattr(Run, name, counting(name, getattr(Run, name)))
    return seen


@pytest.fixture
def finished(recipe: Make, scripted: Make, tmp_path: Path, loads: Counter[str]) -> Iterator[Run]:
    """A finished run; what building it took is not counted."""
    scripted(add)
    build(recipe(), tmp_path / "run")
    loads.clear()
    yield Run(tmp_path / "run")


def call(*words: object) -> None:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.output + str(result.exception)


def test_a_build_reads_a_table_again_only_when_it_has_changed(
    recipe: Make, scripted: Make, tmp_path: Path, loads: Counter[str]
):
    """Samples change once (sampling), verdicts twice (the given solutions are judged, then the sampled ones)."""
    scripted(add)
    build(recipe(), tmp_path / "run")
    assert loads == {"tokenizer": 1, "problem_table": 1, "sample_table": 2, "verdict_table": 3}


def test_a_resume_with_nothing_missing_loads_everything_once(finished: Run, recipe: Make, loads: Counter[str]):
    build(recipe(), finished.path)
    assert loads == ONCE


def test_another_sampler_is_one_more_tokenizer(recipe: Make, scripted: Make, tmp_path: Path, loads: Counter[str]):
    scripted(add)
    other = recipe("generator.engine.model=pairforge:nano")
    build(other, tmp_path / "run")
    loads.clear()
    build(other, tmp_path / "run")
    assert loads == {**ONCE, "tokenizer": 2}


@pytest.mark.parametrize(
    "words",
    [
        ("filter", "--view", "tight", "--set", "filter.gap.min=20"),
        ("sweep", "--vary", "filter.gap.max=20,30,40,none", "--save-views", "arm"),
        ("report",),
    ],
    ids=lambda words: words[0],
)
def test_a_command_over_finished_evidence_loads_everything_once(finished: Run, words: tuple, loads: Counter[str]):
    call(words[0], finished.path, *words[1:])
    assert loads == ONCE


def test_the_arms_of_a_saved_sweep_are_the_views_that_filter_makes(finished: Run):
    call(
        "sweep", finished.path, "--vary", "filter.gap.min=1,25", "--set", "filter.wrong_share=0.5", "--save-views", "a"
    )
    sets = ("--set", "filter.wrong_share=0.5", "--set", "filter.gap.min=25")
    call("filter", finished.path, "--view", "alone", *sets)
    swept, alone = read_view(finished, "a-2"), read_view(finished, "alone")
    assert swept == alone.model_copy(update={"view": "a-2"})
    assert read_view(finished, "a-1") != alone


def test_a_stage_sees_what_the_stages_before_it_appended(recipe: Make, scripted: Make, tmp_path: Path):
    """One session through all stages gives what a new one for every stage gives."""
    scripted(add)
    settings = recipe("generator.draws.max=2")

    def stages(path: Path, session_of: Callable[[Run], Session]) -> Run:
        run = prepare(settings, path).run
        make_view(session_of(run), "before")
        sample(session_of(run))
        make_view(session_of(run), "after")
        verify(session_of(run), again=True)
        make_view(session_of(run), "again")
        return run

    one = stages(tmp_path / "one", functools.cache(lambda run: Session(settings, run)))
    many = stages(tmp_path / "many", lambda run: Session(settings, run))
    for view in ("before", "after", "again"):
        assert read_view(one, view) == read_view(many, view)
        first, second = ((run.view(view) / "pairs.parquet").read_bytes() for run in (one, many))
        assert first == second
    assert (read_view(one, "before").pairs, read_view(one, "after").pairs) == (0, 12)


def test_another_choice_about_percent_signs_judges_again_and_stays_the_runs_own(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(add)
    build(recipe(), tmp_path / "run")
    run = Run(tmp_path / "run")
    before = run.recipe_file.read_text()
    assert versions(run) == {VERIFIER_VERSION}
    build(recipe("verifier.percent=strict", "filter.gap.min=2"), run.path)
    assert versions(run) == {f"{VERIFIER_VERSION}+strict"}
    assert run.manifest().verifier is not None
    assert run.manifest().to_json()["verifier"]["percent"] == "strict"
    assert run.recipe_file.read_text() == before.replace("percent: lenient", "percent: strict")
    assert missing_verdicts(open_session(run)) == set()
    build(recipe(), run.path)
    assert versions(run) == {VERIFIER_VERSION} and run.recipe_file.read_text() == before


def test_a_run_from_before_there_was_a_choice_is_not_judged_again(finished: Run):
    lines = finished.recipe_file.read_text().splitlines()
    finished.recipe_file.write_text("\n".join(line for line in lines if "percent:" not in line))
    assert missing_verdicts(open_session(finished)) == set()


def test_the_manifest_names_the_verifier_where_all_verdicts_were_made_while_sampling(
    recipe: Make, scripted: Make, tmp_path: Path, problems_file: Path
):
    scripted(add)
    settings = recipe("filter.chosen.origin=sampled", "verifier.percent=strict")
    problems_file.write_text(problems_file.read_text().replace('"long":', '"unread":'))
    without_solutions = settings.sources[0].model_copy(update={"columns": {}})
    settings = settings.model_copy(update={"sources": (without_solutions,)})
    run = prepare(settings, tmp_path / "run").run
    sample(Session(settings, run))
    assert not list(run.given()) and versions(run) == {f"{VERIFIER_VERSION}+strict"}
    assert run.manifest().to_json()["verifier"]["version"] == f"{VERIFIER_VERSION}+strict"


def versions(run: Run) -> set[str]:
    return set(run.verdict_table()["verifier_version"])


def test_a_verdict_without_a_sample_is_not_counted(finished: Run, recipe: Make):
    with finished.verdict_log() as log:
        log.append(to_row(Verdict("p/sampled/0/64", "timeout", "", "", "", "1")))
    session = Session(recipe(), finished)
    assert evidence_counts(session)["timeout"] == 1
    verify(session)
    assert "timeout" not in evidence_counts(session)


def test_failed_requests_are_drawn_again_in_the_same_session(
    recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def answer(request: Request) -> Completion:
        if "1 plus 10" in request.prompt and not healthy:
            return Completion(request.key, "", 0, "error", "busy")
        return Completion(request.key, add(request), 5, "stop")

    monkeypatch.setattr(sampling, "open_engine", lambda *_: ScriptedEngine(answer))
    session = prepare(recipe("generator.draws.max=1"), tmp_path / "run")
    healthy = False
    sample(session)
    assert session.samples["finish_reason"].value_counts(name="n").filter(finish_reason="error")["n"].item() == 1
    healthy = True
    sample(session, retry_errors=True)
    assert set(session.samples["finish_reason"]) == {"given", "stop"}
    assert session.evidence().samples.filter(status="correct").height == 24
