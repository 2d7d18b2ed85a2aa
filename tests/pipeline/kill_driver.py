"""Builds a run again and again, dying by SIGKILL at chosen moments.

    python -m tests.pipeline.kill_driver RECIPE RUN scripted|real MOMENT...

A moment is `KIND:K`, the K-th time that the process touches the disk for good or the engine in that way, `any:K`
whatever the way, or `starting:S`, S seconds into the engine's start. The kinds are "sample" and "verdict" (a write to
that log, torn in the middle every other time), "fsync", "compact", "view" and "file" (a rename or a removal there),
"start" and "step" (the engine's). Each attempt is a forked child, so that the imports are paid once; after each death
another child notes what is stored, in `RUN/../stored`. Prints, of the attempt that finished, the count of each kind
and the seconds the engine's start took, as JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pairforge.pipeline.outlook  # noqa: F401  (imports what the children need)
from pairforge.generator import Completion, Engine, Request
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.pipeline import build, sampling
from pairforge.recipe import load_recipe
from pairforge.run import Run


class Moments:
    """Counts the moments of this process and ends it at the chosen one."""

    def __init__(self, fatal: str) -> None:
        self.fatal, self.seen = fatal, Counter[str]()

    def __call__(self, kind: str) -> bool:
        self.seen.update((kind, "any"))
        return self.fatal in (f"{kind}:{self.seen[kind]}", f"any:{self.seen['any']}")

    def before(self, function: Callable[..., Any], kind: str | None = None) -> Callable[..., Any]:
        """The function, with a moment before it; of a file the kind follows from its place."""

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self(kind or kind_of(args[0])):
                die()
            return function(*args, **kwargs)

        return wrapped


def die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def kind_of(path: Path) -> str:
    """What happens to a file of a run, by its folder."""
    if "views" in path.parts:
        return "view"
    return "compact" if path.parent.name in ("samples", "verdicts") else "file"


def answer(request: Request) -> Completion:
    """Right at the first, second or third draw, depending on the problem; a token a word, and more of them from an arm
    named `long`."""
    numbers = [int(word.strip("?")) for word in request.prompt.split() if word.strip("?").isdigit()]
    long = "/long/" in request.key
    right = request.draw >= (sum(numbers) // (2 if long else 1)) % 3
    beginning = "Let me see. I add the two and check it twice. " if long else ""
    words = f"{beginning}It is \\boxed{{{sum(numbers) if right else 0}}}.".split()[request.begun_tokens :]
    kept = words[: request.max_tokens]
    text = " " * bool(request.begun_tokens) + " ".join(kept)
    return Completion(request.key, text, len(kept), "length" if len(words) > len(kept) else "stop")


def attempt(recipe: Path, run: Path, kind: str, fatal: str) -> dict[str, float]:
    """Build the run, dying at the fatal moment; what was counted, if that did not come."""
    moments = Moments(fatal)
    real_pwrite, real_open = os.pwrite, sampling.open_engine
    took_s = 0.0

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        name = Path(f"/proc/self/fd/{fd}").readlink().name
        if moments("verdict" if "verdict" in name else "sample"):
            if moments.seen["any"] % 2:
                real_pwrite(fd, data[: len(data) // 2], offset)
            die()
        return real_pwrite(fd, data, offset)

    def open_engine(*args: Any) -> Engine:
        nonlocal took_s
        if fatal.startswith("starting:"):
            threading.Timer(float(fatal.partition(":")[2]), die).start()
        started = time.monotonic()
        engine = real_open(*args) if kind == "real" else scripted(moments.seen["any"])
        took_s = time.monotonic() - started
        real_submit = engine.submit

        def submit(request: Request) -> None:
            with (run.parent / "requests").open("a") as log:
                log.write(f"{request.key} {request.seed}\n")
            real_submit(request)

        engine.submit = submit  # type: ignore[method-assign]
        engine.poll = moments.before(engine.poll, "step")  # type: ignore[method-assign]
        return engine

    os.pwrite = pwrite
    os.fsync = moments.before(os.fsync, "fsync")
    for name in ("replace", "rename", "unlink"):
        setattr(Path, name, moments.before(getattr(Path, name)))
    sampling.open_engine = moments.before(open_engine, "start")
    build(load_recipe(recipe), run)
    return {**moments.seen, "start_s": took_s}


def scripted(order_seed: int) -> ScriptedEngine:
    return ScriptedEngine(answer, window=4, per_poll=1, order_seed=order_seed)


def note_stored(run: Path) -> None:
    """One line: the text of each stored sample by its key."""
    stored = {sample.key: sample.text for sample in Run(run).sampled()}
    with (run.parent / "stored").open("a") as notes:
        notes.write(json.dumps(stored) + "\n")


def in_child(work: Callable[[], object]) -> int:
    """Run `work` in a forked child; its wait status."""
    child = os.fork()
    if child == 0:
        work()
        sys.stdout.flush()
        os._exit(0)
    return os.waitpid(child, 0)[1]


def main(recipe: str, run: str, kind: str, *fatal: str) -> None:
    if kind == "real":
        import vllm  # noqa: F401
    for moment in [*fatal, ""]:
        status = in_child(lambda m=moment: print(json.dumps(attempt(Path(recipe), Path(run), kind, m))))  # type: ignore[misc]
        if status != 0:
            assert moment and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (moment, status)
            assert in_child(lambda: note_stored(Path(run))) == 0


if __name__ == "__main__":
    main(*sys.argv[1:])
