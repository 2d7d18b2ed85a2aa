"""Grids over training arguments."""

import pytest

from pairforge.errors import PairforgeError
from pairforge.train.grid import arm_name, combinations


def test_every_combination_is_an_arm_with_its_own_name():
    arms = combinations(["train.learning_rate=1e-7,3e-7", "train.beta=0.01, 0.05"])
    assert len(arms) == 4
    assert arms[0] == {"train.learning_rate": "1e-7", "train.beta": "0.01"}
    assert len({arm_name(arm) for arm in arms}) == 4
    assert arm_name(arms[0]) == "learning_rate-1e-7_beta-0.01"


def test_nothing_to_vary_is_one_plain_arm():
    assert combinations([]) == [{}]


def test_a_list_is_one_value():
    arms = combinations(["train.loss_type=[sigmoid,sft],[sigmoid]", "train.beta=0.1"])
    assert [arm["train.loss_type"] for arm in arms] == ["[sigmoid,sft]", "[sigmoid]"]


@pytest.mark.parametrize(
    ("text", "message"),
    [("train.beta", "names no values"), ("train.beta=", "names no values"), ("filter.gap.min=1,2", "filter.gap.min")],
)
def test_what_is_no_grid_is_refused(text: str, message: str):
    with pytest.raises(PairforgeError, match=message):
        combinations([text])
