"""The dry run sees the sampler as sampling will: a server may keep its tokenizer and its context to itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pairforge.pipeline import sampler
from pairforge.pipeline.check import check

Make = Callable[..., Any]
SERVER = ("generator.engine.kind=server", "generator.engine.base_urls=[http://127.0.0.1:1/v1]")


def without_length(*overrides: str) -> tuple[str, ...]:
    return ("generator.engine.max_model_len=null", *overrides)


def detail(report: Any, name: str) -> tuple[bool, str]:
    [found] = [c for c in report.checks if c.name == name]
    return found.ok, found.detail


def test_a_chat_server_may_have_a_model_that_nobody_else_has(recipe: Make, tmp_path: Path):
    model = f"generator.engine.model={tmp_path / 'nowhere'}"
    report = check(recipe(*without_length(*SERVER, model)))
    assert report.ok, report.checks
    assert "only its server has the tokenizer" in detail(report, "sampler")[1]
    assert "What is 1 plus 10?" in report.prompt
    plain = check(recipe(*SERVER, model, "generator.engine.api=completions"))
    assert detail(plain, "sampler")[0] is False  # here the prompt is rendered on this side


def test_a_server_may_be_the_only_one_that_knows_the_context(recipe: Make, tokenizer_folder: Path):
    (tokenizer_folder / "config.json").unlink()
    ok, said = detail(check(recipe(*without_length(*SERVER))), "context")
    assert ok and "context known to the server alone" in said
    ok, said = detail(check(recipe(*without_length())), "sampler")
    assert not ok and "generator.engine.max_model_len" in said


def test_a_model_with_code_of_its_own_is_trusted_where_the_recipe_says_so(
    recipe: Make, monkeypatch: pytest.MonkeyPatch
):
    def context_tokens(model: str, revision: str | None, trust_remote_code: bool) -> int:
        if not trust_remote_code:
            raise ValueError("it contains custom code")
        return 300

    monkeypatch.setattr(sampler, "context_tokens", context_tokens)
    assert "custom code" in detail(check(recipe(*without_length())), "sampler")[1]
    trusted = check(recipe(*without_length("generator.engine.trust_remote_code=true")))
    assert "context 300" in detail(trusted, "context")[1]


def test_the_switches_that_change_the_prompt_are_named(recipe: Make):
    switched = check(recipe("generator.prompt.template_kwargs={brief: true}", "format.template_kwargs={brief: false}"))
    assert switched.prompt.startswith("<brief> <user>")
    assert detail(switched, "sampler switches") == (True, "brief=True changes the prompt")
    said = "no switch changes the prompt; the prompt is the same without brief"
    assert detail(switched, "student switches") == (True, said)


def test_a_switch_that_the_template_does_not_have_fails_the_check_on_either_side(recipe: Make):
    said = check(recipe("generator.prompt.template_kwargs={breif: true}"))
    assert not said.ok
    assert "generator.prompt.template_kwargs.breif" in detail(said, "sampler")[1]
    assert "did you mean 'brief'" in detail(said, "sampler")[1]
    said = check(recipe("format.template_kwargs={reasoning_effort: high}"))
    assert "it reads brief" in detail(said, "student template")[1]


def test_a_chat_servers_template_is_its_own_business(recipe: Make):
    """The local copy of the template may lack the switch; the server gets it all the same."""
    report = check(recipe(*SERVER, "generator.prompt.template_kwargs={reasoning_effort: high}"))
    assert report.ok
    assert "the prompt is the same without reasoning_effort" in detail(report, "sampler switches")[1]
