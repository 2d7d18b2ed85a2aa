"""Budgets between two tokenizers: the rule counts in the student's tokens, the request in the sampler's."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge import demo, lengths
from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import Session, build, prepare, sample, sampling
from pairforge.pipeline.frozen_target import facts_by_problem
from pairforge.run import Run
from tests.pipeline.conftest import add

Make = Callable[..., Any]

SHORT, LONG = "so we go on and on ", "consequently considering everything "


@pytest.fixture
def worlds_apart(recipe: Make, tmp_path: Path) -> Make:
    """The sampler writes the nano model's tokens (characters and digits), the student reads words.

    The given solutions differ in their words, so that the ratio of the two differs from text to text.
    """
    rows = []
    for n in range(12):
        words = SHORT * 8 if n % 2 else LONG * (3 + n)
        long = f"<think>\n{words}\n</think>\n\nSo it is \\boxed{{{11 + 2 * n}}}."
        rows.append({"question": f"What is {n + 1} plus {10 + n}?", "answer": str(11 + 2 * n), "long": long})
    file = tmp_path / "words.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    fixed = (f"sources.0.dataset={file}", "generator.engine.model=pairforge:nano", "generator.draws.max=2")
    return lambda *own: recipe(*fixed, "generator.engine.max_model_len=1024", "generator.sampling.max_tokens=800", *own)


def use_sampler(monkeypatch: pytest.MonkeyPatch, write: Callable[[Request], str]) -> list[ScriptedEngine]:
    """A scripted engine that counts and cuts in the nano model's tokens."""
    tokenizer = lengths.load_tokenizer(demo.resolve("pairforge:nano"))
    opened: list[ScriptedEngine] = []

    def answer(request: Request) -> Completion:
        ids = tokenizer.encode(write(request), add_special_tokens=False)
        kept = ids[: request.max_tokens - 1]  # one token is the end of turn
        if len(kept) < len(ids):
            return Completion(request.key, tokenizer.decode(ids[: request.max_tokens]), request.max_tokens, "length")
        return Completion(request.key, tokenizer.decode(kept), len(kept) + 1, "stop")

    def open_engine(*_: object) -> ScriptedEngine:
        opened.append(ScriptedEngine(answer))
        return opened[-1]

    monkeypatch.setattr(sampling, "open_engine", open_engine)
    return opened


def test_ratio_and_margin_are_measured_and_recorded_on_each_sample(
    worlds_apart: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    use_sampler(monkeypatch, add)
    settings = worlds_apart("filter.gap.min=10")
    build(settings, tmp_path / "run")
    run = Run(tmp_path / "run")

    sampler = lengths.load_tokenizer(demo.resolve("pairforge:nano"))
    student = lengths.load_tokenizer(settings.filter.tokenizer)
    ratios = sorted(
        len(sampler.encode(s.text, add_special_tokens=False)) / len(student.encode(s.text, add_special_tokens=False))
        for s in run.given()
    )
    measured = run.manifest().to_json()["arms"]["sampled"]["token_ratio"]
    assert measured == {"median": ratios[6], "safe": ratios[-1], "texts": 12}
    assert measured["safe"] > 1.1 * measured["median"] > 2, "the tokenizers and the texts really differ"

    given = facts_by_problem(Session(settings, run).sample_facts).given
    for drawn in run.sampled():
        assert drawn.token_ratio == measured["safe"]
        assert drawn.budget_limited
        longest = given[drawn.problem_id][0].tokens - 10
        assert drawn.max_tokens == math.ceil(longest * measured["safe"]) + 1


@pytest.mark.parametrize("words", [SHORT, LONG])
def test_no_sample_that_the_rule_would_take_is_cut(
    worlds_apart: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: str
):
    """Solutions at the very limit of the rule, in words of few and of many characters, come through whole."""

    def write(request: Request) -> str:
        return words * (budget_words[request.problem_id] // len(words.split())) + add(request)

    settings = worlds_apart("filter.gap.min=12")
    budget_words: dict[str, int] = {}
    engines = use_sampler(monkeypatch, write)
    run = tmp_path / "run"
    prepared = prepare(settings, run)
    student = lengths.load_tokenizer(settings.filter.tokenizer)
    answer_tokens = len(student.encode("<think>\n\n</think>\n\nIt is \\boxed{11}. <eos>", add_special_tokens=False))
    for problem_id, facts in facts_by_problem(prepared.sample_facts).given.items():
        budget_words[problem_id] = facts[0].tokens - 12 - answer_tokens
    build(settings, run)
    assert engines[0].requests
    assert {s.finish_reason for s in Run(run).sampled()} == {"stop"}


def test_a_looser_rule_draws_exactly_the_undecided_samples(
    worlds_apart: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    def write(request: Request) -> str:
        wordy = int(request.prompt.split("plus ")[1].split("?")[0]) % 3 == 0
        return (LONG * 12 if wordy else "") + add(request)

    engines = use_sampler(monkeypatch, write)
    tight, loose = worlds_apart("filter.gap.min=32"), worlds_apart("filter.gap.min=5")
    build(tight, tmp_path / "run")
    run = Run(tmp_path / "run")
    first = {s.key: s for s in run.sampled()}
    cut = {(s.problem_id, s.draw) for s in first.values() if s.finish_reason == "length"}
    assert cut
    sample(Session(loose, run), extend=True)
    new = [s for s in run.sampled() if s.key not in first]
    never_drawn = {p.id for p in run.each_problem()} - {s.problem_id for s in first.values()}
    again = {(r.problem_id, r.draw) for r in engines[-1].requests if r.problem_id not in never_drawn}
    assert again <= cut
    assert {problem for problem, _ in again} == {problem for problem, _ in cut}
    assert len(new) == len(engines[-1].requests)
    assert all(s.max_tokens > min(f.max_tokens for f in first.values()) for s in new)
