"""Runs that change and grow: refused, extended, started afresh; budgets that follow the rule; disks that fail."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge import lengths
from pairforge.cli.build import print_outlook
from pairforge.errors import EngineError, RunError
from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import Session, build, make_view, prepare, sample, sampling
from pairforge.pipeline.outlook import outlook
from pairforge.records import Sample, to_row
from pairforge.run import Run, read_view, view_pairs
from pairforge.run.atomic import write_rows
from tests.pipeline.conftest import LONG, add, solve

Make = Callable[..., Any]


def test_changed_sampling_is_refused_with_the_keys_and_the_ways_out(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    with pytest.raises(RunError, match=r"generator\.sampling\.temperature: 0\.7 there, 0\.1 here") as caught:
        build(recipe("generator.sampling.temperature=0.1"), tmp_path / "run")
    assert "--run" in caught.value.hint
    assert "--fresh" in caught.value.hint
    assert "--extend" not in caught.value.hint
    with pytest.raises(RunError):
        build(recipe("generator.sampling.temperature=0.1"), tmp_path / "run", extend=True)


@pytest.mark.parametrize(
    ("before", "after", "new_requests"),
    [
        ("sources.0.limit=5", "sources.0.limit=8", 3),
        ("generator.draws.min=1", "generator.draws.min=2", 12),
        ("generator.draws.max=3", "generator.draws.max=5", 0),  # every problem is decided already
    ],
)
def test_extend_adds_problems_or_draws_and_keeps_what_is_there(
    recipe: Make, scripted: Make, tmp_path: Path, before: str, after: str, new_requests: int
):
    engines = scripted(add)
    first = build(recipe(before), tmp_path / "run")
    with pytest.raises(RunError) as caught:
        build(recipe(after), tmp_path / "run")
    assert "--extend" in caught.value.hint
    second = build(recipe(after), tmp_path / "run", extend=True)
    assert sum(len(e.requests) for e in engines) == second.samples == first.samples + new_requests
    assert build(recipe(after), tmp_path / "run").samples == second.samples, "from now on it is the run's recipe"


def test_a_request_that_failed_and_is_retried_is_counted_by_its_new_text(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    run = Run(tmp_path / "run")
    build(recipe("sources.0.limit=3"), run.path)
    [first, *rest] = list(run.sampled())
    failed = dataclasses.replace(first, text="", answer_text="", finish_reason="error", error="429")
    write_rows(run.sampled_file, map(to_row, [failed, *rest]), Sample)
    for file in run.path.glob("lengths/*"):
        file.unlink()
    before = Session(recipe("sources.0.limit=3"), run).sample_facts.filter(sample_key=first.key)["completion_tokens"]
    sample(Session(recipe("sources.0.limit=3"), run), retry_errors=True)
    after = Session(recipe("sources.0.limit=3"), run).sample_facts.filter(sample_key=first.key)["completion_tokens"]
    assert before[0] < after[0]


def test_a_source_that_brings_another_ground_truth_has_everything_judged_again(
    recipe: Make, scripted: Make, problems_file: Path, tmp_path: Path
):
    """First the teacher's own answer is the gold, then a second source states another one."""
    scripted(add)
    row = json.loads(problems_file.read_text().splitlines()[0])
    turns = [{"from": "user", "value": row["question"]}, {"from": "assistant", "value": row["long"]}]
    (tmp_path / "teacher.jsonl").write_text(json.dumps({"system": "", "conversations": turns}) + "\n")
    (tmp_path / "gold.jsonl").write_text(json.dumps({"question": row["question"], "answer": "99"}) + "\n")
    teacher = f"sources=[{{dataset: {tmp_path / 'teacher.jsonl'}, adapter: bespoke-stratos}}]"
    both = f"{teacher[:-1]}, {{dataset: {tmp_path / 'gold.jsonl'}, adapter: columns}}]"

    build(recipe(teacher), tmp_path / "run")
    assert {v.status for v in Run(tmp_path / "run").each_verdict()} == {"correct"}
    build(recipe(both), tmp_path / "run", extend=True)
    assert [p.answer for p in Run(tmp_path / "run").each_problem()] == ["99"]
    assert {v.status for v in Run(tmp_path / "run").each_verdict()} == {"incorrect"}


