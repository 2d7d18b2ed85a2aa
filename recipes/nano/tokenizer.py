"""The nano model's tokenizer: Qwen2's byte-level BPE, with merges learned from the problems alone.

Qwen2's splitting rule leaves digits single, so a number is always the sequence of its digits; the frequent words
of this small world become one token each, and any other text falls back to its bytes. It is a plain
`Qwen2Tokenizer` because transformers loads that class for every folder whose config says `qwen2`.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from problems import KINDS, LEVELS, draw_problem

if TYPE_CHECKING:
    from transformers import Qwen2Tokenizer

SHORT_PROMPT = "Answer briefly."
LONG_PROMPT = "Think step by step."
NEUTRAL_PROMPT = "You are a helpful assistant."

PAD, START, END = "<|endoftext|>", "<|im_start|>", "<|im_end|>"

# Reasoning stays in place: nothing before </think> is ever removed from an assistant turn. The generation
# markers let trainers compute the loss on assistant turns alone.
CHAT_TEMPLATE = (
    "{%- for message in messages -%}"
    "{{- '<|im_start|>' + message['role'] + '\\n' -}}"
    "{%- if message['role'] == 'assistant' -%}"
    "{%- generation -%}{{- message['content'] + '<|im_end|>' -}}{%- endgeneration -%}"
    "{%- else -%}"
    "{{- message['content'] + '<|im_end|>' -}}"
    "{%- endif -%}"
    "{{- '\\n' -}}"
    "{%- endfor -%}"
    "{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\\n' -}}{%- endif -%}"
)

_CORPUS_SEED, _CORPUS_PROBLEMS = 0, 6000
_MAX_TOKENS, _MIN_COUNT = 1000, 40


def _corpus() -> Iterator[str]:
    rng = random.Random(_CORPUS_SEED)
    kinds = list(KINDS)
    for i in range(_CORPUS_PROBLEMS):
        problem = draw_problem(rng, kinds[i % len(kinds)], LEVELS[i % len(LEVELS)])
        yield f"{problem.question}\n{problem.plan}\n{problem.steps}\n{problem.working}\n\n{problem.ending}"
    # Often enough that every word of the prompts and every role becomes one token too.
    for _ in range(_MIN_COUNT):
        yield "\n".join((SHORT_PROMPT, LONG_PROMPT, NEUTRAL_PROMPT, "system", "user", "assistant"))


def build_tokenizer() -> Qwen2Tokenizer:
    """The tokenizer with its chat template, ready to save."""
    from tokenizers import AddedToken, pre_tokenizers
    from tokenizers.trainers import BpeTrainer
    from transformers import Qwen2Tokenizer

    blank = Qwen2Tokenizer(unk_token=PAD, pad_token=PAD, eos_token=END).backend_tokenizer
    trainer = BpeTrainer(
        vocab_size=_MAX_TOKENS,
        min_frequency=_MIN_COUNT,
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    blank.train_from_iterator(_corpus(), trainer)
    learned = json.loads(blank.to_str())["model"]
    tokenizer = Qwen2Tokenizer(
        vocab=learned["vocab"],
        merges=[tuple(merge) for merge in learned["merges"]],
        unk_token=PAD,
        pad_token=PAD,
        eos_token=END,
        additional_special_tokens=[START],
        chat_template=CHAT_TEMPLATE,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
    )
    # Ordinary tokens: a decoder that skips special tokens must keep the frame of the reasoning.
    tokenizer.add_tokens([AddedToken(t, normalized=False, special=False) for t in ("<think>", "</think>")])
    return tokenizer


if __name__ == "__main__":
    import sys

    build_tokenizer().save_pretrained(Path(sys.argv[1]))
