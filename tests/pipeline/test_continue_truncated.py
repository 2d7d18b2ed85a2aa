"""`draws.continue_truncated` in whole runs: what is stored, what the rules see, and what a kill costs."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from pairforge.errors import EngineError, RecipeError
from pairforge.generator import Request
from pairforge.pipeline import build
from pairforge.pipeline.outlook import outlook
from pairforge.run import Run, view_pairs
from tests.pipeline.conftest import add

Make = Callable[..., Any]
LEGS = ("generator.sampling.max_tokens=4", "generator.draws.continue_truncated=3", "generator.budget=full")
FILLER = "one two three four five six"


def slow(request: Request) -> str:
    """The right answer, behind six words of thought: some ten tokens."""
    return f"<think> {FILLER} </think> {add(request)}"


def test_long_solutions_are_written_in_steps_and_paired_whole(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(slow)
    summary = build(recipe(*LEGS), tmp_path / "run")
    assert summary.pairs == 12
    pairs = view_pairs(Run(tmp_path / "run"), "default")
    assert all(FILLER in pair["rejected"][0]["content"] for pair in pairs)
    tokens = sum(len(slow(r).split()) for r in engines[0].requests if not r.begun)
    assert summary.arms["sampled"]["tokens"] == tokens
    assert len(engines[0].requests) > 24


def test_a_thought_that_is_still_cut_at_the_end_is_truncated(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(lambda request: "<think> " + "hmm " * 100)
    summary = build(recipe(*LEGS, "generator.draws.max=1"), tmp_path / "run")
    assert summary.pairs == 0
    run = Run(tmp_path / "run")
    assert run.sample_table().filter(pl.col("origin") == "sampled")["sampled_tokens"].to_list() == [16] * 12
    assert set(run.verdict_table().filter(pl.col("sample_key").str.ends_with("/16"))["status"]) == {"truncated"}


def test_a_killed_run_continues_from_the_last_step(recipe: Make, scripted: Make, tmp_path: Path):
    count = 0

    def dies(request: Request) -> str:
        nonlocal count
        count += 1
        if count == 20:
            raise EngineError("killed")
        return slow(request)

    scripted(dies)
    with pytest.raises(EngineError):
        build(recipe(*LEGS), tmp_path / "run")
    stored = {(s.problem_id, s.draw): s for s in Run(tmp_path / "run").sampled()}
    engines = scripted(slow)
    assert build(recipe(*LEGS), tmp_path / "run").pairs == 12
    begun = {(r.problem_id, r.draw): r.begun for r in reversed(engines[-1].requests)}  # the first request of each
    unfinished = {draw: s.text for draw, s in stored.items() if s.finish_reason == "length"}
    assert unfinished and {draw: begun[draw] for draw in unfinished} == unfinished


def test_more_steps_later_continue_what_was_cut(recipe: Make, scripted: Make, tmp_path: Path):
    scripted(slow)
    build(recipe("generator.sampling.max_tokens=4", "generator.budget=full"), tmp_path / "run")
    engines = scripted(slow)
    assert build(recipe(*LEGS), tmp_path / "run", extend=True).pairs == 12
    assert all(request.begun for request in engines[-1].requests)


def test_a_pilot_counts_each_token_once(recipe: Make, scripted: Make, tmp_path: Path):
    engines = scripted(slow)
    seen = outlook(recipe(*LEGS), tmp_path / "run", pilot=12)
    tokens = sum(len(slow(r).split()) for r in engines[0].requests if not r.begun)
    assert seen.forecast is not None
    assert seen.forecast.tokens.value == pytest.approx(tokens, rel=0.01)


def test_chat_servers_are_refused(recipe: Make):
    server = ("generator.engine.kind=server", "generator.engine.base_urls=[http://127.0.0.1:1/v1]")
    with pytest.raises(RecipeError, match=r"draws\.continue_truncated: a chat server begins every answer itself"):
        recipe(*LEGS, *server)
