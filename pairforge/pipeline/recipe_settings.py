"""The settings of a recipe in the form that the layers below take."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from pairforge.config import flatten
from pairforge.generator.config import SAMPLED, DrawsConfig, SamplerPromptConfig, SamplingConfig
from pairforge.pipeline.ground_truth import GroundTruth, TruthVerifier, recipe_rules
from pairforge.recipe import Recipe, parse_recipe
from pairforge.records import digest
from pairforge.run import Run
from pairforge.verifier import Verifier


def run_recipe(run: Run, overrides: Iterable[str] = ()) -> Recipe:
    """The recipe a run was made with, with overrides."""
    return parse_recipe(run.recipe_file.read_text(), overrides, name=str(run.recipe_file), stored=True)


def evidence_settings(recipe: Recipe) -> dict[str, Any]:
    """The settings that decide what the evidence is, as key paths: sources and sampling, no rule and no hardware."""
    raw = recipe.model_dump(mode="json")
    kept = {name: raw[name] for name in ("seed", "sources", "decontaminate")}
    if raw["majority"]:
        kept["majority"] = raw["majority"]
    if raw["shard"]:
        kept["shard"] = raw["shard"]
    for source in kept["sources"]:
        del source["verifier"]  # it judges the evidence, and may change
        if source["solutions"] == "keep":  # what every source did before there was a choice
            del source["solutions"]
    arms = {name: _without_hardware(block.model_dump(mode="json")) for name, block in recipe.arms.items()}
    if SAMPLED in arms:  # the same key paths in either form of a recipe, and in runs that knew one arm only
        kept["generator"] = arms.pop(SAMPLED)
    if arms:
        kept["generators"] = arms
    return flatten(kept)


def _without_hardware(block: dict[str, Any]) -> dict[str, Any]:
    engine = {name: block["engine"][name] for name in ("model", "revision", "quantization")}
    if block["engine"]["name"]:
        engine["name"] = block["engine"]["name"]
    return {**without_unset(block), "engine": engine}


BLOCKS = {"prompt": SamplerPromptConfig, "sampling": SamplingConfig, "draws": DrawsConfig}
COUNTED_WHEN_SET = {
    "prompt": ("template_kwargs", "examples", "prefix"),
    "sampling": (
        "repetition_penalty",
        "presence_penalty",
        "frequency_penalty",
        "logit_bias",
        "bad_words",
        "stop_token_ids",
        "include_stop_str_in_output",
        "skip_special_tokens",
    ),
    "draws": ("continue_truncated",),
}
"""Keys of a generator's blocks that runs of earlier versions do not record: at their defaults they change nothing."""


def without_unset(block: dict[str, Any]) -> dict[str, Any]:
    """A dumped generator block without the `COUNTED_WHEN_SET` keys that are at their defaults, and with the digest of
    its examples in their place."""
    kept = dict(block)
    for name, keys in COUNTED_WHEN_SET.items():
        defaults = BLOCKS[name]().model_dump(mode="json")
        kept[name] = {k: v for k, v in block[name].items() if k not in keys or v != defaults[k]}
    if "examples" in kept["prompt"]:
        kept["prompt"]["examples"] = digest(kept["prompt"]["examples"])
    return kept


def open_verifier(recipe: Recipe, run: Run, truth: GroundTruth | None = None) -> Verifier:
    """The recipe's verifier, with the run's own cache of decisions; `truth` tells it the rules of each problem."""
    block = recipe.verifier
    workers = None if block.workers == "auto" else block.workers
    if truth is not None:
        return TruthVerifier(truth, workers=workers, timeout_s=block.timeout_s, cache=run.verifier_cache)
    return Verifier(workers=workers, timeout_s=block.timeout_s, rules=recipe_rules(recipe), cache=run.verifier_cache)
