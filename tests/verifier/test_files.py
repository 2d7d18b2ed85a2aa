"""Grading files: every row comes out, whatever is wrong with it."""

import csv
import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.errors import VerifierError
from pairforge.intervals import exact_share
from pairforge.records import STATUSES, Status, Verdict
from pairforge.verifier import Verifier, explain
from pairforge.verifier.files import Row, Tally, choose_columns, grade_rows, read_rows


def graded(path: Path, **columns: str) -> list[tuple[str, str]]:
    with Verifier(workers=1) as verifier:
        return [(v.sample_key, v.status) for _, v in grade_rows(read_rows(path, **columns), verifier)]


def test_bad_rows_are_recorded_and_the_others_graded(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    lines = [
        json.dumps({"q": "5", "a": "\\boxed{5}"}),
        json.dumps({"q": "5"}),
        "[1]",
        json.dumps({"q": 7, "a": "\\boxed{7}"}),
        '{"q": "5", "a',
    ]
    path.write_text("\n".join(lines))
    assert graded(path, gold="q", response="a") == [
        ("0", "correct"), ("1", "error"), ("2", "error"), ("3", "correct"), ("4", "error"),
    ]  # fmt: skip


def test_lists_of_responses_and_named_rows(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"n": "p1", "q": "5", "a": ["\\boxed{5}", "\\boxed{6}", None]}))
    assert graded(path, gold="q", response="a", id_column="n") == [
        ("p1/0", "correct"),
        ("p1/1", "incorrect"),
        ("p1/2", "no_answer"),
    ]


def test_parquet(tmp_path: Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = tmp_path / "a.parquet"
    rows = {"q": ["5", "6"], "a": ["\\boxed{5}", "I stop in the mid"], "finish_reason": ["stop", "length"]}
    pq.write_table(pa.table(rows), path)
    assert graded(path, gold="q", response="a") == [("0", "correct"), ("1", "truncated")]
    path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(VerifierError, match="parquet"):
        graded(path, gold="q", response="a")


def test_a_missing_column_or_file_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps({"question": "5", "answer": "5"}))
    with pytest.raises(VerifierError, match=r"no column gold[\s\S]*question, answer"):
        graded(path, gold="gold", response="answer")
    with pytest.raises(VerifierError, match="no such file"):
        graded(tmp_path / "b.jsonl", gold="gold", response="answer")


def test_explain_names_every_step():
    steps = dict(explain("50\\%", "<think>half</think>The percentage is \\boxed{50}."))
    assert steps["gold answer"].startswith("50\\%") and steps["answer"].startswith("50 ")
    assert "percent" in steps["percent"] and steps["decision"].startswith("correct")


# --- CSV ------------------------------------------------------------------------------------------------------------

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=30)


