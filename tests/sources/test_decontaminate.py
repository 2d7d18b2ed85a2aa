"""Evaluation problems stay out, and a set that cannot be read is named."""

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from pairforge import demo
from pairforge.recipe import load_recipe
from pairforge.records import Problem, problem_id
from pairforge.sources.decontaminate import EvaluationSet, decontaminate, load_evaluation_sets, screen
from tests.sources.standins import write_standin

AIME = "Every morning Aya goes for a 9-kilometer-long walk and stops at a coffee shop afterwards."
USUAL = {"ngram": 8, "without_digits": True, "fuzzy": 0.75}
MADE_UP = EvaluationSet("held-out", (AIME, "Compute $1+1$."))


def problem(question: str) -> Problem:
    return Problem(problem_id(question), question, "1", "s", rows=("s:1",))


def reason(question: str, **options: object) -> str:
    found = decontaminate([problem(question)], [MADE_UP], **(USUAL | options))  # type: ignore[arg-type]
    return found.drops[0].detail if found.drops else ""


def test_eight_shared_words_are_enough_and_are_quoted():
    overlap = "We know that Aya goes for a 9-kilometer-long walk and is happy."
    assert reason(overlap) == "held-out, ngram, shared words: aya goes for a 9 kilometer long walk and"
    assert reason("We know that Aya goes for a walk.") == ""
    assert reason(overlap, ngram=None, fuzzy=None) == ""
    assert reason("Aya goes for a long swim.", ngram=3) == "held-out, ngram, shared words: aya goes for a"


def test_the_same_exercise_with_other_numbers_is_contaminated():
    assert reason(AIME.replace("9", "11").upper(), ngram=None).startswith(
        "held-out, numbers, same question but for its numbers"
    )
    assert reason(AIME.replace("9", "11"), ngram=None, without_digits=False) == ""


def test_short_questions_are_compared_with_their_numbers():
    assert reason("compute 1 + 1") == "held-out, exact, same question: compute 1 + 1"
    assert reason("Compute $2+3$.") == ""


def test_counts_per_set_and_nothing_lost():
    found = decontaminate([problem(AIME), problem("Fresh?")], [MADE_UP], unreachable={"gpqa": "gated"}, **USUAL)
    assert found.sets == {"held-out": {"questions": 2, "problems": 1}}
    assert [p.question for p in found.problems] == ["Fresh?"]
    assert [(d.subject, d.stage, d.reason) for d in found.drops] == [("s:1", "source", "contaminated")]
    assert found.unreachable == {"gpqa": "gated"}
    assert found.kinds == {"exact": 1}


def test_a_wrapped_question_and_a_similar_one_say_how_they_match():
    assert reason(f"My teacher asks: {AIME} Why?").startswith(
        "held-out, contained, contains the question: every morning"
    )
    similar = AIME.replace("Aya", "Birgit")
    assert reason(similar, ngram=None).startswith("held-out, fuzzy, similar question (0.")
    assert reason(similar, ngram=None, fuzzy=None) == ""


@given(
    st.permutations([AIME, AIME.replace("Aya", "Bo"), AIME.replace("9", "4"), "Compute $1+1$.", "Fresh?", "Find $x$."])
)
def test_every_problem_is_judged_by_itself(questions: list[str]):
    alone = {q: [d.detail for d in decontaminate([problem(q)], [MADE_UP], **USUAL).drops] for q in questions}
    found = decontaminate([problem(q) for q in questions], [MADE_UP], **USUAL)
    assert [p.question for p in found.problems] == [q for q in questions if not alone[q]]
    assert [d.detail for d in found.drops] == [detail for q in questions for detail in alone[q]]
    assert sum(found.kinds.values()) == found.sets["held-out"]["problems"] == len(questions) - len(found.problems)


def test_sets_are_found_by_name_by_id_or_as_a_file(tmp_path):
    write_standin("HuggingFaceH4/MATH-500", tmp_path)
    (tmp_path / "mine.jsonl").write_text(json.dumps({"question": "Mine?"}) + "\n")
    sets, unreachable = load_evaluation_sets(["math-500", "HuggingFaceH4/MATH-500", "mine.jsonl"], base_dir=tmp_path)
    assert [(s.name, len(s.questions)) for s in sets] == [
        ("math-500", 2), ("HuggingFaceH4/MATH-500", 2), ("mine.jsonl", 1),
    ]  # fmt: skip
    assert unreachable == {}
    assert all(s.revision.startswith("sha256:") for s in sets)


def test_a_set_that_cannot_be_read_is_named_with_its_reason(tmp_path):
    (tmp_path / "odd.jsonl").write_text('{"text": "no question column"}\n')
    sets, unreachable = load_evaluation_sets(["aime-2025", "math500", "odd.jsonl"], base_dir=tmp_path)
    assert sets == []
    assert "cannot reach the Hub" in unreachable["aime-2025"]
    assert "did you mean 'math-500'" in unreachable["math500"]
    assert "no column of questions" in unreachable["odd.jsonl"]


def test_screening_also_takes_near_duplicates_out_and_names_what_it_could_not_read(tmp_path):
    (tmp_path / "held-out.jsonl").write_text(json.dumps({"question": AIME}) + "\n")
    fresh = "How many ways are there to seat 5 guests at a table of 7 chairs?"
    problems = [problem(AIME), problem(fresh), problem(fresh.replace("?", "!"))]
    found = screen(problems, sets=["held-out.jsonl", "gpqa"], base_dir=tmp_path, near_duplicates=0.8, **USUAL)
    assert [d.reason for d in found.drops] == ["contaminated", "near_duplicate"]
    assert found.summary()["near_duplicates"] == 1
    assert found.sets == {"held-out.jsonl": {"questions": 1, "problems": 1}}
    assert list(found.unreachable) == ["gpqa"]
    assert [p.question for p in found.problems] == [fresh]
    assert len(screen(problems, sets=[], base_dir=tmp_path, near_duplicates=None, **USUAL).problems) == 3


def test_the_demo_keeps_its_problems_with_the_options_of_its_recipe():
    options = load_recipe(demo.recipe_path()).decontaminate.model_dump()
    texts = [json.loads(row)["question"] for row in demo.demo_path("pairforge:demo").read_text().splitlines()]
    found = screen([problem(text) for text in texts], base_dir=Path(), **options)
    assert len(found.problems) == len(texts)
    assert found.sets == {"pairforge:demo-eval": {"questions": 300, "problems": 0}}
