"""Shards of one recipe, sampled apart and merged: the run that one machine would have made."""

from __future__ import annotations

import dataclasses
import itertools
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from pairforge.errors import RunError
from pairforge.generator import Request
from pairforge.pipeline import Session, build, merge, merging, prepare, run_recipe, sample, verify
from pairforge.records import Sample, to_row
from pairforge.run import Run, view_pairs
from pairforge.run.atomic import write_rows
from pairforge.run.score_files import ScoreRecord, read_score, write_score
from tests.pipeline.conftest import add

Make = Callable[..., Any]


def draw(recipe: Any, path: Path, *, retry_errors: bool = False) -> Run:
    """What `pairforge sample RECIPE --run PATH` does."""
    session = prepare(recipe, path)
    sample(session, retry_errors=retry_errors)
    verify(session)
    return session.run


def right_in_time(request: Request) -> str:
    """Right at the first, second or third draw, depending on the problem."""
    numbers = [int(word.strip("?")) for word in request.prompt.split() if word.strip("?").isdigit()]
    return add(request) if request.draw >= sum(numbers) % 4 else "It is \\boxed{0}."


def content(run: Run) -> dict[str, bytes]:
    """Every file of a run but its views and caches."""
    files = (file for file in sorted(run.path.rglob("*")) if file.is_file() and not file.name.startswith("."))
    return {str(f.relative_to(run.path)): f.read_bytes() for f in files if f.suffix != ".cache"}


def pairs(run: Run) -> list[dict[str, Any]]:
    return sorted(view_pairs(run, "default"), key=lambda pair: pair["id"])


@settings(max_examples=5, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(of=st.integers(1, 5), order=st.randoms(use_true_random=False), twice=st.booleans())
def test_merged_shards_are_the_run_that_one_machine_makes(
    recipe: Make, scripted: Make, tmp_path_factory: pytest.TempPathFactory, of: int, order: random.Random, twice: bool
):
    tmp_path = tmp_path_factory.mktemp("shards")
    scripted(right_in_time)
    build(recipe(), tmp_path / "whole")
    shards = [draw(recipe(f"shard={k}/{of}"), tmp_path / f"shard-{k}") for k in range(1, of + 1)]
    mixed = order.sample(shards, len(shards))
    cut = order.randint(0, len(mixed))
    for some in (mixed[:cut], mixed[cut:], mixed if twice else []):
        if some:
            merge([run.path for run in some], tmp_path / "merged")
    engines = scripted(right_in_time)
    summary = build(recipe(), tmp_path / "merged")
    whole, merged = Run(tmp_path / "whole"), Run(tmp_path / "merged")
    assert engines == [], "nothing is left to draw"
    assert pairs(merged) == pairs(whole)
    assert {s.key: s.text for s in merged.each_sample()} == {s.key: s.text for s in whole.each_sample()}
    assert merged.manifest().sources == whole.manifest().sources
    assert summary.drops == build(recipe(), tmp_path / "whole").drops


def test_shards_are_disjoint_and_do_not_depend_on_the_order_of_the_rows(
    recipe: Make, problems_file: Path, tmp_path: Path
):
    shares = []
    for name, order in (("a", 1), ("b", -1)):
        lines = problems_file.read_text().splitlines()[::order]
        problems_file.write_text("".join(f"{line}\n" for line in lines))
        runs = [prepare(recipe(f"shard={k}/3"), tmp_path / f"{name}{k}").run for k in (1, 2, 3)]
        shares.append([{problem.id for problem in run.each_problem()} for run in runs])
    assert shares[0] == shares[1]
    assert sum(map(len, shares[0])) == len(set.union(*shares[0])) == 12


def test_a_merge_done_again_changes_no_byte(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(right_in_time)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)).path for k in (1, 2)]
    first = merge(shards, tmp_path / "merged")
    before = content(Run(tmp_path / "merged"))
    again = merge(shards[::-1], tmp_path / "merged")
    assert content(Run(tmp_path / "merged")) == before
    assert (again.new_problems, again.new_samples) == (0, 0)
    assert dataclasses.replace(again, new_problems=12, new_samples=first.new_samples) == first


def test_a_shard_that_grew_later_is_merged_again(recipe: Make, scripted: Make, tmp_path: Path):
    """First one that died in the middle, then a request that failed, then all of it."""
    calls = itertools.count()

    def dies(request: Request) -> str:
        if next(calls) > 2:
            raise RunError("the machine went away")
        return add(request)

    scripted(dies)
    with pytest.raises(RunError):
        draw(recipe("shard=1/2"), tmp_path / "1")
    one = Run(tmp_path / "1")
    merge([one.path], tmp_path / "merged")
    held = {s.key for s in Run(tmp_path / "merged").sampled()}
    assert held == {s.key for s in one.sampled()} and held
    scripted(add)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)).path for k in (1, 2)]
    assert merge([shards[0]], tmp_path / "merged").missing == ("2/2",)
    assert merge(shards, tmp_path / "merged").missing == ()
    assert build(recipe(), tmp_path / "merged").pairs == 12


