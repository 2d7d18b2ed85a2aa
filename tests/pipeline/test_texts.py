"""Every pair gets its own texts, whatever the order of the samples and the size of a batch."""

import polars as pl
import pytest

from pairforge.pipeline import pair_texts
from pairforge.pipeline.pair_texts import batches_with_texts
from pairforge.records import Sample, to_row
from pairforge.run import Run

PROBLEMS = [f"p{i:03}" for i in range(50)]


def sample(problem, origin, draw=0, text=""):
    return Sample(problem, draw, origin, text or f"{problem} {origin} {draw}", None, "", "m", max_tokens=draw)


@pytest.fixture
def run(tmp_path):
    """Given solutions in the order of the problems, sampled ones in another, some of them still in the log."""
    run = Run(tmp_path)
    with run.given_writer() as add:
        add([sample(p, "given") for p in PROBLEMS])
    for drawn in (PROBLEMS[::-2], PROBLEMS[::3]):
        run.compact()
        with run.sample_log() as log:
            for problem in drawn:
                log.append(to_row(sample(problem, "sampled", 1)))
                log.append(to_row(sample(problem, "sampled", 2)))
    return run


def pair(problem, draw):
    return {
        "problem_id": problem,
        "chosen_key": f"{problem}/given/0/0",
        "rejected_key": f"{problem}/sampled/{draw}/{draw}",
    }


@pytest.mark.parametrize("size", [1, 3, 1000])
def test_every_batch_has_the_samples_its_pairs_name_and_no_others(run, size, monkeypatch):
    monkeypatch.setattr(pair_texts, "PAIRS_PER_BATCH", size)
    drawn = [p for p in PROBLEMS if p in {*PROBLEMS[::-2], *PROBLEMS[::3]}]
    pairs = pl.DataFrame([pair(problem, draw) for problem in drawn for draw in (1, 2)])
    seen = 0
    for batch, found in batches_with_texts(run, pairs):
        assert set(found) == {*batch["chosen_key"], *batch["rejected_key"]}
        for key, one in found.items():
            problem, origin, draw, _ = key.split("/")
            assert one.text == f"{problem} {origin} {draw}"
        seen += batch.height
    assert seen == pairs.height and not list(run.path.glob(".texts*"))


def test_without_pairs_there_is_no_batch(run):
    empty = pl.DataFrame(schema={"problem_id": pl.String, "chosen_key": pl.String, "rejected_key": pl.String})
    assert list(batches_with_texts(run, empty)) == []


def test_nothing_is_left_when_the_reader_stops_early(run):
    batches = batches_with_texts(run, pl.DataFrame([pair(PROBLEMS[0], 1)]))
    next(batches)
    batches.close()
    assert not list(run.path.glob(".texts*"))
