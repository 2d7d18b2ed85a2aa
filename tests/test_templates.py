"""Chat templates that delete the reasoning of an assistant turn are caught before they invert a preference."""

from pathlib import Path

import pytest

from pairforge.chat import completion_message, reasoning_survives, template_family
from pairforge.errors import TemplateError
from tests.test_lengths import CHATML, tokenizer

PROMPT = [{"role": "user", "content": "Two and two?"}]
THOUGHT, ANSWER = "Two and two... four. Check: four.", "It is \\boxed{4}."
# The habit of several families, in our words: past assistant turns are shown without their reasoning.
FORGETS = CHATML.replace("m['content'] }}", "m['content'].split('</think>')[-1].lstrip('\\n') }}")
FORGETS_ALL = CHATML.replace("m['content'] }}", "(m['content'] if m['role'] != 'assistant' else m['content'][-9:]) }}")


def shipped(name: str) -> str:
    """A chat template that TRL carries a copy of, as its model publishes it."""
    import trl

    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text()


def check(template: str | None, frame: str = "think"):
    return reasoning_survives(tokenizer(258, template), PROMPT, completion_message(THOUGHT, ANSWER, "", frame))


@pytest.mark.parametrize("name", ["qwen2_5", "qwen3", "llama3", "phi3", "lfm2"])
def test_templates_that_keep_the_reasoning_pass(name):
    report = check(shipped(name))
    assert report.ok and not report.lost


def test_r1_distills_template_is_refused_with_trls_own_remedy():
    report = check(shipped("deepseek_r1_distill"))
    assert not report.ok
    assert report.family == "deepseek"
    assert report.lost.startswith(f"the reasoning of the assistant turn ({len(THOUGHT)} characters)")
    assert "TRL's training template" in report.remedy
    assert check(report.training_template).ok


@pytest.mark.parametrize("template", [FORGETS, "deepseekv3"])
def test_a_family_trl_has_no_remedy_for_gets_its_own_template_without_the_cut(template):
    report = check(template if template == FORGETS else shipped(template))
    assert not report.ok
    assert "without the cut" in report.remedy
    assert check(report.training_template).ok


def test_a_template_nobody_can_mend_is_refused_with_another_frame_as_the_way_out():
    report = check(FORGETS_ALL)
    assert not report.ok and report.training_template is None
    assert "sky-t1" in report.remedy


@pytest.mark.parametrize("frame", ["sky-t1", "bare", "plain"])
def test_frames_without_think_tags_survive_every_template(frame):
    assert check(shipped("deepseek_r1_distill"), frame).ok


def test_an_empty_thought_has_nothing_to_lose():
    empty = completion_message("", ANSWER, "", "think")
    assert reasoning_survives(tokenizer(258, FORGETS), PROMPT, empty).ok


def test_a_template_without_system_turns_says_so():
    with pytest.raises(TemplateError, match="System role not supported") as error:
        reasoning_survives(tokenizer(258, shipped("gemma")), [{"role": "system", "content": "s"}, *PROMPT], ANSWER)
    assert "format.system: null" in error.value.hint


def test_no_template_nothing_to_lose():
    assert reasoning_survives(tokenizer(258, None), PROMPT, ANSWER).ok


def test_families_are_named_by_their_turn_markers():
    assert template_family(shipped("llama3")) == "llama 3"
    assert template_family(CHATML) == "qwen (ChatML)"
    assert template_family("{{ messages }}") == "unknown"
    assert template_family(None) == "none"
