"""A table nobody prepared for: which column is what."""

from typing import Any

import pytest

from pairforge.sources.guess import guess_columns

LONG = "We add the two numbers, check the sum by subtraction, and find \\boxed{5}."


def rows(**columns: Any) -> list[dict[str, Any]]:
    return [columns for _ in range(4)]


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (rows(Problem="2 + 3?", final_answer="5", solution=LONG), {"question": "Problem", "answer": "final_answer", "long": "solution"}),
        (rows(prompt="2 + 3?", gt=5), {"question": "prompt", "answer": "gt"}),
        (rows(query="2 + 3?", solutions=[LONG, LONG]), None),
        (rows(query="2 + 3?", Expected_Answer="5", solutions=[LONG, LONG]), {"question": "query", "answer": "Expected_Answer", "long": "solutions"}),
        (rows(uuid="a", question="2 + 3?", ground_truth="5"), {"question": "question", "answer": "ground_truth", "id": "uuid"}),
        (rows(text="2 + 3?", value="5"), None),
    ],
)  # fmt: skip
def test_columns_by_their_names_and_values(table: list[dict[str, Any]], expected: dict[str, str] | None):
    guess = guess_columns(table)
    assert (guess.columns if guess else None) == expected


def test_a_box_in_the_solution_is_the_answer_where_there_is_no_other():
    guess = guess_columns(rows(query="2 + 3?", reasoning=LONG))
    assert guess is not None
    assert guess.columns == {"question": "query", "long": "reasoning", "answer": "reasoning"}
    assert any("box" in note for note in guess.notes)


def test_short_values_that_repeat_describe_the_problem():
    table = [{"problem": f"{n} + 3?", "answer": n + 3, "level": n % 3, "url": f"page-{n}" * 20} for n in range(12)]
    guess = guess_columns(table)
    assert guess is not None
    assert guess.columns["meta.level"] == "level"
    assert "meta.url" not in guess.columns


def test_a_known_schema_has_its_own_adapter():
    guess = guess_columns(rows(question="2 + 3?", answer="2 + 3 = 5\n#### 5"))
    assert guess is not None
    assert (guess.adapter, guess.columns) == ("gsm8k", {})


def test_no_rows_are_no_table():
    assert guess_columns([]) is None
