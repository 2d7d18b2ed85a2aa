"""What the sampling benchmarks share: the bundled model and problems, a store on disk, one way to print figures."""

from __future__ import annotations

import json
import os
import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pairforge import demo, lengths
from pairforge.chat import prompt_messages, render_prompt
from pairforge.records import Sample, Verdict, to_row
from pairforge.run.log import AppendLog
from pairforge.verifier import Item, Verifier

if TYPE_CHECKING:
    from vllm import LLM

SAMPLING = {"temperature": 0.7, "top_p": 0.9}
CONTEXT_TOKENS = 1024


class LogStore:
    """Samples and verdicts in two append-only logs, as a run keeps them."""

    def __init__(self, folder: Path) -> None:
        self.samples, self.verdicts = AppendLog(folder / "samples.jsonl"), AppendLog(folder / "verdicts.jsonl")

    def add_sample(self, sample: Sample) -> None:
        self.samples.append(to_row(sample))

    def add_verdict(self, verdict: Verdict) -> None:
        self.verdicts.append(to_row(verdict))

    def close(self) -> None:
        self.samples.close()
        self.verdicts.close()


def demo_problems(limit: int | None = None) -> list[dict[str, Any]]:
    """The first problems of the demo, as dictionaries."""
    with demo.demo_path("pairforge:demo").open() as lines:
        return [json.loads(line) for line in lines][:limit]


def prompts(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Each problem as the nano model is asked, rendered."""
    tokenizer = lengths.load_tokenizer(demo.resolve("pairforge:nano"))
    return [render_prompt(tokenizer, prompt_messages("Answer briefly.", "{question}", row["question"])) for row in rows]


def start_llm(max_num_seqs: int = 128) -> LLM:
    """vLLM with the nano model, set as pairforge sets it on a CPU."""
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")
    os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
    os.environ.setdefault("VLLM_LOGGING_LEVEL", "ERROR")
    from vllm import LLM

    started = time.perf_counter()
    llm = LLM(
        demo.resolve("pairforge:nano"), max_model_len=CONTEXT_TOKENS, max_num_seqs=max_num_seqs, enforce_eager=True,
        enable_chunked_prefill=False, max_num_batched_tokens=4096, disable_log_stats=True,
    )  # fmt: skip
    print(f"engine start: {time.perf_counter() - started:.1f} s", flush=True)
    return llm


def warm(verifier: Verifier) -> float:
    """Start the verifier's worker and let it load math-verify; returns the seconds that took, once per run."""
    started = time.perf_counter()
    verifier.submit(Item("warm", "84", "\\boxed{(0, 1) + 5x = ?}"))
    while verifier.pending:
        verifier.poll(0.1)
    return time.perf_counter() - started


def spread(values: Sequence[float], digits: int = 3) -> str:
    """Median and range."""
    return f"{statistics.median(values):,.{digits}f} ({min(values):,.{digits}f} to {max(values):,.{digits}f})"
