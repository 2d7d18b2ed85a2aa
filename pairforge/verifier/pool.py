"""Persistent worker processes with deadlines: a hang or a death costs one item, never the run.

Plain subprocesses over pipes rather than `multiprocessing`: they behave the same under fork and spawn, from any
thread, inside asyncio and in daemon processes, need no `__main__` guard, and touch no signal of the caller.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from pairforge.errors import VerifierError
from pairforge.records import Status
from pairforge.verifier.decisions import Call, Comparison, Decision

Task = tuple[int, Comparison | Call]  # a number to know it by, and what to decide


GRACE_S = 0.5  # beyond the worker's own deadline, before the parent kills it
_PATIENCE = 5  # times the deadline in wall time, while the worker has not had that much processor time
_START_S = 60.0
_MAX_STARTS_IN_A_ROW = 3
_IN_FLIGHT_BYTES = 60_000  # below the capacity of a pipe, so that handing out work never blocks
_IN_FLIGHT_TASKS = 64
_CODE = (
    "import json,sys; sys.path[:]=json.loads(sys.argv[2]); from pairforge.verifier.worker import main; "
    "main(float(sys.argv[1]), sys.argv[3])"
)


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    tasks: deque[tuple[Task, int]] = field(default_factory=deque)  # in the order sent, with their size
    since: float = 0.0  # when the task in front started (monotonic clock)
    cpu_s: float = 0.0  # processor time it had used by then
    checked: float = 0.0  # when it was last found past its deadline, but short of processor time
    ready: bool = False  # False while it imports
    retiring: bool = False
    rest: bytes = b""
    in_flight_bytes: int = 0


class Pool:
    """Decides in `workers` child processes: comparisons, or calls of `function`. For one calling thread at a time."""

    def __init__(self, workers: int, timeout_s: float, function: str = "") -> None:
        self._size, self._timeout_s, self._function = workers, timeout_s, function
        self._workers: list[_Worker] = []
        self._queue: deque[Task] = deque()
        self._selector = selectors.DefaultSelector()
        self._failed_starts = 0
        self._owner = os.getpid()

    @property
    def pending(self) -> int:
        """Tasks not yet decided."""
        return len(self._queue) + sum(len(w.tasks) for w in self._workers)

    def submit(self, task: Task) -> None:
        """Queue one task; it starts at once when a worker is free."""
        self._queue.append(task)
        if len(self._workers) < min(self._size, self.pending):
            self._start()
        self._hand_out()

    def poll(self, timeout_s: float = 0.0) -> list[tuple[int, Decision]]:
        """Whatever has been decided; waits up to `timeout_s` for a first one."""
        done: list[tuple[int, Decision]] = []
        until = time.monotonic() + timeout_s
        while self.pending:
            self._hand_out()
            wait = min(until - time.monotonic(), self._next_deadline() - time.monotonic())
            for event, _ in self._selector.select(max(0.0, wait)):
                done += self._receive(event.data)
            done += self._overdue()
            if done or time.monotonic() >= until:
                break
        self._hand_out()
        return done

    def close(self) -> None:
        """End the workers. Undecided tasks are forgotten."""
        for worker in list(self._workers):
            self._remove(worker, kill=self._owner == os.getpid())
        self._selector.close()
        self._queue.clear()

    # --- inside -----------------------------------------------------------------------------------------------

    def _start(self) -> None:
        path = [p or str(Path.cwd()) for p in sys.path]
        env = {"LANG": "C.UTF-8", "MPMATH_NOGMPY": "1", "SYMPY_GROUND_TYPES": "python", "PYTHONHASHSEED": "0"}
        if "LD_LIBRARY_PATH" in os.environ:  # an interpreter may not start without it
            env["LD_LIBRARY_PATH"] = os.environ["LD_LIBRARY_PATH"]
        try:
            process = subprocess.Popen(
                [sys.executable, "-B", "-s", "-E", "-c", _CODE, str(self._timeout_s), json.dumps(path), self._function],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=env,
                bufsize=0,
                start_new_session=True,
            )
        except OSError as error:
            raise VerifierError(f"cannot start a verifier worker: {error}", hint="check free memory") from error
        assert process.stdout is not None
        os.set_blocking(process.stdout.fileno(), False)
        worker = _Worker(process, since=time.monotonic())
        self._workers.append(worker)
        self._selector.register(process.stdout, selectors.EVENT_READ, worker)

    def _hand_out(self) -> None:
        if not self._queue:
            return
        for worker in self._workers:
            while self._queue and worker.ready and not worker.retiring and len(worker.tasks) < self._share():
                line = (json.dumps(self._queue[0]) + "\n").encode("ascii")
                if worker.tasks and worker.in_flight_bytes + len(line) > _IN_FLIGHT_BYTES:
                    break
                if not worker.tasks:
                    worker.since = time.monotonic()
                try:
                    assert worker.process.stdin is not None
                    worker.process.stdin.write(line)
                except OSError:
                    break  # it died; its end of file is handled in `poll`
                worker.tasks.append((self._queue.popleft(), len(line)))
                worker.in_flight_bytes += len(line)

    def _share(self) -> int:
        """Batches are large when there is much to do and small when workers would otherwise idle."""
        return max(2, min(_IN_FLIGHT_TASKS, self.pending // (2 * self._size)))

    def _next_deadline(self) -> float:
        return min((self._deadline(w) for w in self._workers if w.tasks or not w.ready), default=float("inf"))

    def _deadline(self, worker: _Worker) -> float:
        if worker.checked > worker.since:
            return worker.checked + GRACE_S
        return worker.since + (self._timeout_s + GRACE_S if worker.ready else _START_S)

    def _receive(self, worker: _Worker) -> list[tuple[int, Decision]]:
        assert worker.process.stdout is not None
        done: list[tuple[int, Decision]] = []
        ended = False
        while True:
            try:
                chunk = os.read(worker.process.stdout.fileno(), 1 << 16)
            except BlockingIOError:
                break
            except OSError:
                chunk = b""
            if not chunk:
                ended = True
                break
            *lines, worker.rest = (worker.rest + chunk).split(b"\n")
            done += [reply for reply in (self._understand(worker, line) for line in lines) if reply is not None]
        if ended:
            done += self._replace(worker, Decision("error", "crash", "the worker died on this answer"))
        return done

    def _understand(self, worker: _Worker, line: bytes) -> tuple[int, Decision] | None:
        task_id, decision, worker.retiring, moment, worker.cpu_s = json.loads(line)
        worker.since = min(float(moment), time.monotonic())
        if task_id in ("ready", "loading", "loaded"):
            worker.ready = task_id != "loading"
            return None
        if task_id == "fatal":
            if self._function:
                raise VerifierError(f"verifier.python: {decision}", hint=f"correct {self._function.rpartition(':')[0]}")
            hint = "pip install 'math-verify[antlr4_13_2]'"
            raise VerifierError(f"a verifier worker cannot start: {decision}", hint=hint)
        self._failed_starts = 0
        (task, size) = worker.tasks.popleft()
        worker.in_flight_bytes -= size
        return task[0], Decision(cast(Status, str(decision[0])), str(decision[1]), str(decision[2]))

    def _overdue(self) -> list[tuple[int, Decision]]:
        done: list[tuple[int, Decision]] = []
        now = time.monotonic()
        for worker in list(self._workers):
            if (worker.tasks or not worker.ready) and now > self._deadline(worker):
                if worker.ready and self._starved(worker, now):
                    worker.checked = now
                    continue
                why = f"no decision within {self._timeout_s:g} s; its worker was killed"
                done += self._replace(worker, Decision("timeout", "killed", why))
        return done

    def _starved(self, worker: _Worker, now: float) -> bool:
        """Has the worker, on a busy machine, not yet had the processor time its task is entitled to?"""
        if now - worker.since > _PATIENCE * self._timeout_s:
            return False
        return _cpu_s(worker.process.pid) - worker.cpu_s < self._timeout_s + GRACE_S

    def _replace(self, worker: _Worker, decision: Decision) -> list[tuple[int, Decision]]:
        """Remove a worker. Its first task ends with this decision, the others go back to the head of the queue."""
        self._remove(worker, kill=True)
        done: list[tuple[int, Decision]] = []
        if worker.retiring:
            pass  # it left of its own accord, after its reply
        elif not worker.ready:
            self._failed_starts += 1
            if self._failed_starts >= _MAX_STARTS_IN_A_ROW:
                raise VerifierError("verifier workers crashed at startup", hint="check free memory")
        elif worker.tasks:
            (task, _) = worker.tasks.popleft()
            done.append((task[0], decision))
        self._queue.extendleft(task for task, _ in reversed(worker.tasks))
        worker.tasks.clear()
        while self._queue and len(self._workers) < min(self._size, self.pending):
            self._start()
        return done

    def _remove(self, worker: _Worker, kill: bool) -> None:
        self._workers.remove(worker)
        stdin, stdout = worker.process.stdin, worker.process.stdout
        assert stdin is not None and stdout is not None
        self._selector.unregister(stdout)
        if kill:
            try:
                worker.process.wait(0.05 if worker.process.poll() is None and not worker.tasks and worker.ready else 0)
            except subprocess.TimeoutExpired:
                worker.process.kill()
            worker.process.wait()
        stdin.close()
        stdout.close()


def _cpu_s(pid: int) -> float:
    """Processor time of a process so far; infinite when it cannot be read."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    except (OSError, ValueError, IndexError):
        return float("inf")
