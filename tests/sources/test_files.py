"""Plain files in: good rows become problems, bad rows become drops, and nothing gets lost."""

import csv
import gzip
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
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
    with pytest.raises(SourceError, match="no rows"):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("ending", [".xlsx", ".arrow", ".parquet.gz", ".tar.gz", ".jsonl.xz"])
def test_a_format_that_is_not_read_is_refused_by_its_name(tmp_path, ending):
    (tmp_path / f"a{ending}").write_bytes(b"content")
    with pytest.raises(SourceError, match=f"cannot read '.*{ending.rpartition('.')[2]}'") as error:
        read(tmp_path / f"a{ending}")
    assert ".csv" in error.value.hint


def as_csv(rows: list[dict[str, str]], delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode("utf-8-sig")


@pytest.mark.parametrize("compression", ["", ".gz", ".zst"])
@pytest.mark.parametrize("ending", [".jsonl", ".json", ".csv", ".tsv"])
def test_every_text_format_reads_alike_compressed_or_not(tmp_path, ending, compression):
    rows = [{**SUM, "question": f'Say "{n}",\tthen {n}+1?', "answer": f"0{n}", "long": "w" * 200_000} for n in (1, 2)]
    if ending == ".jsonl":
        content = "".join(json.dumps(row) + "\n" for row in rows).encode()
    else:
        content = json.dumps(rows).encode() if ending == ".json" else as_csv(rows, "\t" if ending == ".tsv" else ",")
    path = tmp_path / f"a{ending}{compression}"
    with pa.output_stream(str(path), compression={".gz": "gzip", ".zst": "zstd"}.get(compression)) as file:
        file.write(content)
    collection = read(path)
    assert [(p.question, p.answer) for p in collection.problems] == [(r["question"], r["answer"]) for r in rows]
    assert [sample.text for sample in collection.kept] == [row["long"] for row in rows]


def test_a_bad_row_of_a_csv_is_a_drop_with_its_place(tmp_path):
    lines = [b"question,answer,long", b"1+1?,2,\\boxed{2}", b"2+2?,4", b'"3+3?"x,6,y', b"4+4?,8,\xff", b"5+5?,10,z"]
    (tmp_path / "a.csv").write_bytes(b"\n".join(lines))
    collection = read(tmp_path / "a.csv")
    assert [problem.rows for problem in collection.problems] == [("a.csv:2",), ("a.csv:6",)]
    assert [(drop.subject, drop.reason) for drop in collection.drops] == [
        ("a.csv:3", "broken_csv"),
        ("a.csv:4", "broken_csv"),
        ("a.csv:5", "not_utf8"),
    ]
    assert "column 'long'" in collection.drops[2].detail


def test_a_csv_whose_columns_have_no_clear_names_is_refused(tmp_path):
    (tmp_path / "a.csv").write_text("question,answer,answer\n1+1?,2,2\n")
    with pytest.raises(SourceError, match="column 'answer' occurs twice"):
        read(tmp_path / "a.csv")


def test_a_compressed_file_that_was_cut_says_so(tmp_path):
    rows = "".join(json.dumps({**SUM, "question": f"{n}?"}) + "\n" for n in range(2000)).encode()
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(rows)[:-30])
    with pytest.raises(SourceError, match=r"a\.jsonl\.gz cannot be read"):
        read(tmp_path / "a.jsonl.gz")
    (tmp_path / "b.jsonl.gz").write_bytes(rows)
    with pytest.raises(SourceError, match=r"b\.jsonl\.gz cannot be read"):
        read(tmp_path / "b.jsonl.gz")


def not_utf8() -> pa.Array:
    """Two strings, the second of which is no UTF-8, as a careless writer stores them."""
    offsets = pa.array([0, 2, 4], pa.int32()).buffers()[1]
    return pa.Array.from_buffers(pa.string(), 2, [None, offsets, pa.py_buffer(b"ok\xff\xfe")])


