"""Surface measures of a text, by example."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.filters import Rules
from pairforge.filters.measures import QUALITY_COLUMNS, measure, quality_table
from pairforge.filters.ruleset import columns_named, measures_needed

PROSE = "First expand the left side, then collect the terms in x and compare both sides to find that x equals four. "


def test_a_text_that_goes_in_circles_is_repetitive():
    assert measure(PROSE).repetition == 0
    assert measure(PROSE * 20).repetition > 0.9
    assert measure("7" * 3000).compression > 10 > measure(PROSE * 2).compression


@pytest.mark.parametrize(
    ("text", "share"),
    [(PROSE, 0), ("因此答案是四", 0), ("the angle α is π/2", 0), ("ab 因此", 0.5), ("因此答案是四 abc ответ", 1 - 6 / 14), ("1 + 1 = 2", 0)],
)  # fmt: skip
def test_mixed_languages_is_the_share_outside_the_main_script(text, share):
    assert measure(text).mixed_languages == pytest.approx(share)


def test_boxes_and_reflection_words_are_counted():
    found = measure(r"Wait, hmm. Let me double-check: \boxed{3}. Alternatively \boxed {4}; the waiter is no word.")
    assert (found.boxes, found.reflection_words) == (2, 4)


def test_a_table_has_one_row_per_text_in_any_batch_size():
    texts = [(f"k{i}", PROSE * i) for i in range(7)]
    tables = [quality_table(texts, batch=size) for size in (1, 3, 100)]
    assert tables[0].equals(tables[1]) and tables[1].equals(tables[2])
    assert tables[0].columns == ["sample_key", *QUALITY_COLUMNS]
    assert quality_table([]).columns == ["sample_key", *QUALITY_COLUMNS]


@given(st.text())
def test_any_text_can_be_measured(text):
    found = measure(text)
    assert 0 <= found.repetition <= 1 and 0 <= found.mixed_languages <= 1


@pytest.mark.parametrize("text", ["let me " * 100_000, "\\" * 500_000, " " * 500_000, "h" + "m" * 500_000])
def test_hostile_texts_take_linear_time(text):
    started = time.process_time()
    measure(text)
    assert time.process_time() - started < 5


@pytest.mark.parametrize(
    ("settings", "needed"),
    [
        ({}, set()),
        ({"chosen": {"quality": {"boxes": {"max": 1}}}}, {"boxes"}),
        ({"where": "rejected_repetition < 0.3 and chosen_boxes <= 1 and repetition == 0"}, {"repetition", "boxes"}),
        ({"band": {"by": "chosen_reflection_words", "n": 5}}, {"reflection_words"}),
        ({"caps": [{"by": "rejected_characters", "width": 100}]}, {"characters"}),
        ({"where": "source == 'characters'"}, set()),
    ],
)
def test_texts_are_measured_where_a_rule_names_a_measure(settings, needed):
    assert measures_needed(columns_named(Rules.model_validate(settings))) == needed
