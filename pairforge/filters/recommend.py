"""Which arms of a sweep another arm is better than in every respect, from the table alone."""

from __future__ import annotations

from collections.abc import Sequence

from pairforge.filters.sweep import ArmResult

# What is looked at: the name of a number, whether more of it is better, and how it is written.
_CRITERIA = (("pairs", True, ",.0f"), ("selection shift", False, ".2f"), ("separable by form", False, ".2f"))
_SAME = {"pairs": "as many pairs", "selection shift": "the same selection shift", "separable by form": "as separable"}
_WORSE = {"pairs": "fewer pairs", "selection shift": "larger selection shift", "separable by form": "more separable"}


def recommendation(results: Sequence[ArmResult]) -> list[str]:
    """Sentences on the arms: those that another one dominates, with the numbers, then those that remain.

    An arm is dominated when another has at least as many pairs, at most the selection shift, and is at most as
    separable by form, and is better in one of them. A number that either of the two lacks is not compared.
    """
    dominated = {}
    for at, one in enumerate(results):
        better = next((other for other, two in enumerate(results) if other != at and _dominates(two, one)), None)
        if better is not None:
            dominated[at] = f"row {at + 1} is dominated by row {better + 1}: {_reasons(one, results[better])}"
    left = [at for at in range(len(results)) if at not in dominated]
    names = ", ".join(f"{at + 1}{'' if results[at].comparable else '*'}" for at in left)
    remaining = f"not dominated: row{'s' if len(left) != 1 else ''} {names}"
    if len(left) > 1:
        remaining += "; more pairs, a smaller selection shift or less telling form: each is best in something"
    sentences = [*dominated.values(), remaining]
    if not all(results[at].comparable for at in left):
        sentences.append("*: early stopping or a budget may have decided: draw its missing samples first")
    return sentences


def _numbers(result: ArmResult) -> dict[str, float | None]:
    form = result.extra.get("separability")
    return {"pairs": result.pairs, "selection shift": result.selection_shift, "separable by form": form}


def _compared(one: ArmResult, other: ArmResult) -> dict[str, float]:
    """By criterion: how much better `one` is than `other`; what either does not know is left out."""
    mine, theirs = _numbers(one), _numbers(other)
    found = {}
    for name, more, _ in _CRITERIA:
        a, b = mine[name], theirs[name]
        if a is not None and b is not None:
            found[name] = a - b if more else b - a
    return found


def _dominates(one: ArmResult, other: ArmResult) -> bool:
    differences = _compared(one, other).values()
    return all(value >= 0 for value in differences) and any(value > 0 for value in differences)


def _reasons(worse: ArmResult, better: ArmResult) -> str:
    mine, theirs = _numbers(worse), _numbers(better)
    parts = []
    for name, _, form in _CRITERIA:
        difference = _compared(better, worse).get(name)
        if difference:
            parts.append(f"{_WORSE[name]} ({mine[name]:{form}}, {theirs[name]:{form}})")
        elif difference is not None:
            parts.append(_SAME[name])
    return ", ".join(parts)