def write_csv(path: Path, rows: list[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def test_a_csv_is_read_as_text(tmp_path: Path):
    path = tmp_path / "a.csv"
    rows = [
        ["007", "0.50", "first\n\nso \\boxed{1/2}", "stop"],
        ["8", "3,000", "3000", "stop"],
        ["9", "1", "", "length"],
    ]
    write_csv(path, [["id", "gold", "response", "finish_reason"], *rows])
    found = list(read_rows(path, gold="gold", response="response", id_column="id"))
    assert [[row.id, row.gold, row.response, row.finish_reason] for row in found] == rows
    statuses = dict(graded(path, gold="gold", response="response", id_column="id"))
    assert (statuses["007"], statuses["8"]) == ("correct", "correct") and statuses["9"] not in ("correct", "incorrect")


@given(rows=st.lists(st.tuples(TEXT, TEXT), max_size=8))
def test_any_text_comes_out_of_a_csv_as_it_went_in(rows: list[tuple[str, str]]):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "a.csv"
        write_csv(path, [["gold", "response"], *map(list, rows)])
        assert [(row.gold, row.response) for row in read_rows(path, gold="gold", response="response")] == rows


@pytest.mark.parametrize("bad", [[2], [4], [2, 3, 5], [2, 3, 4, 5]], ids=str)
def test_a_bad_record_of_a_csv_comes_out_in_its_place(tmp_path: Path, bad: list[int]):
    path = tmp_path / "a.csv"
    records = {n: ["5", "5", "more"] if n % 2 else ["5"] for n in bad}
    write_csv(path, [["gold", "response"], *(records.get(n, ["5", "so\n5"]) for n in range(2, 6))])
    rows = list(read_rows(path, gold="gold", response="response"))
    assert [f"record {n} has" in row.problem for n, row in enumerate(rows, 2)] == [n in bad for n in range(2, 6)]
    assert [row.number for row in rows] == [0, 1, 2, 3]


def test_a_csv_that_cannot_be_read_is_a_clear_error(tmp_path: Path):
    path = tmp_path / "a.csv"
    for content, words in ((b"", "cannot be read as csv"), (b"gold,response\n\xff,5\n", "cannot be read as csv")):
        path.write_bytes(content)
        with pytest.raises(VerifierError, match=words):
            list(read_rows(path, gold="gold", response="response"))
    path.write_text("q,a\n5,5\n")
    with pytest.raises(VerifierError, match=r"no column gold[\s\S]*q, a"):
        list(read_rows(path, gold="gold", response="a"))


# --- columns ----------------------------------------------------------------------------------------------------------


def write(path: Path, columns: list[str]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix == ".csv":
        write_csv(path, [columns, ["5"] * len(columns)])
    elif path.suffix == ".parquet":
        pq.write_table(pa.table({name: ["5"] for name in columns}), path)
    else:
        path.write_text("no JSON\n" + json.dumps(dict.fromkeys(columns, "5")))
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet", ".csv"])
@pytest.mark.parametrize(
    ("columns", "named", "chosen"),
    [
        (["id", "question", "answer", "completion"], {}, ("answer", "completion", "id")),
        (["gt", "prediction"], {}, ("gt", "prediction", None)),
        (["ground_truth", "output", "name"], {"id_column": "name"}, ("ground_truth", "output", "name")),
        (["gold", "answer"], {"response": "answer"}, ("gold", "answer", None)),
        (["response", "completion"], {"gold": "response"}, ("response", "completion", None)),
        (["q", "a", "id"], {"gold": "q", "response": "a"}, ("q", "a", "id")),
        (["id", "response"], {"gold": "id"}, ("id", "response", None)),
    ],
)
def test_columns_with_usual_names_need_not_be_named(
    tmp_path: Path, suffix: str, columns: list[str], named: dict[str, str], chosen: tuple[str, str, str | None]
):
    found = choose_columns(write(tmp_path / f"a{suffix}", columns), **named)
    assert (found.gold, found.response, found.id) == chosen


@pytest.mark.parametrize(
    ("columns", "named", "words"),
    [
        (["question", "response"], {}, r"gold answers \(usual names: gold, .*--gold; the file has: question, response"),
        (["gold", "answer", "response"], {}, r"gold answers: gold, answer\b.*choose one with --gold"),
        (["gold", "q"], {}, r"responses \(usual names: .*--response; the file has: gold, q"),
        (["answer", "completion", "output"], {}, r"responses: completion, output\b.*choose one with --response"),
        (["answer", "x"], {"response": "answer"}, r"gold answers \(usual"),
    ],
)
def test_no_column_or_several_that_fit_are_a_clear_error(
    tmp_path: Path, columns: list[str], named: dict[str, str], words: str
):
    with pytest.raises(VerifierError, match=f"(?s){words}"):
        choose_columns(write(tmp_path / "a.jsonl", columns), **named)


# --- counting ---------------------------------------------------------------------------------------------------------


def test_an_empty_list_of_responses_is_a_row_that_says_so(tmp_path: Path):
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps({"gold": "5", "response": r}) for r in (["5"], [], ["5", "6"])))
    with Verifier(workers=1) as verifier:
        verdicts = [v for _, v in grade_rows(read_rows(path, gold="gold", response="response"), verifier)]
    assert [(v.sample_key, v.status) for v in verdicts] == [
        ("0/0", "correct"), ("1", "no_answer"), ("2/0", "correct"), ("2/1", "incorrect"),
    ]  # fmt: skip
    assert "empty" in verdicts[1].detail


def tally(*rows: list[Status]) -> Tally:
    made = Tally()
    for number, statuses in enumerate(rows):
        for status in statuses:
            made.add(Row("", "", "", number=number), Verdict("", status, "", "", "", ""))
    return made


@given(st.lists(st.sampled_from(STATUSES), min_size=1))
def test_everything_but_correct_counts_as_wrong(statuses: list[Status]):
    counted = tally(*[[status] for status in statuses])
    assert counted.accuracy == exact_share(statuses.count("correct"), len(statuses))
    assert counted.undecided == sum(s in ("gold_unparsed", "refused", "timeout", "error") for s in statuses)


def test_responses_to_one_question_are_not_independent():
    many = tally(*[["correct"] * 8, ["incorrect"] * 8] * 10).accuracy
    few = tally(*[["correct"], ["incorrect"]] * 10).accuracy
    assert many and few and many.value == few.value == 0.5
    assert many.high - many.low > 0.9 * (few.high - few.low)


def test_nothing_counted_has_no_accuracy():
    assert tally().accuracy is None and tally().undecided == 0
