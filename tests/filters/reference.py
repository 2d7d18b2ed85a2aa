"""The rules once more, slow and obvious: plain loops over dictionaries, one candidate at a time.

Written against the documentation rather than the vectorised code; the tests demand that both agree.
"""

import hashlib
import math
from collections import Counter
from typing import Any

from pairforge.filters import BandSettings, Bounds, Cap, Rules, SideRules

Row = dict[str, Any]
M64 = 2**64


def select_slowly(
    problems: list[Row], samples: list[Row], rules: Rules, seed: int = 0
) -> tuple[list[Row], dict[str, Row]]:
    """Pairs (in order) and, per problem without one, its drop's reason and counts."""
    counts: dict[str, Counter[str]] = {p["problem_id"]: Counter() for p in problems}
    reason: dict[str, tuple[int, str]] = {p["problem_id"]: (-1, "no_candidate") for p in problems}
    stages = 0

    def lose(candidate: Row, stage: int, name: str) -> None:
        counts[candidate["problem_id"]][name] += 1
        reason[candidate["problem_id"]] = max(reason[candidate["problem_id"]], (stage, name))

    pairs = []
    for problem in sorted(problems, key=lambda p: p["problem_id"]):
        own = [s for s in samples if s["problem_id"] == problem["problem_id"]]
        for a in own:
            for b in own:
                if a is not b and role(a, rules.chosen, "chosen") and role(b, rules.rejected, "rejected"):
                    candidate = couple(problem, a, b, seed)
                    failed = first_failure(candidate, rules)
                    if failed is None:
                        pairs.append(candidate)
                    else:
                        lose(candidate, *failed)
    stages = 1000
    for name, choose in choices(rules):
        kept = choose(pairs)
        for candidate in pairs:
            if not any(candidate is other for other in kept):
                lose(candidate, stages, name)
        stages, pairs = stages + 1, kept
    paired = {c["problem_id"] for c in pairs}
    drops = {p: {"reason": reason[p][1], "counts": dict(counts[p])} for p in counts if p not in paired}
    if rules.control in ("reversed", "random_pairs"):
        pairs = [exchange(c) if rules.control == "reversed" or coin(c, seed) else c for c in pairs]
    return sorted(pairs, key=lambda c: (c["problem_id"], c["chosen_key"], c["rejected_key"])), drops


def role(sample: Row, rule: SideRules, side: str) -> bool:
    if sample["finish_reason"] == "error" or sample["side"] not in ("any", side):
        return False
    origins = [rule.origin] if isinstance(rule.origin, str) else rule.origin
    return ("any" in origins or sample["origin"] in origins) and (not rule.models or sample["model"] in rule.models)


def couple(problem: Row, a: Row, b: Row, seed: int) -> Row:
    c, r = a["completion_tokens"], b["completion_tokens"]
    known = c is not None and r is not None
    return {
        "problem": problem, "a": a, "b": b, "problem_id": problem["problem_id"],
        "chosen_key": a["sample_key"], "rejected_key": b["sample_key"], "chosen_tokens": c, "rejected_tokens": r,
        "gap": abs(c - r) if known else None, "ratio": max(c, r) / max(min(c, r), 1) if known else None,
        "total_tokens": a["prompt_tokens"] + max(c, r) if known else None, "wrong": b["status"] == "incorrect",
        "order": (seeded(a, seed, "chosen") * 0x9E3779B97F4A7C15 + seeded(b, seed, "rejected")) % M64,
    }  # fmt: skip


