"""Every key of a recipe has an effect: changing it changes what an engine, a server, a dataset, a trainer is asked.

The keys are found in the models. A new key fails here, by its name, until `CONTRACT` says what it changes. The rules
under `filter` have a contract of their own beside them.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from pairforge.errors import EngineError, RecipeError, TrainError
from pairforge.generator.engines.vllm import engine_args
from pairforge.recipe import Recipe
from pairforge.recipe.keys import leaf_keys
from pairforge.train import resolve
from tests.filters.rules import test_contract as rules_contract
from tests.recipe import observers as see
from tests.recipe.observers import World


@dataclass(frozen=True)
class Change:
    """Setting the key to `to` changes what `see` shows; `given` are overrides on both sides."""

    see: Callable[[World, Recipe], object]
    to: str
    given: tuple[str, ...] = ()
    source: int = 0  # which of the sources is changed


HUB = ("sources.0.dataset=org/problems",)
JOINED = ("sources.0={dataset: org/teacher, adapter: trl-pairs, gold_from: {dataset: org/gold}}",)
TEACHER = ("sources.0={dataset: FOLDER/teacher.jsonl, adapter: trl-pairs}",)
WITH_TEACHER = "sources=[{dataset: FOLDER/more.jsonl}, {dataset: FOLDER/teacher.jsonl, adapter: trl-pairs}]"
WITH_MORE = "sources=[{dataset: FOLDER/problems.jsonl}, {dataset: FOLDER/more.jsonl}]"
GOLD = (*TEACHER, "sources.0.gold_from={dataset: FOLDER/gold.jsonl}")
VLLM = ("generator.engine={model: org/sampler, max_model_len: 64}",)
RAY = ("generator.engine={kind: ray, model: org/sampler, max_model_len: 64}",)
SERVED = ("generator.engine={kind: server, model: served, base_urls: [x]}",)
NO_GENERATOR = ("generator=null",)
NO_ADDRESS = ("generator.engine={kind: server, model: m}",)
SERVED_STUDENT = ("generator.engine={kind: server, model: FOLDER/keeps, base_urls: [x]}",)
DRAWS = ("generator.draws={max: 3}",)
SAMPLED = ("generator.draws={min: 3, max: 3, until: max}", "sources.0.columns={long: long}")
SHOT = ("generator.prompt.examples=[{question: '2+2?', answer: four}]",)
SHOT_OF_A_TOPIC = (
    "sources.0.columns={long: long, meta.other: other}",
    "generator.prompt.user='{question} {meta.other}'",
    "generator.prompt.examples=[{question: '2+2?', answer: four, meta: {other: that}}]",
)
SETS = ("decontaminate.sets=[FOLDER/seen.jsonl]", "decontaminate.without_digits=false")
SEEN = (*SETS, "decontaminate.fuzzy=null")
GIVEN_PAIRS = (
    "generator=null",
    "sources.0.columns={long: long, short: short}",
    "filter.rejected={origin: given, status: any}",
)
UNLABELLED = (
    "sources.0={dataset: FOLDER/unlabelled.jsonl, adapter: columns, columns: {long: long}}",
    "majority={arm: given}",
)
STUDENT = ("filter.tokenizer=FOLDER/cuts",)
MODEL = ("train.model=org/student",)

THOUGHTS = ("sources.0.dataset=FOLDER/thoughts.jsonl",)
JUDGE = ("verifier.judge={model: m, base_urls: ['http://x/v1']}",)

CONTRACT: dict[str, Change] = {
    "seed": Change(see.requests, "5"),
    "sample_for": Change(see.requests, "[{filter.gap.min: 20}]"),
    "shard": Change(see.evidence, "1/2"),
    "majority.arm": Change(see.majorities, "sampled", UNLABELLED),
    "majority.min_agreeing": Change(see.majorities, "3", UNLABELLED),
    "majority.min_share": Change(see.majorities, "0.9", UNLABELLED),
    # --- sources
    "sources[].dataset": Change(see.evidence, "FOLDER/more.jsonl"),
    "sources[].adapter": Change(see.evidence, "limo", ("sources.0={dataset: FOLDER/limo.jsonl, adapter: columns}",)),
    "sources[].config": Change(see.hub_reads, "part", HUB),
    "sources[].split": Change(see.hub_reads, "test", HUB),
    "sources[].revision": Change(see.hub_reads, "v1", HUB),
    "sources[].limit": Change(see.evidence, "2"),
    "sources[].origins": Change(see.evidence, "[given]", ("sources.0={dataset: FOLDER/other-run}",)),
    "sources[].columns": Change(see.evidence, "{long: other}"),
    "sources[].teacher_gold": Change(see.evidence, "drop", (WITH_TEACHER,), source=1),
    "sources[].solutions": Change(see.evidence, "drop"),
    "sources[].verifier.kind": Change(see.answer_rules, "choice"),
    "sources[].verifier.percent": Change(see.answer_rules, "strict"),
    "sources[].verifier.units": Change(see.answer_rules, "strict"),
    "sources[].verifier.python": Change(
        see.answer_rules, "grading:check", ("sources.0.verifier={kind: python, python: 'grading:other'}",)
    ),
    "sources[].only_known": Change(see.evidence, "true", (WITH_MORE,), source=1),
    "sources[].gold_from.dataset": Change(see.evidence, "FOLDER/gold2.jsonl", GOLD),
    "sources[].gold_from.config": Change(see.hub_reads, "part", JOINED),
    "sources[].gold_from.split": Change(see.hub_reads, "test", JOINED),
    "sources[].gold_from.revision": Change(see.hub_reads, "v1", JOINED),
    "sources[].gold_from.question": Change(see.evidence, "asked", GOLD),
    "sources[].gold_from.answer": Change(see.evidence, "solved", GOLD),
    "decontaminate.sets": Change(see.evidence, "[FOLDER/seen.jsonl]"),
    "decontaminate.ngram": Change(see.evidence, "null", SEEN),
    "decontaminate.without_digits": Change(see.evidence, "true", (*SEEN, "decontaminate.ngram=null")),
    "decontaminate.fuzzy": Change(see.evidence, "null", (*SETS, "decontaminate.ngram=null")),
    "decontaminate.near_duplicates": Change(see.evidence, "0.7", ("sources.0.dataset=FOLDER/twice.jsonl",)),
    "generators": Change(see.requests, "{sampled: {engine: {model: FOLDER/keeps, max_model_len: 64}}}", NO_GENERATOR),
    # --- derived solutions: `new` is an entry that the recipe does not have yet
    "derive.<name>.of": Change(see.derived, "sampled", (*THOUGHTS, "derive.new={truncate: 6}")),
    "derive.<name>.first_correct": Change(see.derived, "true", THOUGHTS),
    "derive.<name>.first_correct_plus": Change(see.derived, "1", THOUGHTS),
    "derive.<name>.without_reflections": Change(see.derived, "true", THOUGHTS),
    "derive.<name>.truncate": Change(see.derived, "6", THOUGHTS),
    # --- the engine: vLLM
    "generator.engine.kind (vllm)": Change(see.engine_class, "ray"),
    "generator.engine.model (vllm)": Change(see.vllm_arguments, "org/other", VLLM),
    "generator.engine.name (vllm)": Change(see.samples, "ana/model"),
    "generator.engine.revision (vllm)": Change(see.vllm_arguments, "v1", VLLM),
    "generator.engine.max_model_len (vllm)": Change(see.vllm_arguments, "128", VLLM),
    "generator.engine.max_num_seqs (vllm)": Change(see.vllm_arguments, "7", VLLM),
    "generator.engine.quantization (vllm)": Change(see.vllm_arguments, "awq", VLLM),
    "generator.engine.trust_remote_code (vllm)": Change(see.vllm_arguments, "true", VLLM),
    "generator.engine.dtype (vllm)": Change(see.vllm_arguments, "float32", VLLM),
    "generator.engine.tensor_parallel_size (vllm)": Change(see.vllm_arguments, "2", VLLM),
    "generator.engine.gpu_memory_utilization (vllm)": Change(see.vllm_arguments, "0.5", VLLM),
    "generator.engine.enforce_eager (vllm)": Change(see.vllm_arguments, "false", VLLM),
    "generator.engine.vllm (vllm)": Change(see.vllm_arguments, "{kv_cache_dtype: fp8}", VLLM),
    # --- the engine: servers
    "generator.engine.kind (server)": Change(see.engine_class, "ray", NO_ADDRESS),
    "generator.engine.model (server)": Change(see.server_request, "other", SERVED),
    "generator.engine.name (server)": Change(see.samples, "ana/model", SERVED_STUDENT),
    "generator.engine.revision (server)": Change(see.sampler, "v1", SERVED_STUDENT),
    "generator.engine.max_model_len (server)": Change(see.sampler, "128", SERVED_STUDENT),
    "generator.engine.max_num_seqs (server)": Change(see.server_request, "7", SERVED),
    "generator.engine.quantization (server)": Change(see.sampler, "awq", SERVED_STUDENT),
    "generator.engine.trust_remote_code (server)": Change(see.sampler, "true", SERVED_STUDENT),
    "generator.engine.base_urls (server)": Change(see.server_request, "[x, y]", SERVED),
    "generator.engine.api (server)": Change(see.server_request, "completions", SERVED),
    "generator.engine.timeout_s (server)": Change(see.server_request, "5", SERVED),
    "generator.engine.retries (server)": Change(see.server_request, "1", SERVED),
    "generator.engine.api_key_env (server)": Change(see.server_request, "OTHER_KEY", SERVED),
    # --- the engine: Ray
    "generator.engine.kind (ray)": Change(see.engine_class, "vllm", RAY),
    "generator.engine.model (ray)": Change(see.ray_cluster, "org/other", RAY),
    "generator.engine.name (ray)": Change(see.samples, "ana/model", ("generator.engine.kind=ray",)),
    "generator.engine.revision (ray)": Change(see.ray_cluster, "v1", RAY),
    "generator.engine.max_model_len (ray)": Change(see.ray_cluster, "128", RAY),
    "generator.engine.max_num_seqs (ray)": Change(see.ray_cluster, "7", RAY),
    "generator.engine.quantization (ray)": Change(see.ray_cluster, "awq", RAY),
    "generator.engine.trust_remote_code (ray)": Change(see.ray_cluster, "true", RAY),
    "generator.engine.dtype (ray)": Change(see.ray_cluster, "float32", RAY),
    "generator.engine.tensor_parallel_size (ray)": Change(see.ray_cluster, "2", RAY),
    "generator.engine.gpu_memory_utilization (ray)": Change(see.ray_cluster, "0.5", RAY),
    "generator.engine.enforce_eager (ray)": Change(see.ray_cluster, "false", RAY),
    "generator.engine.vllm (ray)": Change(see.ray_cluster, "{kv_cache_dtype: fp8}", RAY),
    "generator.engine.address (ray)": Change(see.ray_cluster, "10.0.0.1:6379", RAY),
    "generator.engine.replicas (ray)": Change(see.ray_cluster, "3", RAY),
    # --- prompts, sampling, draws
    "generator.prompt.system": Change(see.requests, "Be brief."),
    "generator.prompt.user": Change(see.requests, "'{question} Go on.'"),
    "generator.prompt.template_kwargs": Change(see.requests, "{brief: true}"),
    "generator.prompt.prefix": Change(see.requests, "So"),
    "generator.prompt.examples[].question": Change(see.requests, "3+3?", SHOT),
    "generator.prompt.examples[].answer": Change(see.requests, "six", SHOT),
    "generator.prompt.examples[].meta": Change(see.requests, "{other: this}", SHOT_OF_A_TOPIC),
    "generator.sampling.temperature": Change(see.sampling_parameters, "0.5"),
    "generator.sampling.top_p": Change(see.sampling_parameters, "0.5"),
    "generator.sampling.top_k": Change(see.sampling_parameters, "5"),
    "generator.sampling.min_p": Change(see.sampling_parameters, "0.1"),
    "generator.sampling.repetition_penalty": Change(see.sampling_parameters, "1.1"),
    "generator.sampling.presence_penalty": Change(see.sampling_parameters, "0.5"),
    "generator.sampling.frequency_penalty": Change(see.sampling_parameters, "0.5"),
    "generator.sampling.logit_bias": Change(see.sampling_parameters, "{5: -1.5}"),
    "generator.sampling.bad_words": Change(see.sampling_parameters, "[wait]"),
    "generator.sampling.stop_token_ids": Change(see.sampling_parameters, "[5]"),
    "generator.sampling.include_stop_str_in_output": Change(see.sampling_parameters, "true"),
    "generator.sampling.skip_special_tokens": Change(see.sampling_parameters, "false"),
    "generator.sampling.max_tokens": Change(see.requests, "32"),
    "generator.sampling.stop": Change(see.requests, "['!']"),
    "generator.draws.min": Change(see.requests, "3", DRAWS),
    "generator.draws.max": Change(see.requests, "2", DRAWS),
    "generator.draws.continue_truncated": Change(see.requests, "2", ("generator.sampling.max_tokens=3",)),
    "generator.draws.until": Change(see.requests, "max", DRAWS),
    "generator.draws.enough": Change(see.requests, "1", DRAWS),
    "generator.budget": Change(see.requests, "full", ("filter.gap.min=1",)),
    # --- what the student sees, and the rest
    "verifier.timeout_s": Change(see.verifier, "9"),
    "verifier.workers": Change(see.verifier, "3"),
    "verifier.kind": Change(see.answer_rules, "exact"),
    "verifier.percent": Change(see.answer_rules, "strict"),
    "verifier.units": Change(see.answer_rules, "strict"),
    "verifier.python": Change(see.answer_rules, "grading:other", ("verifier={kind: python, python: 'grading:check'}",)),
    "verifier.judge.model": Change(see.judge, "other", JUDGE),
    "verifier.judge.base_urls": Change(see.judge, "['http://y/v1']", JUDGE),
    "verifier.judge.counts": Change(see.judge, "true", JUDGE),
    "verifier.judge.max_tokens": Change(see.judge, "9", JUDGE),
    "verifier.judge.timeout_s": Change(see.judge, "9", JUDGE),
    "verifier.judge.retries": Change(see.judge, "9", JUDGE),
    "verifier.judge.api_key_env": Change(see.judge, "OTHER_KEY", JUDGE),
    "format.system": Change(see.pairs, "Think.", GIVEN_PAIRS),
    "format.user": Change(see.pairs, "'{question} Go on.'", GIVEN_PAIRS),
    "format.template_kwargs": Change(see.student, "{brief: true}"),
    "format.frame": Change(see.pairs, "sky-t1", GIVEN_PAIRS),
    "format.rejected_frame": Change(see.pairs, "as_sampled", GIVEN_PAIRS),
    "format.columns": Change(see.pairs, "[stopped_by]", GIVEN_PAIRS),
    "publish.repo": Change(see.publication, "ana/pairs"),
    "publish.private": Change(see.publication, "false", ("publish.repo=ana/pairs",)),
    "publish.license": Change(see.publication, "mit", ("publish.repo=ana/pairs",)),
    "export.kto.undesirable": Change(see.labels, "[]", SAMPLED),
    "export.kto.per_problem": Change(see.labels, "1", SAMPLED),
    "export.kto.max_ratio": Change(see.labels, "1", SAMPLED),
    "export.sft.solutions": Change(see.solutions, "correct", SAMPLED),
    "export.sft.pick": Change(see.solutions, "shortest", (*SAMPLED, "export.sft.solutions=correct")),
    "export.sft.per_problem": Change(see.solutions, "2", (*SAMPLED, "export.sft={solutions: correct, pick: random}")),
    "export.rlvr.arm": Change(see.problems, "other", SAMPLED),
    "export.rlvr.pass_rate.min": Change(see.problems, "0.5", SAMPLED),
    "export.rlvr.pass_rate.max": Change(see.problems, "0.2", SAMPLED),
    "export.rlvr.bands.<name>.min": Change(see.problems, "0.3", (*SAMPLED, "export.rlvr.bands={}")),
    "export.rlvr.bands.<name>.max": Change(see.problems, "0.4", (*SAMPLED, "export.rlvr.bands={}")),
    "export.rlvr.keep": Change(see.problems, "[unsolved]", SAMPLED),
    "train.model": Change(see.training, "org/other", MODEL),
    "train.revision": Change(see.training, "v1", MODEL),
    "train.model_name": Change(see.training, "me/mine", MODEL),
    "train.method": Change(see.training, "sft", MODEL),
    "train.loss": Change(see.training, "ld", MODEL),
    "train.lora": Change(see.training, "true", MODEL),
    "train.global_batch_size": Change(see.training, "7", MODEL),
    "train.template_kwargs": Change(see.training, "{brief: true}", MODEL),
    "train.max_cut_share": Change(see.training, "0.5", MODEL),
    # --- of `filter`, what is no rule
    "filter.tokenizer": Change(see.student, "FOLDER/cuts"),
    "filter.revision": Change(see.student, "v1"),
    "filter.chat_template": Change(see.student, "training", STUDENT),
}


def is_rule(name: str) -> bool:
    """The contract of a rule stands beside the rules, in tests/filters."""
    return name.startswith("filter.") and name not in CONTRACT


NAMES = [key.name for key in leaf_keys() if not is_rule(key.name)]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    return World(tmp_path, monkeypatch)


@pytest.mark.parametrize("name", NAMES)
def test_changing_a_key_changes_something(name: str, world: World):
    assert name in CONTRACT, f"{name} has no entry in the contract: say what changing it changes, or remove the key"
    change = CONTRACT[name]
    path = name.split(" ")[0].replace("[]", f".{change.source}").replace("<name>", "new")
    before = change.see(world, world.make(*change.given))
    after = change.see(world, world.make(*change.given, f"{path}={change.to}"))
    assert before != after


def test_every_rule_has_a_contract_of_its_own():
    """It stands beside the rules, which are enumerated there."""
    covered = {key for _, key in rules_contract.WITH_KEYS} | {"control", "mix"}
    for key in leaf_keys():
        if is_rule(key.name):
            parts = [part.removesuffix("[]") for part in key.path.split(".")[1:] if part not in ("chosen", "rejected")]
            assert parts[0] in covered, f"{key.name} is in no contract"


def test_no_entry_is_of_a_key_that_is_gone():
    assert CONTRACT.keys() <= set(NAMES)


def test_the_same_recipe_shows_the_same(world: World):
    """Else a difference would say nothing about the key."""
    shown = {(change.see, change.given) for change in CONTRACT.values()}
    for look, given in sorted(shown, key=str):
        if look in (see.evidence, see.requests, see.pairs):
            assert look(world, world.make(*given)) == look(world, world.make(*given)), (look.__name__, given)


def test_any_other_key_of_train_is_trls_or_refused():
    assert resolve({"model": "m", "learning_rate": 1e-7}).trl["learning_rate"] == 1e-7
    with pytest.raises(TrainError, match="did you mean 'learning_rate'"):
        resolve({"model": "m", "learning_rat": 1e-7})


def test_any_option_under_vllm_is_vllms_or_refused(world: World):
    recipe = world.make(*VLLM, "generator.engine.vllm={enable_prefix_caching: false, kv_cache_dtype: fp8}")
    arguments = see.vllm_arguments(world, recipe)
    assert (arguments["enable_prefix_caching"], arguments["kv_cache_dtype"]) == ("False", "'fp8'")
    with pytest.raises(EngineError, match="did you mean 'enable_prefix_caching'"):
        engine_args("m", None, {"max_model_len": 64, "enable_prefix_cachin": True})
    refused = see.vllm_arguments(world, world.make(*VLLM, "generator.engine.vllm={kv_cache_type: fp8}"))
    assert "generator.engine.vllm.kv_cache_type" in str(refused)


def test_a_key_of_another_engine_is_refused(world: World):
    with pytest.raises(RecipeError, match="has no effect under `kind: vllm`"):
        world.make("generator.engine.retries=2")


def test_a_misspelt_key_is_refused_wherever_it_stands(world: World):
    """In every block, the nearest key is named."""
    for key in leaf_keys():
        kind = [f"generator.engine={{kind: {key.kind}, model: m}}"] if key.kind else []
        if key.path.startswith("train."):
            continue  # its other keys are TRL's
        listed, _, inner = f"{key.path.replace('<name>', 'loops')}x".partition("[].")
        for part in reversed(inner.split(".") if inner else []):
            inner = f"{{{part}: {inner if inner.startswith('{') else 1}}}"
        with pytest.raises(RecipeError) as caught:
            world.make(*kind, f"{listed}=[{inner}]" if inner else f"{listed}=1")
        assert re.search(rf"{key.path.split('.')[-1]}x: unknown key", str(caught.value)), key.path
        assert "did you mean" in str(caught.value)
