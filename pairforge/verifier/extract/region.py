"""The part of a text in which its answer may stand: behind the thought, before the end of the turn."""

from __future__ import annotations

import re

from pairforge.chat import split_reasoning


def after_thought(text: str) -> tuple[str, bool]:
    """The part of the text behind its thought, and whether the text stops inside the thought."""
    if "<" in text:
        closed = text.rfind("</think>")
        if closed >= 0 and "<" not in (rest := text[closed + len("</think>") :]) and "[THINK]" not in rest:
            return rest.strip(), False  # what `split_reasoning` says of the usual format, without reading the thought
    elif not ("[" in text and ("[THINK]" in text or "[/THINK]" in text)) and not _OTHER_FORMATS.match(text):
        return text, False
    parts = split_reasoning(text)
    if parts.closed:
        return parts.answer, False
    tail = text.rstrip()[-60:].lower()
    if _ANSWER_CLOSED.search(tail):  # a thought that was never closed, but the answer has its own tag
        return text[text.lower().rfind("<answer") :], False
    return "", True


_OTHER_FORMATS = re.compile(r"\s*(?:(?:assistant)?analysis|◁think▷)")
_ANSWER_CLOSED = re.compile(r"</answer>(?:\s|<\|[a-z_]{1,20}\|>|</s>)*$")

_TURN_END = re.compile(
    r"<\|(?:im_end|im_start|endoftext|eot_id|eom_id|end|return|end_of_text|EOT|end_of_turn|end_of_solution"
    r"|END_RESPONSE"
    r"|END_OF_TURN_TOKEN|eos|user|assistant|system|start_header_id|begin_of_text|pad|endofprompt)\|>"
    r"|<｜[^｜<>]{1,30}｜>|</s>(?=\s*(?:$|<|\n))|<(?:eos|eot|EOT|pad|end_of_turn|start_of_turn|turn)>|\[/?INST\]"
    r"|\[(?:EOS|PAD)\]"
)
_LEADING = re.compile(
    r"(?:\s|<\|(?:im_start|start_header_id|begin_of_text|start|START_RESPONSE"
    r"|assistant)\|>(?:assistant(?:<\|end_header_id\|>)?)?"
    r"|<s>|<bos>|<start_of_turn>model|\[/INST\]|<\|END_RESPONSE\|>)*"
)


def within_turn(region: str) -> tuple[str, bool]:
    """The region up to the first token that ends the turn, and whether there is one."""
    if "<" not in region and not region.endswith("]") and not ("[" in region and "INST]" in region):
        return region, False
    begin = _LEADING.match(region)
    start = begin.end() if begin else 0
    end = _TURN_END.search(region, start)
    return (region[start : end.start()], True) if end else (region[start:], False)


_NEXT_QUESTION = re.compile(
    r"\n[ \t]*(?:[#*]{1,4}[ \t]*)?(?=[A-Z\u0400-\uffff])(?:"
    r"(?:(?:New |Next |Another )?(?:Question|Problem|Exercise|Instruction|Human|User|Student|Q|Input|Task)"
    r"(?: ?#?\d{1,3}(?:\.\d)?)?[*]{0,2}[ \t]*[:：]"
    r"|(?:Question|Problem|Instruction|Exercise)(?: ?#?\d{1,3})?[ \t]*\n"
    r"|(?:问题|题目|例题?|问|問題|Pregunta|Problema|Frage|Aufgabe|Вопрос|Задача|질문|문제|Soru|Pytanie|Câu hỏi|سؤال"
    r"|प्रश्न)[ \t]?\d{0,3}[ \t]*[:：]))"
)
_MAX_QUESTIONS = 4


def next_questions(region: str) -> list[int]:
    """Where further questions begin: a base model goes on with one of its own after the answer."""
    if "\n" not in region or (":" not in region and "：" not in region and "#" not in region):
        return []
    found = []
    for match in _NEXT_QUESTION.finditer(region):
        found.append(match.start())
        if len(found) == _MAX_QUESTIONS:
            break
    return found
