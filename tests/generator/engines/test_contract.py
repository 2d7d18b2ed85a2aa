"""What every engine must do, shown on the bundled model with the real thing behind each of them.

One engine at a time: each is started, asked everything, and stopped before the next.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from pairforge import demo
from pairforge.chat import prompt_messages
from pairforge.errors import EngineError
from pairforge.generator import Completion, Drawn, Engine, Plan, Request, Task, open_engine, sample
from pairforge.generator.config import RayEngineConfig, ServerEngineConfig, VllmEngineConfig
from pairforge.generator.loop import Interrupted, without_length
from tests.generator.conftest import EqualTextVerifier, MemoryStore

MODEL = demo.resolve("pairforge:nano")
CONTEXT_TOKENS = 512
SETTINGS = {"max_model_len": CONTEXT_TOKENS, "max_num_seqs": 32}
NEED = 306  # the token " need", with which the model begins four answers in ten
SAMPLING = {"temperature": 1.0, "top_p": 1.0, "top_k": -1, "min_p": 0.0, "logit_bias": {NEED: -100.0}}
QUESTION = "A box holds 12 apples. How many apples are in 7 boxes?"


@contextmanager
def vllm(log: Path) -> Iterator[Engine]:
    with open_engine(VllmEngineConfig(model=MODEL, **SETTINGS), sampling=SAMPLING, log=log) as engine:
        yield engine


@contextmanager
def server(log: Path) -> Iterator[Engine]:
    """A real vLLM server, as a user starts it on a CPU."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", MODEL, "--host", "127.0.0.1"]
    command += ["--port", str(port), "--max-model-len", str(CONTEXT_TOKENS), "--max-num-seqs", "32", "--enforce-eager"]
    command += ["--no-enable-chunked-prefill", "--max-num-batched-tokens", "4096"]
    environment = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    with log.open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
    try:
        wait_for(url + "/health", process, log)
        config = ServerEngineConfig(kind="server", model=MODEL, base_urls=(url + "/v1",), max_num_seqs=32, retries=1)
        with open_engine(config, sampling=SAMPLING) as engine:
            yield engine
    finally:
        process.terminate()
        process.wait(60)


@contextmanager
def ray(log: Path) -> Iterator[Engine]:
    pytest.importorskip("ray", reason="the ray extra is not installed")
    with open_engine(
        RayEngineConfig(kind="ray", model=MODEL, address="local", **SETTINGS), sampling=SAMPLING
    ) as engine:
        yield engine


def wait_for(url: str, process: subprocess.Popen, log: Path, limit_s: float = 500) -> None:
    end = time.monotonic() + limit_s
    while time.monotonic() < end:
        assert process.poll() is None, log.read_text()[-2000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            time.sleep(1)
    raise AssertionError(f"no answer at {url}")


def request(number: int, *, seed: int = 0, max_tokens: int = 60, question: str = QUESTION) -> Request:
    messages = prompt_messages("Answer briefly.", "{question}", question)
    return Request(f"k{number}", f"p{number}", 0, rendered(question), max_tokens, seed, messages=tuple(messages))


def rendered(question: str) -> str:
    from pairforge.chat import render_prompt

    return render_prompt(tokenizer(), prompt_messages("Answer briefly.", "{question}", question))


@cache
def tokenizer() -> Any:
    from pairforge.lengths import load_tokenizer

    return load_tokenizer(MODEL)


def draw(engine: Engine, *requests: Request) -> dict[str, Completion]:
    for one in requests:
        engine.submit(one)
    found: dict[str, Completion] = {}
    while engine.in_flight:
        found |= {c.key: c for c in engine.poll(0.2)}
    return found


@pytest.mark.engine
@pytest.mark.parametrize(
    "kind", [vllm, pytest.param(server, marks=pytest.mark.full), pytest.param(ray, marks=pytest.mark.full)]
)
def test_the_contract(kind, tmp_path: Path):
    with ExitStack() as stack:
        engine = stack.enter_context(kind(tmp_path / "engine.log"))
        ids_come_back_and_budgets_are_exact(engine)
        seeds_are_honoured(engine)
        one_failing_request_fails_alone(engine)
        sampling_parameters_have_an_effect(engine)
        interruption_is_resumable(engine)


def ids_come_back_and_budgets_are_exact(engine: Engine) -> None:
    budgets = {n: 1 + n % 7 if n % 2 else 200 for n in range(24)}
    found = draw(engine, *(request(n, seed=n, max_tokens=b) for n, b in budgets.items()))
    assert found.keys() == {f"k{n}" for n in budgets}
    for n, budget in budgets.items():
        one = found[f"k{n}"]
        assert one.finish_reason in ("stop", "length"), one
        assert one.sampled_tokens <= budget
        assert (one.finish_reason == "length") <= (one.sampled_tokens == budget), "length means the budget was used"
    assert {found[f"k{n}"].finish_reason for n in budgets if n % 2} == {"length"}
    assert "stop" in {found[f"k{n}"].finish_reason for n in budgets if n % 2 == 0}


def seeds_are_honoured(engine: Engine) -> None:
    """One at a time, so that the batch is the same: what a seed draws may depend on the company it is in."""
    texts = [draw(engine, request(n, seed=seed))[f"k{n}"].text for n, seed in enumerate([1, 1, 2, 3, 4, 5, 6, 7])]
    assert texts[0] == texts[1]
    assert len(set(texts)) > 2


def one_failing_request_fails_alone(engine: Engine) -> None:
    too_long = request(1, question="many words " * CONTEXT_TOKENS)
    found = draw(engine, request(0), too_long, request(2))
    assert {key: c.finish_reason == "error" for key, c in found.items()} == {"k0": False, "k1": True, "k2": False}
    assert found["k1"].error


def sampling_parameters_have_an_effect(engine: Engine) -> None:
    assert tokenizer().decode([NEED]) == " need"
    found = draw(engine, *(request(n, seed=n) for n in range(24)))
    assert not any(" need" in c.text for c in found.values())


def interruption_is_resumable(engine: Engine) -> None:
    store, drawn = MemoryStore(), []
    tasks = [Task(f"p{n}", rendered(f"{QUESTION} {n}"), 40, "84", messages=request(n).messages) for n in range(60)]

    def stop_half_way(progress) -> None:
        if progress.samples >= 20 and not drawn:
            drawn.append(True)
            raise Interrupted

    with pytest.raises(Interrupted):
        sample(Plan(tasks, run_seed=0), engine, EqualTextVerifier(), store, model="nano", on_progress=stop_half_way)
    first = len(store.samples)
    while engine.in_flight:  # a new process would start with an empty engine
        engine.poll(0.2)
    there = [Drawn(s.problem_id, s.draw, s.max_tokens, without_length(s, None)) for s in store.samples]
    sample(Plan(tasks, run_seed=0, stored=there), engine, EqualTextVerifier(), store, model="nano")
    assert 20 <= first < 60
    assert len(store.samples) == len({s.key for s in store.samples}) == 60


@pytest.mark.engine
def test_a_model_that_vllm_refuses_is_told_in_its_own_words(tmp_path: Path):
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text('{"model_type": "no-such-architecture"}')
    with pytest.raises(EngineError, match="no-such-architecture"):
        open_engine(
            VllmEngineConfig(model=str(tmp_path / "model"), **SETTINGS), sampling={}, log=tmp_path / "engine.log"
        )


def test_a_model_path_that_does_not_exist_is_told_before_anything_starts():
    with pytest.raises(EngineError, match="there is no model at '/nowhere/model'"):
        open_engine(VllmEngineConfig(model="/nowhere/model"), sampling={})
