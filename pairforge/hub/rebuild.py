"""The published recipe, with which others make the same rows again, and what they need besides it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import yaml

from pairforge.chat import FormatConfig
from pairforge.config import flatten
from pairforge.filters import FilterSettings
from pairforge.filters.ruleset import Student
from pairforge.filters.target import loosest_target
from pairforge.hub.redact import published_text
from pairforge.run import Run, ViewRecord, sampling_stages
from pairforge.run.manifest import SamplingStage, SourceRecord


def rebuild_recipe(run: Run, view: ViewRecord) -> dict[str, Any]:
    """The run's recipe with the rules and the format of a view.

    `sample_for` is set where a build would otherwise draw other samples than the run holds. Datasets of the Hub are
    pinned to the revision that was read.
    """
    recipe = yaml.safe_load(run.recipe_file.read_text())
    recipe |= {"filter": view.filter, "format": view.format, "seed": view.seed}
    read = run.manifest().sources
    recipe["sources"] = [
        pinned(source, read[at]) if at < len(read) else source for at, source in enumerate(recipe["sources"])
    ]
    for block in ("publish", "sample_for"):
        recipe.pop(block, None)
    stages = sample_for(sampling_stages(run), view)
    return {**recipe, "sample_for": stages} if stages else recipe


def pinned(source: Mapping[str, Any], record: SourceRecord) -> dict[str, Any]:
    """A source at the revision that was read; a local file stays as it is."""
    if is_local(source["dataset"]) or not re.fullmatch(r"[0-9a-f]{40}", record.revision):
        return dict(source)
    return {**source, "revision": record.revision}


def sample_for(stages: list[SamplingStage], view: ViewRecord) -> list[dict[str, Any]]:
    """The stages of sampling as a recipe with the view's rules has to name them; none where it need not."""
    if not stages:
        return []
    last = stages[-1]
    arms = {"generator": last.generator, "generators": last.generators}
    present = SamplingStage(seed=view.seed, format=view.format, filter=view.filter, **arms)
    if len(stages) == 1 and served(stages[0]) == served(present):
        return []
    return [dict(differing(complete(stage, last), complete(present, stage))) for stage in stages]


def served(stage: SamplingStage) -> tuple[Any, ...]:
    """What sampling takes from a stage's seed, format and rules."""
    rules = FilterSettings.model_validate(stage.filter)
    student = [getattr(rules, name) for name in Student.model_fields]
    return stage.seed, FormatConfig.model_validate(stage.format), student, loosest_target(rules)


def complete(stage: SamplingStage, other: SamplingStage) -> dict[str, Any]:
    """A stage with every key of its format and rules, whatever version wrote it, and with the arms that another stage
    has as well: its rules do not ask for those that came later."""
    form, rules = FormatConfig.model_validate(stage.format), FilterSettings.model_validate(stage.filter)
    blocks = {"format": form.model_dump(mode="json"), "filter": rules.model_dump(mode="json")}
    arms = {name: block for name, block in stage.generators.items() if name in other.generators}
    return {"seed": stage.seed, **blocks, "generator": stage.generator, "generators": arms}


def differing(there: Mapping[str, Any], here: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """(key path, value there) wherever two blocks of settings differ. A list or a mapping of names is one value."""
    for name, value in there.items():
        other = here.get(name)
        if isinstance(value, dict) and isinstance(other, dict) and value.keys() == other.keys():
            yield from differing(value, other, f"{prefix}{name}.")
        elif value != other:
            yield f"{prefix}{name}", value


def rebuild_facts(run: Run, recipes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """What the card tells beside the command that rebuilds: recipes that name other rules for sampling (by config),
    what others lack, and why the rows may differ."""
    missing = {entry["key"]: entry for recipe in recipes.values() for entry in missing_elsewhere(recipe)}
    return {
        "staged": [config for config, recipe in recipes.items() if "sample_for" in recipe],
        "missing": list(missing.values()),
        "cautions": cautions(run),
    }


def cautions(run: Run) -> list[str]:
    """Why a rebuild may give other rows even on the same engine and machine, as sentences."""
    stages = sampling_stages(run)
    found = []
    if any(not stage.finished for stage in stages):
        found.append("The sampling of this run was interrupted and not finished: a rebuild finishes it.")
    arms = [block for stage in stages for block in (stage.generator, *stage.generators.values())]
    if any((block.get("draws") or {}).get("enough") for block in arms):
        found.append(
            "Sampling ended when enough problems were accepted (draws.enough). Which problems were drawn by then "
            "depends on the order in which solutions finished, so a rebuild may draw others."
        )
    failed = run.sample_table().filter(finish_reason="error").height if stages else 0
    if failed:
        found.append(f"{failed:,} requests failed when this run was sampled; in a rebuild they may succeed.")
    return found


KINDS = {"dataset": "dataset", "model": "model", "tokenizer": "model"}


def missing_elsewhere(recipe: Mapping[str, Any]) -> list[dict[str, str]]:
    """What the published recipe names and only its author has: rows of key, kind and name.

    `kind` is "dataset", "model" or "server"; `name` is the published one.
    """
    found = []
    for key, value in flatten(recipe).items():
        last = "sets" if ".sets." in f".{key}" else key.rsplit(".", 1)[-1]
        if isinstance(value, str) and is_local(value):
            kind = "dataset" if last == "sets" else KINDS.get(last, "file")
            found.append({"key": key, "kind": kind, "name": published_text(value)})
        elif last == "kind" and value == "server":
            found.append({"key": key.removesuffix(".kind"), "kind": "server", "name": "its address is not published"})
    return found


def is_local(name: str) -> bool:
    """Whether a name of a recipe is a path of its author's machine: neither a Hub id nor a model in the Hub's cache."""
    return name.startswith(("/", "~/")) and "\n" not in name and "/" not in published_text(name)
