"""Every recipe of the literature is a view of one frozen run: no sampling, no engine, and the paper's pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
import yaml

from pairforge.filters.measures import measure
from pairforge.generator import Completion, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import Session, build, make_view, open_session, sampling
from pairforge.recipe import parse_recipe
from pairforge.run import Run, view_pairs
from pairforge.scores.join import join_scores
from tests.literature.references import REFERENCES, Row
from tests.literature.test_golden import FOLDER, check
from tests.synthetic import write_student

PROBLEMS = 24
DRAWS = {"sampled": 8, "long": 8, "short": 8, "large": 1, "small": 1}
STUDENT_KEYS = ("tokenizer", "revision", "chat_template")
FILLER = {"given": 150, "long": 90, "short": 5, "large": 40, "small": 10, "sampled": 20}


def solution(total: int, origin: str, draw: int, number: int) -> str:
    """A solution that states its answer twice; whether it is right, how long it is, and whether it is boxed depend on
    the problem and the draw alone. No two of a problem have the same length."""
    kind = (7 * draw + 3 * number + len(origin)) % 5
    right = number % 6 == 0 or origin == "given" or kind < 3
    answer = total if right else total + 1
    words = " ".join(["so"] * (FILLER[origin] + 9 * ((draw * 5 + number) % 8)))
    end = f"It is \\boxed{{{answer}}}." if origin != "sampled" or kind != 1 else f"The answer is {answer}."
    thought = (
        f"Now {words} it goes.\n\nSo the answer is {answer}.\n\nWait, again. So the answer is {answer}.\n\nHmm, fine."
    )
    return f"<think>\n{thought}\n</think>\n\n{end}"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """Given solutions, five arms, derived solutions and two scores, made once."""
    folder = tmp_path_factory.mktemp("literature")
    student = write_student(folder / "student")
    rows = []
    for n in range(PROBLEMS):
        long = solution(11 + 2 * n, "given", 0, n)
        rows.append({"question": f"What is {n + 1} plus {10 + n}?", "answer": str(11 + 2 * n), "long": long})
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    arms = {
        name: {
            "engine": {"model": str(student), "max_model_len": 2000},
            "sampling": {"max_tokens": 900},
            "draws": {"min": draws, "max": draws, "until": "max"},
            "budget": "full",
        }
        for name, draws in DRAWS.items()
    }
    recipe = {
        "sources": [{"dataset": str(folder / "problems.jsonl"), "adapter": "columns", "columns": {"long": "long"}}],
        "generators": arms,
        "derive": {
            "fcs": {"of": "sampled", "first_correct": True},
            "fcs_reflection": {"of": "sampled", "first_correct_plus": 1},
        },
        "format": {"frame": "think"},
        "filter": {"tokenizer": str(student)},
        "decontaminate": {"near_duplicates": None},
    }

    def answer(request: Request) -> Completion:
        _, origin, draw, _ = request.key.split("/")
        number = int(re.findall(r"\d+", request.prompt)[0]) - 1
        text = solution(11 + 2 * number, origin, int(draw), number)
        return Completion(request.key, text, len(text.split()), "stop")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "open_engine", lambda *_: ScriptedEngine(answer))
        build(parse_recipe(yaml.safe_dump(recipe)), folder / "run")
    run = Run(folder / "run")
    for name in ("tuned_sum", "base_sum"):
        lines = [
            {"sample_key": sample.key, name: -float(len(sample.text) * (31 if name == "base_sum" else 17) % 997)}
            for sample in run.each_sample()
        ]
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        join_scores(run, folder / f"{name}.jsonl", name)

    def no_engine(*_: object) -> Any:
        raise AssertionError("a view started an engine")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sampling, "open_engine", no_engine)
        yield run


def view_of(run: Run, name: str) -> Session:
    """The run under the rules of a recipe of the literature, with the run's own student."""
    rules = yaml.safe_load((FOLDER / f"{name}.yaml").read_text())["filter"]
    overrides = [f"filter.{key}={json.dumps(value)}" for key, value in rules.items() if key not in STUDENT_KEYS]
    return open_session(run, overrides)


def rows_of(session: Session) -> list[Row]:
    """The solutions of the run as the references take them."""
    boxes = {sample.key: measure(sample.text).boxes for sample in session.run.each_sample()}
    facts = session.sample_facts.select(
        pl.col("sample_key").alias("key"), pl.col("problem_id").alias("problem"), "origin", "status",
        pl.col("completion_tokens").alias("tokens"), pl.col("tuned_sum").alias("tuned"), pl.col("base_sum").alias("base"),
    )  # fmt: skip
    return [{**row, "boxes": boxes[row["key"]]} for row in facts.to_dicts()]


@pytest.mark.parametrize("name", sorted(set(REFERENCES) - {"thinkpo", "thinkpo-gap-bands", "implicit-reward-gap"}))
def test_a_recipe_is_a_view_of_the_run(run: Run, name: str):
    session = view_of(run, name)
    make_view(session, name)
    groups = REFERENCES[name](rows_of(session))
    assert sum(count for _, count in groups) >= 2
    check({(pair["chosen_key"], pair["rejected_key"]) for pair in view_pairs(run, name)}, groups)


@pytest.mark.parametrize("name", ["thinkpo", "thinkpo-gap-bands", "implicit-reward-gap"])
def test_a_recipe_for_one_draw_is_a_view_that_chooses_among_eight(run: Run, name: str):
    make_view(view_of(run, name), name)
    pairs = view_pairs(run, name)
    assert len(pairs) >= 2 and all(pair["gap_tokens"] > 0 for pair in pairs)
    assert {pair["chosen_key"].split("/")[1] for pair in pairs} == {"given"}
    assert len({pair["problem_id"] for pair in pairs}) == len(pairs)
