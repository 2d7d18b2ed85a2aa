"""The command line as scripts and people meet it: one line and a hint, or one JSON object, whatever goes wrong."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from pairforge.cli.console import plain
from tests.test_layers import HARD, OPTIONAL, SLOW

ROOT = Path(__file__).parent.parent.parent

RECIPE = """
sources: [{dataset: DATA, adapter: columns, columns: {long: long}}]
generator: null
filter:
  tokenizer: STUDENT
  rejected: {origin: given, status: correct}
"""
GOOD = '{"question": "What is 1+1?", "answer": "2", "long": "Well, one and one. \\\\boxed{2}"}\n'


def pairforge(*arguments: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    import os

    env = {**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200", "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "pairforge", *arguments]
    return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, timeout=300)


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    file = tmp_path / "recipe.yaml"
    text = RECIPE.replace("DATA", str(tmp_path / "data.jsonl")).replace("STUDENT", str(tmp_path / "none"))
    file.write_text(text)
    return file


def test_help_names_every_command():
    done = pairforge("--help")
    assert done.returncode == 0
    for command in ("demo", "check", "build", "sample", "verify", "filter", "show", "grade", "schema"):
        assert command in done.stdout


def test_help_loads_nothing_heavy():
    """That is what makes it fast, on any machine."""
    code = (
        "import atexit, runpy, sys; sys.argv = ['pairforge', '--help'];"
        "atexit.register(lambda: print(*{name.split('.')[0] for name in sys.modules}, file=sys.stderr));"
        "runpy.run_module('pairforge', run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    loaded = set(done.stderr.split())
    assert "typer" in loaded
    assert not loaded & ((OPTIONAL | SLOW | HARD) | {"pydantic"})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (None, ["data.jsonl"]),
        ("", ["data.jsonl", "empty"]),
        ('{"q": "What?", "answer": "2"}\n', ["data.jsonl", "long", "columns"]),
        ("not json at all\n", ["data.jsonl"]),
    ],
    ids=["missing file", "empty file", "missing column", "no json"],
)
def test_bad_data_is_one_error_with_the_file_and_a_way_out(recipe: Path, content: str | None, words: list[str]):
    if content is not None:
        (recipe.parent / "data.jsonl").write_text(content)
    done = pairforge("build", str(recipe), "--run", str(recipe.parent / "run"))
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    for word in words:
        assert word in done.stderr


def test_a_truncated_line_is_a_drop_and_the_rest_goes_on(recipe: Path):
    (recipe.parent / "data.jsonl").write_text(GOOD + '{"question": "What is 2+2?", "ans')
    done = pairforge("check", str(recipe), "--json")
    source = json.loads(done.stdout)["sources"][0]
    assert source["problems"] == 1
    assert sum(source["drops"].values()) == 1


def test_repeated_and_unparsable_problems_are_counted(recipe: Path):
    rows = [GOOD, GOOD.replace("What is", "what  is"), GOOD.replace("1+1", "3+3").replace('"2"', "null")]
    (recipe.parent / "data.jsonl").write_text("".join(rows))
    source = json.loads(pairforge("check", str(recipe), "--json").stdout)["sources"][0]
    assert (source["rows"], source["problems"]) == (3, 1)
    assert sum(source["drops"].values()) == 1


def test_a_missing_student_is_named(recipe: Path):
    (recipe.parent / "data.jsonl").write_text(GOOD)
    done = pairforge("build", str(recipe), "--run", str(recipe.parent / "run"), "--json")
    assert done.returncode == 1
    assert "no tokenizer" in json.loads(done.stdout)["error"]


def test_a_missing_sampler_is_named(recipe: Path):
    (recipe.parent / "data.jsonl").write_text(GOOD)
    set_model = "generator={engine: {model: ./no-such-model}}"
    done = pairforge(
        "build",
        str(recipe),
        "--run",
        str(recipe.parent / "run"),
        "--set",
        set_model,
        "--set",
        "filter.tokenizer=pairforge:nano",
    )
    assert done.returncode == 1
    assert "no-such-model" in done.stderr and "Traceback" not in done.stderr


def test_a_typo_in_an_override_names_the_nearest_key(recipe: Path):
    done = pairforge("check", str(recipe), "--set", "filter.gpa.min=3")
    assert done.returncode == 1
    assert "did you mean 'gap'" in done.stderr


def test_usage_errors_exit_with_2():
    assert pairforge("build").returncode == 2
    assert pairforge("no-such-command").returncode == 2


def test_an_unknown_run_is_named(tmp_path: Path):
    done = pairforge("show", "nothing", cwd=tmp_path)
    assert done.returncode == 1
    assert "there is no run at 'nothing'" in done.stderr


def test_shards_are_sampled_from_a_recipe_and_merged(recipe: Path, tmp_path: Path):
    rows = [{"question": f"What is {n}+1?", "answer": f"{n + 1}", "long": f"\\boxed{{{n + 1}}}"} for n in range(9)]
    (tmp_path / "data.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    counts = []
    for shard in ("1/2", "2/2"):
        done = pairforge("sample", str(recipe), "--shard", shard, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        counts.append(json.loads(done.stdout)["problems"])
    assert sum(counts) == 9 and 0 not in counts
    runs = ["runs/recipe-1-of-2", "runs/recipe-2-of-2"]
    done = pairforge("merge", runs[0], "--into", "runs/all", cwd=tmp_path)
    assert (done.returncode, "missing shards: 2/2" in done.stdout) == (0, True), done.stderr
    done = pairforge("merge", *runs, "--into", "runs/all", "--json", cwd=tmp_path)
    merged = json.loads(done.stdout)
    assert (merged["problems"], merged["new_problems"], merged["missing"]) == (9, counts[1], [])
    again = pairforge("sample", "runs/all", "--shard", "1/2", cwd=tmp_path)
    assert again.returncode == 2 and "belong to a recipe file" in again.stderr


def test_text_from_a_model_cannot_steer_the_terminal():
    shown = plain("a\x1b[31mred\x07\u202eevil\ttab\nline").plain
    assert "\x1b" not in shown and "\x07" not in shown and "\u202e" not in shown
    assert "\ttab\nline" in shown


def test_the_schema_of_recipes_goes_to_stdout_or_to_a_file(tmp_path: Path):
    shown = pairforge("schema").stdout
    assert "generator" in json.loads(shown)["properties"]
    done = pairforge("schema", "-o", str(tmp_path / "schema.json"))
    assert done.returncode == 0
    assert (tmp_path / "schema.json").read_text() == shown
    assert pairforge("schema", "--markdown").stdout.startswith("# Recipe reference")
