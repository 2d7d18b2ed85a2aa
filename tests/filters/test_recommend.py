"""Which arms a sweep's table recommends."""

from pairforge.filters.recommend import recommendation
from pairforge.filters.sweep import ArmResult


def arm(pairs: int, shift: float | None, form: float | None = None, **more) -> ArmResult:
    return ArmResult(pairs=pairs, pass_rate_shift=shift, extra={"separability": form}, **more)


def test_a_dominated_arm_is_named_with_the_numbers():
    found = recommendation([arm(50, -0.2, 0.9), arm(80, 0.1, 0.7)])
    assert found[0] == (
        "row 1 is dominated by row 2: fewer pairs (50, 80), larger selection shift (0.20, 0.10), "
        "more separable (0.90, 0.70)"
    )
    assert found[1] == "not dominated: row 2"


def test_arms_that_are_each_best_in_something_remain():
    (left,) = recommendation([arm(50, 0.1), arm(80, 0.2)])
    assert left.startswith("not dominated: rows 1, 2; ")


def test_equal_arms_do_not_dominate_each_other():
    assert len(recommendation([arm(50, 0.1, 0.8), arm(50, 0.1, 0.8)])) == 1


def test_what_is_unknown_is_not_compared():
    found = recommendation([arm(50, None), arm(80, 0.2, 0.9)])
    assert found[0] == "row 1 is dominated by row 2: fewer pairs (50, 80)"


def test_an_arm_that_sampling_may_have_decided_is_marked():
    found = recommendation([arm(50, 0.1, comparable=False)])
    assert found[0] == "not dominated: row 1*" and "early stopping" in found[1]
