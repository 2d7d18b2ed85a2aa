"""The config `unpaired`: every sample once, with its problem and the verdict that counts."""

from pairforge.hub.unpaired import sample_rows, sample_schema
from pairforge.records import Verdict, problem_id, to_row
from tests.hub.runs import question, small_run

FIRST = problem_id(question(0))


def rows_of(run):
    return {row["sample_key"]: row for row in sample_rows(run)}


def test_every_sample_comes_with_its_problem_and_verdict(tmp_path):
    rows = rows_of(small_run(tmp_path / "run", problems=4))
    assert len(rows) == 8 and all(list(row) == sample_schema().names for row in rows.values())
    row = rows[f"{FIRST}/given/0/0"]
    assert (row["question"], row["answer"], row["status"], row["origin"]) == (question(0), "0", "correct", "given")
    assert row["model"] == "teacher" and rows[f"{FIRST}/sampled/0/0"]["model"] == "short-model"  # no local path


def test_the_last_verdict_counts_and_none_is_an_error(tmp_path):
    run = small_run(tmp_path / "run", problems=2)
    with run.verdict_log() as verdicts:
        verdicts.append(to_row(Verdict(f"{FIRST}/given/0/0", "incorrect", "7", "numeric", "", "v2")))
    assert rows_of(run)[f"{FIRST}/given/0/0"]["status"] == "incorrect"
    (run.path / "verdicts" / "verdicts.parquet").unlink()
    statuses = {key: row["status"] for key, row in rows_of(run).items()}
    assert statuses.pop(f"{FIRST}/given/0/0") == "incorrect" and set(statuses.values()) == {"error"}


def test_samples_of_dropped_problems_stay_out_and_nothing_is_left_behind(tmp_path):
    run = small_run(tmp_path / "run", problems=3)
    run.write_sources([p for p in run.each_problem() if p.id != FIRST], run.source_drops())
    rows = sample_rows(run)
    assert next(rows)["problem_id"] != FIRST
    rows.close()  # a reader that stops early
    assert len(rows_of(run)) == 4
    assert not [entry for entry in run.path.iterdir() if entry.name.endswith(".tmp")]
