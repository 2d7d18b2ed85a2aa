"""Accuracy and length of the nano model per style and level, sampled with vLLM.

python recipes/nano/measure.py MODEL [--draws 4] [--problems pairforge/demo/eval.jsonl]
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from answers import boxed_value, gold_value
from problems import LEVELS
from tokenizer import LONG_PROMPT, NEUTRAL_PROMPT, SHORT_PROMPT

DEMO = Path(__file__).resolve().parents[2] / "pairforge" / "demo"
STYLES = {"short": SHORT_PROMPT, "long": LONG_PROMPT, "neutral": NEUTRAL_PROMPT, "no system": None}


def sample(model: str, conversations: list[Any], draws: int, temperature: float) -> list[Any]:
    """vLLM's request outputs, `draws` completions each. Settings as a CPU engine needs them."""
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "1")
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
    from vllm import LLM, SamplingParams

    engine = LLM(
        model=model,
        max_model_len=1024,
        max_num_batched_tokens=4096,
        enable_chunked_prefill=False,
        enforce_eager=True,
        seed=0,
    )
    params = SamplingParams(n=draws, temperature=temperature, max_tokens=600)
    return list(engine.chat(conversations, params))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model")
    parser.add_argument("--draws", type=int, default=4)
    parser.add_argument("--temperature", type=float, default=0.7)
    parser.add_argument("--problems", type=Path, default=DEMO / "eval.jsonl")
    options = parser.parse_args()

    rows = [json.loads(line) for line in options.problems.read_text(encoding="utf-8").splitlines()]
    jobs = [(style, row) for style in STYLES for row in rows]
    chats = []
    for style, row in jobs:
        system = STYLES[style]
        turns = [{"role": "system", "content": system}] if system else []
        chats.append([*turns, {"role": "user", "content": row["question"]}])
    started = time.monotonic()
    outputs = sample(options.model, chats, options.draws, options.temperature)
    seconds = time.monotonic() - started

    right: dict[tuple[str, str], list[bool]] = defaultdict(list)
    tokens: dict[str, list[int]] = defaultdict(list)
    stopped: dict[str, list[bool]] = defaultdict(list)
    for (style, row), output in zip(jobs, outputs, strict=True):
        for completion in output.outputs:
            correct = boxed_value(completion.text) == gold_value(row["answer"])
            for cell in (row["difficulty"], row["topic"], "all"):
                right[style, cell].append(correct)
            tokens[style].append(len(completion.token_ids))
            stopped[style].append(completion.finish_reason == "stop")

    kinds = sorted({row["topic"] for row in rows})
    print("| style | " + " | ".join([*LEVELS, *kinds, "all"]) + " | mean tokens | stopped |")
    print("|---" * (len(LEVELS) + len(kinds) + 4) + "|")
    for style in STYLES:
        cells = [right[style, cell] for cell in [*LEVELS, *kinds, "all"]]
        shares = " | ".join(f"{100 * sum(c) / len(c):.1f}" for c in cells)
        mean = sum(tokens[style]) / len(tokens[style])
        stops = 100 * sum(stopped[style]) / len(stopped[style])
        print(f"| {style} | {shares} | {mean:.0f} | {stops:.1f} % |")
    print(f"{sum(map(sum, tokens.values())) / seconds:.0f} tokens/s with the start of the engine, {seconds:.0f} s")


if __name__ == "__main__":
    main()
