"""A small finished run, for the tests of publishing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from pairforge.records import Drop, Pair, Problem, Sample, Verdict, problem_id, to_row
from pairforge.run import Run
from pairforge.run.atomic import write_rows, write_text

SOURCE = "open-r1/OpenR1-Math-220k"
RECIPE: dict[str, Any] = {
    "seed": 0,
    "sources": [{"dataset": SOURCE, "revision": "0123abcd", "adapter": "auto", "gold_from": None}],
    "generator": {
        "engine": {"kind": "server", "model": "/home/ana/models/short-model", "revision": None, "quantization": None,
                   "base_urls": ["http://ana:geheim@10.0.0.7:8000/v1"]},
        "prompt": {"system": "Please reason step by step.", "user": "{question}"},
        "sampling": {"temperature": 0.7, "top_p": 0.9, "max_tokens": 1024},
        "draws": {"min": 1, "max": 4, "until": "accepted"},
        "budget": "rule",
    },
    "format": {"system": None, "user": "{question}", "frame": "think", "rejected_frame": "same"},
    "filter": {"tokenizer": "/home/ana/models/student", "direction": "long", "gap": {"min": 2, "max": None},
               "chosen": {"origin": "given", "status": "correct"}, "rejected": {"origin": "sampled", "status": "correct"},
               "pick": "shortest", "per_problem": 1},
    "decontaminate": {"sets": [], "ngram": 8},
    "publish": {"repo": None, "private": True},
    "train": {"model": "Qwen/Qwen2.5-0.5B-Instruct", "hub_token": "geheim"},
}  # fmt: skip


def question(i: int) -> str:
    return f"What is {i} + {i}?"


def small_run(path: Path, problems: int = 40, recipe: dict[str, Any] | None = None, source: str = SOURCE) -> Run:
    """A run with `problems` problems, one given and one sampled solution each, and a view "default" of all pairs."""
    run = Run(path)
    run.write_recipe(yaml.safe_dump(recipe or RECIPE, sort_keys=False))
    ids = [problem_id(question(i)) for i in range(problems)]
    run.write_sources(
        [Problem(ids[i], question(i), str(2 * i), source, rows=(f"{source}:{i + 1}",)) for i in range(problems)],
        [Drop(f"{source}:{problems + 1}", "source", "repeat_gold_differs", "2; 3")],
    )
    with run.given_writer() as add:
        add([_sample(ids[i], "given", long_text(i), "teacher") for i in range(problems)])
    with run.sample_log() as samples, run.verdict_log() as verdicts:
        for i in range(problems):
            sample = _sample(ids[i], "sampled", short_text(i), "/home/ana/models/short-model")
            samples.append(to_row(sample))
            for key in (sample.key, f"{ids[i]}/given/0/0"):
                verdicts.append(to_row(Verdict(key, "correct", str(2 * i), "numeric", "", "v1")))
    run.compact()
    run.update_manifest(
        pairforge="0.1.0",
        sources=[{"source": source, "adapter": "openr1", "revision": "0123abcd", "rows": problems + 1,
                  "problems": problems, "given_samples": problems, "drops": {"repeat_gold_differs": 1}, "gold": {"dataset": problems}}],
        verifier={"version": "v1", "policy": "default", "timeout_s": 2.0},
    )  # fmt: skip
    written = run.manifest().to_json()
    other = {"host": "anas-laptop", "command": ["pairforge", "build", "/home/ana/recipes/mine.yaml"]}
    write_text(run.manifest_file, json.dumps(written | other))  # sections that only other versions know
    add_view(run, "default", range(problems))
    return run


def add_view(run: Run, name: str, numbers: Any) -> None:
    """A view of the problems with these numbers."""
    recipe = yaml.safe_load(run.recipe_file.read_text())
    source = run.manifest().sources[0].source
    rows = [_pair(i, source) for i in numbers]
    view = {
        "view": name, "pairforge": "0.1.0", "digest": "d1", "seed": 0, "filter": recipe["filter"],
        "format": recipe["format"], "tokenizer": "t1", "pairs": len(rows), "problems": len(rows), "means": {},
        "funnel": [{"step": "candidates", "candidates": 80, "problems": 40}, {"step": "pick", "candidates": len(rows), "problems": len(rows)}],
        "shortfall": [],
    }  # fmt: skip
    with run.new_view(name) as folder:
        write_rows(folder / "pairs.parquet", map(to_row, rows), Pair)
        write_rows(folder / "drops.parquet", map(to_row, run.source_drops()), Drop)
        write_text(folder / "view.json", json.dumps(view))


def long_text(i: int) -> str:
    return f"<think>\nI add {i} and {i}. Let me check it twice.\n</think>\n\nThe answer is \\boxed{{{2 * i}}}."


def short_text(i: int) -> str:
    return f"{i} + {i} = \\boxed{{{2 * i}}}"


def _sample(problem: str, origin: Any, text: str, model: str) -> Sample:
    return Sample(problem, 0, origin, text, None, text, model, finish_reason="given" if origin == "given" else "stop")


def _pair(i: int, source: str) -> Pair:
    identity = problem_id(question(i))
    return Pair(
        id=f"pair-{i:04d}", problem_id=identity, prompt=[{"role": "user", "content": question(i)}],
        chosen=[{"role": "assistant", "content": long_text(i)}],
        rejected=[{"role": "assistant", "content": f"<think>\n\n</think>\n\n{short_text(i)}"}],
        question=question(i), answer=str(2 * i), source=source, gold="dataset",
        chosen_key=f"{identity}/given/0/0", rejected_key=f"{identity}/sampled/0/0", chosen_status="correct",
        rejected_status="correct", chosen_answer=str(2 * i), rejected_answer=str(2 * i), chosen_model="teacher",
        rejected_model="/home/ana/models/short-model", prompt_tokens=9, chosen_tokens=30 + i % 7, rejected_tokens=12,
        gap_tokens=18 + i % 7, ratio=(30 + i % 7) / 12, draws=1, pick="shortest",
    )  # fmt: skip
