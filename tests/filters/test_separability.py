"""Form alone: what gives chosen away, what does not, and how it is told."""

import json
from dataclasses import asdict

import pytest

from pairforge.chat import completion_message
from pairforge.filters.separability import CLASSIFIER, FEATURES, TELLING, Surface, form_in_words, separability
from pairforge.filters.style_classifier import MIN_PAIRS
from pairforge.run.view_record import FeatureRecord
from tests.filters.test_style_classifier import demo_pairs, flipped, random_pairs

LONG = "Okay, so let me see. {n} and {n}. Wait, check again: {n}."
SHORT = "We add {n} and {n}. So the answer is $\\boxed{{{n}}}$."


def pairs(frame: str, count: int = 60) -> list[Surface]:
    made = []
    for n in range(count):
        short = SHORT.format(n=n)
        chosen = completion_message(LONG.format(n=n), f"It is \\boxed{{{n}}}.", "", "think")
        made.append(Surface(str(n), str(n), chosen, completion_message(None, short, short, frame)))
    return made


def by_name(found):
    return {feature.name: feature for feature in found}


def test_markers_on_one_side_only_give_every_pair_away():
    found = by_name(separability(pairs("as_sampled")))
    assert found["markers"].accuracy == 1.0


def test_one_frame_for_both_sides_hides_the_side():
    found = by_name(separability(pairs("think")))
    for name in ("markers", "thought", "shape of the answer"):
        assert found[name].accuracy == pytest.approx(0.5), name


def test_words_that_open_every_long_solution_still_tell():
    assert by_name(separability(pairs("think")))["opening words"].accuracy == 1.0  # "okay ," against "we add"


def test_a_feature_that_never_repeats_tells_nothing():
    """Cross-checked: values seen once cannot be learned by heart."""
    made = [Surface(str(n), str(n), f"word{n} x {n}", f"term{n} x {n}") for n in range(60)]
    assert by_name(separability(made))["opening words"].accuracy == pytest.approx(0.5)


def test_no_pairs_no_features():
    assert separability([]) == []


def surfaces(found) -> list[Surface]:
    return [Surface(f"{problem} pair", problem, *texts) for problem, *texts in found]


def told(found) -> str:
    """What a report says of the tests, from what view.json holds of them."""
    return " ".join(form_in_words(json.loads(json.dumps([asdict(test) for test in found]))))


def test_the_demos_pairs_are_told_apart_though_no_single_feature_is_telling():
    """Every line break and colon of the long style is missing in the short one."""
    found = by_name(separability(surfaces(demo_pairs())))
    assert max(found[name].accuracy for name in FEATURES) < TELLING
    assert found[CLASSIFIER].accuracy >= 0.95
    text = told(separability(surfaces(demo_pairs())))
    assert text.startswith("Yes, by text classifier (100% of the pairs, 95% interval 89% to 100%). 50% is chance.")
    assert "lines: a line break in the thought (60 / 0)" in text
    assert (
        "Tested: markers, thought, opening words, " in text and "in the first and last 1,000 characters of 60" in text
    )
    assert "usually differ in style" in text


def test_every_test_has_an_interval_around_its_accuracy():
    for test in separability(surfaces(flipped(demo_pairs(), 0))):
        assert 0 <= test.low <= 0.5 <= test.high <= 1
        assert test.low <= test.accuracy <= test.high and test.pairs == 60


def test_the_best_test_is_named_where_none_is_telling():
    tests = separability(surfaces(flipped(random_pairs(40), 0)))
    best = tests[0]
    text = told(tests)
    assert text.startswith(f"No test is right for 90% of the pairs. The best is {best.name} ({best.accuracy:.0%} of")
    assert "usually differ in style" not in text


def test_too_few_pairs_for_the_classifier_are_said_to_be():
    tests = separability(surfaces(demo_pairs(MIN_PAIRS - 1)))
    assert CLASSIFIER not in by_name(tests) and len(tests) == len(FEATURES)
    assert "no text classifier, which needs 20 pairs from 5 problems" in told(tests)
    assert form_in_words([]) == ["Not measured."]


def test_views_of_older_versions_are_told_without_intervals():
    old = [{"name": "markers", "accuracy": 0.97, "examples": [["<think>", 60, 0]]}, {"name": "prompt", "accuracy": 0.5}]
    for entries in (old, [FeatureRecord.model_validate(entry).model_dump() for entry in old]):
        text = " ".join(form_in_words(entries))
        assert text.startswith("Yes, by markers (97% of the pairs). 50% is chance.")
        assert "Tested: markers, each by itself, but no text classifier" in text


def test_the_entries_in_view_json_have_what_older_readers_use():
    for entry in [asdict(test) for test in separability(surfaces(demo_pairs()))]:
        assert isinstance(entry["name"], str) and isinstance(entry["accuracy"], float)
