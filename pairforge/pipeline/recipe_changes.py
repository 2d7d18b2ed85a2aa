"""Which settings differ between a run and a recipe, and whether the difference only adds to the run."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pairforge.errors import RunError

Changes = dict[str, tuple[Any, Any]]
"""Key path -> (value in the run, value in the recipe); None where a side does not have the key."""


# Settings that runs of earlier versions do not record. Their evidence is complete without them. A list's entries are
# written as `[]`.
NEWER = ("decontaminate.fuzzy", "sources[].origins")


def changes(there: Mapping[str, Any], here: Mapping[str, Any]) -> Changes:
    """The keys whose values differ between a run's settings and a recipe's."""
    newer = {key for key in here if key not in there and is_newer(key)}
    keys = sorted({*there, *here} - newer)
    return {key: (there.get(key), here.get(key)) for key in keys if there.get(key) != here.get(key)}


def is_newer(key: str) -> bool:
    """Whether earlier versions did not record this setting."""
    return re.sub(r"\.\d+\.", "[].", key) in NEWER


def only_adds(changed: Changes) -> bool:
    """Whether the changes leave everything stored as it is and add problems, draws or longer budgets to it."""
    new_sources = {
        key.split(".")[1] for key, (_, here) in changed.items() if re.fullmatch(r"sources\.\d+\.dataset", key)
    }
    new_arms = {
        arm_of(key)
        for key, (there, _) in changed.items()
        if arm_of(key) and key.endswith(".engine.model") and there is None
    }
    return all(_adds(key, there, here, new_sources, new_arms) for key, (there, here) in changed.items())


def arm_of(key: str) -> str:
    """The block of the arm that a key belongs to: `generator`, `generators.<name>`, or "" for none."""
    found = re.match(r"generator(?=\.)|generators\.[^.]+(?=\.)", key)
    return found[0] if found else ""


def _adds(key: str, there: Any, here: Any, new_sources: set[str], new_arms: set[str]) -> bool:
    arm = arm_of(key)
    if arm:
        return there is None if arm in new_arms else _adds_draws(key.removeprefix(f"{arm}."), there, here)
    if key.startswith("sources."):
        number = key.split(".")[1]
        if number in new_sources:
            return there is None
        return key.endswith(".limit") and there is not None and (here is None or here > there)
    return key == "shard" and here is None


def _adds_draws(key: str, there: Any, here: Any) -> bool:
    if key in ("draws.min", "draws.max", "sampling.max_tokens"):
        return there is not None and here is not None and here > there
    if key == "draws.continue_truncated":
        return (there or 0) < (here or 0)
    if key == "draws.enough":
        return True  # a smaller number draws nothing, a larger one goes on
    return (key, there, here) in (("draws.until", "accepted", "max"), ("budget", "rule", "full"))


def refusal(run: Path, changed: Changes) -> RunError:
    """Say which keys differ, and every way out."""
    shown = "; ".join(f"{key}: {there!r} there, {here!r} here" for key, (there, here) in list(changed.items())[:6])
    more = f" and {len(changed) - 6} more" if len(changed) > 6 else ""
    ways = ["name another run with --run", "undo the change", "`pairforge build --fresh` (moves this run aside)"]
    if only_adds(changed):
        ways.insert(0, "`pairforge build --extend` (it only adds problems or draws; everything sampled is kept)")
    return RunError(
        f"{run} was made with other settings: {shown}{more}",
        hint=", or ".join(ways) + ". Rules under 'filter' may change freely",
    )
