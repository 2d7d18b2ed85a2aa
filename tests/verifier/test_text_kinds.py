"""Ground truth that is no formula: exact text, options, and the user's own function."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.errors import VerifierError
from pairforge.verifier import VERIFIER_VERSION, AnswerRules, Item, Verifier, explain, grade, verifier_version
from pairforge.verifier.text_kinds import exact_text, options_from, options_in

EXACT, CHOICE = AnswerRules(kind="exact"), AnswerRules(kind="choice")
QUESTION = "Which of these is prime?\n(A) 21 (B) 27 (C) 29 (D) \\frac{58}{4}"


# --- exact ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "response", "status"),
    [
        ("Paris", "The answer is \\boxed{\\text{paris}}.", "correct"),
        ("Paris", "The answer is **Paris**.", "correct"),
        ("the Nile", "\\boxed{Nile}", "correct"),
        ("Paris", "\\boxed{London}", "incorrect"),
        ("listen", "\\boxed{silent}", "incorrect"),
        ("1,200", "\\boxed{1200.0}", "correct"),
        ("0.5", "\\boxed{\\frac{1}{2}}", "incorrect"),
        ("12", "\\boxed{13}", "incorrect"),
        ("x + 1", "\\boxed{1 + x}", "incorrect"),
        ("Paris", "It lies on the Seine, as we all know.", "no_answer"),
        ("Paris", "<think>It must be Paris", "truncated"),
        ("", "\\boxed{Paris}", "gold_unparsed"),
    ],
)
def test_exact_text_counts_and_numbers_count_as_numbers(gold: str, response: str, status: str):
    verdict = grade(gold, response, rules=EXACT)
    assert verdict.status == status, verdict
    assert verdict.verifier_version == f"{VERIFIER_VERSION}+exact"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_the_normal_form_of_a_text_is_its_own(text: str):
    once = exact_text(text)
    assert not isinstance(once, str) or exact_text(once) in (once, exact_text(exact_text(once)))


# --- choice --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "response", "status"),
    [
        ("C", "The answer is \\boxed{C}.", "correct"),
        ("(C)", "So the correct option is C.", "correct"),
        ("C", "\\boxed{\\text{(C) } 29}", "correct"),
        ("C", "\\boxed{29}", "correct"),
        ("29", "\\boxed{C}", "correct"),
        ("D", "\\boxed{14.5}", "correct"),
        ("D", "\\boxed{29/2}", "correct"),
        ("C", "\\boxed{B}", "incorrect"),
        ("C", "\\boxed{27}", "incorrect"),
        ("C", "\\boxed{(C) 27}", "incorrect"),
        ("C", "\\boxed{31}", "incorrect"),
        ("C", "We compare them one by one.", "no_answer"),
        ("E", "\\boxed{C}", "gold_unparsed"),
        ("prime", "\\boxed{C}", "gold_unparsed"),
    ],
)
def test_a_letter_and_the_text_of_its_option_are_one_answer(gold: str, response: str, status: str):
    verdict = grade(gold, response, question=QUESTION, rules=CHOICE)
    assert verdict.status == status, verdict


def test_without_options_a_value_cannot_be_looked_up():
    assert grade("C", "\\boxed{29}", rules=CHOICE).status == "error"
    assert grade("C) 29", "\\boxed{29}", rules=CHOICE).status == "correct"
    assert grade("C", "\\boxed{C}", rules=CHOICE).status == "correct"


@pytest.mark.parametrize(
    ("gold", "answer", "status"),
    [("A, C", "C and A", "correct"), ("AC", "A, C", "correct"), ("A, C", "A", "incorrect"), ("A", "A, C", "incorrect")],
)
def test_several_letters_are_a_set(gold: str, answer: str, status: str):
    assert grade(gold, f"\\boxed{{{answer}}}", question=QUESTION, rules=CHOICE).status == status


@pytest.mark.parametrize(
    "question",
    [
        "Pick one.\nA. red\nB. green\nC. blue",
        "Pick one. (A) red (B) green (C) blue",
        "Pick one. $\\textbf{(A)}\\ red\\qquad\\textbf{(B)}\\ green\\qquad\\textbf{(C)}\\ blue$",
        "Pick one.\nA) red\nB) green\nC) blue\n\nAnswer with a letter.",
        "A. Turing was asked: pick one.\n**A.** red\n**B.** green\n**C.** blue",
    ],
)
def test_options_are_read_from_the_question(question: str):
    assert options_in(question) == (("A", "red"), ("B", "green"), ("C", "blue"))


@pytest.mark.parametrize("question", ["What is 2 + 2?", "A. is a letter.", "Let (B) be (A).", ""])
def test_a_question_without_options_has_none(question: str):
    assert options_in(question) == ()


@pytest.mark.parametrize(
    "value",
    [
        ["red", "green"],
        ["A) red", "B) green"],
        {"A": "red", "B": "green"},
        {"label": ["A", "B"], "text": ["red", "green"]},
        '["red", "green"]',
    ],
)
def test_options_are_read_from_a_column(value: object):
    assert options_from(value) == (("A", "red"), ("B", "green"))


@pytest.mark.parametrize("value", [None, 7, "red or green", [], {}])
def test_a_column_without_options_has_none(value: object):
    assert options_from(value) == ()


def test_explain_shows_the_options_and_the_rules():
    steps = dict(explain("C", "\\boxed{29}", question=QUESTION, rules=CHOICE))
    assert "C: 29" in steps["options"] and "kind choice" in steps["decision"]


# --- units ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("gold", "answer", "lenient", "strict"),
    [
        ("5", "5 cm", ("correct", "units_lenient"), ("incorrect", "units_strict")),
        ("\\$5", "5", ("correct", "units_lenient"), ("incorrect", "units_strict")),
        ("3:30 pm", "3:30", ("correct", "units_lenient"), ("incorrect", "units_strict")),
        ("30", "30^\\circ", ("correct", "units_lenient"), ("incorrect", "units_strict")),
        ("5 cm", "5 \\text{ cm}", ("correct", "value"), ("correct", "value")),
        ("15:30", "3:30 pm", ("correct", "value"), ("correct", "value")),
        ("5 cm", "5 m", ("incorrect", "value"), ("incorrect", "value")),
        ("5", "5", ("correct", "identical"), ("correct", "identical")),
    ],
)
def test_a_missing_unit_is_a_choice(gold: str, answer: str, lenient: tuple[str, str], strict: tuple[str, str]):
    for rules, expected in ((AnswerRules(), lenient), (AnswerRules(units="strict"), strict)):
        verdict = grade(gold, f"\\boxed{{{answer}}}", rules=rules)
        assert (verdict.status, verdict.rule) == expected


# --- the user's own function ---------------------------------------------------------------------------------------

GRADER = """
import time

