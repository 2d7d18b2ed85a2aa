"""Numbers and labels joined from files, and the rules that read them."""

import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from typer.testing import CliRunner

from pairforge.cli import app, scores, views  # noqa: F401  (importing registers the commands)
from pairforge.errors import RecipeError, RuleError, RunError
from pairforge.pipeline import make_view, open_session
from pairforge.run import Run, read_score, read_view, score_names, score_record, view_pairs
from pairforge.scores.join import check_name, join_scores
from tests.synthetic import make_run


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run", 12)


@pytest.fixture
def keys(run: Run) -> list[str]:
    """The keys of the sampled solutions."""
    return [sample.key for sample in run.sampled()]


def write(file: Path, rows: list[dict[str, Any]]) -> Path:
    table = pl.DataFrame(rows)
    match file.suffix:
        case ".csv":
            table.write_csv(file)
        case ".parquet":
            table.write_parquet(file)
        case _:
            file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".parquet"])
def test_a_rule_reads_a_score_of_the_solutions(run: Run, keys: list[str], tmp_path: Path, suffix: str):
    values = {key: n / 10 for n, key in enumerate(keys)}
    file = write(tmp_path / f"q{suffix}", [{"sample_key": key, "quality": value} for key, value in values.items()])
    joined = join_scores(run, file, "quality")
    assert (joined.rows, joined.matched, joined.possible) == (len(keys), len(keys), len(keys) + 12)
    make_view(open_session(run, ["filter.where=rejected_quality >= 0.5"]), "good")
    pairs = view_pairs(run, "good")
    assert pairs and all(values[pair["rejected_key"]] >= 0.5 for pair in pairs)
    assert read_view(run, "good").scores == {"quality": joined.record.digest}


def test_a_score_of_the_problems_is_matched_by_question_whatever_its_spaces(run: Run, tmp_path: Path):
    rows = [
        {"question": f"  {p.question.upper()} ", "level": f"level {n % 3}"} for n, p in enumerate(run.each_problem())
    ]
    levels = {p.id: f"level {n % 3}" for n, p in enumerate(run.each_problem())}
    assert join_scores(run, write(tmp_path / "l.jsonl", rows), "level").matched == 12
    make_view(open_session(run, ["filter.where=level != 'level 0'"]), "hard")
    assert {levels[pair["problem_id"]] for pair in view_pairs(run, "hard")} == {"level 1", "level 2"}
    make_view(open_session(run, ["filter.caps=[{by: level, max: 1}]"]), "capped")
    assert len(view_pairs(run, "capped")) == 3


def test_every_place_that_takes_a_column_takes_a_score(run: Run, keys: list[str], tmp_path: Path):
    rows = [{"sample_key": key, "reward": float(n)} for n, key in enumerate(keys)]
    values = {row["sample_key"]: row["reward"] for row in rows}
    join_scores(run, write(tmp_path / "r.jsonl", rows), "reward")
    make_view(open_session(run, ["filter.band={by: rejected_reward, keep: largest, n: 1}"]), "band")
    make_view(open_session(run), "all")
    best = max(values[pair["rejected_key"]] for pair in view_pairs(run, "all"))
    assert [values[pair["rejected_key"]] for pair in view_pairs(run, "band")] == [best]
    make_view(open_session(run, ["filter.rejected.quality={reward: {max: 5}}"]), "low")
    assert all(values[pair["rejected_key"]] <= 5 for pair in view_pairs(run, "low"))


def test_every_row_is_counted(run: Run, keys: list[str], tmp_path: Path):
    rows = [
        {"sample_key": keys[0], "quality": 1},
        {"sample_key": keys[0], "quality": 1},
        {"sample_key": keys[0], "quality": 2},
        {"sample_key": "elsewhere/sampled/0/64", "quality": 3},
        {"sample_key": keys[1], "quality": None},
        {"quality": 4},
        {"sample_key": keys[2], "quality": float("nan")},
    ]
    joined = join_scores(run, write(tmp_path / "q.jsonl", rows), "quality")
    assert joined.record.counts == {
        "rows": 7, "matched": 1, "unmatched": 1, "doubled": 2, "conflicting": 1, "empty": 3,
    }  # fmt: skip
    assert joined.examples == ("elsewhere/sampled/0/64",)
    assert read_score(run, "quality").rows() == [(keys[0], 1.0)]


def test_another_version_keeps_the_one_before(run: Run, keys: list[str], tmp_path: Path):
    first, second = (
        join_scores(run, write(tmp_path / f"{n}.jsonl", [{"sample_key": keys[0], "quality": n}]), "quality")
        for n in (1, 2)
    )
    again = join_scores(run, tmp_path / "2.jsonl", "quality")
    assert first.record.digest != second.record.digest == again.record.digest
    kept = run.score_version_file("quality", first.record.digest)
    assert pl.read_parquet(kept)["quality"].to_list() == [1.0]
    assert score_names(run) == ["quality"] and len(list(run.scores_folder.iterdir())) == 2


