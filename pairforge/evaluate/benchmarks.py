"""The evaluation sets by name: where their problems are, and with which columns.

The bundled set runs anywhere. The others are read from the Hub under the ids the field uses; `revision` can pin
them. Any file or Hub id with questions and answers does as well.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pairforge.errors import TrainError, nearest
from pairforge.sources.rows import open_rows

Source = dict[str, Any]
QUESTION_ANSWER = {"adapter": "columns", "columns": {"question": "question", "answer": "answer"}}
PROBLEM_ANSWER = {"adapter": "columns", "columns": {"question": "problem", "answer": "answer"}}

BENCHMARKS: dict[str, list[Source]] = {
    "demo": [{"dataset": "pairforge:demo-eval"}],
    "math500": [{"dataset": "HuggingFaceH4/MATH-500", "split": "test", **PROBLEM_ANSWER}],
    "aime24": [{"dataset": "HuggingFaceH4/aime_2024", **PROBLEM_ANSWER}],
    "aime25": [
        {"dataset": "opencompass/AIME2025", "config": f"AIME2025-{part}", "split": "test", **QUESTION_ANSWER}
        for part in ("I", "II")
    ],
    "gsm8k": [{"dataset": "openai/gsm8k", "config": "main", "split": "test", "adapter": "gsm8k"}],
    "olympiadbench": [{"dataset": "Hothan/OlympiadBench", "config": "OE_TO_maths_en_COMP", "adapter": "olympiadbench"}],
    "gpqa-diamond": [{"dataset": "Idavidrein/gpqa", "config": "gpqa_diamond", "adapter": "gpqa"}],
}
SUFFIXES = (".jsonl", ".ndjson", ".json", ".parquet")


def sources(benchmark: str) -> list[Source]:
    """The sources of a benchmark by name, file or Hub id, as a recipe's `sources` block writes them.

    Raises `TrainError` for a name that is none of these.
    """
    known = BENCHMARKS.get(benchmark.lower())
    if known is not None:
        return known
    path = Path(benchmark)
    if path.exists():
        return [{"dataset": str(path.resolve()), **file_adapter(path)}]
    if benchmark.startswith("pairforge:") or (benchmark.count("/") == 1 and path.suffix not in SUFFIXES):
        return [{"dataset": benchmark}]
    hint = nearest(benchmark.lower(), BENCHMARKS, otherwise=f"by name: {', '.join(BENCHMARKS)}; or a file, or a Hub id")
    raise TrainError(f"there is no benchmark '{benchmark}'", hint=hint)


def file_adapter(path: Path) -> Source:
    """A file of questions and answers needs no solutions; other schemas are recognised by their columns."""
    if not path.is_file():
        return {}
    rows = open_rows(str(path), config=None, split="train", revision=None, base_dir=Path())
    first = next((row for _, row in rows.rows if isinstance(row, dict)), {})
    for question in ("question", "problem"):
        if question in first and isinstance(first.get("answer"), str) and "####" not in first["answer"]:
            return {"adapter": "columns", "columns": {"question": question, "answer": "answer"}}
    return {}


def label(benchmark: str) -> str:
    """The name of a benchmark in folders, tables and figures."""
    name = Path(benchmark).stem if Path(benchmark).suffix in SUFFIXES else benchmark
    return name.lower().removeprefix("pairforge:").replace("/", "-")