def same_length(gold, answer, response, question):
    return len(gold) == len(answer), f"{len(gold)} and {len(answer)}"

def undecided(**_):
    return None

def fails(gold, **_):
    raise KeyError(gold)

def hangs(**_):
    while True:
        pass

def sleeps(**_):
    time.sleep(60)

def eats(**_):
    return bool("x" * 10**10)

def text(**_):
    return "yes"

def writes(**_):
    with open(__file__ + ".txt", "w") as file:
        file.write("x")
    return True

def sees(question, response, **_):
    return question == "asked" and response.startswith("So")
"""


@pytest.fixture
def grader(tmp_path: Path) -> Path:
    path = tmp_path / "grading.py"
    path.write_text(GRADER)
    return path


def judged(grader: Path, name: str, gold: str = "abc", text: str = "So \\boxed{xyz}", timeout_s: float = 2.0):
    rules = AnswerRules(kind="python", function=f"{grader}:{name}")
    with Verifier(workers=1, timeout_s=timeout_s, rules=rules) as verifier:
        (verdict,) = verifier.verify([Item("k", gold, text, "stop", "asked")])
    return verdict


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("same_length", "correct"), ("undecided", "error"), ("fails", "error"), ("text", "error"), ("eats", "error"),
        ("writes", "error"), ("sees", "correct"),
    ],
)  # fmt: skip
def test_a_function_decides_or_gives_a_status(grader: Path, name: str, status: str):
    assert judged(grader, name).status == status


def test_a_function_gives_its_reason(grader: Path):
    verdict = judged(grader, "same_length", gold="abcd")
    assert (verdict.status, verdict.rule, verdict.detail) == ("incorrect", "python", "4 and 3")
    assert "KeyError" in judged(grader, "fails").detail


@pytest.mark.parametrize("name", ["hangs", "sleeps"])
def test_a_function_that_does_not_return_is_a_timeout(grader: Path, name: str):
    assert judged(grader, name, timeout_s=0.3).status == "timeout"


def test_a_response_cut_inside_its_thought_is_not_shown_to_the_function(grader: Path):
    assert judged(grader, "same_length", text="<think>So").status == "truncated"


def test_the_functions_name_and_a_digest_of_its_file_are_in_the_version(grader: Path):
    rules = AnswerRules(kind="python", function=f"{grader}:same_length")
    before = verifier_version(rules)
    assert before.startswith(f"{VERIFIER_VERSION}+python:grading:same_length@")
    assert judged(grader, "same_length").verifier_version == before
    grader.write_text(GRADER + "\n# changed\n")
    assert verifier_version(rules) != before


@pytest.mark.parametrize("function", ["no_file.py:check", "grading:check", "grading.py", "/etc/passwd:check"])
def test_a_function_that_is_not_there_is_an_error(function: str, tmp_path: Path):
    with pytest.raises(VerifierError):
        Verifier(workers=1, rules=AnswerRules(kind="python", function=str(tmp_path / function)))


def test_a_name_that_the_file_does_not_have_is_an_error(grader: Path):
    with pytest.raises(VerifierError, match=r"verifier\.python.*missing"):
        judged(grader, "missing")


def test_items_of_one_verifier_may_follow_different_rules(grader: Path):
    own = AnswerRules(kind="python", function=f"{grader}:same_length")
    items = [
        Item("math", "1/2", "\\boxed{0.5}"),
        Item("exact", "1/2", "\\boxed{half}", rules=EXACT),
        Item("choice", "B", "\\boxed{27}", question=QUESTION, rules=CHOICE),
        Item("python", "abc", "\\boxed{xyz}", rules=own),
        Item("value", "\\sqrt{12}", "\\boxed{2\\sqrt{3}}"),
    ]
    with Verifier(workers=1) as verifier:
        statuses = [(v.sample_key, v.status) for v in verifier.verify(items)]
    assert statuses == [(name, "correct" if name != "exact" else "incorrect") for name, _ in statuses]