def test_the_order_of_the_rows_changes_nothing(run: Run, keys: list[str], tmp_path: Path):
    rows = [{"sample_key": key, "quality": n} for n, key in enumerate(keys)]
    one = join_scores(run, write(tmp_path / "a.jsonl", rows), "quality").record
    two = join_scores(run, write(tmp_path / "b.jsonl", rows[::-1]), "quality").record
    assert one.digest == two.digest


@pytest.mark.parametrize("name", ["status", "gap", "pass_rate", "and", "abs", "chosen_x", "n_correct_a", "repetition"])
def test_names_that_rules_use_are_refused(run: Run, name: str):
    with pytest.raises(RunError, match="of that name"):
        check_name(run, name)


@pytest.mark.parametrize("name", ["", "../x", "a b", "1st", "x" * 99])
def test_names_that_no_expression_can_say_are_refused(run: Run, name: str):
    with pytest.raises(RunError, match="cannot name a score"):
        check_name(run, name)


def test_two_scores_cannot_share_a_column(run: Run, keys: list[str], tmp_path: Path):
    join_scores(run, write(tmp_path / "q.jsonl", [{"sample_key": keys[0], "quality": 1}]), "quality")
    with pytest.raises(RunError, match="'quality' has a column"):
        check_name(run, "other", ["quality"])


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"sample_key": "x", "quality": 1}], "no row of the file matches the run by sample_key"),
        ([{"sample_key": "x", "quality": 1}, {"sample_key": "y", "quality": "high"}], "line 2: .* of another kind"),
        ([{"sample_key": "x", "quality": [1]}], "line 1: 'quality' is .*, no number or text"),
        ([{"sample_key": "x", "other": 1}], "no column 'quality'"),
        ([{"id": "x", "quality": 1}], "none of the columns sample_key"),
    ],
)
def test_a_file_that_cannot_be_joined_is_refused(run: Run, tmp_path: Path, rows: list, message: str):
    with pytest.raises(RunError, match=message):
        join_scores(run, write(tmp_path / "q.jsonl", rows), "quality")
    assert score_names(run) == []


def test_a_broken_file_is_refused_with_its_line(run: Run, tmp_path: Path):
    file = tmp_path / "q.jsonl"
    file.write_text('{"sample_key": "x", "quality": 1}\n{"sample_key": "x", "qua')
    with pytest.raises(RunError, match="line 2: broken_json"):
        join_scores(run, file, "quality")
    (tmp_path / "q.parquet").write_bytes(b"PAR1 not")
    with pytest.raises(RunError, match="cannot be read as parquet"):
        join_scores(run, tmp_path / "q.parquet", "quality")


def test_a_name_that_no_score_has_is_refused_with_those_there_are(run: Run, keys: list[str], tmp_path: Path):
    join_scores(run, write(tmp_path / "q.jsonl", [{"sample_key": keys[0], "quality": 1}]), "quality")
    with pytest.raises((RuleError, RecipeError), match="no column 'qualty'") as raised:
        make_view(open_session(run, ["filter.where=qualty > 1"]), "x")
    assert "rejected_quality" in raised.value.hint


def test_scores_of_given_solutions_go_when_the_sources_are_read_again(run: Run, keys: list[str], tmp_path: Path):
    given = next(iter(run.given())).key
    rows = [{"sample_key": key, "quality": 1} for key in (given, keys[0])]
    before = join_scores(run, write(tmp_path / "q.jsonl", rows), "quality").record
    run.forget_sources()
    assert read_score(run, "quality")["sample_key"].to_list() == [keys[0]]
    assert run.score_version_file("quality", before.digest).exists()


def test_the_command_joins_lists_and_fails_in_json(run: Run, keys: list[str], tmp_path: Path):
    def call(*words: object) -> tuple[int, Any]:
        result = CliRunner().invoke(app, ["score", str(run.path), *map(str, words), "--json"])
        return result.exit_code, json.loads(result.stdout)

    file = write(tmp_path / "q.csv", [{"id": keys[0], "good": True}, {"id": "x", "good": False}])
    code, joined = call("--from", file, "--name", "quality", "--column", "good", "--by", "sample_key", "--key", "id")
    assert code == 0 and (joined["counts"]["matched"], joined["counts"]["unmatched"]) == (1, 1)
    assert joined["unmatched_examples"] == ["x"] and joined["possible"] == len(keys) + 12
    assert call() == (0, [score_record(run, "quality").model_dump(mode="json")])
    code, failed = call("--from", file)
    assert code == 1 and "needs a name" in failed["error"]


def test_the_command_says_what_became_of_every_row(run: Run, keys: list[str], tmp_path: Path):
    rows = [{"sample_key": key, "quality": 1} for key in (keys[0], keys[0], "x")]
    file = write(tmp_path / "q.jsonl", rows)
    words = ["score", str(run.path), "--from", str(file), "--name", "quality"]
    text = " ".join(CliRunner().invoke(app, words).stdout.split())
    assert f"1 of {len(keys) + 12} solutions have the score 'quality'" in text
    assert "1 of 3 rows are unmatched" in text and "1 of 3 rows are doubled" in text
    listed = CliRunner().invoke(app, words[:2]).stdout
    assert "chosen_quality," in listed and "rejected_quality" in listed
