"""The pair rules of the papers in plain Python, written from the papers and not from our rules.

Each takes the solutions of a small table and says which couples become pairs: groups of couples, each with how many of
them are taken. A group is taken whole unless the paper chooses at random.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import groupby
from typing import Any

Row = dict[str, Any]  # key, problem, origin, status, tokens, boxes, tuned, base
Couple = tuple[str, str]  # the keys of the chosen and the rejected solution
Group = tuple[set[Couple], int]
REFERENCES: dict[str, Callable[[list[Row]], list[Group]]] = {}


def reference(name: str) -> Callable[[Callable[[list[Row]], list[Group]]], Callable[[list[Row]], list[Group]]]:
    """The function below gives the pairs of recipes/literature/<name>.yaml."""

    def register(function: Callable[[list[Row]], list[Group]]) -> Callable[[list[Row]], list[Group]]:
        REFERENCES[name] = function
        return function

    return register


def problems(rows: list[Row]) -> Iterator[list[Row]]:
    yield from (list(group) for _, group in groupby(sorted(rows, key=lambda r: r["problem"]), lambda r: r["problem"]))


def of(rows: list[Row], origin: str, *statuses: str) -> list[Row]:
    return [r for r in rows if r["origin"] == origin and (not statuses or r["status"] in statuses)]


def whole(couples: set[Couple]) -> list[Group]:
    return [(couples, len(couples))]


def shortest(rows: list[Row]) -> Row:
    return min(rows, key=lambda r: r["tokens"])


def longest(rows: list[Row]) -> Row:
    return max(rows, key=lambda r: r["tokens"])


def long_over_short(rows: list[Row], status: str) -> set[Couple]:
    """A correct given solution over a shorter sampled one, of problems with one of each."""
    found = set()
    for mine in problems(rows):
        for given in of(mine, "given", "correct"):
            for drawn in of(mine, "sampled", status):
                if given["tokens"] > drawn["tokens"]:
                    found.add((given["key"], drawn["key"]))
    return found


@reference("thinkpo")
def thinkpo(rows: list[Row]) -> list[Group]:
    right, wrong = long_over_short(rows, "correct"), long_over_short(rows, "incorrect")
    return [(right, len(right)), (wrong, min(len(wrong), int(0.2 / 0.8 * len(right) + 0.5)))]


@reference("thinkpo-gap-bands")
def gap_bands(rows: list[Row], n: int = 1000) -> list[Group]:
    tokens = {r["key"]: r["tokens"] for r in rows}
    pairs = [c for c in long_over_short(rows, "correct") if tokens[c[0]] < 8192]
    return whole(set(sorted(pairs, key=lambda c: tokens[c[0]] - tokens[c[1]])[:n]))


@reference("kimi-long2short")
def kimi(rows: list[Row]) -> list[Group]:
    found = set()
    for mine in problems(rows):
        correct = of(mine, "sampled", "correct")
        if correct:
            best = shortest(correct)
            for other in of(mine, "sampled", "correct", "incorrect"):
                longer = other["tokens"] > best["tokens"]
                if longer and (other["status"] == "incorrect" or other["tokens"] >= 1.5 * best["tokens"]):
                    found.add((best["key"], other["key"]))
    return whole(found)


@reference("overthinking-shortest")
def overthinking(rows: list[Row]) -> list[Group]:
    found = set()
    for mine in problems(rows):
        correct = of(mine, "sampled", "correct")
        if len(correct) > 1 and shortest(correct)["tokens"] < longest(correct)["tokens"]:
            found.add((shortest(correct)["key"], longest(correct)["key"]))
    return whole(found)


@reference("overthinking-fcs-reflection")
def fcs_reflection(rows: list[Row]) -> list[Group]:
    found = set()
    for mine in problems(rows):
        cut, correct = of(mine, "fcs_reflection", "correct"), of(mine, "sampled", "correct")
        if cut and correct and shortest(cut)["tokens"] < longest(correct)["tokens"]:
            found.add((shortest(cut)["key"], longest(correct)["key"]))
    return whole(found)


@reference("sky-t1-flash")
def sky_t1_flash(rows: list[Row]) -> list[Group]:
    found = {key for pairs, _ in fcs_reflection(rows) for key in pairs}
    done = {chosen.split("/")[0] for chosen, _ in found}
    for mine in problems(rows):
        correct, wrong = of(mine, "sampled", "correct"), of(mine, "sampled", "incorrect")
        if mine[0]["problem"] in done or not wrong or not correct:
            continue
        worst = shortest(wrong)
        longer = [r for r in correct if r["tokens"] > worst["tokens"]]
        if longer:
            found.add((shortest(longer)["key"], worst["key"]))
    return whole(found)


@reference("dast")
def dast(rows: list[Row], longest_allowed: int = 16384) -> list[Group]:
    found = set()
    for mine in problems(rows):
        correct, wrong = of(mine, "sampled", "correct"), of(mine, "sampled", "incorrect")
        tried = of(mine, "sampled", "correct", "incorrect", "no_answer", "truncated")
        p = len(correct) / len(tried) if tried else 0
        mean = sum(r["tokens"] for r in correct) / len(correct) if correct else 0
        budget = p * mean + (1 - p) * longest_allowed

        def reward(row: Row, budget: float = budget) -> float:
            d = (row["tokens"] - budget) / budget
            return max(-0.5 * d + 0.5, 0.1) if row["status"] == "correct" else min(0.9 * d - 0.1, -0.1)

        for group, wins in ((correct, lambda a, b: a < b), (wrong, lambda a, b: a > b)):
            couples = [(a, b) for a in group for b in group if wins(a["tokens"], b["tokens"])]
            couples = [(a, b) for a, b in couples if reward(a) > reward(b)]
            if couples:
                # where the rewards are flat, several couples are best: the widest stands for them
                best = max(couples, key=lambda c: (reward(c[0]) - reward(c[1]), abs(c[0]["tokens"] - c[1]["tokens"])))
                found.add((best[0]["key"], best[1]["key"]))
                break
    return whole(found)


@reference("lcpo")
def lcpo(rows: list[Row]) -> list[Group]:
    easy = [mine for mine in problems(rows) if all(r["status"] == "correct" for r in of(mine, "sampled"))]
    return overthinking([row for mine in easy for row in mine])


@reference("delta-learning")
def delta_learning(rows: list[Row]) -> list[Group]:
    return whole({(a["key"], b["key"]) for m in problems(rows) for a in of(m, "large") for b in of(m, "small")})


@reference("olmo3-capped-gap")
def olmo3(rows: list[Row]) -> list[Group]:
    tokens = {r["key"]: r["tokens"] for r in rows}
    [(couples, _)] = delta_learning(rows)
    return whole({(a, b) for a, b in couples if abs(tokens[a] - tokens[b]) <= 100})


@reference("light-r1")
def light_r1(rows: list[Row]) -> list[Group]:
    groups = []
    for mine in problems(rows):
        given, wrong = of(mine, "given", "correct"), of(mine, "sampled", "incorrect")
        if given and wrong:
            groups.append(({(a["key"], b["key"]) for a in given for b in wrong}, 1))
    return groups


@reference("dpo-vp")
def dpo_vp(rows: list[Row]) -> list[Group]:
    groups = []
    for mine in problems(rows):
        scored: dict[int, list[Row]] = {1: [], 0: [], -1: []}
        for row in of(mine, "sampled"):
            if row["boxes"] == 0:
                scored[-1].append(row)
            elif row["status"] in ("correct", "incorrect"):
                scored[int(row["status"] == "correct")].append(row)
        if scored[1] and (scored[-1] or scored[0]):
            chosen, others = longest(scored[1]), scored[-1] or scored[0]
        elif not scored[1] and scored[0] and scored[-1]:
            chosen, others = longest(scored[0]), scored[-1]
        else:
            continue
        groups.append(({(chosen["key"], other["key"]) for other in others}, 1))
    return groups


def preferred(mine: list[Row], k: int = 8) -> tuple[str, str] | None:
    """Ada-R1's group: the preferred kind of thinking and the other, or None where neither solves the problem."""
    rate = {kind: len(of(mine, kind, "correct")) / len(of(mine, kind)) for kind in ("long", "short")}
    if not any(rate.values()):
        return None
    return ("long", "short") if rate["long"] - rate["short"] - 1 / (2 * k) > 0 else ("short", "long")


