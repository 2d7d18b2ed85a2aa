"""The bundled problems: complete, exact, labelled, disjoint, and reproduced by their script."""

import random
import re
import subprocess
import sys
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.chat import split_reasoning
from pairforge.demo import demo_path

NANO_RECIPE = Path(__file__).parents[2] / "recipes" / "nano"

# "a × b = c", not preceded by a further operand
STEP = re.compile(r"(?<![\d/+×-] )(?<![\d./])([\d./]*\d) ([×+-]) ([\d./]*\d) = ([\d./]*\d)")
COLUMNS = {"id", "question", "answer", "solution", "source", "topic", "difficulty"}


def test_counts_and_columns(build_rows, eval_rows):
    assert len(build_rows) == 480
    assert len(eval_rows) == 300
    for row in [*build_rows, *eval_rows]:
        assert row.keys() == COLUMNS
        assert row["source"] == "pairforge-demo-synthetic"


def test_ids_and_questions_occur_once(build_rows, eval_rows):
    rows = [*build_rows, *eval_rows]
    assert len({row["id"] for row in rows}) == len(rows)
    assert len({row["question"] for row in rows}) == len(rows)


def test_no_calculation_is_shared(bundled):
    def calculation(problem):  # the steps of the short working, operands of a product or sum in any order
        steps = STEP.findall(problem.working)
        return tuple((sign, *((a, b) if sign == "-" else sorted((a, b)))) for a, sign, b, _ in steps)

    build, evaluation = ({calculation(problem) for problem in problems} for problems in bundled)
    assert len(build) == 480
    assert not build & evaluation


def test_gold_equals_the_boxed_answer_exactly(build_rows, eval_rows, answers):
    for row in [*build_rows, *eval_rows]:
        gold = answers.gold_value(row["answer"])
        assert gold is not None, row
        assert gold == answers.boxed_value(row["solution"]), row


def test_every_step_of_every_solution_is_true(build_rows, eval_rows):
    apply = {"×": Fraction.__mul__, "+": Fraction.__add__, "-": Fraction.__sub__}
    for row in [*build_rows, *eval_rows]:
        steps = STEP.findall(row["solution"])
        assert len(steps) >= 3, row
        for left, sign, right, result in steps:
            assert apply[sign](Fraction(left), Fraction(right)) == Fraction(result), row


def test_solutions_think_in_a_frame_and_check_themselves(build_rows, eval_rows):
    for row in [*build_rows, *eval_rows]:
        thought, rest = row["solution"].split("\n</think>\n\n")
        assert thought.startswith("<think>\n")
        assert "Let me check:" in thought
        assert rest.count("\\boxed{") == 1 and "\\boxed" not in thought


def test_gold_comes_in_many_forms(build_rows):
    shapes = Counter(re.sub(r"\d+", "9", row["answer"]) for row in build_rows)
    for shape in ("9", "$9$", "\\boxed{9}", "9{,}9", "$9.9", "\\$9.9", "9.9", "\\text{\\$9.9}", "9/9", "\\frac{9}{9}"):
        assert shapes[shape] >= 5, shape


def test_levels_and_topics_are_balanced(eval_rows):
    assert Counter(row["difficulty"] for row in eval_rows) == {"easy": 104, "medium": 92, "hard": 104}
    assert set(Counter(row["topic"] for row in eval_rows).values()) == {75}


def test_the_script_reproduces_the_files_byte_for_byte(tmp_path):
    script = NANO_RECIPE / "make_problems.py"
    subprocess.run([sys.executable, script, "--out", tmp_path], check=True, capture_output=True)
    for address in ("pairforge:demo", "pairforge:demo-eval"):
        committed = demo_path(address)
        assert (tmp_path / committed.name).read_bytes() == committed.read_bytes()


@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["stock", "two_kinds", "money", "fraction"]))
@settings(max_examples=200, deadline=None)
def test_both_styles_of_any_problem_end_in_its_exact_answer(family, answers, seed, kind):
    rng = random.Random(seed)
    problem = family.draw_problem(rng, kind, rng.choice(family.LEVELS))
    assert problem.value > 0
    for text in (problem.short, problem.framed_short, problem.long):
        assert answers.boxed_value(text) == problem.value
    assert all(answers.gold_value(form) == problem.value for form in problem.golds)
    assert len(problem.steps) > 1.5 * len(problem.working)


def test_no_opening_tells_the_styles_apart(bundled):
    build, _ = bundled
    for style in ("long", "framed_short"):
        texts = [getattr(problem, style).removeprefix("<think>\n") for problem in build]
        assert 0.4 < sum(text.startswith("I need ") for text in texts) / len(texts) < 0.6
    for problem in build:
        assert problem.long.split("</think>")[1] == problem.framed_short.split("</think>")[1]


@pytest.mark.parametrize("mark", [":", "\n", "Let me check"])
def test_the_styles_are_separable_as_the_docs_say(bundled, mark):
    for problem in [*bundled[0], *bundled[1]]:
        thoughts = [split_reasoning(text).thought for text in (problem.long, problem.framed_short)]
        assert [mark in thought.strip() for thought in thoughts] == [True, False]


@pytest.mark.parametrize("text", ["", "about 12", "1/0", "\\frac{1}{0}", "12 apples", "1,2"])
def test_exact_values_are_never_guessed(answers, text):
    assert answers.gold_value(text) is None
