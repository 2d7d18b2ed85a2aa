"""Cutting a reasoning text: where it first states the right answer, what reflects, what exceeds a length."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.derive.config import DeriveConfig
from pairforge.derive.cuts import first_correct, truncated, without_reflections
from pairforge.derive.steps import paragraph_ends, statements, step_ends
from pairforge.verifier import grade

THOUGHT = """Let me add the numbers first. 3 and 4 make 7.

So the answer is 7.

Wait, let me double-check that. Counting on from 3: 4, 5, 6, 7. So the answer is 7.

Hmm, alternatively I could subtract: $7 - 4 = 3$. Fine, the answer is \\boxed{7}."""


def right(thought: str, gold: str) -> list[int]:
    return [s.end for s in statements(thought) if grade(gold, s.text).status == "correct"]


def test_the_steps_of_a_text():
    text = "One. Two is $a. b$ long.\nThree:\n\\[ x.\n y \\]\nand $1.50. End"
    ends = step_ends(text)
    assert [text[a:b].strip() for a, b in zip([0, *ends[:-1]], ends, strict=True)] == [
        "One.", "Two is $a. b$ long.", "Three:", "\\[ x.\n y \\]", "and $1.50. End",
    ]  # fmt: skip
    assert len(paragraph_ends(THOUGHT)) == 4


def test_only_what_is_stated_as_an_answer_counts():
    found = [s.text.split("\n")[-1].strip() for s in statements(THOUGHT)]
    assert found[0].endswith("So the answer is 7.") and len(right(THOUGHT, "7")) >= 3
    assert not any(s.end <= THOUGHT.index("So the answer") for s in statements(THOUGHT))
    assert list(statements("We have 12 apples. Some are red. Let us count.")) == []


def test_a_formula_on_a_line_of_its_own_is_read_with_the_words_that_announce_it():
    assert right("Therefore the answer is\n\n$$\n12\n$$\n\nLet me check.", "12")


def test_the_first_correct_place_ends_the_thought():
    cut = first_correct(THOUGHT, right(THOUGHT, "7"))
    assert cut == "Let me add the numbers first. 3 and 4 make 7.\n\nSo the answer is 7."


def test_a_wrong_answer_stated_before_is_kept():
    thought = f"Is it 8? So the answer is 8.\n\nWait, that is wrong.\n\n{THOUGHT}"
    assert first_correct(thought, right(thought, "7")).startswith("Is it 8?")


def test_further_places_need_a_reflection_in_between():
    places = right(THOUGHT, "7")
    assert first_correct(THOUGHT, places, 1).endswith("4, 5, 6, 7. So the answer is 7.")
    assert first_correct(THOUGHT, places, 2) is None  # that is the whole text: nothing is cut
    assert first_correct(THOUGHT, places, 3) is None
    repeated = "The answer is 7. So the answer is 7. Wait. The answer is 7. More words."
    assert (
        first_correct(repeated, right(repeated, "7"), 1)
        == "The answer is 7. So the answer is 7. Wait. The answer is 7."
    )


def test_a_thought_that_never_states_the_right_answer_is_not_cut():
    assert first_correct(THOUGHT, right(THOUGHT, "9")) is None


def test_reflections_are_left_out_by_paragraphs_or_by_sentences():
    assert without_reflections(THOUGHT) == "Let me add the numbers first. 3 and 4 make 7.\n\nSo the answer is 7."
    assert without_reflections("It is 7. Wait, is it? Yes, it is.") == "It is 7. Yes, it is."
    assert without_reflections("It is 7.") is None and without_reflections("Wait.") is None


def test_a_length_is_kept_to_the_end_of_a_step():
    assert truncated("One two. Three four. Five.", 12) == "One two."
    assert truncated("One two.", 100) is None and truncated("One two three", 5) is None


@given(st.text(alphabet="ab .$\n\\[]{}W1", max_size=80), st.integers(0, 80))
def test_every_cut_is_shorter_and_no_step_is_lost(thought: str, characters: int):
    ends = step_ends(thought)
    assert ends == sorted(set(ends)) and (not thought.strip() or ends[-1] == len(thought.rstrip()))
    for cut in (truncated(thought, characters), without_reflections(thought), first_correct(thought, ends[:1])):
        assert cut is None or 0 < len(cut) < len(thought)
    cut = truncated(thought, characters)
    assert cut is None or thought.startswith(cut) or thought.strip().startswith(cut)


@pytest.mark.parametrize("settings", [{}, {"truncate": 5, "first_correct": True}])
def test_exactly_one_method_is_set(settings: dict):
    with pytest.raises(ValueError, match="exactly one of"):
        DeriveConfig(**settings)
