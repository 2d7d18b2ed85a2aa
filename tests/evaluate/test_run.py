"""Evaluations with a scripted engine: what is asked, what is kept, how models are compared."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge import pipeline
from pairforge.errors import RunError, TrainError
from pairforge.evaluate import Questions, benchmarks, evaluate
from pairforge.evaluate.run import eval_recipe, fingerprint, labels
from pairforge.generator import Completion, Request
from pairforge.generator.config import VllmEngineConfig
from pairforge.generator.engines.scripted import ScriptedEngine

ASKED = Questions(samples=2, max_tokens=64, user="{question}")


@pytest.fixture
def model_folders(tmp_path: Path) -> list[str]:
    """Two folders with the bundled tokenizer and config: models for everything but sampling."""
    from pairforge.demo import demo_path

    made = []
    for name in ("before", "after"):
        folder = tmp_path / "models" / name
        folder.mkdir(parents=True)
        for file in demo_path("pairforge:nano").iterdir():
            if file.suffix != ".safetensors":
                (folder / file.name).write_bytes(file.read_bytes())
        (folder / "which.json").write_text(json.dumps(name))
        made.append(str(folder))
    return made


@pytest.fixture
def problems(tmp_path: Path) -> str:
    file = tmp_path / "sums.jsonl"
    file.write_text(
        "".join(json.dumps({"question": f"What is {i} + 1?", "answer": str(i + 1)}) + "\n" for i in range(8))
    )
    return str(file)


@pytest.fixture
def engines(monkeypatch: pytest.MonkeyPatch) -> list[ScriptedEngine]:
    """Engines that answer: "before" is right on even numbers and brief, "after" always right, with a wait."""
    started: list[ScriptedEngine] = []

    def answer_of(model: str) -> Callable[[Request], Completion]:
        def answer(request: Request) -> Completion:
            number = int(request.prompt.split("What is ")[1].split()[0])
            if model.endswith("after"):
                return Completion(
                    request.key, f"<think>\nWait, {number} + 1. Hmm.\n</think>\n\n\\boxed{{{number + 1}}}", 30, "stop"
                )
            if number == 6:
                return Completion(request.key, "I count and count", 64, "length")
            return Completion(request.key, f"\\boxed{{{number + 1 if number % 2 == 0 else 0}}}", 10, "stop")

        return answer

    def open_engine(engine: VllmEngineConfig, **shared: Any) -> ScriptedEngine:
        started.append(ScriptedEngine(answer_of(engine.model)))
        return started[-1]

    monkeypatch.setattr("pairforge.generator.open_engine", open_engine)
    return started


def test_two_models_are_compared_question_by_question(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    out = tmp_path / "eval"
    comparison = evaluate(model_folders, [problems], ASKED, out)
    before, after = comparison.rows
    assert (before.model, after.model) == ("before", "after")
    assert before.score is not None
    assert before.score.questions == 8
    assert before.accuracy.value == pytest.approx(3 / 8)
    assert before.score.truncated == pytest.approx(1 / 8)
    assert after.accuracy.value == 1.0
    assert after.change is not None
    assert after.change.accuracy.value == pytest.approx(5 / 8)
    assert after.change.accuracy.low > 0
    assert after.score is not None
    assert after.score.reflections.value == 2.0  # a wait and a hmm
    table = (out / "README.md").read_text()
    for words in ("| sums | before | 37.5 [", "+62.5 [", "its intervals are wide"):
        assert words in table
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    assert json.loads((out / "eval.json").read_text())["questions"]["samples"] == 2


def test_what_was_answered_is_not_asked_again(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    first = evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval")
    assert sum(len(e.requests) for e in engines) == 16
    assert evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval") == first
    assert sum(len(e.requests) for e in engines) == 16
    with pytest.raises(RunError, match=r"sampling\.temperature"):
        evaluate(model_folders[:1], [problems], Questions(samples=2, max_tokens=64, temperature=0.1), tmp_path / "eval")


def test_several_benchmarks_end_in_an_average(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    other = tmp_path / "few.jsonl"
    other.write_text(json.dumps({"question": "What is 20 + 1?", "answer": "21"}) + "\n")
    comparison = evaluate(model_folders, [problems, str(other)], ASKED, tmp_path / "eval")
    average = [row for row in comparison.rows if row.benchmark == "average"]
    assert [row.accuracy.value for row in average] == pytest.approx([(3 / 8 + 1) / 2, 1.0])


def test_every_model_is_asked_alike_with_full_budgets():
    recipe = eval_recipe("pairforge:nano", "demo", Questions(samples=3), {"dtype": "float32"}, [])
    block = recipe.generator
    assert block is not None
    assert (block.draws.min, block.draws.max, block.draws.until, block.budget) == (3, 3, "max", "full")
    assert (block.sampling.temperature, block.sampling.top_p, block.sampling.max_tokens) == (0.7, 1.0, 32768)
    assert block.engine.dtype == "float32"
    assert recipe.decontaminate.near_duplicates is None


def test_the_precision_of_a_servers_model_is_left_to_the_server():
    overrides = ["generator.engine.kind=server", "generator.engine.base_urls=[http://127.0.0.1:1/v1]"]
    recipe = eval_recipe("pairforge:nano", "demo", Questions(), {"dtype": "float32", "max_num_seqs": 8}, overrides)
    assert recipe.sampling_block().engine.kind == "server"
    assert recipe.sampling_block().engine.max_num_seqs == 8


def test_other_weights_under_the_same_name_are_another_model(model_folders: list[str]):
    before = fingerprint(model_folders[0])
    assert before == fingerprint(model_folders[0])
    (Path(model_folders[0]) / "model.safetensors").write_bytes(b"other weights")
    assert fingerprint(model_folders[0]) != before


def test_models_with_the_same_last_name_are_told_apart():
    assert labels(["pairforge:nano", "runs/a/model"]) == ["nano", "model"]
    assert labels(["runs/a/model", "runs/b/model"]) == ["a/model", "b/model"]


@pytest.mark.parametrize("name", list(benchmarks.BENCHMARKS))
def test_every_benchmark_by_name_is_a_valid_source(name: str):
    assert eval_recipe("m", name, Questions(), {}, []).sources


def test_an_unknown_benchmark_names_the_nearest():
    with pytest.raises(TrainError, match="aime24"):
        benchmarks.sources("aime-24")


def test_gpqa_becomes_a_choice_of_letters_and_olympiadbench_one_answer():
    from pairforge.sources.adapters import ADAPTERS

    row = {"Question": "Which is red?", "Correct Answer": "blood"}
    row |= {f"Incorrect Answer {i}": wrong for i, wrong in enumerate(("snow", "grass", "coal"), start=1)}
    entry = ADAPTERS["gpqa"].read(row)
    assert f"{entry.answer}) blood" in entry.question
    assert entry == ADAPTERS["gpqa"].read(row)
    assert ADAPTERS["olympiadbench"].read({"question": "Solve.", "final_answer": ["$2$", "-3"]}).answer == "2, -3"


def test_an_evaluation_is_a_run_that_can_be_looked_at(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval")
    run_folder = next((tmp_path / "eval" / "sums").iterdir())

    assert pipeline.evidence_counts(pipeline.open_session(run_folder))["problems"] == 8
