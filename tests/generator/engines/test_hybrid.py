"""A hybrid model on the real engine: its thinking is switched off, and its long solutions are written in steps.

The bundled model thinks or not by its system prompt. The template here, in our words, makes a switch of that.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from pairforge import demo
from pairforge.chat import prompt_messages, render_prompt
from pairforge.generator import Plan, Request, Task, open_engine, sample
from pairforge.generator.config import VllmEngineConfig
from pairforge.generator.engines.protocol import Engine
from pairforge.lengths import load_tokenizer
from pairforge.switches import set_switches
from tests.generator.conftest import EqualTextVerifier, MemoryStore

MODEL = demo.resolve("pairforge:nano")
QUESTIONS = [f"A box holds {n + 11} apples. How many apples are in {n + 3} boxes?" for n in range(24)]
GREEDY = {"temperature": 0.0, "top_p": 1.0, "top_k": -1, "min_p": 0.0}
SHORT = "<|im_start|>system\nAnswer briefly.<|im_end|>\n"


def prompts(**switches: object) -> list[str]:
    tokenizer = load_tokenizer(MODEL)
    tokenizer.chat_template = (
        "{% if enable_thinking is defined and not enable_thinking %}" + SHORT + "{% endif %}" + tokenizer.chat_template
    )
    set_switches(tokenizer, switches, key="generator.prompt.template_kwargs")
    return [render_prompt(tokenizer, prompt_messages(None, "{question}", question)) for question in QUESTIONS]


@pytest.mark.engine
def test_a_hybrid_model(tmp_path: Path):
    config = VllmEngineConfig(model=MODEL, max_model_len=512, max_num_seqs=32)
    with open_engine(config, sampling=GREEDY, log=tmp_path / "engine.log") as engine:
        thinking, brief = (whole(engine, prompts(**switch)) for switch in ({}, {"enable_thinking": False}))
        assert thoughts(thinking) >= 0.75 * len(QUESTIONS) > thoughts(brief) == 0
        steps_write_what_one_request_writes(engine, thinking)
        a_prefix_is_continued(engine)


def whole(engine: Engine, rendered: list[str]) -> list[tuple[str, int]]:
    """Text and tokens of each solution, each in one request."""
    for number, prompt in enumerate(rendered):
        engine.submit(Request(f"{number:02}", "p", 0, prompt, 400, 0))
    found = {}
    while engine.in_flight:
        found |= {c.key: (c.text, c.sampled_tokens) for c in engine.poll(0.2)}
    return [found[key] for key in sorted(found)]


def thoughts(solutions: list[tuple[str, int]]) -> int:
    return sum("<think>" in text for text, _ in solutions)


def steps_write_what_one_request_writes(engine: Engine, solutions: list[tuple[str, int]]) -> None:
    """Greedily, so that the texts can be compared; a cut that falls inside a word may be tokenized in another way."""
    tasks = [Task(f"p{n:02}", prompt, 400, "", leg_tokens=16) for n, prompt in enumerate(prompts())]
    store = MemoryStore()
    sample(Plan(tasks, run_seed=0), engine, EqualTextVerifier(), store, model="nano")
    assert max(s.max_tokens for s in store.samples) > 32, "no solution took three steps"
    last = {s.problem_id: s for s in sorted(store.samples, key=lambda s: s.max_tokens)}
    same = [last[f"p{n:02}"].text == text for n, (text, _) in enumerate(solutions)]
    assert sum(same) >= 0.75 * len(same)
    assert {s.finish_reason for s in last.values()} == {"stop"}


def a_prefix_is_continued(engine: Engine) -> None:
    tasks = [Task(f"p{n:02}", prompt, 400, "", begun="I need ") for n, prompt in enumerate(prompts())]
    store = MemoryStore()
    sample(Plan(tasks, run_seed=0), engine, EqualTextVerifier(), store, model="nano")
    assert all(s.text.startswith("I need ") and len(s.text) > 10 for s in store.samples)