def test_a_failed_request_gives_way_to_its_solution_and_never_the_other_way_round(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(add)
    run = draw(recipe("shard=1/1"), tmp_path / "shard")
    whole = list(run.sampled())
    failed = dataclasses.replace(whole[0], text="", answer_text="", finish_reason="error", error="429")
    write_rows(run.sampled_file, map(to_row, [failed, *whole[1:]]), Sample)
    merge([run.path], tmp_path / "merged")
    merged = Run(tmp_path / "merged")
    make_lengths = Session(recipe(), merged)
    assert make_lengths.sample_facts.height == 24
    write_rows(run.sampled_file, map(to_row, whole), Sample)
    merge([run.path], tmp_path / "merged")
    assert {s.key: s.finish_reason for s in merged.sampled()} == {s.key: "stop" for s in whole}
    write_rows(run.sampled_file, map(to_row, [failed, *whole[1:]]), Sample)
    merge([run.path], tmp_path / "merged")
    assert {s.finish_reason for s in merged.sampled()} == {"stop"}
    assert build(recipe(), tmp_path / "merged").pairs == 12
    lengths = Session(recipe(), merged).sample_facts.filter(sample_key=whole[0].key)["completion_tokens"]
    assert lengths[0] > 3, "counted again, not of the empty text"


def test_the_same_draw_with_another_text_is_refused_by_name(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    first = draw(recipe("shard=1/2"), tmp_path / "first")
    scripted(lambda request: add(request) + " Indeed.")
    second = draw(recipe("shard=1/2"), tmp_path / "second")
    with pytest.raises(RunError, match=r"different solutions of the same draw, [0-9a-f]{16}/sampled/0/"):
        merge([first.path, second.path], tmp_path / "merged")
    assert not Run(tmp_path / "merged").has_samples


@pytest.mark.parametrize(
    ("override", "named"),
    [
        ("generator.sampling.temperature=0.1", r"generator\.sampling\.temperature: 0\.7 there, 0\.1 here"),
        ("seed=7", "seed: 0 there, 7 here"),
        ("filter.gap.min=5", r"filter\.gap\.min: 1\.0 there, 5\.0 here"),
        ("sources.0.limit=11", r"sources\.0\.limit: None there, 11 here"),
    ],
)
def test_runs_of_other_recipes_are_refused_with_the_difference(
    recipe: Make, scripted: Make, tmp_path: Path, override: str, named: str
):
    scripted(add)
    runs = [draw(recipe("shard=1/2"), tmp_path / "1"), draw(recipe("shard=2/2", override), tmp_path / "2")]
    with pytest.raises(RunError, match=named):
        merge([run.path for run in runs], tmp_path / "merged")
    assert not (tmp_path / "merged" / "recipe.yaml").exists()


def test_shards_of_data_that_changed_in_between_are_refused(
    recipe: Make, scripted: Make, problems_file: Path, tmp_path: Path
):
    scripted(add)
    first = draw(recipe("shard=1/2"), tmp_path / "1")
    problems_file.write_text(problems_file.read_text().replace("I check", "I verify"))
    second = draw(recipe("shard=2/2"), tmp_path / "2")
    with pytest.raises(RunError, match=r"sources\.0\.revision: 'sha256:"):
        merge([first.path, second.path], tmp_path / "merged")


def test_what_cannot_be_merged_is_refused(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    run = draw(recipe("shard=1/2"), tmp_path / "1")
    with pytest.raises(RunError, match="named by --into as well"):
        merge([run.path], tmp_path / "1")
    with pytest.raises(RunError, match="named twice"):
        merge([run.path, tmp_path / "1" / ".." / "1"], tmp_path / "merged")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("do not touch")
    with pytest.raises(RunError, match="is not a pairforge run"):
        merge([run.path], tmp_path / "mine")
    run.problems_file.unlink()
    with pytest.raises(RunError, match="has not read its sources yet"):
        merge([run.path], tmp_path / "merged")


def test_a_merge_that_is_killed_anywhere_is_completed_by_the_same_command(
    recipe: Make, scripted: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    scripted(right_in_time)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)).path for k in (1, 2)]
    merge(shards, tmp_path / "calm")
    original = Path.replace
    for fatal in itertools.count(1):
        replaced = 0

        def replace(self: Path, target: Path, fatal: int = fatal) -> Path:
            nonlocal replaced
            replaced += 1
            if replaced == fatal:
                raise KeyboardInterrupt
            return original(self, target)

        into = tmp_path / f"killed-{fatal}"
        with monkeypatch.context() as patch:
            patch.setattr(Path, "replace", replace)
            try:
                merge(shards, into)
            except KeyboardInterrupt:
                pass
            else:
                break
        merge(shards, into)
        assert content(Run(into)) == content(Run(tmp_path / "calm"))
    assert fatal > 6, "recipe, given, sampled, verdicts, manifest and problems were each interrupted"


@pytest.mark.parametrize("fatal", [2, 4])
def test_kill_9_in_a_merge_leaves_nothing_behind(recipe: Make, scripted: Make, tmp_path: Path, fatal: int):
    scripted(right_in_time)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)).path for k in (1, 2)]
    merge(shards, tmp_path / "calm")
    code = f"""
import os, signal
from pathlib import Path
from pairforge.pipeline import merge
original, replaced = Path.replace, 0
def replace(self, target):
    global replaced
    replaced += 1
    if replaced == {fatal}:
        os.kill(os.getpid(), signal.SIGKILL)
    return original(self, target)
Path.replace = replace
merge({[str(shard) for shard in shards]}, {str(tmp_path / "killed")!r})
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL, done.stderr
    merge(shards, tmp_path / "killed")
    assert content(Run(tmp_path / "killed")) == content(Run(tmp_path / "calm"))
    assert not list((tmp_path / "killed").rglob(".*.tmp"))


def test_a_shard_keeps_its_share_when_it_is_resumed_and_can_become_the_whole(
    recipe: Make, scripted: Make, tmp_path: Path
):
    scripted(add)
    run = draw(recipe("shard=1/2"), tmp_path / "run")
    held = run.problem_table(["id"]).height
    assert build(run_recipe(run), run.path).problems == held < 12
    with pytest.raises(RunError, match="shard: '1/2' there, None here"):
        build(recipe(), run.path)
    with pytest.raises(RunError, match="shard: '1/2' there, '2/2' here"):
        build(recipe("shard=2/2"), run.path, extend=True)
    before = {s.key: s.text for s in run.sampled()}
    assert build(recipe(), run.path, extend=True).problems == 12
    assert before.items() <= {s.key: s.text for s in run.sampled()}.items()


def test_the_time_of_the_shards_is_counted_once(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)) for k in (1, 2)]
    for run in shards:
        run.update_manifest(seconds={"sample": 10.0})
    merge([run.path for run in shards], tmp_path / "merged")
    merged = Run(tmp_path / "merged")
    merged.update_manifest(seconds={**merged.manifest().seconds, "verify": 1.5})
    shards[0].update_manifest(seconds={"sample": 13.0})
    merge([run.path for run in shards], tmp_path / "merged")
    assert merged.manifest().seconds == {"sample": 23.0, "verify": 1.5}
    assert {name: record.run for name, record in merged.manifest().merged.items()} == {"1/2": "1", "2/2": "2"}


def test_scores_come_along_and_differing_ones_are_refused(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    shards = [draw(recipe(f"shard={k}/2"), tmp_path / str(k)) for k in (1, 2)]
    for run in shards:
        table = run.sample_table().select("sample_key").with_columns(reward=1.5)
        write_score(run, ScoreRecord(name="reward", made_from={"model": "rm"}), table)
    merge([run.path for run in shards], tmp_path / "merged")
    merged = Run(tmp_path / "merged")
    assert set(read_score(merged, "reward")["sample_key"]) == {s.key for s in merged.each_sample()}
    write_score(shards[1], ScoreRecord(name="reward", made_from={"model": "other"}), table)
    with pytest.raises(RunError, match="score 'reward'"):
        merge([run.path for run in shards], tmp_path / "merged")


def test_two_shards_cannot_be_merged_while_one_is_sampled(recipe: Make, scripted: Make, tmp_path: Path, monkeypatch):
    scripted(add)
    run = draw(recipe("shard=1/2"), tmp_path / "1")

    def in_use() -> None:
        raise RunError(f"{run.path} is in use by process 7")

    monkeypatch.setattr(merging.Run, "lock", lambda self: in_use())
    with pytest.raises(RunError, match="in use by process 7"):
        merge([run.path], tmp_path / "merged")


def test_each_shard_ends_at_its_share_of_enough(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(add)
    enough = "generator.draws.enough=6"
    shards = [draw(recipe(f"shard={k}/2", enough), tmp_path / str(k)) for k in (1, 2)]
    assert [engine.requests and len(engine.requests) for engine in engines] == [3, 3]
    merge([run.path for run in shards], tmp_path / "merged")
    engines = scripted(add)
    summary = build(recipe(enough), tmp_path / "merged")
    assert (summary.pairs, engines) == (6, [])


def test_more_shards_than_problems_leave_some_empty(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(add)
    shards = [draw(recipe(f"shard={k}/40"), tmp_path / str(k)) for k in range(1, 41)]
    assert 0 in {run.problem_table(["id"]).height for run in shards}
    assert merge([run.path for run in shards], tmp_path / "merged").problems == 12
    assert build(recipe(), tmp_path / "merged").pairs == 12


def test_no_shard_looks_like_another(tmp_path: Path):
    from pairforge.sources.shard import parse_shard

    assert json.dumps(str(parse_shard("3/16"))) == '"3/16"'
    for wrong in ("0/4", "5/4", "3", "a/b", "-1/4", "3/16 "):
        with pytest.raises(ValueError, match="write 3/16"):
            parse_shard(wrong)