@pytest.mark.parametrize(
    "column",
    [not_utf8(), pa.array([1, 10**18], pa.duration("s")), pa.array([0, 10**15], pa.timestamp("ms"))],
    ids=["text", "duration", "timestamp"],
)
def test_a_parquet_value_that_cannot_be_read_costs_one_row_and_names_its_column(tmp_path, column):
    table = pa.table({"question": ["1+1?", "2+2?"], "answer": ["2", "4"], "long": ["\\boxed{2}"] * 2, "odd": column})
    pq.write_table(table, tmp_path / "a.parquet")
    collection = read(tmp_path / "a.parquet", adapter="columns", columns={"meta.odd": "odd"})
    assert [problem.question for problem in collection.problems] == ["1+1?"]
    [drop] = collection.drops
    assert (drop.subject, drop.reason) == ("a.parquet:2", "unreadable_value")
    assert "column 'odd'" in drop.detail


def test_a_duration_travels_as_text(tmp_path):
    table = pa.table({**{k: [v] for k, v in SUM.items()}, "took": pa.array([1500], pa.duration("ms"))})
    pq.write_table(table, tmp_path / "a.parquet")
    collection = read(tmp_path / "a.parquet", columns={"meta.took": "took"})
    assert collection.problems[0].meta == {"took": "0:00:01.500000"}


def test_json_arrays_and_parquet_read_like_jsonl(tmp_path):
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
    [summary] = collection.summaries(collection.problems, collection.drops)
    assert (summary.given_samples, summary.repeated_given) == (2, 1)


def test_a_column_may_hold_a_list_of_solutions(tmp_path):
    row = {"q": "1+1?", "a": "2", "tries": ["one \\boxed{2}", None, "two \\boxed{3}"], "brief": ["\\boxed{2}"]}
    mapping = {"question": "q", "answer": "a", "long": "tries", "short": "brief"}
    collection = read(write(tmp_path / "a.jsonl", row), adapter="columns", columns=mapping)
    assert [(s.text, s.side) for s in collection.kept] == [
        ("one \\boxed{2}", "any"),
        ("two \\boxed{3}", "any"),
        ("\\boxed{2}", "rejected"),
    ]


def test_lists_of_thoughts_and_answers_go_together(tmp_path):
    row = {"question": "1+1?", "answer": "2", "long": ["It is 2.", "2!"], "thought": ["Hm.", "Well."]}
    collection = read(write(tmp_path / "a.jsonl", row, {**row, "question": "no?", "thought": ["Hm."]}))
    assert [(s.thought, s.answer_text) for s in collection.kept] == [("Hm.", "It is 2."), ("Well.", "2!")]
    [drop] = collection.drops
    assert (drop.reason, drop.detail) == ("no_solution", "'long' holds 2 solutions and 'thought' 1")


def test_a_wrong_adapter_names_the_one_that_reads_the_rows_and_why(tmp_path):
    row = {"problem": "1+1?", "answer": "2", "generations": ["It is \\boxed{2}."]}
    path = write(tmp_path / "a.jsonl", row)
    with pytest.raises(SourceError) as error:
        read(path, adapter="limo")
    assert "`adapter: openr1-math` reads these rows: they have its columns problem, answer, generations" in (
        error.value.hint
    )


def test_an_adapter_that_could_read_but_does_not_know_the_rows_is_told(tmp_path):
    row = {"question": "1+1?", "answer": "It is 2.\n#### 2"}
    stream = read_source(
        SourceConfig(dataset=str(write(tmp_path / "a.jsonl", row)), adapter="columns"), base_dir=tmp_path
    )
    assert stream.notes == [], "`columns` takes anything"
    plain = {"question": "1+1?", "answer": "2", "long": "\\boxed{2}"}
    stream = read_source(
        SourceConfig(dataset=str(write(tmp_path / "b.jsonl", plain)), adapter="gsm8k"), base_dir=tmp_path
    )
    assert "`adapter: columns` reads these rows" in stream.notes[0]


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
