"""Plain files in: good rows become problems, bad rows become drops, and nothing gets lost."""

import json
from pathlib import Path

import pytest

from pairforge.errors import SourceError
from pairforge.records import Drop
from pairforge.sources import Collection, SourceConfig, collect, read_source


def write(path: Path, *rows: object) -> Path:
    path.write_text("".join(row if isinstance(row, str) else json.dumps(row) + "\n" for row in rows))
    return path


def read(path: Path, **options: object) -> Collection:
    spec = SourceConfig(dataset=path.name, **options)  # type: ignore[arg-type]
    collection = collect([read_source(spec, base_dir=path.parent)])
    collection.kept = list(collection.samples())  # type: ignore[attr-defined]
    return collection


SUM = {"question": "What is 1+1?", "answer": "2", "long": "<think>\nOne and one.\n</think>\n\nIt is \\boxed{2}."}


def test_a_row_becomes_a_problem_with_its_long_solution(tmp_path):
    collection = read(write(tmp_path / "a.jsonl", SUM))
    [problem], [sample] = collection.problems, collection.kept
    assert (problem.question, problem.answer, problem.source) == ("What is 1+1?", "2", "a.jsonl")
    assert problem.rows == ("a.jsonl:1",)
    assert (sample.thought, sample.answer_text) == ("One and one.", "It is \\boxed{2}.")
    assert (sample.origin, sample.draw, sample.finish_reason) == ("given", 0, "given")


def test_the_mapping_renames_columns(tmp_path):
    path = write(tmp_path / "a.jsonl", {"q": "1+1?", "gold": 2, "cot": "two \\boxed{2}", "level": 3, "uid": "x7"})
    mapping = {"question": "q", "answer": "gold", "long": "cot", "meta.level": "level", "id": "uid"}
    collection = read(path, adapter="columns", columns=mapping)
    assert collection.problems[0].answer == "2"
    assert collection.problems[0].meta == {"level": 3}
    assert collection.problems[0].rows == ("a.jsonl:x7",)


def test_a_mapping_to_a_missing_column_shows_the_row_and_its_columns(tmp_path):
    path = write(tmp_path / "a.jsonl", {"problem": "1+1?", "answer": "2"})
    with pytest.raises(SourceError) as error:
        read(path, adapter="columns", columns={"question": "problen"})
    assert "problem, answer" in str(error.value) and "1+1?" in str(error.value)
    assert "did you mean 'problem'" in str(error.value)
    with pytest.raises(SourceError, match="needs the column 'question'"):
        read(path, adapter="columns")


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ('{"question": "cut off", "ans', "broken_json"),
        ('["a", "list"]\n', "not_an_object"),
        ({"question": "no gold?", "answer": None, "long": "x"}, "no_answer"),
        ({"question": "  ", "answer": "2", "long": "x"}, "no_question"),
        ({"question": "structured", "answer": {"value": 2}, "long": "x"}, "no_answer"),
        ({"question": "no column", "long": "x"}, "missing_column"),
        ({"question": "no solution", "answer": "2", "long": None}, "no_solution"),
    ],
)
def test_a_bad_row_is_a_drop_with_its_reason(tmp_path, bad, reason):
    collection = read(write(tmp_path / "a.jsonl", SUM, bad))
    assert len(collection.problems) == 1
    [drop] = collection.drops
    assert (drop.subject, drop.stage, drop.reason) == ("a.jsonl:2", "source", reason)


def test_bytes_that_are_not_utf8_cost_one_row(tmp_path):
    path = write(tmp_path / "a.jsonl", SUM)
    path.write_bytes(path.read_bytes() + b'{"question": "\xff"}\n')
    assert [drop.reason for drop in read(path).drops] == ["not_utf8"]


def test_lone_surrogates_cannot_poison_what_is_written_later(tmp_path):
    row = '{"question": "bad \\ud800 half", "answer": "2", "long": "\\udfff"}\n'
    collection = read(write(tmp_path / "a.jsonl", row))
    assert collection.problems[0].question.encode() == b"bad ? half"
    assert collection.kept[0].text.encode() == b"?"


