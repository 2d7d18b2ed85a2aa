"""What is refused, repaired or told before a step is taken."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from pairforge.errors import TrainError
from pairforge.lengths import load_tokenizer, tokenizer_digest
from pairforge.train import TrainData, guards, resolve
from pairforge.train.data import trainable
from pairforge.train.methods import LABELED, METHODS
from pairforge.train.needs import needs


def levels(findings: list[guards.Finding]) -> dict[str, str]:
    return {f.name: f.level for f in findings}


def size(context: int | None = 512, parameters: int = 20_000) -> guards.ModelSize:
    return guards.ModelSize(parameters, layers=2, hidden=32, context_tokens=context)


def test_empty_repeated_and_equal_rows_are_left_out_and_counted(pairs: list[dict[str, Any]]):
    empty = {**pairs[0], "rejected": [{"role": "assistant", "content": " "}]}
    equal = {**pairs[1], "rejected": pairs[1]["chosen"]}
    rows, findings = guards.clean_rows(TrainData([*pairs, pairs[0], empty, equal], "x", "r"))
    assert rows == pairs
    assert findings[0].level == "warn"
    for words in ("1 empty", "1 with equal sides", "1 repeated"):
        assert words in findings[0].text


def test_nothing_left_stops(pairs: list[dict[str, Any]]):
    _, findings = guards.clean_rows(TrainData([{**pairs[0], "rejected": pairs[0]["chosen"]}], "x", "r"))
    with pytest.raises(TrainError, match="none of 1 is left"):
        guards.refuse(findings)


def test_a_template_that_cuts_the_reasoning_is_replaced(
    tiny_model: Path, pairs: list[dict[str, Any]], cutting_template: str
):
    tokenizer = load_tokenizer(str(tiny_model))
    tokenizer.chat_template = cutting_template
    findings = guards.keep_reasoning(tokenizer, pairs)
    assert levels(findings) == {"template": "warn"}
    assert tokenizer.chat_template != cutting_template
    assert "I add 0 and 3" in tokenizer.apply_chat_template(pairs[0]["prompt"] + pairs[0]["chosen"], tokenize=False)


def test_a_template_without_remedy_stops(tiny_model: Path, pairs: list[dict[str, Any]]):
    tokenizer = load_tokenizer(str(tiny_model))
    tokenizer.chat_template = "{% for m in messages %}{{ m['content'][-9:] }}{% endfor %}"
    assert levels(guards.keep_reasoning(tokenizer, pairs)) == {"template": "stop"}
    tokenizer.chat_template = None
    finding = guards.keep_reasoning(tokenizer, pairs)[0]
    assert finding.level == "stop"
    assert "no chat template" in finding.text


def test_text_rows_need_no_template(tiny_model: Path):
    tokenizer = load_tokenizer(str(tiny_model))
    tokenizer.chat_template = None
    rows = trainable([{"prompt": "1+1=", "chosen": "two, or 2", "rejected": "3"}], "dpo", "here")
    assert levels(guards.keep_reasoning(tokenizer, rows)) == {"template": "ok"}
    assert guards.count(tokenizer, rows)["chosen"].completion == [len("two, or 2") + 1]


def test_rows_beyond_max_length_are_refused_above_the_limit(tiny_model: Path, pairs: list[dict[str, Any]]):
    sides = guards.count(load_tokenizer(str(tiny_model)), pairs)
    short = resolve({"model": "m", "max_length": 100})
    findings = guards.lengths(sides, short, size(), "long")
    assert levels(findings)["max_length"] == "stop"
    assert "max_cut_share" in next(f.text for f in findings if f.name == "max_length")
    allowed = replace(short, max_cut_share=1.0)
    assert levels(guards.lengths(sides, allowed, size(), "long"))["max_length"] == "warn"
    assert levels(guards.lengths(sides, resolve({"model": "m"}), size(), "long"))["max_length"] == "ok"
    assert (
        levels(guards.lengths(sides, resolve({"model": "m", "max_length": None}), size(), "long"))["max_length"] == "ok"
    )


def test_rows_beyond_the_models_context_are_refused(tiny_model: Path, pairs: list[dict[str, Any]]):
    sides = guards.count(load_tokenizer(str(tiny_model)), pairs)
    assert levels(guards.lengths(sides, resolve({"model": "m"}), size(context=64), None))["context"] == "stop"


def test_a_direction_against_the_rules_is_told(tiny_model: Path, pairs: list[dict[str, Any]]):
    sides = guards.count(load_tokenizer(str(tiny_model)), pairs)
    settings = resolve({"model": "m"})
    as_asked, against = (guards.lengths(sides, settings, size(), d)[0] for d in ("long", "short"))
    assert (as_asked.level, against.level) == ("ok", "warn")
    assert "teaches longer" in as_asked.text


def test_another_tokenizer_than_the_rules_is_told(tiny_model: Path, pairs: list[dict[str, Any]], cutting_template: str):
    tokenizer = load_tokenizer(str(tiny_model))
    data = TrainData(pairs, "x", "r", tokenizer_digest=tokenizer_digest(tokenizer))
    assert levels(guards.same_tokenizer(tokenizer, data, resolve({"model": "m"}))) == {"tokenizer": "ok"}
    tokenizer.chat_template = cutting_template
    assert levels(guards.same_tokenizer(tokenizer, data, resolve({"model": "m"}))) == {"tokenizer": "warn"}


def test_a_model_that_cannot_fit_is_refused():
    full = resolve({"model": "m"})
    assert levels(guards.memory(full, size(parameters=10**13), 512)) == {"memory": "stop"}
    assert levels(guards.memory(full, size(), 512)) == {"memory": "ok"}
    assert levels(guards.memory(full, size(), 10**10)) == {"memory": "warn"}


def test_a_disk_that_cannot_hold_the_checkpoints_is_refused(tmp_path: Path):
    settings = resolve({"model": "m"})
    assert levels(guards.disk(settings, size(parameters=10**15), tmp_path / "new")) == {"disk": "stop"}
    assert levels(guards.disk(settings, size(), tmp_path / "new")) == {"disk": "ok"}


def test_the_size_of_a_model_needs_no_weights(tiny_model: Path):
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(tiny_model)
    found = guards.model_size(str(tiny_model), None)
    assert found == guards.ModelSize(sum(p.numel() for p in model.parameters()), 2, 32, 512)
    with pytest.raises(TrainError, match="cannot read model"):
        guards.model_size("no/such/place", None)


def test_a_batch_that_is_not_the_one_asked_for_is_said():
    exact = resolve({"model": "m", "per_device_train_batch_size": 12})
    assert [f.level for f in guards.batch(exact, 1000, devices=4)] == ["ok"]
    uneven = resolve({"model": "m", "per_device_train_batch_size": 20})
    (found,) = guards.batch(uneven, 1000, devices=4)
    assert found.level == "warn" and "80 rows per step, not global_batch_size 48" in found.text


def test_a_step_of_more_rows_than_there_are_is_said():
    settings = resolve({"model": "m"})
    (found,) = guards.batch(settings, 30, devices=1)
    assert found.level == "warn" and "a step takes 30 rows, not 48" in found.text
    assert "--set train.global_batch_size=3" in found.text
    assert (settings.accumulation_steps(1, 30), settings.rows_per_step(1, 30), settings.steps(1, 30)) == (30, 30, 1)


def test_a_beta_of_dpos_scale_is_said_for_simpo():
    assert needs(resolve({"model": "m", "method": "simpo"}), []) == []
    (found,) = needs(resolve({"model": "m", "method": "simpo", "beta": 0.01}), [])
    assert found.level == "warn" and "(here 50.0)" in found.text


def test_guards_name_the_command_that_cures(tiny_model: Path, pairs: list[dict[str, Any]]):
    sides = guards.count(load_tokenizer(str(tiny_model)), pairs)
    found = guards.lengths(sides, resolve({"model": "m", "max_length": 32}), size(context=64), None, "runs/mine")
    texts = {f.name: f.text for f in found if f.level == "stop"}
    assert "`pairforge filter runs/mine --set filter.total.max=64`" in texts["context"]
    assert re.search(r"--set train.max_length=\d+ keeps them, or `pairforge filter runs/mine", texts["max_length"])
    data = TrainData(pairs, "x", "r", tokenizer_digest="other", run="runs/mine")
    (other,) = guards.same_tokenizer(load_tokenizer(str(tiny_model)), data, resolve({"model": "me/m"}))
    assert "`pairforge filter runs/mine --set filter.tokenizer=me/m`" in other.text


def labeled(*labels: bool) -> list[dict[str, Any]]:
    return [{"prompt": "q", "completion": str(i), "label": label} for i, label in enumerate(labels)]


@pytest.mark.parametrize(
    ("block", "rows", "level", "words"),
    [
        ({"method": "kto"}, labeled(True, True), "stop", "needs both"),
        ({"method": "kto"}, labeled(True, False), "ok", "their weights balance them"),
        ({"method": "kto", "desirable_weight": 3}, labeled(True, False), "warn", "weighed 3.00 to 1"),
        (
            {"method": "kto", "per_device_train_batch_size": 1},
            labeled(True, False),
            "stop",
            "per_device_train_batch_size=4",
        ),
        ({"method": "apo_zero_unpaired", "per_device_train_batch_size": 1}, labeled(True, False), "ok", "desirable"),
        ({"method": "aot", "per_device_train_batch_size": 1}, [], "stop", "compares the rows"),
        ({"method": "ipo", "beta": 0.01}, [], "warn", "50 nats per token"),
        ({"loss_type": "ipo"}, [], "warn", "--set train.beta=0.1"),
        ({"method": "robust", "label_smoothing": 0}, [], "stop", "--set train.label_smoothing=0.1"),
    ],
)
def test_what_a_method_needs_is_looked_at(block: dict, rows: list, level: str, words: str):
    found = needs(resolve({"model": "m", **block}), rows)
    assert any(f.level == level and words in f.text for f in found), found


def test_the_defaults_of_every_method_need_nothing():
    for method in METHODS:
        rows = labeled(True, False) if METHODS[method].columns == LABELED else []
        assert all(f.level == "ok" for f in needs(resolve({"model": "m", "method": method}), rows)), method
