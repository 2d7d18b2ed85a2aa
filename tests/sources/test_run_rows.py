"""Another run as a source: its problems, its ground truth, and whose solutions are asked for."""

from pathlib import Path

import pytest

from pairforge.errors import SourceError
from pairforge.records import Problem, Sample, problem_id, to_row
from pairforge.run import Run
from pairforge.sources import SourceConfig, collect, read_source, run_rows
from tests.synthetic import make_run


def small_run(path: Path, problems: int = 3) -> Run:
    """A run whose problems have one given and, in another order, two sampled solutions, one of them cut."""
    run = Run(path)
    run.write_recipe("sources: []")
    run.update_manifest(sources=[{"source": "a", "license": "mit"}, {"source": "b", "license": "apache-2.0"}])
    ids = [(problem_id(f"{n}?"), f"{n}?") for n in range(problems)]
    with run.given_writer() as add:
        add([Sample(p, 0, "given", f"<think>\n{q}\n</think>\n\nlong", q, "long", "teacher") for p, q in ids])
    with run.sample_log() as log:
        for draw, finish in ((1, "length"), (0, "stop")):
            for p, q in reversed(ids):
                one = Sample(p, draw, "sampled", f"{q} {draw}", None, "", "small", max_tokens=9, finish_reason=finish)
                log.append(to_row(one))
    run.write_sources([Problem(p, q, "7", "a", "joined", meta={"level": 3}) for p, q in ids], [])
    return run


def read(path: Path, **options: object):
    stream = read_source(SourceConfig(dataset=str(path), **options), base_dir=Path())  # type: ignore[arg-type]
    collection = collect([stream])
    return collection, list(collection.samples()), stream


@pytest.mark.parametrize("per_batch", [1, 2, 500])
def test_problems_come_with_their_truth_and_all_their_solutions(tmp_path, monkeypatch, per_batch):
    monkeypatch.setattr(run_rows, "PROBLEMS_PER_BATCH", per_batch)
    run = small_run(tmp_path / "first")
    collection, given, stream = read(run.path)
    assert stream.adapter == "pairforge-run"
    assert [(p.question, p.answer, p.gold, p.meta) for p in collection.problems] == [
        (f"{n}?", "7", "joined", {"level": 3}) for n in range(3)
    ]
    mine = [(s.origin, s.draw, s.model, s.text, s.finish_reason) for s in given if s.problem_id == problem_id("1?")]
    assert mine == [
        ("given", 0, "teacher", "<think>\n1?\n</think>\n\nlong", "given"),
        ("given", 1, "small", "1? 0", "given"),
        ("given", 2, "small", "1? 1", "length"),
    ]
    assert stream.license == "apache-2.0, mit"


@pytest.mark.parametrize(
    ("origins", "models"),
    [((), {"teacher", "small"}), (("given",), {"teacher"}), (("sampled",), {"small"})],
)
def test_origins_choose_whose_solutions_are_taken(tmp_path, origins, models):
    collection, given, _ = read(small_run(tmp_path / "first").path, origins=origins)
    assert {sample.model for sample in given} == models
    assert len(collection.problems) == 3


def test_an_origin_that_the_run_does_not_have_is_refused_with_those_it_has(tmp_path):
    path = small_run(tmp_path / "first").path
    with pytest.raises(SourceError, match="no solutions of origin 'sampeld'") as error:
        read(path, origins=("sampeld",))
    assert "did you mean 'sampled'?" in error.value.hint
    with pytest.raises(SourceError, match="no solutions of origin 'long'") as error:
        read(path, origins=("long",))
    assert "given, sampled" in error.value.hint


def test_origins_of_what_is_no_run_are_refused(tmp_path):
    (tmp_path / "a.jsonl").write_text('{"question": "1+1?", "answer": "2", "long": "2"}\n')
    with pytest.raises(SourceError, match="is no run, so `origins` has no effect"):
        read(tmp_path / "a.jsonl", origins=("given",))


def test_a_run_that_has_not_read_its_sources_says_so(tmp_path):
    run = small_run(tmp_path / "first")
    run.problems_file.unlink()
    with pytest.raises(SourceError, match="has not read its sources yet"):
        read(run.path)


def test_the_revision_follows_the_evidence_and_not_the_files(tmp_path):
    run = small_run(tmp_path / "first")
    before = read(run.path)[2].revision
    run.compact()
    run.update_manifest(seconds={"verify": 3.0})
    assert read(run.path)[2].revision == before
    with run.sample_log() as log:
        log.append(to_row(Sample(problem_id("1?"), 2, "sampled", "more", None, "more", "small", max_tokens=9)))
    assert read(run.path)[2].revision != before


def test_a_limit_counts_problems_and_a_failed_request_is_no_solution(tmp_path):
    run = small_run(tmp_path / "first")
    with run.sample_log() as log:
        failed = Sample(problem_id("0?"), 2, "sampled", "", None, "", "small", max_tokens=9, finish_reason="error")
        log.append(to_row(failed))
    collection, given, _ = read(run.path, limit=1)
    assert len(collection.problems) == 1 and len(given) == 3


def test_nothing_is_written_into_the_run(tmp_path):
    run = make_run(tmp_path / "first", 10)
    files = {file: file.stat().st_mtime_ns for file in run.path.rglob("*")}
    read(run.path)
    assert {file: file.stat().st_mtime_ns for file in run.path.rglob("*")} == files
