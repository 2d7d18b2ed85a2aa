"""Chat templates that delete the reasoning of an assistant turn are caught before they invert a preference."""

from pathlib import Path

import pytest

from pairforge.chat import completion_message
from pairforge.errors import TemplateError
from pairforge.lengths import count_lengths
from pairforge.templates import check_template, template_family
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
    return check_template(tokenizer(258, template), PROMPT, completion_message(THOUGHT, ANSWER, "", frame))


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


def test_a_template_nobody_can_mend_is_refused_and_asks_for_another_template():
    report = check(FORGETS_ALL)
    assert not report.ok and report.training_template is None
    assert "give the tokenizer a template" in report.remedy


# What each model publishes as its template, and the formats whose training text continues its generation prompt.
SAMPLED_AS_TRAINED = {
    "qwen2_5": {"think", "sky-t1", "bare", "plain"},
    "qwen3": {"think"},  # inserts an empty thought before any other turn
    "qwen3_5_think": {"think"},
    "qwen3_5_nothink": {"sky-t1", "bare", "plain"},  # the generation prompt holds a closed, empty thought
    "qwen3_instruct_2507": {"think", "sky-t1", "bare", "plain"},
    "deepseek_r1_distill": set(),  # deletes the thought, or loses the <think> of the generation prompt
    "deepseek_r1_distill_training": {"think"},
    "llama3": {"think", "sky-t1", "bare", "plain"},
    "glm4moe": {"think"},
    "gemma": {"think", "sky-t1", "bare", "plain"},
    "phi3": {"think", "sky-t1", "bare", "plain"},
    "nemotron_3_nano": {"think"},
}


@pytest.mark.parametrize("own_thought", [THOUGHT, None])
@pytest.mark.parametrize("frame", ["think", "sky-t1", "bare", "plain"])
@pytest.mark.parametrize("name", SAMPLED_AS_TRAINED)
def test_a_format_passes_where_training_continues_the_generation_prompt(name, frame, own_thought):
    tok = tokenizer(258, shipped(name))
    completion = completion_message(own_thought, f"Four.\n\n{ANSWER}", "", frame)
    report = check_template(tok, PROMPT, completion)
    assert report.ok == (frame in SAMPLED_AS_TRAINED[name]), report.lost
    assert report.ok or report.remedy


@pytest.mark.parametrize("frame", ["think", "sky-t1", "bare", "plain"])
@pytest.mark.parametrize("name", SAMPLED_AS_TRAINED)
def test_lengths_are_trls_for_every_pair_that_passes(name, frame):
    """TRL lets both completions start where the first of them leaves the prompt."""
    from trl.data_utils import _tokenize, common_prefix_length

    tok = tokenizer(300, shipped(name))
    sides = [completion_message(thought, f"Four.\n\n{ANSWER}", "", frame) for thought in (THOUGHT, None)]
    if not all(check_template(tok, PROMPT, side).ok for side in sides):
        assert frame not in SAMPLED_AS_TRAINED[name]
        return
    alone = _tokenize(tok, PROMPT, add_generation_prompt=True)["input_ids"]
    whole = [_tokenize(tok, [*PROMPT, {"role": "assistant", "content": side}])["input_ids"] for side in sides]
    start = min(common_prefix_length(alone, ids) for ids in whole)
    counted = list(count_lengths(tok, [(str(i), PROMPT, side) for i, side in enumerate(sides)]))
    assert counted == [(str(i), start, len(ids) - start) for i, ids in enumerate(whole)]


@pytest.mark.parametrize(
    ("name", "frame", "words"),
    [
        ("qwen3", "sky-t1", "inserts '<think>"),
        ("qwen3_5_think", "bare", "inserts"),
        ("deepseek_r1_distill_training", "sky-t1", "the student samples behind"),
        ("nemotron_3_nano", "bare", "the student samples behind"),
    ],
)
def test_what_differs_is_said_with_a_format_that_fits(name, frame, words):
    report = check(shipped(name), frame)
    assert words in report.lost and "`think`" in report.remedy


def test_the_remedy_for_r1_distill_in_another_format_is_both_format_and_template():
    report = check(shipped("deepseek_r1_distill"), "bare")
    assert "`format.frame` to `think`" in report.remedy and "TRL's training template" in report.remedy


def test_an_empty_thought_has_nothing_to_lose():
    empty = completion_message("", ANSWER, "", "think")
    assert check_template(tokenizer(258, FORGETS), PROMPT, empty).ok


def test_a_template_without_system_turns_says_so():
    with pytest.raises(TemplateError, match="System role not supported") as error:
        check_template(tokenizer(258, shipped("gemma")), [{"role": "system", "content": "s"}, *PROMPT], ANSWER)
    assert "format.system: null" in error.value.hint


def test_no_template_nothing_to_lose():
    assert check_template(tokenizer(258, None), PROMPT, ANSWER).ok


def test_families_are_named_by_their_turn_markers():
    assert template_family(shipped("llama3")) == "llama 3"
    assert template_family(CHATML) == "qwen (ChatML)"
    assert template_family("{{ messages }}") == "unknown"
    assert template_family(None) == "none"
