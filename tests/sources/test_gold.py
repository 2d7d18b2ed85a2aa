"""The gold that adapters read from a solution holds every value that the solution gives, so its author is right."""

from collections.abc import Callable
from typing import Any

import pytest

from pairforge.sources import ADAPTERS
from pairforge.verifier import grade
from tests.sources.standins import conversation, sky, think

QUESTION = "Solve $x^2 - 5x + 6 = 0$."
ROWS: dict[str, Callable[[str], dict[str, Any]]] = {
    "bespoke-stratos": lambda s: conversation(QUESTION, sky("Factor it.", s)),
    "openthoughts": lambda s: {**conversation(QUESTION, sky("Factor it.", s)), "problem": QUESTION, "solution": s},
    "openthoughts-metadata": lambda s: {
        "problem": QUESTION, "deepseek_reasoning": "Factor it.", "deepseek_solution": s, "ground_truth_solution": None,
        "domain": "math",
    },
    "s1k": lambda s: {
        "question": QUESTION, "solution": s, "cot_type": "math", "deepseek_thinking_trajectory": "Factor it.",
        "deepseek_attempt": s,
    },
    "light-r1-dpo": lambda s: {
        "conversations": [{"from": "human", "value": QUESTION}],
        "chosen": {"from": "gpt", "value": think("Factor it.", s)}, "rejected": {"from": "gpt", "value": "None."},
    },
    "thinkpo-pairs": lambda s: {
        "prompt": [{"role": "user", "content": QUESTION}],
        "chosen": [{"role": "assistant", "content": sky("Factor it.", s)}],
        "rejected": [{"role": "assistant", "content": "None."}],
    },
    "trl-pairs": lambda s: {"prompt": QUESTION, "chosen": think("Factor it.", s), "rejected": "None."},
    "numina": lambda s: {"problem": QUESTION, "solution": s, "source": "olympiads"},
    "math": lambda s: {"problem": QUESTION, "solution": s, "level": "Level 1"},
    "columns": lambda s: {"question": QUESTION, "answer": s, "long": think("Factor it.", s)},
    "rollouts": lambda s: {"question": QUESTION, "gold": s, "completion": think("Factor it.", s)},
    "limo": lambda s: {"question": QUESTION, "answer": s, "solution": think("Factor it.", s)},
}  # fmt: skip
# They read a column that holds the bare answer, or GSM8K's `####`.
BARE = {"deepmath", "openr1-math", "gpqa", "olympiadbench", "gsm8k"}


@pytest.mark.parametrize("name", ADAPTERS)
def test_an_adapter_that_reads_gold_from_a_solution_is_tested_below(name: str):
    """Its example's answer is then no cell of its own."""
    example = ADAPTERS[name].example
    if ADAPTERS[name].read(example).answer not in example.values():
        assert name in ROWS.keys() | BARE, "add a row that holds a whole solution to ROWS"


@pytest.mark.parametrize("adapter", ROWS)
@pytest.mark.parametrize(
    ("solution", "gold"),
    [
        ("So $(x-2)(x-3)=0$, and $x=\\boxed{2}$ or $x=\\boxed{3}$.", "x = 2, x = 3"),
        ("The solutions are $\\boxed{2}$ and $\\boxed{3}$.", "2, 3"),
        ("Hence the smaller root plus the larger is $\\boxed 5$.", "5"),
    ],
)
def test_the_gold_holds_all_values_and_the_solution_is_correct(adapter: str, solution: str, gold: str):
    entry = ADAPTERS[adapter].read(ROWS[adapter](solution))
    assert entry.answer == gold
    verdict = grade(entry.answer, entry.given[0].text)
    assert (verdict.status, entry.given[0].complete) == ("correct", True), verdict


def test_a_cut_solution_gives_no_gold_of_its_steps():
    cut = "First $\\boxed{2}$ is a root. The sum of both is \\boxed{2 + "
    assert ADAPTERS["trl-pairs"].read(ROWS["trl-pairs"](cut)).answer == ""


@pytest.mark.parametrize(("line", "gold"), [("#### 5", "5"), ("#### 1,234", "1234"), ("#### $1,234.50", "$1234.50")])
def test_gsm8k_solutions_are_correct_against_their_last_line(line: str, gold: str):
    entry = ADAPTERS["gsm8k"].read({"question": "How much is it?", "answer": f"2+3=<<2+3=5>>5, and so on.\n{line}"})
    assert entry.answer == gold
    assert grade(entry.answer, entry.given[0].text).status == "correct"
