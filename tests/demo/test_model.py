"""The bundled model folder: what any Qwen2 tool expects to find, small, and its template safe for training."""

import json

import pytest

from pairforge.demo import demo_path

CONVERSATION = [
    {"role": "system", "content": "Think step by step."},
    {"role": "user", "content": "What is 6 × 7?"},
    {"role": "assistant", "content": "<think>\n6 × 7 = 42.\n</think>\n\nThe answer is \\boxed{42}."},
]


def test_it_is_a_small_qwen2():
    from safetensors import safe_open

    folder = demo_path("pairforge:nano")
    config = json.loads((folder / "config.json").read_text())
    assert config["architectures"] == ["Qwen2ForCausalLM"] and config["model_type"] == "qwen2"
    assert config["max_position_embeddings"] >= 1024
    weights = folder / "model.safetensors"
    assert weights.stat().st_size <= 12 * 2**20
    with safe_open(weights, "np") as tensors:
        names = list(tensors.keys())
        sizes = [tensors.get_slice(name).get_shape() for name in names]
    parameters = sum(shape[0] * (shape[1] if len(shape) > 1 else 1) for shape in sizes)
    assert 1_000_000 <= parameters <= 5_000_000
    assert "lm_head.weight" not in names  # tied to the input embedding


def test_generation_stops_at_the_end_of_a_turn(tokenizer):
    generation = json.loads((demo_path("pairforge:nano") / "generation_config.json").read_text())
    assert generation["eos_token_id"] == tokenizer.convert_tokens_to_ids("<|im_end|>") == tokenizer.eos_token_id
    assert generation["pad_token_id"] == tokenizer.pad_token_id != tokenizer.eos_token_id


def test_tokenizer_round_trips_all_bundled_text(tokenizer, build_rows, eval_rows):
    for row in [*build_rows, *eval_rows]:
        for column in ("question", "answer", "solution"):
            ids = tokenizer(row[column])["input_ids"]
            assert tokenizer.decode(ids, skip_special_tokens=True) == row[column]


@pytest.mark.parametrize("text", ["日本語 ∑ é", "\x00\t tabs", "<unk> <0x41> </s>", "x" * 3000, ""])
def test_tokenizer_takes_any_text(tokenizer, text):
    assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_numbers_are_their_digits_and_words_are_whole(tokenizer):
    pieces = tokenizer.tokenize("There are 1234 apples")
    assert [p for p in pieces if p.isdigit()] == ["1", "2", "3", "4"]
    assert len(pieces) == 2 + 1 + 4 + 1  # two words, the space before the number, its digits, a word


def test_thinking_marks_survive_decoding(tokenizer):
    ids = tokenizer("<think>\na\n</think>")["input_ids"]
    assert ids[0] == tokenizer.convert_tokens_to_ids("<think>")
    assert tokenizer.decode(ids, skip_special_tokens=True) == "<think>\na\n</think>"


def test_template_keeps_the_reasoning_of_every_turn(tokenizer):
    again = [*CONVERSATION, {"role": "user", "content": "And 6 × 8?"}, CONVERSATION[2]]
    text = tokenizer.apply_chat_template(again, tokenize=False)
    assert text.count("<think>\n6 × 7 = 42.\n</think>") == 2


@pytest.mark.parametrize("first", [0, 1], ids=["system", "no system"])
def test_prompt_is_a_prefix_of_the_full_rendering(tokenizer, first):
    turns = CONVERSATION[first:]
    for tokenize in (False, True):
        options = {"tokenize": tokenize, "return_dict": False}
        prompt = tokenizer.apply_chat_template(turns[:-1], add_generation_prompt=True, **options)
        full = tokenizer.apply_chat_template(turns, **options)
        assert full[: len(prompt)] == prompt


def test_template_marks_the_assistant_tokens(tokenizer):
    rendered = tokenizer.apply_chat_template(CONVERSATION, return_dict=True, return_assistant_tokens_mask=True)
    kept = [i for i, m in zip(rendered["input_ids"], rendered["assistant_masks"], strict=True) if m]
    assert tokenizer.decode(kept) == CONVERSATION[2]["content"] + "<|im_end|>"
