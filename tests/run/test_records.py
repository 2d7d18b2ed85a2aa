"""manifest.json and view.json: of this version, of others, and damaged."""

import json
from pathlib import Path

import pytest

from pairforge.errors import RunError
from pairforge.run import Run, read_view

OLD_MANIFEST = {
    "pairforge": "0.0.9",
    "sources": [{"source": "a.jsonl", "rows": 3, "gold": {"dataset": 3}, "gold_from": {}}],
    "host": "a-machine",
    "verifier": {"version": "1", "policy": "default", "timeout_s": 2.0},
    "seconds": {"sample": 1.5},
}
OLD_VIEW = {
    "view": "old",
    "digest": "d",
    "filter": {"direction": "short", "gone": 1},
    "pairs": 2,
    "problems": 2,
    "means": {"gap_tokens": -5.0},
    "funnel": [{"step": "candidates", "candidates": 4, "problems": 2}],
    "separability": [{"name": "markers", "accuracy": 0.7, "examples": []}],
    "colour": "green",
}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    run = Run(tmp_path)
    run.write_recipe("seed: 0\n")
    return run


def write_view(run: Run, content: str) -> None:
    with run.new_view("old") as folder:
        (folder / "view.json").write_text(content)


def test_a_manifest_of_another_version_keeps_what_this_one_does_not_know(run: Run):
    run.manifest_file.write_text(json.dumps(OLD_MANIFEST))
    found = run.manifest()
    assert (found.sources[0].source, found.sources[0].problems) == ("a.jsonl", 0)
    assert found.evidence == {} and found.target is None
    with run.timed("verify"):
        pass
    assert json.loads(run.manifest_file.read_text()) == {**OLD_MANIFEST, "seconds": {"sample": 1.5, "verify": 0.0}}


def test_only_the_named_sections_change(run: Run):
    run.update_manifest(pairforge="1", target={"gap": {"min": 1}})
    run.update_manifest(pilot={"tokens_per_s": 2.0})
    assert run.manifest().to_json() == {
        "pairforge": "1",
        "target": {"gap": {"min": 1}},
        "pilot": {"tokens_per_s": 2.0},
    }
    with pytest.raises(TypeError, match="pilots"):
        run.update_manifest(pilots={})


@pytest.mark.parametrize(
    ("content", "message"),
    [("{", "JSON"), ("[]", "object"), ('{"seconds": {"sample": "long"}}', r"seconds\.sample"), ("", "JSON")],
)
def test_a_damaged_manifest_is_one_line_that_names_file_and_place(run: Run, content: str, message: str):
    run.manifest_file.write_text(content)
    with pytest.raises(RunError, match=rf"manifest\.json is damaged: .*{message}") as caught:
        run.manifest()
    assert "\n" not in caught.value.message and caught.value.hint


def test_a_view_of_another_version_loads_with_defaults(run: Run):
    write_view(run, json.dumps(OLD_VIEW))
    record = read_view(run, "old")
    assert (record.direction, record.pairs, record.means["gap_tokens"]) == ("short", 2, -5.0)
    assert (record.undecided.problems, record.shortfall, record.complete) == (0, [], False)
    assert (record.funnel[0].candidates, record.separability[0].accuracy) == (4, 0.7)
    written = record.to_json()
    lists = ("separability", "funnel")
    for name in lists:
        for old, new in zip(OLD_VIEW[name], written.pop(name), strict=True):
            assert old.items() <= new.items()
    assert {key: value for key, value in OLD_VIEW.items() if key not in lists}.items() <= written.items()


def test_a_damaged_view_is_named(run: Run):
    write_view(run, '{"funnel": [{"step": "x"}]}')
    with pytest.raises(RunError, match=r"old/view\.json is damaged: funnel\.0\.candidates"):
        read_view(run, "old")
