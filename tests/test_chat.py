"""Reasoning frames: taken apart and put together, the words of a solution never change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.chat import (
    Shot,
    completion_message,
    fill,
    placeholders,
    plain_prompt,
    prompt_messages,
    render_reasoning,
    split_reasoning,
    split_solution,
)

SHORT = "Each box holds 6 eggs. Four boxes hold 4*6=24 eggs. So the answer is $\\boxed{24}$."


@pytest.mark.parametrize("frame", ["think", "sky-t1"])
def test_a_frame_is_read_back_as_it_was_written(frame):
    parts = split_reasoning(render_reasoning("work", "done \\boxed{1}", frame))
    assert (parts.thought, parts.answer, parts.frame) == ("work", "done \\boxed{1}", frame)


def test_markers_in_other_cases_and_a_missing_opener_are_understood():
    assert split_reasoning("<THINK>a</Think>b").thought == "a"
    assert split_reasoning("a</think>b").thought == "a"
    assert split_reasoning("<|Begin_Of_Thought|>a<|END_OF_THOUGHT|>b").thought == "a"


ANALYSIS = "<|channel|>analysis<|message|>a"
FINAL = "<|start|>assistant<|channel|>final<|message|>b"


@pytest.mark.parametrize(
    "text",
    [
        "<thinking>a</thinking>b",
        "<reasoning>a</reasoning>b",
        "[THINK]a[/THINK]b",
        "◁think▷a◁/think▷b",
        "<|START_THINKING|>a<|END_THINKING|>b",
        f"{ANALYSIS}<|end|>{FINAL}<|return|>",
        f"{ANALYSIS}<|end|>{FINAL}",
        "analysisThis is a.assistantfinalb",
    ],
)
def test_thoughts_of_other_families_are_understood(text: str):
    parts = split_reasoning(text)
    assert (parts.thought or "")[:1] in ("a", "T") and parts.answer == "b" and parts.closed


@pytest.mark.parametrize(
    "text",
    [
        "<think>so maybe 4",
        "[THINK]so maybe 4",
        "<think>2?</think>It is 3.<think>or 4",
        "<|begin_of_thought|>2?<|end_of_thought|><|begin_of_thought|>or 4",
        f"{ANALYSIS}, so maybe 4",
        "analysisThis may be 4",
    ],
)
def test_a_thought_that_never_ends_has_no_answer(text: str):
    parts = split_reasoning(text)
    assert (parts.answer, parts.closed) == ("", False)


def test_an_analysis_without_a_final_channel_has_ended_without_an_answer():
    parts = split_reasoning(f"{ANALYSIS}<|end|>")
    assert (parts.thought, parts.answer, parts.closed) == ("a<|end|>", "", True)


def test_a_short_solution_thinks_its_working_and_answers_its_last_sentence():
    framed = completion_message(None, SHORT, SHORT, "think")
    assert framed == (
        "<think>\nEach box holds 6 eggs. Four boxes hold 4*6=24 eggs.\n</think>\n\nSo the answer is $\\boxed{24}$."
    )


@pytest.mark.parametrize(
    ("solution", "answer"),
    [
        ("First we add.\n\nThen we double.\n\nHence \\boxed{8}.", "Hence \\boxed{8}."),
        ("We add 3 and 5.\nThat gives 8.\nAnswer: \\boxed{8}", "Answer: \\boxed{8}"),
        (
            "We add.\n\nTherefore, the answer is:\n\n\\[\n\\boxed{8}\n\\]",
            "Therefore, the answer is:\n\n\\[\n\\boxed{8}\n\\]",
        ),
        ("Set $x = 1. 5$ and see. It is $y = 2. \\boxed{8}$", "It is $y = 2. \\boxed{8}$"),
        ("We add. \\[ a\n\n b = \\boxed{8} \\] Done.", "\\[ a\n\n b = \\boxed{8} \\] Done."),
        ("\\boxed{8}", "\\boxed{8}"),
        ("No box here. It is 8.", "It is 8."),
        ("We get \\boxed{8}. We check it once more. It fits.", "We get \\boxed{8}. We check it once more. It fits."),
    ],
)
def test_where_a_solution_is_cut(solution, answer):
    assert split_solution(solution)[1] == answer


@given(st.text(alphabet="ab .\n$\\[]{}!", max_size=80), st.sampled_from(["", "\\boxed{3}", "$\\boxed{3}$."]))
def test_cutting_a_solution_loses_no_words(body, box):
    working, answer = split_solution(body + box)
    assert "".join((working + answer).split()) == "".join((body + box).split())


def test_a_long_solution_changes_its_frame_and_not_its_words():
    assert completion_message("hm", "It is 2.", "", "sky-t1").count("hm") == 1
    assert completion_message("hm", "It is 2.", "", "bare") == "hm\n\nIt is 2."
    assert completion_message("hm", "It is 2.", "", "plain") == "It is 2."
    assert (
        completion_message("hm", "It is 2.", "<think>hm</think>It is 2.", "as_sampled") == "<think>hm</think>It is 2."
    )


def test_an_amount_of_money_does_not_open_a_formula():
    solution = (
        "Let's go step by step:\n\n1. Sara spends $50 + $200 = $250.\n2. Rachel spends twice as much, $500.\n"
        "Rachel should budget \\(\\boxed{500}\\) dollars."
    )
    working, answer = split_solution(solution)
    assert answer == "Rachel should budget \\(\\boxed{500}\\) dollars."
    assert working.endswith("$500.")


def test_a_number_of_a_list_stays_with_its_item():
    solution = "We add the two parts. 1. Three and four. 2. That makes seven.\n\n3. So it is \\boxed{7}."
    working, answer = split_solution("A first step that is long enough to be most of it.\n1. So it is \\boxed{7}.")
    assert answer == "1. So it is \\boxed{7}." and not working.endswith("1.")
    assert not split_solution(solution)[0].endswith("3.")


def test_a_block_of_code_is_not_cut():
    solution = "First I add the two.\n\nThen code:\n```python\nx = 1\n\ny = 2\n```\nSo it is \\boxed{3} in all."
    assert split_solution(solution)[1] == "So it is \\boxed{3} in all."


@given(st.text(), st.text(), st.text())
def test_what_fills_a_placeholder_arrives_as_it_is(before: str, question: str, topic: str):
    template = before.replace("{", "(").replace("}", ")").replace("\\", "/") + "{question}{meta.topic}"
    filled = fill(template, {"question": question, "meta.topic": topic})
    assert filled == template.removesuffix("{question}{meta.topic}") + question + topic


def test_placeholders_are_names_in_braces_and_never_attributes():
    assert placeholders("{question} {meta.topic-1} {a.b.c} {question}") == ["question", "meta.topic-1", "a.b.c"]
    assert placeholders("{} {1} {a b} {x!r} {x[0]} {x:>3} \\boxed{answer} \\frac{a}{b}") == []
    assert fill("{question.__class__} {0.__class__}", {"question": "q"}) == "{question.__class__} {0.__class__}"


def test_a_base_model_sees_examples_as_it_sees_the_question():
    turns = prompt_messages("Add.", "{question}", "3+3?", shots=[Shot("2+2?", "4")])
    assert plain_prompt(turns) == "Add.\n\nQuestion: 2+2?\n\nSolution: 4\n\nQuestion: 3+3?\n\nSolution:"