def test_fresh_sets_the_old_run_aside(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe(), tmp_path / "run")
    build(recipe("seed=5"), tmp_path / "run", fresh=True)
    assert len(list(Run(tmp_path / "run.old1").sampled())) == len(list(Run(tmp_path / "run").sampled())) == 12
    assert {s.seed for s in Run(tmp_path / "run").sampled()}.isdisjoint(
        {s.seed for s in Run(tmp_path / "run.old1").sampled()}
    )


def test_budgets_follow_the_rule_and_a_looser_rule_draws_exactly_what_it_cut(
    recipe: Make, scripted: Make, tmp_path: Path
):
    """The given solutions have about 50 tokens. A gap of 30 leaves about 20, one of 1 about 49."""

    def wordy(request: Request) -> str:
        return add(request) if "1 plus 10" in request.prompt else ("well " * 26 + add(request))

    engines = scripted(wordy)
    build(recipe("filter.gap.min=30"), tmp_path / "run")
    run = Run(tmp_path / "run")
    first = list(run.sampled())
    assert all(s.budget_limited and s.max_tokens < 64 for s in first)
    cut_ones = {s.problem_id for s in first if s.finish_reason == "length"}
    assert len(cut_ones) == 11

    build(recipe("filter.gap.min=1"), tmp_path / "run")
    assert len(engines) == 1, "a changed rule alone draws nothing and is not refused"
    sample(Session(recipe("filter.gap.min=1"), run), extend=True)
    drawn_again = engines[1].requests
    assert {r.problem_id for r in drawn_again} == cut_ones
    assert {(r.problem_id, r.draw, r.seed) for r in drawn_again if r.draw == 0} == {(s.problem_id, 0, s.seed) for s in first if s.problem_id in cut_ones and s.draw == 0}  # fmt: skip
    assert min(r.max_tokens for r in drawn_again) > max(s.max_tokens for s in first)


