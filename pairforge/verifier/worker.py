"""The child process: reads tasks as JSON lines, decides, answers in JSON lines. It keeps no privilege it can drop."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import re
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType
from typing import Any

from pairforge.verifier.decisions import Call, Comparison, Decision

MEMORY_BYTES = 1536 * 2**20
_KEEP_RSS_BYTES = 700 * 2**20  # a worker that has grown past this retires after its reply
_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MUTE_PREFIXES = ("socket.", "subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "ctypes.")
_MONOMIAL_NAMES = {f"monomial_{name}" for name in ("mul", "pow", "mulpow", "ldiv", "div", "lcm", "gcd")}
_MONOMIAL_CODE = re.compile(
    r"def monomial_(?:mul|pow|mulpow|ldiv|div|lcm|gcd)\([ABk, ]+\):"
    r"(?:[\s(),:+*=<>\-]|[abckr]\d*|if|else|return|None|[AB]|\d)*"
)


class _Deadline(BaseException):
    """Raised inside a task whose time is up; not an Exception, so that no handler on the way swallows it."""


def main(timeout_s: float, function: str = "") -> None:
    """Serve tasks from stdin until it closes: comparisons, or with `function` ("file.py:name") calls of it."""
    out = os.fdopen(os.dup(1), "w", buffering=1, encoding="ascii")
    with contextlib.suppress(OSError):
        null = os.open(os.devnull, os.O_RDWR)
        os.dup2(null, 1)
        os.dup2(null, 2)
    if function:
        _serve_calls(out, timeout_s, function)
    else:
        _serve_comparisons(out, timeout_s)


def _serve_calls(out: Any, timeout_s: float, function: str) -> None:
    """Call the user's own function. It may import what is installed; it runs under the same limits."""
    signal.signal(signal.SIGPROF, _on_alarm)
    try:
        _shed_privileges(pure_python=False)
        from pairforge.verifier.own_function import decide_by_function, load_function

        loaded = load_function(function)
    except Exception as error:
        _reply(out, "fatal", f"{type(error).__name__}: {error}"[:500], retires=True)
        return
    _reply(out, "ready", None)
    for line in _lines():
        task_id, call = json.loads(line)
        decision, healthy = _within(timeout_s, partial(decide_by_function, loaded, Call(*call)))
        retires = not healthy or _rss_bytes() > _KEEP_RSS_BYTES
        _reply(out, task_id, decision, retires)
        if retires:
            return


def _serve_comparisons(out: Any, timeout_s: float) -> None:
    """Serve tasks from stdin until it closes. In: [id, comparison]; out: [id, decision, retires, time, cpu].

    Three replies are no decisions: "ready"; "loading" and "loaded" around the first use of math-verify, whose import
    takes longer than most decisions and does not count against the deadline.
    """
    try:
        _shed_privileges()
        import mpmath  # noqa: F401

        from pairforge.verifier.decide import decide_by_judge, decide_by_value
        from pairforge.verifier.equal.judge import lock_down
    except Exception as error:
        _reply(out, "fatal", f"{type(error).__name__}: {error}", retires=True)
        return
    signal.signal(signal.SIGPROF, _on_alarm)
    _reply(out, "ready", None)
    loaded = False
    for line in _lines():
        task_id, pair = json.loads(line)
        pair = Comparison(*pair)
        started = time.process_time()
        decision, healthy = _within(timeout_s, partial(decide_by_value, pair))
        left_s = timeout_s - (time.process_time() - started)
        if decision is None and not loaded:
            _reply(out, "loading", None)
            lock_down()
            sys.addaudithook(_audit)
            _reply(out, "loaded", None)
            loaded = True
        if decision is None:
            decision, healthy = _within(left_s, partial(decide_by_judge, pair))
        retires = not healthy or _rss_bytes() > _KEEP_RSS_BYTES
        _reply(out, task_id, decision, retires)
        if retires:
            return


