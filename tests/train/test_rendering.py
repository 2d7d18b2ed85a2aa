"""Rows as text for SimPO: what the template renders, with one end of turn."""

import pytest
from transformers import AutoTokenizer

from pairforge.train import resolve
from pairforge.train.rendering import rendered_rows
from pairforge.train.training import make_trainer


def test_each_side_is_what_the_template_renders_up_to_its_end_of_turn(tiny_model, pairs):
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    for row, text in zip(pairs, rendered_rows(tokenizer, pairs), strict=True):
        for side in ("chosen", "rejected"):
            whole = tokenizer.apply_chat_template([*row["prompt"], *row[side]], tokenize=False)
            assert text["prompt"] + text[side] == whole.rstrip()
            assert text[side].count("<|im_end|>") == 1


def test_rows_that_are_text_stay_as_they_are(tiny_model):
    row = {"prompt": "Q: 1+1? A:", "chosen": " 2", "rejected": " 3"}
    assert rendered_rows(AutoTokenizer.from_pretrained(tiny_model), [row]) == [row]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_simpo_trains_on_one_end_token_a_side(tiny_model, pairs, tmp_path):
    settings = resolve({"model": str(tiny_model), "method": "simpo", "max_length": 512, "max_steps": 1})
    tokenizer = AutoTokenizer.from_pretrained(tiny_model)
    trainer = make_trainer(settings, pairs, tokenizer, tmp_path)
    for row in trainer.train_dataset:
        for side in ("chosen", "rejected"):
            completion = [token for token in row[f"{side}_labels"] if token != -100]
            assert completion.count(tokenizer.eos_token_id) == 1 and completion[-1] == tokenizer.eos_token_id
