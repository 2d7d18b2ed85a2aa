"""Rows of JSON Lines files, whole and damaged; a log's torn last line is covered with the log."""

import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pairforge.rowfiles import BadRow, iter_rows, read_json_lines

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner), max_leaves=5
)


@given(rows=st.lists(st.dictionaries(st.text(), values)), ascii_only=st.booleans())
def test_what_is_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list, ascii_only: bool):
    file = tmp_path_factory.mktemp("rows") / "a.jsonl"
    lines = [json.dumps(row, ensure_ascii=ascii_only) for row in rows]
    file.write_bytes("".join(f"{line}\n" for line in lines).encode("utf-8", "surrogatepass"))
    found = list(read_json_lines(file))
    assert [number for number, _ in found] == list(range(1, len(rows) + 1))
    for line, (_, row) in zip(lines, found, strict=True):
        assert row == json.loads(line) or isinstance(row, BadRow)


@pytest.mark.parametrize(
    ("line", "reason"),
    [(b'{"a": ', "broken_json"), (b"[1, 2]", "not_an_object"), (b'{"a": "\xff"}', "not_utf8"), (b"nul", "broken_json")],
)
def test_a_bad_line_says_why_and_costs_nothing_else(tmp_path: Path, line: bytes, reason: str):
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n' + line + b'\n{"a": 2}')
    first, bad, last = read_json_lines(tmp_path / "a.jsonl")
    assert (first, last) == ((1, {"a": 1}), (4, {"a": 2}))
    assert bad[0] == 3 and isinstance(bad[1], BadRow) and bad[1].reason == reason
    assert list(read_json_lines(tmp_path / "a.jsonl", whole_lines=True)) == [first, bad]


def test_parquet_rows_come_in_order_with_the_columns_asked_for(tmp_path: Path):
    pq.write_table(pa.table({"a": range(10), "b": list("abcdefghij")}), tmp_path / "a.parquet", row_group_size=3)
    rows = list(iter_rows(tmp_path / "a.parquet", ["b"], rows_at_a_time=4))
    assert rows == [{"b": letter} for letter in "abcdefghij"]