def first_failure(candidate: Row, rules: Rules) -> tuple[int, str] | None:
    a, b, problem = candidate["a"], candidate["b"], candidate["problem"]
    c, r = candidate["chosen_tokens"], candidate["rejected_tokens"]
    wrong_too = ("incorrect",) if rules.wrong_share > 0 else ()
    statuses = rules.rejected.statuses and rules.rejected.statuses + wrong_too
    checks = [
        ("gold", not rules.gold or problem["gold"] in rules.gold),
        ("pass_rate", inside(problem["pass_rate"], rules.pass_rate)),
        *side_checks("chosen", a, rules.chosen, rules.chosen.statuses),
        *side_checks("rejected", b, rules.rejected, ("incorrect",) if rules.wrong_share == 1 else statuses),
        ("length", c is not None and r is not None),
    ]
    if c is not None and r is not None:
        if rules.direction != "any":
            checks.append(("direction", c > r if rules.direction == "long" else c < r))
        for name, value, bounds in (
            ("gap", candidate["gap"], rules.gap),
            ("ratio", candidate["ratio"], rules.ratio),
            ("total", candidate["total_tokens"], rules.total),
        ):
            checks += [(f"{name}_min", inside(value, Bounds(min=bounds.min)))]
            checks += [(f"{name}_max", inside(value, Bounds(max=bounds.max)))]
        checks.append(("same_bin", rules.same_bin is None or c // rules.same_bin == r // rules.same_bin))
    return next(((i, name) for i, (name, passes) in enumerate(checks) if not passes), None)


def side_checks(side: str, sample: Row, rule: SideRules, statuses: tuple[str, ...]) -> list[tuple[str, bool]]:
    tokens = sample["completion_tokens"]
    return [
        (f"{side}_finish", not rule.finish or sample["finish_reason"] in rule.finish),
        (f"{side}_status", not statuses or sample["status"] in statuses),
        (f"{side}_min_tokens", inside(tokens, Bounds(min=rule.min_tokens))),
        (f"{side}_max_tokens", inside(tokens, Bounds(max=rule.max_tokens))),
        *((f"{side}_{name}", inside(sample.get(name), bounds)) for name, bounds in rule.quality.items()),
    ]


def inside(value: float | None, bounds: Bounds) -> bool:
    if bounds.open:
        return True
    low, high = bounds.min, bounds.max
    return value is not None and (low is None or low <= value) and (high is None or value <= high)


def choices(rules: Rules) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = [("not_picked", lambda pairs: pick(pairs, rules))]
    if 0 < rules.wrong_share < 1:
        found.append(("wrong_share", lambda pairs: share_wrong(pairs, rules.wrong_share)))
    if rules.band:
        found.append(("band", lambda pairs: band(pairs, rules.band, rules.wrong_share)))
    found += [(f"cap_{rule.by}", lambda pairs, rule=rule: cap(pairs, rule)) for rule in rules.caps]
    if rules.n_pairs:
        found.append(("n_pairs", lambda pairs: sample(pairs, rules)))
    return found


def pick(pairs: list[Row], rules: Rules) -> list[Row]:
    if rules.pick == "all":
        return pairs
    best = {
        "shortest": lambda c: (c["rejected_tokens"], -c["gap"], c["order"]),
        "longest": lambda c: (-c["rejected_tokens"], -c["gap"], c["order"]),
        "closest": lambda c: (abs(c["gap"] - rules.target_gap), c["order"]),
        "random": lambda c: c["order"],
    }[rules.pick]
    first = {
        "any": lambda c: 0,
        "first": lambda c: c["a"]["draw"],
        "shortest": lambda c: c["chosen_tokens"],
        "longest": lambda c: -c["chosen_tokens"],
    }[rules.pick_chosen]
    mixed = 0 < rules.wrong_share < 1
    groups: dict[Any, list[Row]] = {}
    for candidate in pairs:
        groups.setdefault((candidate["problem_id"], mixed and candidate["wrong"]), []).append(candidate)
    return [
        c for group in groups.values() for c in sorted(group, key=lambda c: (first(c), best(c)))[: rules.per_problem]
    ]


def share_wrong(pairs: list[Row], share: float) -> list[Row]:
    def of(problem: str, wrong: bool) -> list[Row]:
        return [c for c in pairs if c["problem_id"] == problem and c["wrong"] == wrong]

    names = sorted({c["problem_id"] for c in pairs}, key=lambda p: min(c["order"] for c in of(p, 0) + of(p, 1)))
    only_wrong = [p for p in names if not of(p, False)]
    both = [p for p in names if of(p, False) and of(p, True)]
    right = sum(len(of(p, False)) for p in names)
    wrong = 0
    turned = set()
    if sum(len(of(p, True)) for p in only_wrong) >= math.floor(share / (1 - share) * right + 0.5):
        wanted = math.floor(share / (1 - share) * right + 0.5)
        for p in only_wrong:
            wrong += len(of(p, True))
            if wrong <= wanted:
                turned.add(p)
    else:
        turned = set(only_wrong)
        wrong = sum(len(of(p, True)) for p in only_wrong)
        for p in both:
            wrong, right = wrong + len(of(p, True)), right - len(of(p, False))
            if wrong <= math.floor(share * (wrong + right) + 0.5):
                turned.add(p)
    return [c for c in pairs if c["wrong"] == (c["problem_id"] in turned)]


def band(pairs: list[Row], rule: BandSettings, wrong_share: float) -> list[Row]:
    if not 0 < wrong_share < 1:
        return one_band(pairs, rule, rule.n)
    wrong, right = ([c for c in pairs if c["wrong"] == kind] for kind in (True, False))
    if rule.quantiles:
        return one_band(wrong, rule, None) + one_band(right, rule, None)
    n = min(rule.n or 0, len(pairs))
    wrongs = max(min(round(wrong_share * n), len(wrong)), n - len(right))
    return one_band(wrong, rule, wrongs) + one_band(right, rule, n - wrongs)


def one_band(pairs: list[Row], rule: BandSettings, count: int | None) -> list[Row]:
    ordered = sorted(pairs, key=lambda c: (c[rule.by], c["order"]))
    if rule.quantiles:
        low, high = (round(q * len(ordered)) for q in rule.quantiles)
        return ordered[low:high]
    n = min(count or 0, len(ordered))
    start = {"smallest": 0, "middle": (len(ordered) - n) // 2, "largest": len(ordered) - n}[rule.keep]
    return ordered[start : start + n]


def cap(pairs: list[Row], rule: Cap) -> list[Row]:
    def group(candidate: Row) -> Any:
        value = candidate[rule.by] if rule.by in candidate else candidate["problem"][rule.by]
        return math.floor(value / rule.width) if rule.width and value is not None else value

    sizes = Counter(group(c) for c in pairs)
    most = rule.max if rule.max is not None else min(sizes.values(), default=0)
    kept: list[Row] = []
    for candidate in sorted(pairs, key=lambda c: (c["order"], c["problem_id"])):
        if sum(group(c) == group(candidate) for c in kept) < most:
            kept.append(candidate)
    return kept


def sample(pairs: list[Row], rules: Rules) -> list[Row]:
    n = rules.n_pairs or 0
    if len(pairs) <= n:
        return pairs
    ordered = sorted(pairs, key=lambda c: (c["order"], c["problem_id"]))
    if not 0 < rules.wrong_share < 1:
        return ordered[:n]
    wrong, right = [c for c in ordered if c["wrong"]], [c for c in ordered if not c["wrong"]]
    wrongs = max(min(round(rules.wrong_share * n), len(wrong)), n - len(right))
    return wrong[:wrongs] + right[: n - wrongs]


def exchange(c: Row) -> Row:
    return c | {
        "chosen_key": c["rejected_key"], "rejected_key": c["chosen_key"],
        "chosen_tokens": c["rejected_tokens"], "rejected_tokens": c["chosen_tokens"],
    }  # fmt: skip


def coin(candidate: Row, seed: int) -> bool:
    return mix(text_hash(candidate["problem_id"]) ^ text_hash(f"{seed}/sides")) % 2 == 1


def seeded(sample: Row, seed: int, purpose: str) -> int:
    writer = {"sampled": 0, "given": 1}.get(sample["origin"], text_hash(sample["origin"]))
    h = mix((text_hash(sample["problem_id"]) + writer) % M64)
    h = mix((mix((h + sample["draw"]) % M64) + sample["max_tokens"]) % M64)
    return mix(h ^ text_hash(f"{seed}/{purpose}"))


def text_hash(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def mix(value: int) -> int:
    z = (value + 0x9E3779B97F4A7C15) % M64
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % M64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % M64
    return z ^ (z >> 31)
