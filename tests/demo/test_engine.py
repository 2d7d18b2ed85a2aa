"""The bundled model in the real engine."""

import json
import os
import subprocess
import sys

import pytest

from pairforge.demo import demo_path

# In its own process: the engine keeps its memory and its settings to itself.
SAMPLE = """
import json, sys
from vllm import LLM, SamplingParams
questions = json.load(sys.stdin)
engine = LLM(model=sys.argv[1], max_model_len=1024, max_num_batched_tokens=4096, enable_chunked_prefill=False,
             enforce_eager=True, seed=0)
chats = [[{"role": "system", "content": "Answer briefly."}, {"role": "user", "content": q}] for q in questions]
outputs = engine.chat(chats, SamplingParams(temperature=0.7, max_tokens=512, seed=0), use_tqdm=False)
rows = [[o.outputs[0].text, len(o.outputs[0].token_ids), o.outputs[0].finish_reason] for o in outputs]
print("RESULT" + json.dumps(rows))
"""


@pytest.mark.engine
def test_short_solutions_are_short_and_often_right(build_rows, answers):
    rows = build_rows[:100]
    settings = {
        "VLLM_CPU_KVCACHE_SPACE": "1",
        "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
        "VLLM_LOGGING_LEVEL": "WARNING",
    }
    done = subprocess.run(
        [sys.executable, "-c", SAMPLE, str(demo_path("pairforge:nano"))],
        input=json.dumps([row["question"] for row in rows]),
        capture_output=True,
        text=True,
        env={**os.environ, **settings},
        timeout=600,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    result = next(line for line in done.stdout.splitlines() if line.startswith("RESULT"))
    samples = json.loads(result.removeprefix("RESULT"))

    right = [
        answers.boxed_value(text) == answers.gold_value(row["answer"])
        for row, (text, _, _) in zip(rows, samples, strict=True)
    ]
    assert 0.4 <= sum(right) / len(right) <= 0.9  # about half; 100 samples vary by 5 points
    assert sum(reason == "stop" for _, _, reason in samples) >= 97  # another processor may draw another text
    assert sum(tokens for _, tokens, _ in samples) / len(samples) < 70