def test_a_resume_counts_no_prompt_again(recipe: Make, scripted: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    counted: list[str] = []
    real = lengths.count_tokens
    monkeypatch.setattr(
        lengths, "count_tokens", lambda tokenizer, texts: counted.extend(texts) or real(tokenizer, texts)
    )
    scripted(add)
    outlook(recipe("sources.0.limit=8"), tmp_path / "run", pilot=3)
    assert len(counted) == 8
    build(recipe("sources.0.limit=8"), tmp_path / "run")
    assert len(counted) == 8
    assert all("What is" in text for text in counted)


def test_nothing_is_drawn_where_no_short_solution_could_be_paired(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    summary = build(recipe("filter.gap.min=500"), tmp_path / "run")
    assert (engines, summary.samples, summary.pairs) == ([], 0, 0)
    assert sum(summary.drops.values()) == 12


def test_full_budgets_on_request(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    build(recipe("generator.budget=full", "filter.gap.min=12"), tmp_path / "run")
    assert {r.max_tokens for r in engines[0].requests} == {64}


def test_failed_requests_are_kept_and_drawn_again_on_request(
    recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    def answer(request: Request) -> Completion:
        if "1 plus 10" in request.prompt and healthy is False:
            return Completion(request.key, "", 0, "error", "busy")
        return Completion(request.key, add(request), 5, "stop")

    monkeypatch.setattr(sampling, "open_engine", lambda *_: ScriptedEngine(answer))
    healthy = False
    settings = recipe("generator.draws.max=1")
    assert build(settings, tmp_path / "run").pairs == 11
    healthy = True
    assert build(settings, tmp_path / "run").pairs == 11
    sample(Session(settings, Run(tmp_path / "run")), retry_errors=True)
    assert build(settings, tmp_path / "run").pairs == 12
    assert len({s.key for s in Run(tmp_path / "run").sampled()}) == len(list(Run(tmp_path / "run").sampled())) == 12


def test_a_pilot_counts_and_is_scaled_up(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    seen = outlook(recipe(), tmp_path / "run")
    assert (seen.problems, seen.drawable, seen.problems_to_draw, seen.forecast, engines) == (12, 12, 12, None, [])
    seen = outlook(recipe(), tmp_path / "run", pilot=5)
    assert seen.forecast is not None
    assert (seen.problems_to_draw, seen.forecast.piloted, len(engines[0].requests)) == (7, 5, 5)
    assert seen.forecast.accepted.value == 12
    again = outlook(recipe(), tmp_path / "run", pilot=5)
    assert again.forecast.tokens == seen.forecast.tokens
    assert len(engines) == 1
    build(recipe(), tmp_path / "run")
    assert len(engines[1].requests) == 7


def test_sampling_ends_when_enough_problems_are_accepted(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    summary = build(recipe("generator.draws.enough=5"), tmp_path / "run")
    assert (summary.samples, summary.pairs, summary.drops) == (5, 5, {"enough": 7})
    paired = {pair["problem_id"] for pair in view_pairs(Run(tmp_path / "run"), "default")}
    dropped = {drop.subject for drop in Run(tmp_path / "run").sampling_drops()}
    assert paired | dropped == {problem.id for problem in Run(tmp_path / "run").each_problem()}

    more = build(recipe("generator.draws.enough=8"), tmp_path / "run", extend=True)
    assert (len(engines[1].requests), more.pairs, more.drops) == (3, 8, {"enough": 4})
    every = build(recipe(), tmp_path / "run", extend=True)
    assert (len(engines[2].requests), every.pairs, every.drops) == (4, 12, {})
    fewer = build(recipe("generator.draws.enough=1"), tmp_path / "run", extend=True)
    assert (len(engines), fewer.pairs) == (3, 12), "what is there stays"


def test_enough_asks_the_problems_of_the_pilot_first_and_forecasts_the_part_that_is_needed(
    recipe: Make, scripted: Make, tmp_path: Path
):
    engines = scripted(add)
    seen = outlook(recipe("generator.draws.enough=6"), tmp_path / "run", pilot=4)
    assert seen.forecast is not None
    assert (seen.problems_to_draw, seen.forecast.accepted.value, seen.forecast.draws.value) == (8, 6, 6)
    assert build(recipe("generator.draws.enough=6"), tmp_path / "run").pairs == 6
    assert [len(engine.requests) for engine in engines] == [4, 2]
    seen = outlook(recipe("generator.draws.enough=2"), tmp_path / "other", pilot=4)
    assert (seen.problems_to_draw, seen.most_tokens) == (0, 0)
    assert (seen.forecast.accepted.value, seen.forecast.draws.value) == (4, 4), "the pilot is drawn to its end"


def test_problems_that_enough_left_are_drops_with_that_reason_only_while_it_is_true(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(add)
    settings = recipe("generator.draws.enough=5")
    assert build(settings, tmp_path / "run").drops == {"enough": 7}
    outlook(settings, tmp_path / "run", pilot=12)
    assert build(settings, tmp_path / "run").pairs == 12, "a pilot drew the rest"
    run = Run(tmp_path / "run")
    assert list(run.sampling_drops()) == []


def test_a_larger_budget_does_not_hide_what_was_drawn_with_a_smaller_one(recipe: Make, scripted: Make, tmp_path: Path):
    """All solutions are cut, and a cut one may be rejected: enough are accepted as they are."""
    scripted(lambda request: "well " * 100)
    any_status = ("filter.rejected.status=any", "generator.budget=full")
    assert build(recipe(*any_status, "generator.sampling.max_tokens=10"), tmp_path / "run").pairs == 12
    larger = recipe(*any_status, "generator.sampling.max_tokens=12", "generator.draws.enough=6")
    assert build(larger, tmp_path / "run", extend=True).pairs == 12


def test_dropped_problems_that_were_left_are_counted(recipe: Make, scripted: Make, tmp_path: Path):
    """Half the problems are never solved; all are asked once before the six are together."""
    scripted(lambda request: add(request) if int(request.prompt.split("What is ")[1].split()[0]) % 2 else "No idea.")
    settings = recipe("generator.draws.enough=6")
    build(settings, tmp_path / "run")
    run = Run(tmp_path / "run")
    left = Session(settings, run).evidence().problems.filter(pl.col("stopped_by") == "enough").height
    assert left >= 6
    counts = read_view(run, "default").undecided
    assert (counts.enough, counts.problems) == (left - 6, 0)
    make_view(Session(recipe("generator.draws.enough=6", "filter.gap.min=45"), run), "strict")
    assert read_view(run, "strict").undecided.enough == left


@pytest.mark.parametrize(("stored", "enough"), [(0, 3), (10, 12)])
def test_an_engine_that_fails_everything_is_an_error_however_few_are_missing(
    recipe: Make, scripted: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stored: int, enough: int
):
    many = [
        {"question": f"What is {n} plus 1?", "answer": str(n + 1), "long": LONG.format(a=n, b=1, c=n + 1)}
        for n in range(60)
    ]
    (tmp_path / "many.jsonl").write_text("".join(json.dumps(row) + "\n" for row in many))
    source = f"sources.0.dataset={tmp_path / 'many.jsonl'}"
    if stored:
        scripted(add)
        build(recipe(source, f"generator.draws.enough={stored}"), tmp_path / "run")

    def fail(request: Request) -> Completion:
        return Completion(request.key, "", 0, "error", "no such model")

    monkeypatch.setattr(sampling, "open_engine", lambda *_: ScriptedEngine(fail, window=64))
    with pytest.raises(EngineError, match="the first 20 requests all failed: no such model"):
        build(recipe(source, f"generator.draws.enough={enough}"), tmp_path / "run", extend=True)
    assert len(list(Run(tmp_path / "run").sampled())) == stored


def test_one_refused_prompt_does_not_stop_a_run_that_needs_one_problem(
    recipe: Make, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    refused: list[str] = []

    def answer(request: Request) -> Completion:
        if not refused or request.problem_id in refused:
            refused.append(request.problem_id)
            return Completion(request.key, "", 0, "error", "too long")
        return Completion(request.key, add(request), 5, "stop")

    monkeypatch.setattr(sampling, "open_engine", lambda *_: ScriptedEngine(answer))
    assert build(recipe("generator.draws.enough=1"), tmp_path / "run").pairs >= 1


def test_a_pilot_of_a_finished_run_owes_nothing_and_guesses_no_seconds(
    recipe: Make, scripted: Make, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    scripted(add)
    assert outlook(recipe(), tmp_path / "run").most_tokens > 0
    build(recipe(), tmp_path / "run")
    seen = outlook(recipe(), tmp_path / "run", pilot=5)
    assert (seen.problems_to_draw, seen.most_tokens) == (0, 0)
    assert seen.forecast is not None
    assert seen.to_json()["forecast"]["seconds"] is None
    print_outlook(seen)
    assert re.search(r"seconds +unknown\n", capsys.readouterr().out)


class Either:
    """A recipe with one arm or with two, and how many samples it takes."""

    def __init__(self, recipe: Make, samples: int) -> None:
        self.recipe, self.samples = recipe, samples


@pytest.fixture(params=["one arm", "two arms"])
def either(request: pytest.FixtureRequest, recipe: Make, two_arms: Make) -> Either:
    return Either(recipe, 12) if request.param == "one arm" else Either(two_arms, 24)


def test_a_second_process_on_the_run_is_refused(either: Either, scripted: Make, tmp_path: Path):
    scripted(solve)
    run = prepare(either.recipe(), tmp_path / "run").run
    hold = "import sys,pathlib; from pairforge.run.lock import locked\nwith locked(pathlib.Path(sys.argv[1])): print(1, flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", hold, str(run.path / ".lock")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(RunError, match=f"in use by process {other.pid}"):
            build(either.recipe(), tmp_path / "run")
        other.communicate()
    assert build(either.recipe(), tmp_path / "run").pairs == 12


def test_a_full_disk_stops_with_a_clear_error_and_the_same_command_finishes(
    either: Either, scripted: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    engines = scripted(solve)
    real, left = os.pwrite, iter(range(20))

    def nearly_full(fd: int, data: bytes, offset: int) -> int:
        if next(left, None) is None:
            raise OSError(28, "No space left on device")
        return real(fd, data, offset)

    monkeypatch.setattr(os, "pwrite", nearly_full)
    with pytest.raises(RunError, match="No space left on device") as caught:
        build(either.recipe(), tmp_path / "run")
    assert "free space" in caught.value.hint
    monkeypatch.setattr(os, "pwrite", real)
    opened = engines[:]
    kept = len(list(Run(tmp_path / "run").sampled()))
    assert kept > 0
    assert build(either.recipe(), tmp_path / "run").pairs == 12
    assert sum(len(engine.requests) for engine in engines[len(opened) :]) == either.samples - kept


def test_a_read_only_run_is_a_clear_error(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    (tmp_path / "run").mkdir(mode=0o555)
    with obeying_permissions(), pytest.raises(RunError, match=r"cannot write .*run/\.lock: Permission denied"):
        build(recipe(), tmp_path / "run")
    assert not list((tmp_path / "run").iterdir())


def test_a_run_that_became_read_only_is_a_clear_error_and_keeps_what_it_has(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(add)
    build(recipe(), tmp_path / "run")
    samples = tmp_path / "run" / "samples"
    samples.chmod(0o555)
    more = recipe("generator.draws.min=2")
    with obeying_permissions(), pytest.raises(RunError, match=r"cannot write .*samples.*: Permission denied"):
        build(more, tmp_path / "run", extend=True)
    samples.chmod(0o755)
    assert build(more, tmp_path / "run").samples == 24


def test_a_run_below_a_file_is_a_clear_error(recipe: Make, tmp_path: Path):
    (tmp_path / "notes.txt").write_text("a file")
    with pytest.raises(RunError, match=r"cannot write .*Not a directory"):
        build(recipe(), tmp_path / "notes.txt" / "run")


@contextlib.contextmanager
def obeying_permissions() -> Iterator[None]:
    """Let the block meet file permissions even as root, by dropping the capability that overrides them for a while."""
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    before, without = (ctypes.c_uint32 * 6)(), (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    without[:] = before[:]
    without[0] &= ~0b110  # effective: CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
    assert libc.capset(header, without) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_leaves_a_run_that_the_same_command_finishes(
    either: Either, scripted: Make, tmp_path: Path, number: int
):
    counted: list[str] = []

    def answer(request: Request) -> str:
        counted.append(request.key)
        if len(counted) == either.samples - 7:
            os.kill(os.getpid(), number)
        return solve(request)

    scripted(answer)
    with pytest.raises(KeyboardInterrupt):
        build(either.recipe(), tmp_path / "run")
    kept = len(list(Run(tmp_path / "run").sampled()))
    assert kept >= either.samples - 7
    assert build(either.recipe(), tmp_path / "run").pairs == 12
    assert len(counted) == either.samples


def test_the_target_is_frozen_in_the_manifest(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    build(recipe("filter.gap.min=2"), tmp_path / "run")
    target = json.loads((tmp_path / "run" / "manifest.json").read_text())["target"]
    assert target["gap"] == {"min": 2.0, "max": None}
    build(recipe("filter.gap.min=1"), tmp_path / "run")
    assert json.loads((tmp_path / "run" / "manifest.json").read_text())["target"] == target


def test_a_verdict_that_outlived_its_sample_is_forgotten_and_the_sample_drawn_again(
    recipe: Make, scripted: Make, tmp_path: Path
):
    """A power loss may take the end of one log and not of the other."""
    engines = scripted(add)
    session = prepare(recipe(), tmp_path / "run")
    sample(session)
    run = session.run
    log = run.path / "samples" / "sampled.jsonl"
    whole = log.read_text().splitlines(keepends=True)
    log.write_text("".join(whole[:-2]) + whole[-2][:30])
    assert build(recipe(), tmp_path / "run").pairs == 12
    assert len(engines[1].requests) == 2
    assert sorted(v.sample_key for v in run.each_verdict()) == sorted(s.key for s in run.each_sample())


def test_what_a_killed_process_left_half_written_is_swept_up(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    run = Run(tmp_path / "run")
    (run.path / "samples").mkdir(parents=True)
    (run.path / "views" / ".default.4194399.tmp").mkdir(parents=True)
    for left in (".recipe.yaml.4194399.tmp", "samples/.given.parquet.4194399.tmp", f"samples/.mine.{os.getpid()}.tmp"):
        (run.path / left).write_text("half")
    (tmp_path / "first" / "x").mkdir(parents=True)
    killed_at_once = Run(tmp_path / "first" / "x")
    (killed_at_once.path / ".recipe.yaml.4194399.tmp").write_text("half")
    assert build(recipe(), killed_at_once.path).pairs == 12

    run.write_recipe("sources: []")
    run.remove_leftovers()
    left = [file.name for file in run.path.rglob("*.tmp")]
    assert left == [f".mine.{os.getpid()}.tmp"], "another process is still writing that one"
