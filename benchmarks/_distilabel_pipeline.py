"""A plain distilabel pipeline, run by `benchmarks.rival` with the interpreter of distilabel's own environment.

    python _distilabel_pipeline.py JOB.json OUT.json

Imports nothing of pairforge. JOB holds url, model, system, questions, draws, max_tokens, temperature, top_p; OUT gets
the seconds `Pipeline.run` took and the generations of each question.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import LoadDataFromDicts
from distilabel.steps.tasks import TextGeneration


def main(job_file: str, out_file: str) -> None:
    job = json.loads(Path(job_file).read_text())
    rows = [{"instruction": question, "system_prompt": job["system"]} for question in job["questions"]]
    with Pipeline(name="rival") as pipeline:
        load = LoadDataFromDicts(data=rows)
        llm = OpenAILLM(
            model=job["model"],
            base_url=job["url"],
            api_key="none",
            generation_kwargs={
                "max_new_tokens": job["max_tokens"],
                "temperature": job["temperature"],
                "top_p": job["top_p"],
            },
        )
        write = TextGeneration(llm=llm, num_generations=job["draws"], group_generations=True)
        load >> write
    started = time.perf_counter()
    done = pipeline.run(use_cache=False)
    seconds = time.perf_counter() - started
    found = {row["instruction"]: row["generation"] for row in done["default"]["train"]}
    Path(out_file).write_text(json.dumps({"seconds": seconds, "generations": found}))


if __name__ == "__main__":
    main(*sys.argv[1:])
