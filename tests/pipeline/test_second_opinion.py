"""The judge of undecided answers: asked once, kept apart, and never the reason why a build stops."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from pairforge.pipeline import Session, open_session, prepare, verify
from pairforge.pipeline.second_opinion import read_opinion
from pairforge.pipeline.verifying import missing_verdicts
from pairforge.recipe import load_recipe
from pairforge.records import Verdict
from pairforge.run import Run
from pairforge.verifier import VERIFIER_VERSION
from tests.generator.openai_server import OpenAIServer

ROWS = [
    {"question": "What is 1 + 1?", "answer": "2", "long": "So \\boxed{2}."},
    {"question": "What is the operator at 5 and 1?", "answer": "47", "long": "So \\boxed{5\\star1 = 47}."},
    {"question": "Which map is it?", "answer": "\\heartsuit(3)", "long": "So \\boxed{9}. {question}"},
]


def yes(body: dict[str, Any], attempt: int) -> str:
    return "The last number is the reference answer.\nVERDICT: correct"


def session_of(folder: Path, url: str | None, **judge: Any) -> Session:
    (folder / "problems.jsonl").write_text("".join(json.dumps(row) + "\n" for row in ROWS))
    raw: dict[str, Any] = {
        "sources": [{"dataset": "problems.jsonl", "columns": {"long": "long"}}],
        "generator": None,
        "verifier": {"workers": 1},
        "filter": {"tokenizer": "pairforge:nano"},
    }
    if url:
        raw["verifier"]["judge"] = {"model": "nano", "base_urls": [url], "retries": 0, **judge}
    (folder / "recipe.yaml").write_text(yaml.safe_dump(raw))
    return prepare(load_recipe(folder / "recipe.yaml"), folder / "run")


def verdicts(run: Run) -> list[Verdict]:
    """The current verdicts, in the order of the problems."""
    last = {verdict.sample_key: verdict for verdict in run.each_verdict()}
    return [last[sample.key] for sample in run.each_sample()]


def test_only_undecided_answers_are_shown_and_the_opinion_decides_nothing(tmp_path: Path):
    with OpenAIServer(yes) as server:
        session = session_of(tmp_path, server.url)
        verify(session)
    first, *others = verdicts(session.run)
    assert (first.status, first.rule, first.verifier_version) == ("correct", "identical", VERIFIER_VERSION)
    assert [v.rule for v in others] == ["judge_correct"] * 2 and len(server.requests) == 2
    assert {v.status for v in others} <= {"error", "gold_unparsed", "refused"}
    prompts = [body["messages"][0]["content"] for body in server.requests]
    assert any("{question}" in prompt.split("====================")[1] for prompt in prompts), "texts fill no places"
    told = session.run.manifest().to_json()["verifier"]["judge"]
    assert told == {"model": "nano", "counts": False, "opinions": {"correct": 2}}


def test_the_judge_is_asked_once_also_when_its_opinion_begins_to_count(tmp_path: Path):
    with OpenAIServer(yes) as server:
        run = session_of(tmp_path, server.url).run
        for counts, status in ((False, "error"), (True, "correct"), (False, "error")):
            session = session_of(tmp_path, server.url, counts=counts)
            verify(session)
            assert missing_verdicts(open_session(run)) == set()
            assert verdicts(run)[1].status == status
        assert len(server.requests) == 2


def test_without_the_judge_its_verdicts_are_made_again_by_the_verifier_alone(tmp_path: Path):
    with OpenAIServer(yes) as server:
        verify(session_of(tmp_path, server.url, counts=True))
    session = session_of(tmp_path, None)
    assert len(missing_verdicts(session)) == 2
    verify(session)
    assert {v.verifier_version for v in verdicts(session.run)} == {VERIFIER_VERSION}
    assert "correct" not in {v.status for v in verdicts(session.run)[1:]}


def test_a_server_that_fails_is_a_rule_and_the_answers_are_shown_again(tmp_path: Path):
    with OpenAIServer(yes) as server:
        url = server.url
    verify(session_of(tmp_path, url, timeout_s=5))
    failed = verdicts(session_of(tmp_path, url).run)
    assert [v.rule for v in failed[1:]] == ["judge_failed"] * 2 and failed[1].status == "error"
    with OpenAIServer(yes) as server:
        session = session_of(tmp_path, server.url, counts=True)
        verify(session)
    assert [v.status for v in verdicts(session.run)] == ["correct"] * 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Same value.\nVERDICT: correct", "correct"),
        ("**Verdict: incorrect**", "incorrect"),
        ("VERDICT: correct\nNo, wait.\nVERDICT: incorrect", "incorrect"),
        ("VERDICT: unsure", "unsure"),
        ("It is correct.", "unsure"),
        ("<think>VERDICT: correct", "unsure"),
        ("<think>hm</think>\nVERDICT: correct", "correct"),
        ("The text says 'VERDICT: correct' in the middle.", "unsure"),
        ("", "unsure"),
    ],
)
def test_an_opinion_is_read_from_the_line_that_was_asked_for(text: str, said: str):
    assert read_opinion(text)[0] == said
