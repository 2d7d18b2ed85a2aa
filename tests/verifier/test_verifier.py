"""The verifier's promises as a caller sees them."""

import pytest

from pairforge.errors import VerifierError
from pairforge.verifier import VERIFIER_VERSION, AnswerRules, Item, Verifier, explain, grade, verifier_version
from pairforge.verifier.decisions import Percent

STRICT = AnswerRules(percent="strict")


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=2) as it:
        yield it


@pytest.mark.parametrize(
    ("gold", "response", "status"),
    [
        ("5", "So the total is \\boxed{5}.", "correct"),
        ("5", "So the total is \\boxed{6}.", "incorrect"),
        ("\\sqrt{5}+2", "\\boxed{2+\\sqrt5}", "correct"),
        ("x^2", "\\boxed{x^3}", "incorrect"),
        ("3", "<think> it must be \\boxed{3}", "truncated"),
        ("3", "I cannot tell.", "no_answer"),
        ("", "\\boxed{3}", "gold_unparsed"),
    ],
)
def test_a_response_is_graded(gold: str, response: str, status: str):
    assert grade(gold, response).status == status


def test_verdicts_come_in_the_order_of_the_items(verifier: Verifier):
    items = [Item(str(n), f"{n % 7}\\sqrt{{2}}", f"\\boxed{{{n % 5}\\sqrt2}}") for n in range(60)]
    verdicts = list(verifier.verify(items))
    assert [v.sample_key for v in verdicts] == [i.key for i in items]
    assert [v.status == "correct" for v in verdicts] == [n % 7 == n % 5 for n in range(60)]


def test_a_hanging_answer_costs_only_itself(verifier: Verifier):
    tower = Item("tower", "x+1", "\\boxed{9^{9^{9^{9}}}}")
    items = [Item("before", "\\sqrt{3}", "\\boxed{\\sqrt 3}"), tower, Item("after", "\\pi", "\\boxed{\\pi + 1}")]
    statuses = {v.sample_key: v.status for v in verifier.verify(items)}
    assert statuses["before"] == "correct" and statuses["after"] == "incorrect"
    assert statuses["tower"] not in ("correct", "incorrect")


def test_the_choice_about_percent_signs_is_part_of_a_verdicts_version():
    choices: tuple[Percent, ...] = ("lenient", "strict", "lenient")
    verdicts = {choice: grade("20\\%", "\\boxed{20}", rules=AnswerRules(percent=choice)) for choice in choices}
    assert (verdicts["lenient"].status, verdicts["lenient"].verifier_version) == ("correct", VERIFIER_VERSION)
    assert (verdicts["strict"].status, verdicts["strict"].verifier_version) == (
        "incorrect",
        f"{VERIFIER_VERSION}+strict",
    )


@pytest.mark.parametrize("response", ["\\boxed{7}", "\\boxed{\\sqrt{49}}", "I cannot tell.", "The answer is 20 %."])
def test_every_verdict_of_a_verifier_carries_its_version(response: str):
    assert grade("20\\%", response, rules=STRICT).verifier_version == verifier_version(STRICT)
    assert grade("", response, rules=STRICT).verifier_version == verifier_version(STRICT)


def test_explain_names_the_choice_about_percent_signs():
    for percent, status in (("lenient", "correct"), ("strict", "incorrect")):
        steps = dict(explain("20\\%", "\\boxed{20}", rules=AnswerRules(percent=percent)))  # type: ignore[arg-type]
        assert steps["decision"].startswith(status) and f"percent {percent}" in steps["decision"]
        assert steps["rule"].startswith(f"percent_{percent}")


def test_an_unknown_choice_is_an_error():
    with pytest.raises(VerifierError, match="percent"):
        grade("20", "20", rules=AnswerRules(percent="maybe"))  # type: ignore[arg-type]
