"""Where the long solution and several short ones agree with each other and not with gold, gold is suspect."""

import polars as pl
import pytest

from pairforge.filters import gold_suspects, prepare

PROBLEM = {"problem_id": "p", "source": "s", "gold": "dataset", "draws": 3, "stopped_by": "max", "pass_rate": 0.0}


def suspects(*solutions: tuple[str, str, str]) -> list[tuple[str, int, int]]:
    """Solutions as (origin, status, answer)."""
    rows = [
        {
            "sample_key": f"p/{origin}/{draw}/0", "problem_id": "p", "origin": origin, "side": "any", "draw": draw,
            "model": "m", "status": status, "finish_reason": "stop", "answer": answer, "prompt_tokens": 5,
            "completion_tokens": 50, "budget_limited": False, "max_tokens": 0,
        }
        for draw, (origin, status, answer) in enumerate(solutions)
    ]  # fmt: skip
    found = gold_suspects(prepare(pl.DataFrame([PROBLEM]), pl.DataFrame(rows)))
    return list(found.select("suspect_answer", "agreeing", "correct").iter_rows())


LONG_WRONG = ("given", "incorrect", "5")
SHORT_WRONG = ("sampled", "incorrect", "5")


def test_a_long_and_two_short_solutions_against_gold():
    assert suspects(LONG_WRONG, SHORT_WRONG, ("sampled", "incorrect", "$5$ ")) == [("$5$ ", 3, 0)]


@pytest.mark.parametrize(
    "solutions",
    [
        (LONG_WRONG, SHORT_WRONG),
        (SHORT_WRONG, SHORT_WRONG, SHORT_WRONG),  # a small model repeats its own mistakes
        (LONG_WRONG, SHORT_WRONG, ("sampled", "incorrect", "6")),
        (LONG_WRONG, SHORT_WRONG, ("sampled", "timeout", "5")),
        (("given", "correct", "4"), *[("sampled", "correct", "4")] * 2, LONG_WRONG, SHORT_WRONG, SHORT_WRONG),
    ],
)
def test_what_does_not_make_gold_suspect(solutions):
    assert suspects(*solutions) == []
