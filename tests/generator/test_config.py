"""The engine block: each kind has its own keys, and a key that would do nothing is refused."""

from __future__ import annotations

import pytest

from pairforge.errors import EngineError, RecipeError
from pairforge.generator.config import (
    KINDS,
    RayEngineConfig,
    ServerEngineConfig,
    VllmEngineConfig,
    without_idle_keys,
)
from pairforge.generator.engines.vllm import engine_args
from pairforge.recipe import parse_recipe

URL = "http://127.0.0.1:8000/v1"


def engine(text: str, *overrides: str, stored: bool = False):
    recipe = parse_recipe(
        f"sources: [{{dataset: d}}]\ngenerator: {{engine: {{model: m, {text}}}}}\nfilter: {{tokenizer: t}}\n",
        overrides,
        stored=stored,
    )
    return recipe.sampling_block().engine


def test_a_block_without_a_kind_is_vllm():
    assert isinstance(engine("dtype: auto"), VllmEngineConfig)
    assert isinstance(engine(f"kind: server, base_urls: ['{URL}']"), ServerEngineConfig)
    assert isinstance(engine("kind: ray, replicas: 2"), RayEngineConfig)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"base_urls: ['{URL}']", ["engine.base_urls: has no effect under `kind: vllm`", "`kind: server` takes it"]),
        ("replicas: 2", ["engine.replicas: has no effect under `kind: vllm`", "`kind: ray` takes it"]),
        ("kind: server, replicas: 2", ["no effect under `kind: server`", "`kind: ray` takes it"]),
        ("kind: server, dtype: float32", ["no effect", "`kind: vllm` and `kind: ray`"]),
        ("kind: ray, retries: 2", ["no effect under `kind: ray`", "`kind: server`"]),
        ("kind: server, base_url: x", ["engine.base_url: unknown key", "did you mean 'base_urls'"]),
        ("kind: ray, adress: x", ["engine.adress: unknown key", "did you mean 'address'"]),
        ("vllm: {x: 1}, dtyp: auto", ["engine.dtyp: unknown key", "did you mean 'dtype'"]),
        ("kind: vlm", ["engine.kind: there is no such kind of engine (found 'vlm')", "did you mean 'vllm'"]),
        ("kind: [a]", ["engine.kind", "kinds: vllm, server, ray"]),
        ("max_num_seqs: true", ["engine.max_num_seqs", "true and false are not values"]),
        ("vllm: {model: other}", ["write `model` beside `vllm`"]),
        ("dtype: float32, vllm: {dtype: bfloat16}", ["`dtype` has two values"]),
    ],
)
def test_a_key_that_would_do_nothing_is_refused_and_the_way_out_is_told(text: str, words: list[str]):
    with pytest.raises(RecipeError) as caught:
        engine(text)
    for word in words:
        assert word in str(caught.value)


def test_keys_of_other_kinds_at_their_defaults_are_left_out():
    """Dumps of earlier versions hold the keys of all kinds."""
    text = "base_urls: [], api: chat, timeout_s: 600.0, retries: 6, address: null, replicas: 1"
    assert engine(text) == engine("dtype: auto")
    assert engine("kind: server, dtype: auto, vllm: {}, enforce_eager: null") == engine("kind: server")


def test_a_stored_recipe_may_hold_keys_that_never_had_an_effect():
    assert engine(f"base_urls: ['{URL}'], replicas: 3", stored=True) == engine("dtype: auto")
    assert without_idle_keys({"kind": "no such", "replicas": 3}) == {"kind": "no such", "replicas": 3}
    with pytest.raises(RecipeError, match="unknown key"):
        engine("no_such_key: 3", stored=True)


def test_what_is_left_to_vllm_is_no_argument():
    config = VllmEngineConfig(model="m", max_model_len=64, vllm={"kv_cache_dtype": "fp8"})
    assert config.engine_args() == {
        "dtype": "auto",
        "max_model_len": 64,
        "tensor_parallel_size": 1,
        "trust_remote_code": False,
        "kv_cache_dtype": "fp8",
    }


def test_an_option_reaches_vllms_arguments_and_an_unknown_one_is_refused_with_the_nearest():
    config = VllmEngineConfig(model="pairforge:nano", vllm={"kv_cache_dtype": "fp8", "max_num_batched_tokens": 4321})
    args = engine_args("m", None, {**config.engine_args(), "max_model_len": 64})
    assert (args.kv_cache_dtype, args.max_num_batched_tokens, args.max_model_len) == ("fp8", 4321, 64)
    misspelt = VllmEngineConfig(model="m", vllm={"kv_cache_dtyp": "fp8"})
    with pytest.raises(EngineError, match=r"engine\.vllm\.kv_cache_dtyp.*\n.*did you mean 'kv_cache_dtype'"):
        engine_args("m", None, misspelt.engine_args())


def test_the_arguments_that_pairforge_sets_itself_can_be_overridden():
    settings = {"max_model_len": 64, "disable_log_stats": False, "tokenizer_revision": "other"}
    args = engine_args("m", "main", settings)
    assert (args.disable_log_stats, args.tokenizer_revision, args.revision) == (False, "other", "main")


def test_every_kind_says_which_it_is():
    assert {name: kind.model_fields["kind"].annotation.__args__ for name, kind in KINDS.items()} == {
        name: (name,) for name in KINDS
    }
