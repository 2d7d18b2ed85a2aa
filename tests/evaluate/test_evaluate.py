"""Evaluations with a scripted engine: what is asked, what is kept, how models are compared."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge import pipeline
from pairforge.errors import RunError, TrainError
from pairforge.evaluate import Questions, benchmarks, evaluate, markdown
from pairforge.evaluate.answers import eval_recipe, fingerprint, labels
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
    assert (before.score.questions, before.score.answers, before.score.truncated) == (8, 16, 2)
    assert before.accuracy.value == pytest.approx(3 / 8)
    assert after.accuracy.value == 1.0
    assert after.change is not None
    assert after.change.accuracy.value == pytest.approx(5 / 8)
    assert after.change.accuracy.low > 0
    assert after.change.p == after.change.p_holm < 0.05
    assert after.score is not None
    assert after.score.reflections.value == 2.0  # a wait and a hmm
    assert after.score.majority.value == 1.0
    table = (out / "README.md").read_text()
    for words in ("## sums: 8 questions, 2 answers each", "37.5 [", "+62.5 [", "intervals are wide", "pass@2", "maj@2"):
        assert words in table
    assert (out / "figure.png").read_bytes().startswith(b"\x89PNG")
    record = json.loads((out / "eval.json").read_text())
    assert record["questions"]["samples"] == 2
    assert record["rows"][0]["score"]["pass_at"]["2"]["value"] == pytest.approx(3 / 8)


def test_no_line_of_the_tables_is_wider_than_100_columns(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    long = [f"a-model-with-a-name-that-goes-on-and-on-{i}=" + path for i, path in enumerate(model_folders)]
    comparison = evaluate(long, [problems], ASKED, tmp_path / "eval", budgets=list(range(10_000, 200_000, 10_000)))
    text = markdown(comparison)
    assert max(map(len, text.splitlines())) <= 100
    assert "a-model-with-" in text
    assert "and-on-1 " in text


@pytest.mark.parametrize("failing", [Completion("", "", 0, "error", "out of memory"), None])
def test_a_failed_request_stays_in_the_denominator_and_is_sent_again(
    failing: Completion | None,
    model_folders: list[str],
    problems: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
):
    """None: nothing fails the second time."""
    broken = [True]

    def answer(request: Request) -> Completion:
        number = int(request.prompt.split("What is ")[1].split()[0])
        if broken[0] and number == 3:
            return Completion(request.key, "", 0, "error", "out of memory")
        return Completion(request.key, f"\\boxed{{{number + 1}}}", 10, "stop")

    monkeypatch.setattr("pairforge.generator.open_engine", lambda *_, **__: ScriptedEngine(answer))
    first = evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval")
    assert first.rows[0].score is not None
    assert (first.rows[0].score.failed, first.rows[0].score.questions) == (2, 8)
    assert first.rows[0].accuracy.value == pytest.approx(7 / 8)
    assert first.rows[0].score.accuracy_at_most.value == 1.0
    assert "Failed: the engine gave no answer" in markdown(first)
    broken[0] = failing is not None
    again = evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval")
    assert again.rows[0].accuracy.value == pytest.approx(7 / 8 if failing else 1.0)


def test_a_question_that_does_not_fit_the_context_is_a_failed_one(
    model_folders: list[str], engines: list[ScriptedEngine], tmp_path: Path
):
    file = tmp_path / "mixed.jsonl"
    rows = [("What is 2 + 1?", "3"), ("What is 4 + 1? " + "Think about it well. " * 500, "5")]
    file.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
    (row,) = evaluate(model_folders[:1], [str(file)], ASKED, tmp_path / "eval").rows
    assert row.score is not None
    assert (row.score.questions, row.score.answers, row.score.failed) == (2, 4, 2)
    assert row.accuracy.value == 0.5


def test_what_the_verifier_cannot_decide_is_counted_and_inflates_nothing(
    model_folders: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    """A gold answer that cannot be read leaves every answer undecided."""
    file = tmp_path / "sums.jsonl"
    unreadable = "1" * 20_000
    rows = [(f"What is {i} + 1?", str(i + 1) if i == 0 else unreadable) for i in range(5)]
    file.write_text("".join(json.dumps({"question": q, "answer": a}) + "\n" for q, a in rows))
    monkeypatch.setattr(
        "pairforge.generator.open_engine",
        lambda *_, **__: ScriptedEngine(lambda request: Completion(request.key, "\\boxed{1}", 5, "stop")),
    )
    (row,) = evaluate(model_folders[:1], [str(file)], ASKED, tmp_path / "eval").rows
    assert row.score is not None
    assert (row.score.undecided, row.score.questions) == (8, 5)
    assert (row.accuracy.value, row.score.accuracy_at_most.value) == (0.2, 1.0)


def test_rows_that_did_not_become_questions_are_told(
    model_folders: list[str], engines: list[ScriptedEngine], tmp_path: Path
):
    file = tmp_path / "sums.jsonl"
    rows = [{"question": "What is 2 + 1?", "answer": "3"}, {"question": "What is 4 + 1?", "answer": ""}]
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    comparison = evaluate(model_folders[:1], [str(file)], ASKED, tmp_path / "eval")
    assert sum(comparison.unread["sums"].values()) == 1
    assert "did not become a question" in markdown(comparison)


def test_models_of_one_name_are_seeds_of_one_training(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    third = tmp_path / "models" / "third-after"
    shutil.copytree(model_folders[1], third)
    models = [model_folders[0], f"dpo={model_folders[1]}", f"dpo={third}"]
    comparison = evaluate(models, [problems], ASKED, tmp_path / "eval")
    assert [row.model for row in comparison.rows] == ["before", "dpo"]
    trained = comparison.rows[1]
    assert trained.score is not None
    assert trained.change is not None
    assert (trained.score.seeds, trained.score.answers) == (2, 32)
    assert trained.change.by_seed == pytest.approx((5 / 8, 5 / 8))
    assert "take three or more" in markdown(comparison)
    with pytest.raises(TrainError, match="twice"):
        evaluate([models[1], models[1]], [problems], ASKED, tmp_path / "other")


def test_p_values_are_corrected_for_the_number_of_models(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    other = tmp_path / "models" / "other-before"
    shutil.copytree(model_folders[0], other)
    comparison = evaluate([*model_folders, str(other)], [problems], ASKED, tmp_path / "eval")
    first, second = (row.change for row in comparison.rows[1:])
    assert first is not None
    assert second is not None
    assert first.p_holm == pytest.approx(2 * first.p)
    assert second.p_holm == second.p == 1.0


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


def test_one_model_alone_has_no_columns_of_changes(
    model_folders: list[str], problems: str, engines: list[ScriptedEngine], tmp_path: Path
):
    text = markdown(evaluate(model_folders[:1], [problems], ASKED, tmp_path / "eval"))
    assert "| accuracy" in text
    assert "change," not in text
    assert "can be seen (80 % power)" in text


def test_every_model_is_asked_alike_with_full_budgets():
    recipe = eval_recipe("pairforge:nano", "demo", Questions(samples=3), {"dtype": "float32"}, [])
    block = recipe.generator
    assert block is not None
    assert (block.draws.min, block.draws.max, block.draws.until, block.budget) == (3, 3, "max", "full")
    assert (block.sampling.temperature, block.sampling.top_p, block.sampling.max_tokens) == (0.7, 1.0, 32768)
    assert block.engine.dtype == "float32"
    assert recipe.decontaminate.near_duplicates is None


def test_template_switches_are_part_of_how_a_model_is_asked():
    recipe = eval_recipe("pairforge:nano", "demo", Questions(template_kwargs={"enable_thinking": False}), {}, [])
    assert recipe.sampling_block().prompt.template_kwargs == {"enable_thinking": False}


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
    assert labels(["base", "dpo=runs/a/model", "dpo=runs/b/model"]) == ["base", "dpo", "dpo"]


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
