"""The paper's settings: one place, and a model gets the rate of its own row."""

import pytest

from pairforge import paper
from pairforge.export.settings import settings_of
from pairforge.train import resolve

RATES = [  # ThinkPO, Table 7
    ("deepseek-ai/DeepSeek-R1-Distill-Qwen-7B", 1e-7),
    ("bespokelabs/Bespoke-Stratos-7B", 5e-7),
    ("VanWang/Bespoke-Stratos-7B-repro-SFT", 3e-7),
    ("models/Qwen2.5-7B-Instruct-sft", 3e-7),
    ("models/Qwen2.5-3B-SFT/", 5e-7),
    ("models/Qwen2.5-7B-SFT", 8e-8),
    ("models/Qwen2.5-14B_SFT", 1e-7),
]


@pytest.mark.parametrize(("model", "rate"), RATES)
def test_every_model_of_table_7_gets_its_own_rate(model: str, rate: float):
    assert paper.learning_rate(model) == (rate, paper.learning_rate(model)[1])
    assert "not in the table" not in paper.learning_rate(model)[1]


@pytest.mark.parametrize("model", ["Qwen/Qwen3-4B", "me/Qwen2.5-3B-long", "Bespoke-Stratos-7B-v2"])
def test_other_models_get_the_main_models_rate_and_the_source_says_so(model: str):
    rate, source = paper.learning_rate(model)
    assert rate == 3e-7 and "not in the table" in source


@pytest.mark.parametrize(("model", "rate"), RATES)
def test_training_and_exports_use_the_same_rate(model: str, rate: float):
    assert resolve({"model": model}).trl["learning_rate"] == rate
    assert settings_of({"model": model}, 1024)["learning_rate"] == rate
    for method in ("kto", "sft"):
        trained = resolve({"model": model, "method": method})
        assert settings_of({"model": model}, 1024, method)["learning_rate"] == trained.trl["learning_rate"]
        assert settings_of({"model": model}, 1024, method)["global_batch_size"] == trained.global_batch_size
