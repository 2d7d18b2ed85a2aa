"""Grids over training arguments."""

import pytest

from pairforge.errors import TrainError
from pairforge.train.grid import arm_name, combinations


def test_every_combination_is_an_arm_with_its_own_name():
    arms = combinations(["train.learning_rate=1e-7,3e-7", "train.beta=0.01, 0.05"])
    assert len(arms) == 4
    assert arms[0] == {"train.learning_rate": "1e-7", "train.beta": "0.01"}
    assert len({arm_name(arm) for arm in arms}) == 4
    assert arm_name(arms[0]) == "learning_rate-1e-7_beta-0.01"


def test_nothing_to_vary_is_one_plain_arm():
    assert combinations([]) == [{}]


@pytest.mark.parametrize("text", ["train.beta", "train.beta=", "filter.gap.min=1,2"])
def test_what_is_no_grid_is_refused(text: str):
    with pytest.raises(TrainError, match="names no values"):
        combinations([text])
