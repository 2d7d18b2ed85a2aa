"""The train block: the paper's defaults, TRL's names for the rest, and mistakes named."""

import dataclasses
from pathlib import Path

import pytest

from pairforge import paper
from pairforge.errors import TrainError
from pairforge.recipe import load_recipe
from pairforge.train.arguments import for_method, method_of, resolve
from pairforge.train.methods import METHODS, config_class

RECIPES = Path(__file__).parent.parent.parent / "recipes"


def test_defaults_are_the_papers():
    settings = resolve({"model": "some/model"})
    assert settings.method == "dpo"
    assert settings.global_batch_size == 48
    expected = {
        "beta": 0.01,
        "learning_rate": 3e-7,
        "lr_scheduler_type": "cosine",
        "warmup_steps": 0.1,
        "num_train_epochs": 1,
        "max_length": 8192,
        "precompute_ref_log_probs": True,
    }
    assert expected.items() <= settings.trl.items()


def test_the_learning_rate_is_the_papers_for_the_model():
    settings = resolve({"model": "bespokelabs/Bespoke-Stratos-7B"})
    assert (settings.trl["learning_rate"], settings.learning_rate_source) == paper.learning_rate("Bespoke-Stratos-7B")


def test_a_set_learning_rate_wins_and_text_becomes_a_number():
    settings = resolve({"model": "bespokelabs/Bespoke-Stratos-7B", "learning_rate": "1e-7", "max_steps": "5"})
    assert settings.trl["learning_rate"] == 1e-7
    assert settings.trl["max_steps"] == 5
    assert settings.learning_rate_source == "set"


def test_a_block_for_dpo_serves_the_sft_control_too():
    block = {"model": "m", "beta": 0.1, "learning_rate": 3e-7, "loss": "sigmoid+sft", "max_steps": 5, "lora": True}
    assert for_method(block, "sft") == {"model": "m", "max_steps": 5, "lora": True}
    assert for_method(block, "dpo") == block
    assert for_method({**block, "method": "sft"}, "sft") == {**block, "method": "sft"}


def test_a_block_for_dpo_gives_simpo_no_beta_however_simpo_is_asked_for():
    block = {"model": "m", "beta": 0.01}
    assert method_of({**block, "loss": "simpo"}) == "simpo"
    assert for_method(block, method_of({**block, "loss": "simpo"})) == {"model": "m"}
    assert resolve({"model": "m", "loss": "simpo"}).trl["beta"] == 2.0
    assert for_method({**block, "loss": "simpo", "beta": 2.5}, "dpo") == {"model": "m"}


@pytest.mark.parametrize(
    ("own", "devices", "steps", "rows"),
    [({}, 1, 48, 48), ({}, 4, 12, 48), ({"per_device_train_batch_size": 20}, 4, 1, 80),
     ({"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4}, 1, 4, 8)],
)  # fmt: skip
def test_the_rows_of_a_step_are_those_really_used(own, devices, steps, rows):
    settings = resolve({"model": "m", **own})
    assert (settings.accumulation_steps(devices), settings.rows_per_step(devices)) == (steps, rows)


@pytest.mark.parametrize("path", sorted(RECIPES.glob("*.yaml")), ids=lambda p: p.stem)
def test_every_recipe_can_be_trained_by_every_method(path: Path):
    block = load_recipe(path).train.model_dump(exclude_unset=True)
    for method in METHODS:
        assert resolve({**for_method(block, method), "model": "m", "method": method}).method == method


def test_every_default_is_an_argument_of_this_trl():
    for method in METHODS:
        config = config_class(method)
        names = {f.name for f in dataclasses.fields(config)}
        assert resolve({"model": "m", "method": method}).trl.keys() <= names, method


@pytest.mark.parametrize(
    ("block", "words"),
    [
        ({"learning_rat": 1e-7}, ["train.learning_rat", "learning_rate"]),
        ({"global_batchsize": 8}, ["global_batch_size"]),
        ({"warmup_ratio": 0.1}, ["warmup_steps"]),
        ({"max_prompt_length": 512}, ["max_length"]),
        ({"rpo_alpha": 1.0}, ["sigmoid+sft"]),
        ({"beta": "much"}, ["train.beta", "much"]),
        ({"loss": "best"}, ["best", "sigmoid", "simpo"]),
        ({"loss": "ld", "method": "sft"}, ["does not go with"]),
        ({"method": "ppo"}, ["train.method", "ppo", "dpo"]),
        ({"global_batch_size": 0}, ["train.global_batch_size", "1"]),
        ({"max_cut_share": True}, ["train.max_cut_share"]),
        ({"lora": 8}, ["train.lora"]),
        ({"model": None}, ["--model"]),
    ],
)
def test_mistakes_are_named_with_what_to_do(block: dict, words: list[str]):
    with pytest.raises(TrainError) as error:
        resolve({"model": "m", **block})
    for word in words:
        assert word in str(error.value)


def test_yamls_no_is_the_strategy_no():
    assert resolve({"model": "m", "save_strategy": False}).trl["save_strategy"] == "no"


def test_losses_by_name():
    assert resolve({"model": "m", "loss": "sigmoid+sft"}).trl["loss_weights"] == [1.0, 1.0]
    assert resolve({"model": "m", "loss": "ld"}).trl["ld_alpha"] == 0.5
    assert resolve({"model": "m", "loss": "ld", "ld_alpha": 0.2}).trl["ld_alpha"] == 0.2
    simpo = resolve({"model": "m", "loss": "simpo", "simpo_gamma": 1})
    assert (simpo.method, simpo.trl["loss_type"], simpo.trl["simpo_gamma"]) == ("simpo", "simpo", 1.0)
    assert resolve({"model": "m", "loss_type": "ipo"}).trl["loss_type"] == ["ipo"]


def test_lora_takes_pefts_names():
    assert resolve({"model": "m"}).lora is None
    lora = resolve({"model": "m", "lora": {"r": 4}}).lora
    assert lora is not None
    assert (lora["r"], lora["target_modules"]) == (4, "all-linear")


@pytest.mark.parametrize("file", sorted(RECIPES.glob("*.yaml")), ids=lambda f: f.stem)
def test_every_recipe_names_arguments_that_this_trl_knows(file: Path):
    block = load_recipe(file).train.model_dump()
    if block.get("model"):
        resolve(block)
