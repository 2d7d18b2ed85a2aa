"""Computed scores: every value is durable at once, and a resume asks for the missing ones only."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from pairforge.errors import EngineError, RunError
from pairforge.run import Run, read_score, score_record
from pairforge.run.log import read_log
from pairforge.scores.compute import Scored, Work, compute


@dataclass(frozen=True)
class Solution:
    key: str


class Scripted:
    """Scores a key by its length; `dies_after` values it can go on no more."""

    endings = ("", "sum")

    def __init__(self, dies_after: int = 10**9, failing: tuple[str, ...] = (), window: int = 3) -> None:
        self.window, self.dies_after, self.failing = window, dies_after, failing
        self.asked: list[str] = []
        self.waiting: list[str] = []
        self.most_in_flight = 0

    @property
    def in_flight(self) -> int:
        return len(self.waiting)

    def submit(self, item: Solution) -> None:
        self.asked.append(item.key)
        self.waiting.append(item.key)
        self.most_in_flight = max(self.most_in_flight, len(self.waiting))

    def poll(self, timeout_s: float) -> list[Scored]:
        if self.dies_after == 0:
            raise EngineError("it died")
        self.dies_after -= 1
        key = self.waiting.pop()
        if key in self.failing:
            return [Scored(key, status="error", detail="too long")]
        return [Scored(key, {"": float(len(key)), "sum": 2.0 * len(key)})]


KEYS = [f"p{n}/sampled/0/64" for n in range(8)]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def work(run: Run, model: str = "m") -> Work:
    return Work(run, "student", "logprob", {"model": model}, Scripted.endings)


def items(run: Run) -> Iterator[Solution]:
    done = work(run).done()
    return (Solution(key) for key in KEYS if key not in done)


def test_a_score_has_a_column_per_value_and_one_that_says_how_it_went(run: Run):
    scorer = Scripted()
    record = compute(work(run), items(run), scorer, lambda _: None)
    assert record.columns == ("student", "student_sum", "student_status") and record.counts == {"scored": 8}
    assert read_score(run, "student").filter(sample_key=KEYS[0]).row(0) == (KEYS[0], 15.0, 30.0, "scored")
    assert scorer.most_in_flight == 3 and not run.score_log_file("student").exists()


def test_an_engine_that_dies_costs_no_finished_value(run: Run):
    with pytest.raises(EngineError):
        compute(work(run), items(run), Scripted(dies_after=5), lambda _: None)
    assert score_record(run, "student").rows == 5
    again = Scripted()
    record = compute(work(run), items(run), again, lambda _: None)
    assert record.rows == 8 and len(again.asked) == 3
    assert list(run.scores_folder.iterdir()) == [run.score_file("student")]  # growing is no new version


def test_a_killed_process_costs_what_was_in_flight_only(run: Run, monkeypatch: pytest.MonkeyPatch):
    """As after `kill -9`: the log is there, with a torn last line, and nothing was compacted."""
    monkeypatch.setattr(Work, "compact", lambda self: None)
    with pytest.raises(EngineError):
        compute(work(run), items(run), Scripted(dies_after=5), lambda _: None)
    monkeypatch.undo()
    log = run.score_log_file("student")
    log.write_bytes(log.read_bytes()[:-7])
    again = Scripted()
    assert compute(work(run), items(run), again, lambda _: None).rows == 8
    assert len(again.asked) == 4


def test_a_crash_between_file_and_log_counts_each_solution_once(run: Run):
    compute(work(run), items(run), Scripted(), lambda _: None)
    with work(run).open_log() as log:
        log.append({"sample_key": KEYS[0], "": 15.0, "sum": 30.0, "status": "scored", "detail": ""})
    digest = score_record(run, "student").digest
    assert work(run).compact().digest == digest


def test_errors_are_tried_again_and_unreadable_answers_are_not(run: Run):
    record = compute(work(run), items(run), Scripted(failing=(KEYS[2],)), lambda _: None)
    assert record.counts == {"scored": 7, "error": 1}
    assert read_score(run, "student").filter(sample_key=KEYS[2])["student"].to_list() == [None]
    again = Scripted()
    assert compute(work(run), items(run), again, lambda _: None).counts == {"scored": 8}
    assert again.asked == [KEYS[2]]


def test_a_name_made_from_something_else_is_refused(run: Run):
    compute(work(run), items(run), Scripted(), lambda _: None)
    with pytest.raises(RunError, match="was made otherwise: model differ"):
        work(run, "other").done()
    before = score_record(run, "student")
    work(run, "other").set_aside()
    assert work(run, "other").done() == set()
    assert run.score_version_file("student", before.digest).exists()


def test_an_interrupted_score_is_also_protected_by_its_log(run: Run):
    with work(run).open_log():
        pass
    assert [row["made_from"] for row in read_log(run.score_log_file("student"))] == [{"model": "m"}]
    with pytest.raises(RunError, match="was made otherwise"):
        work(run, "other").done()


def test_given_solutions_leave_an_unfinished_log_when_the_sources_are_read_again(run: Run):
    with work(run).open_log() as log:
        for key in ("p0/given/0/0", "p0/sampled/0/64"):
            log.append({"sample_key": key, "": 1.0, "sum": 1.0, "status": "scored", "detail": ""})
    run.forget_sources()
    assert work(run).done() == {"p0/sampled/0/64"}
    assert json.loads(run.score_log_file("student").read_text().splitlines()[0])["kind"] == "logprob"