def test_files_that_hold_nothing_say_so(tmp_path):
    for content in ("", "\n\n"):
        (tmp_path / "a.jsonl").write_text(content)
        with pytest.raises(SourceError, match=r"empty|no rows"):
            read(tmp_path / "a.jsonl")
    with pytest.raises(SourceError, match="no such file"):
        read(tmp_path / "missing.jsonl")
    (tmp_path / "a.csv").write_text("question,answer\n")
    with pytest.raises(SourceError, match=r"cannot read '\.csv'"):
        read(tmp_path / "a.csv")


def test_json_arrays_and_parquet_read_like_jsonl(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    (tmp_path / "a.json").write_text(json.dumps([SUM, 7]))
    assert [drop.reason for drop in read(tmp_path / "a.json").drops] == ["not_an_object"]
    pq.write_table(pa.Table.from_pylist([SUM]), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").problems[0].id == read(tmp_path / "a.json").problems[0].id
    (tmp_path / "b.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(SourceError, match="not a readable parquet"):
        read(tmp_path / "b.parquet")


def test_repeats_merge_and_their_solutions_stand_side_by_side(tmp_path):
    again = {**SUM, "question": "what is  1+1?", "long": "another way: \\boxed{2}"}
    collection = read(write(tmp_path / "a.jsonl", SUM, again, SUM))
    [problem] = collection.problems
    assert problem.rows == ("a.jsonl:1", "a.jsonl:2", "a.jsonl:3")
    assert [sample.draw for sample in collection.kept] == [0, 1]  # the third row's solution is the first one again


def test_repeats_that_disagree_on_gold_are_dropped_row_by_row(tmp_path):
    other = {**SUM, "answer": "3"}
    collection = read(write(tmp_path / "a.jsonl", SUM, other, {**SUM, "answer": "2."}, {**SUM, "question": "2+2?"}))
    assert [problem.question for problem in collection.problems] == ["2+2?"]
    assert [drop.subject for drop in collection.drops] == ["a.jsonl:1", "a.jsonl:2", "a.jsonl:3"]
    assert {drop.reason for drop in collection.drops} == {"repeat_gold_differs"}
    assert "'3' in a.jsonl:2" in collection.drops[0].detail


def test_every_row_is_accounted_for_in_the_summary(tmp_path):
    path = write(tmp_path / "a.jsonl", SUM, SUM, {"question": "q", "answer": None}, "{broken\n")
    collection = read(path)
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert (summary.adapter, summary.rows, summary.problems, summary.given_samples) == ("columns", 4, 1, 1)
    assert summary.drops == {"no_answer": 1, "broken_json": 1}
    assert (summary.gold, summary.gold_counts) == ("dataset", {"dataset": 1})
    assert summary.rows == sum(len(p.rows) for p in collection.problems) + len(collection.drops)


def test_limit_bounds_the_rows_read(tmp_path):
    path = write(tmp_path / "a.jsonl", *({**SUM, "question": f"{i}?"} for i in range(99)))
    assert len(read(path, limit=40).problems) == 40


def test_the_stream_tells_drops_and_problems_apart(tmp_path):
    stream = read_source(SourceConfig(dataset="a.jsonl"), base_dir=write(tmp_path / "a.jsonl", SUM, "{").parent)
    assert [isinstance(found, Drop) for found in stream] == [False, True]
    assert stream.rows == 2 and stream.revision.startswith("sha256:")


def test_gsm8k_gives_gold_and_the_human_solution_as_a_rejected_one(tmp_path):
    answer = "He has 48/2 = <<48/2=24>>24 left.\nThat is $<<24*50=1200>>1,200.\n#### 1,200"
    collection = read(write(tmp_path / "a.jsonl", {"question": "How much?", "answer": answer}))
    assert collection.problems[0].answer == "1200"
    [human] = collection.kept
    assert human.side == "rejected"
    assert human.text == "He has 48/2 = 24 left.\nThat is $1,200.\nThe answer is \\boxed{1200}."


def test_gsm8k_takes_a_long_column_when_someone_added_one(tmp_path):
    row = {"question": "How much?", "answer": "Easy.\n#### 3", "long": "<think>\nhm\n</think>\n\n\\boxed{3}"}
    collection = read(write(tmp_path / "a.jsonl", row))
    assert [(s.draw, s.side) for s in collection.kept] == [(0, "any"), (1, "rejected")]