WRONG = ("incorrect", "no_answer", "truncated")


@reference("ada-r1-group")
def ada_r1_group(rows: list[Row]) -> list[Group]:
    groups = []
    for mine in problems(rows):
        kinds = preferred(mine)
        if kinds is None:
            continue
        chosen = of(mine, kinds[0], "correct") or of(mine, kinds[0])
        rejected = of(mine, kinds[1], *WRONG) or of(mine, kinds[1])
        couples = {(a["key"], b["key"]) for a in chosen for b in rejected}
        groups.append((couples, min(4, len(couples))))
    return groups


@reference("ada-r1-instance")
def ada_r1_instance(rows: list[Row]) -> list[Group]:
    found = set()
    for mine in problems(rows):
        kinds = preferred(mine)
        if kinds is None:
            continue
        correct, wrong = of(mine, kinds[0], "correct"), of(mine, kinds[0], *WRONG)
        best = shortest(correct)
        others = wrong or [r for r in correct if r is not best]
        for other in sorted(others, key=lambda r: r["tokens"])[-2:]:
            found.add((best["key"], other["key"]))
    return whole(found)


@reference("implicit-reward-gap")
def implicit_reward_gap(rows: list[Row], beta: float = 0.1) -> list[Group]:
    reward = {r["key"]: beta * (r["tuned"] - r["base"]) for r in rows}
    pairs = sorted(long_over_short(rows, "correct"), key=lambda c: reward[c[0]] - reward[c[1]])
    return whole(set(pairs[: round(len(pairs) * 0.1)]))