def _within(timeout_s: float, decide: Callable[[], Decision | None]) -> tuple[Decision | None, bool]:
    """The decision, or a timeout / error decision, and whether this process is still fit for more.

    The deadline counts processor time: on a machine whose cores are taken, an ordinary answer is no timeout.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    # The kernel's own limit: it ends a task that sits in C code even when the parent is gone.
    _limit(resource.RLIMIT_CPU, int(used.ru_utime + used.ru_stime + timeout_s) + 2, soft_only=True)
    try:
        signal.setitimer(signal.ITIMER_PROF, max(timeout_s, 0.001))
        result = decide()
        signal.setitimer(signal.ITIMER_PROF, 0)
        return result, True
    except _Deadline:
        return Decision("timeout", "deadline", "no decision in time"), False
    except MemoryError:
        return Decision("error", "memory", "the comparison needs more memory than a worker has"), False
    except RecursionError:
        return Decision("error", "recursion", "the comparison nests too deeply"), False
    except Exception as error:
        return Decision("error", "exception", f"{type(error).__name__}: {error}"[:200]), True
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _on_alarm(_signum: int, _frame: FrameType | None) -> None:
    raise _Deadline


def _reply(out: Any, task_id: int | str, payload: Any, retires: bool = False) -> None:
    out.write(json.dumps([task_id, payload, retires, time.monotonic(), time.process_time()]) + "\n")
    out.flush()


def _lines() -> Iterator[str]:
    """Lines of stdin; ends when the parent is gone, also when a forked sibling keeps the pipe open."""
    import select

    parent, rest = os.getppid(), b""
    while True:
        ready, _, _ = select.select([0], [], [], 5.0)
        if not ready:
            if os.getppid() != parent:
                return
            continue
        chunk = os.read(0, 1 << 16)
        if not chunk:
            return
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line.decode("ascii")


def _shed_privileges(*, pure_python: bool = True) -> None:
    """Memory, files and processes limited; no network where the kernel lets an ordinary user drop it.

    `pure_python` blocks libraries whose arithmetic cannot be interrupted.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _limit(resource.RLIMIT_AS, MEMORY_BYTES)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_NOFILE, 64)
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).unshare(_CLONE_NEWUSER | _CLONE_NEWNET)
    blocked = ("gmpy2", "flint", "numpy", "scipy") if pure_python else ()
    for name in blocked:  # pure Python arithmetic can be interrupted; theirs cannot
        sys.modules[name] = None  # type: ignore[assignment]
    sys.setrecursionlimit(3000)


def _limit(kind: int, value: int, soft_only: bool = False) -> None:
    _, hard = resource.getrlimit(kind)
    bounded = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (bounded, hard if soft_only else bounded))


def _rss_bytes() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123
        return int(file.read().split()[1]) * resource.getpagesize()


def _audit(event: str, args: tuple[Any, ...]) -> None:
    """The last line of defence: once everything is loaded, no generated source runs and nothing leaves the process."""
    if event == "exec":
        code = args[0]
        made = code.co_filename.startswith("<") and not code.co_filename.startswith("<frozen")
        if made and any(name not in _MONOMIAL_NAMES for name in code.co_names):
            raise RuntimeError("generated source is never executed here")
    elif event == "compile" and args[0] is not None:
        if not str(args[1]).endswith(".py") and not _is_monomial_code(args[0]):
            raise RuntimeError("source is never compiled here")
    elif event.startswith(_MUTE_PREFIXES):
        raise RuntimeError(f"{event} is not available here")


def _is_monomial_code(source: object) -> bool:
    """SymPy's polynomial rings generate helpers from the number of variables alone; no text reaches them."""
    text = source.decode("ascii", "replace") if isinstance(source, bytes) else str(source)
    return _MONOMIAL_CODE.fullmatch(text) is not None


if __name__ == "__main__":
    main(float(sys.argv[1]), *sys.argv[2:])
