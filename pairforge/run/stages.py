"""The stages of a run's sampling: the rules that each one served."""

from __future__ import annotations

import yaml

from pairforge.filters import FilterSettings
from pairforge.filters.target import loosest_target, read_target
from pairforge.run.directory import Run
from pairforge.run.manifest import SamplingStage


def sampling_stages(run: Run) -> list[SamplingStage]:
    """What a run was sampled for, first to last; empty where nothing was sampled.

    Runs of earlier versions hold the last target alone: their stage is that of the recipe, with the target's rules.
    """
    manifest = run.manifest()
    if manifest.sampled_for or manifest.target is None:
        return manifest.sampled_for
    recipe = yaml.safe_load(run.recipe_file.read_text())
    rules = FilterSettings.model_validate(recipe["filter"])
    target = read_target(manifest.target)
    if loosest_target(rules) != target:
        student = {name: getattr(rules, name) for name in ("tokenizer", "revision", "chat_template")}
        rules = FilterSettings(**student, **{name: getattr(target, name) for name in type(target).model_fields})
    generator = {name: value for name, value in (recipe.get("generator") or {}).items() if name != "engine"}
    return [
        SamplingStage(
            seed=recipe.get("seed", 0),
            format=recipe.get("format") or {},
            filter=rules.model_dump(mode="json"),
            generator=generator,
            finished=True,
        )
    ]
