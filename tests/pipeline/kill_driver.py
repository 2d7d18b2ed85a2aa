"""Builds a run again and again, dying by SIGKILL at chosen moments: `python -m tests.pipeline.kill_driver RECIPE RUN K...`.

A moment is the K-th time that the process touches the disk for good or the engine: a write to a log (torn in the
middle every other time), an fsync, a rename, a removal, the engine's start, one of its steps. Each attempt is a forked child,
so that the imports are paid once. Prints the number of moments of the attempt that finished.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pairforge.pipeline.forecast  # noqa: F401  (imports what the children need)
from pairforge.generator import Completion, Request
from pairforge.generator.scripted import ScriptedEngine
from pairforge.pipeline import build, sampling
from pairforge.recipe import load_recipe


class Moments:
    """Counts the moments of this process and ends it at the chosen one."""

    def __init__(self, fatal: int | None) -> None:
        self.fatal, self.seen = fatal, 0

    def __call__(self) -> bool:
        self.seen += 1
        return self.seen == self.fatal

    def before(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapped(*args: Any, **kwargs: Any) -> Any:
            if self():
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **kwargs)

        return wrapped


def answer(request: Request) -> Completion:
    """Right at the first, second or third draw, depending on the problem."""
    numbers = [int(word.strip("?")) for word in request.prompt.split() if word.strip("?").isdigit()]
    right = request.draw >= sum(numbers) % 3
    return Completion(request.key, f"It is \\boxed{{{sum(numbers) if right else 0}}}.", 5, "stop")


def attempt(recipe: Path, run: Path, fatal: int | None) -> int:
    moments = Moments(fatal)
    real_pwrite = os.pwrite

    def pwrite(fd: int, data: bytes, offset: int) -> int:
        if moments():
            if moments.seen % 2:
                real_pwrite(fd, data[: len(data) // 2], offset)
            os.kill(os.getpid(), signal.SIGKILL)
        return real_pwrite(fd, data, offset)

    def open_engine(*_: object) -> ScriptedEngine:
        def logged(request: Request) -> Completion:
            with (run.parent / "requests").open("a") as log:
                log.write(f"{request.key} {request.seed}\n")
            return answer(request)

        engine = ScriptedEngine(logged, window=4, per_poll=1, order_seed=fatal or 0)
        engine.poll = moments.before(engine.poll)  # type: ignore[method-assign]
        return engine

    os.pwrite = pwrite
    os.fsync = moments.before(os.fsync)
    for name in ("replace", "rename", "unlink"):
        setattr(Path, name, moments.before(getattr(Path, name)))
    sampling.open_engine = moments.before(open_engine)  # type: ignore[assignment]
    build(load_recipe(recipe), run)
    return moments.seen


def main(recipe: str, run: str, *fatal: str) -> None:
    for moment in [*map(int, fatal), None]:
        child = os.fork()
        if child == 0:
            seen = attempt(Path(recipe), Path(run), moment)
            print(seen, flush=True)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        if os.WIFEXITED(status) and os.WEXITSTATUS(status) == 0:
            continue  # it finished: the moment lay behind its end
        assert moment is not None and os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, status


if __name__ == "__main__":
    main(*sys.argv[1:])
