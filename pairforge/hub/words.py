"""Rules in words, for people who do not read YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def rules_in_words(rules: Mapping[str, Any]) -> list[str]:
    """One sentence per rule of a `filter:` block; rules that ask for nothing are left out."""
    return [sentence for sentence in _sentences(rules) if sentence]


def _sentences(rules: Mapping[str, Any]) -> Iterator[str]:
    longer = {"long": "The chosen solution is the longer one.", "short": "The chosen solution is the shorter one."}
    yield longer.get(rules.get("direction", ""), "Either solution may be the longer one.")
    for side in ("chosen", "rejected"):
        yield _side(side, rules.get(side) or {})
    if rules.get("wrong_share"):
        yield f"About {rules['wrong_share']:.0%} of the pairs take a rejected solution that is wrong."
    yield _range("The gap between the two", rules.get("gap"), "tokens")
    yield _range("The longer one's length over the shorter one's", rules.get("ratio"), "")
    yield _range("Prompt and longer solution together", rules.get("total"), "tokens")
    yield _range("The share of correct first draws", rules.get("pass_rate"), "")
    if rules.get("same_bin"):
        yield f"Both solutions fall into the same bin of {rules['same_bin']} tokens."
    if rules.get("gold"):
        yield f"Only problems whose ground truth comes from: {', '.join(rules['gold'])}."
    if rules.get("gold_suspects", "keep") != "keep":
        yield f"Problems whose ground truth looks wrong: {rules['gold_suspects']}."
    if rules.get("where"):
        yield f"Only pairs for which `{rules['where']}` holds."
    yield _picked(rules)
    yield from _subsets(rules)
    if rules.get("control", "none") != "none":
        yield f"This is a control arm: {rules['control'].replace('_', ' ')}."


def _side(name: str, side: Mapping[str, Any]) -> str:
    origin = {"given": "comes with the source", "sampled": "was sampled"}.get(side.get("origin", "any"), "may be any")
    status = side.get("status", "correct")
    allowed = ", ".join([status] if isinstance(status, str) else status)
    parts = [f"The {name} solution {origin}; verdict: {allowed.replace('_', ' ')}"]
    if side.get("models"):
        parts.append(f"from {', '.join(side['models'])}")
    if side.get("finish"):
        parts.append(f"finished by {', '.join(side['finish'])}")
    bounds = {"min": side.get("min_tokens"), "max": side.get("max_tokens")}
    parts += [text] if (text := _bounds(bounds, "tokens")) else []
    parts += [f"{column} {_bounds(bound, '')}" for column, bound in (side.get("quality") or {}).items()]
    return "; ".join(parts) + "."


def _range(what: str, bounds: Mapping[str, Any] | None, unit: str) -> str:
    text = _bounds(bounds or {}, unit)
    return f"{what}: {text}." if text else ""


def _bounds(bounds: Mapping[str, Any], unit: str) -> str:
    low, high = bounds.get("min"), bounds.get("max")
    ends = [f"at least {low:g}"] if low is not None else []
    ends += [f"at most {high:g}"] if high is not None else []
    return f"{' and '.join(ends)} {unit}".strip() if ends else ""


def _picked(rules: Mapping[str, Any]) -> str:
    pick, most = rules.get("pick", "shortest"), rules.get("per_problem", 1)
    if pick == "all":
        return "Every couple of solutions that passes becomes a pair."
    how = {
        "shortest": "with the shortest rejected solution",
        "longest": "with the longest rejected solution",
        "closest": f"whose gap is closest to {rules.get('target_gap', 0)} tokens",
        "random": "drawn with the seed",
    }[pick]
    return f"Of those that pass, the {'pair' if most == 1 else f'{most} pairs'} {how} per problem."


def _subsets(rules: Mapping[str, Any]) -> Iterator[str]:
    band = rules.get("band")
    if band and band.get("n"):
        yield f"Of all pairs, the {band['n']} with the {band['keep']} {band['by']}."
    elif band:
        low, high = band["quantiles"]
        yield f"Of all pairs, those between the quantiles {low:g} and {high:g} of {band['by']}."
    for cap in rules.get("caps") or ():
        most = cap["max"] if cap.get("max") else "as many as the smallest group has"
        yield f"Per value of {cap['by']} at most: {most}."
    if rules.get("n_pairs"):
        yield f"At most {rules['n_pairs']} pairs, drawn with the seed."
