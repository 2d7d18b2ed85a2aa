"""Surface features alone: what gives chosen away, and what does not."""

import pytest

from pairforge.chat import completion_message
from pairforge.filters.separability import Surface, separability

LONG = "Okay, so let me see. {n} and {n}. Wait, check again: {n}."
SHORT = "We add {n} and {n}. So the answer is $\\boxed{{{n}}}$."


def pairs(frame: str, count: int = 60) -> list[Surface]:
    made = []
    for n in range(count):
        short = SHORT.format(n=n)
        chosen = completion_message(LONG.format(n=n), f"It is \\boxed{{{n}}}.", "", "think")
        made.append(Surface(str(n), chosen, completion_message(None, short, short, frame)))
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
    made = [Surface(str(n), f"word{n} x {n}", f"term{n} x {n}") for n in range(60)]
    assert by_name(separability(made))["opening words"].accuracy == pytest.approx(0.5)


def test_no_pairs_no_features():
    assert separability([]) == []
