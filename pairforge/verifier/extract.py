"""Where does a completion state its final answer? Linear in the text, and it never guesses.

Order: the part after the thought; there an `<answer>` tag; the last box (or joined boxes); "the answer is";
`####`; a concluding last line; a text that is nothing but an answer. A number from the middle is no answer.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from pairforge.chat import split_reasoning
from pairforge.records import FinishReason
from pairforge.verifier.extraction import PERCENT, Extraction
from pairforge.verifier.units import SUFFIX
from pairforge.verifier.unmarked import conclusion, option, whole

MAX_ANSWER_CHARS = 2000
_BOX_SCAN_CHARS = 20_000  # how far a box may reach before we stop looking for its closing brace
_MAX_JOINED = 20


def extract_answer(text: str | None, finish_reason: FinishReason = "stop") -> Extraction:
    """The final answer of a completion (raw text, reasoning frame included)."""
    if not isinstance(text, str) or not text.strip():
        return _nothing(finish_reason == "length", "the text is empty")
    cut = finish_reason == "length"
    region, thinking = _answer_region(text)
    if thinking:
        return Extraction("", "the text ends inside an unfinished thought", missing="truncated")
    if not region.strip():
        return _nothing(cut, "nothing follows the thought")
    region, tagged = _answer_tag(region)
    found = _boxes(region) or _stated(region, cut)
    if found is None and not cut:
        found = option(region) or conclusion(region) or whole(region, lenient=tagged)
    if found is None and tagged and not cut:
        found = Extraction(region.strip(), "answer tag")
    if found is None:
        return _nothing(cut, "the text was cut before its answer" if cut else "no final answer is stated")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction(
            found.answer[:80], f"the answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused"
        )
    return found


def extract_gold(gold: str | None) -> Extraction:
    """The ground truth reduced to its final answer: GSM8K and MATH style solutions, boxes, bare values."""
    if not isinstance(gold, str) or not gold.strip():
        return Extraction("", "the gold answer is empty", missing="no_answer")
    text, _ = _answer_tag(gold)
    found = _boxes(text) or _hashes(text, cut=False, last_line_only=False)
    if found is None and len(text) > 40:
        found = _phrase(text, cut=False)
    if found is None:
        found = Extraction(text.strip(), "as given")
    if len(found.answer) > MAX_ANSWER_CHARS:
        return Extraction("", f"the gold answer is longer than {MAX_ANSWER_CHARS} characters", missing="refused")
    return found


def _nothing(cut: bool, why: str) -> Extraction:
    return Extraction("", why, missing="truncated" if cut else "no_answer")


def _answer_region(text: str) -> tuple[str, bool]:
    """The part of the text where an answer may stand, and whether the text stops inside its thought."""
    if "<" not in text:
        return text, False
    closed = text.rfind("</think>")
    if closed >= 0 and "<" not in (rest := text[closed + len("</think>") :]):
        return rest.strip(), False  # what `split_reasoning` says of the usual frame, without reading the thought
    parts = split_reasoning(text)
    if parts.closed:
        return parts.answer, False
    tail = text.rstrip()[-20:].lower()
    if tail.endswith("</answer>"):  # a thought that was never closed, but the answer has its own tag
        return text[text.lower().rfind("<answer") :], False
    return "", True


_TAG_OPEN = re.compile(r"<\s*(?:final[_ ]?)?answer\s*>", re.IGNORECASE)
_TAG_CLOSE = re.compile(r"<\s*/\s*(?:final[_ ]?)?answer\s*>", re.IGNORECASE)


def _answer_tag(region: str) -> tuple[str, bool]:
    """The content of the last `<answer>` tag, if there is one."""
    if "<" not in region:
        return region, False
    start = None
    for start in _TAG_OPEN.finditer(region):  # noqa: B007  (the last one counts)
        pass
    if start is None:
        return region, False
    end = _TAG_CLOSE.search(region, start.end())
    return region[start.end() : end.start() if end else len(region)], True


# --- boxes ----------------------------------------------------------------------------------------------------

_BOX = re.compile(r"\\(?:boxed|fbox|framebox)\s*")
_BARE_BOX = re.compile(r"\$?\s*([^\s$\\.,;]+)")
_BRACE = re.compile(r"\\.|[{}]", re.DOTALL)
_JOINERS = r"and|or|und|oder|et|ou|y|o|e|и|или|和|或|及"
_FILLER = r"\$|\\\(|\\\)|\\\[|\\\]|\\[,;:! ]|\\q?quad|[ \t~*&]|\n"
_JOINER = r"\\(?:text|mathrm)\s*\{\s*(?:" + _JOINERS + r")\s*\}|\b(?:" + _JOINERS + r")\b"
_BETWEEN = re.compile(
    rf"(?:{_FILLER})*(?P<joint>[,;、，]|{_JOINER}|)(?:{_FILLER}|{_JOINER})*"
    r"(?P<label>(?:[Pp]art\s+)?(?:\([a-h1-9ivx]{1,3}\)|[a-h]\))|)[ \t$*:]*(?P<name>[A-Za-z](?:_\{?\w\}?)?\s*=\s*|)"
)


class _Box(NamedTuple):
    start: int
    end: int
    content: str | None  # None: the box is never closed


def _box_at(text: str, start: int) -> _Box:
    head = _BOX.match(text, start)
    begin = head.end() if head else start
    if not text.startswith("{", begin):
        word = _BARE_BOX.match(text, begin)
        return _Box(start, word.end(), word.group(1)) if word else _Box(start, begin, "")
    first = text.find("}", begin, begin + _BOX_SCAN_CHARS)
    if first > 0 and "{" not in (content := text[begin + 1 : first]) and not content.endswith("\\"):
        return _Box(start, first + 1, content)  # the usual box: no braces inside
    depth = 0
    for brace in _BRACE.finditer(text, begin, begin + _BOX_SCAN_CHARS):
        depth += {"{": 1, "}": -1}.get(brace.group(), 0)
        if depth == 0:
            return _Box(start, brace.end(), text[begin + 1 : brace.start()])
    return _Box(start, len(text), None if begin + _BOX_SCAN_CHARS >= len(text) else "x" * (MAX_ANSWER_CHARS + 1))


def _last_box(text: str, low: int, high: int) -> int:
    boxed = text.rfind("\\boxed", low, high)
    if text.find("\\f", max(boxed, low), high) < 0:  # neither \fbox nor \framebox behind it
        return boxed
    return max(boxed, text.rfind("\\fbox", low, high), text.rfind("\\framebox", low, high))


def _boxes(text: str) -> Extraction | None:
    start = _last_box(text, 0, len(text))
    if start < 0:
        return None
    last = _box_at(text, start)
    if last.content is None:
        return Extraction("", "the last box is never closed", missing="truncated")
    if not last.content.strip():
        return Extraction("", "the last box is empty", missing="no_answer")
    boxes = [last]
    while len(boxes) < _MAX_JOINED and (box := _box_joined_to(text, boxes[-1])):
        boxes.append(box)
    joined = [_named(text, box) for box in reversed(boxes)] if len(boxes) > 1 else []
    if len(set(joined)) > 1:
        return Extraction(", ".join(joined), "joined boxes", _says_percent(text, boxes[-1].start, last.end))
    answer = _signed(text, last) + _SAID.sub("", last.content) + _suffix(text, last.end)
    return Extraction(answer, "box", _says_percent(text, last.start, last.end))


def _box_joined_to(text: str, box: _Box) -> _Box | None:
    """The box before this one, when nothing but "and", a comma or a name stands between them."""
    start = _last_box(text, max(0, box.start - 600), box.start)
    before = _box_at(text, start) if start >= 0 else None
    if before is None or before.content is None or not 0 <= box.start - before.end <= 60:
        return None
    between = _BETWEEN.fullmatch(text, before.end, box.start)
    joined = between and (between["joint"] or between["label"] or "\n" not in between.group())
    return before if joined else None


_NAME_BEFORE = re.compile(r"([A-Za-z](?:_\{?\w\}?)?)\s*=\s*[$\\(\[]*$")


def _named(text: str, box: _Box) -> str:
    """The box's content, with the `x =` that stands right before it."""
    name = _NAME_BEFORE.search(text, max(0, box.start - 12), box.start)
    content = box.content or ""
    return f"{name[1]} = {content}" if name and "=" not in content else content


_MINUS_BEFORE = re.compile(r"[=$({]\s?-$")


def _signed(text: str, box: _Box) -> str:
    before = text[max(0, box.start - 3) : box.start]
    if before.endswith("\\$"):
        return "\\$"
    return "-" if before.endswith("-") and _MINUS_BEFORE.search(before) else ""


def _suffix(text: str, end: int) -> str:
    """A percent sign, degree sign, base or unit that stands right behind the box belongs to the answer."""
    found = SUFFIX.match(text, end, end + 60)
    if found is None:
        return ""
    unit = found.group(1)
    named = unit[0].isalpha() and not unit.startswith(("degree", "per"))
    return f" \\text{{{re.sub('[{}]', '', unit)}}}" if named else f" {unit}"


# Words that only announce the answer, inside the box.
_SAID = re.compile(r"^\s*\\text\s*\{\s*(?:[Tt]he )?(?:[Ff]inal )?[Aa]nswer(?: is)?\s*[:=]?\s*\}\s*")


def _says_percent(text: str, start: int, end: int) -> bool:
    low = max(0, start - 200)
    around = text[max(low, text.rfind("\n", low, start)) : start] + text[end : end + 30].partition("\n")[0]
    return "%" in around or ("cent" in around.lower() and PERCENT.search(around) is not None)


# --- phrases --------------------------------------------------------------------------------------------------

_KEYWORD_LIST = """
    answer Answer ANSWER 答案 答え 答： ответ Ответ respuesta Respuesta réponse Réponse antwort Antwort resposta
    Resposta risposta Risposta 정답 답은 cevap Cevap odpowied Odpowied उत्तर الجواب الإجابة jawaban Jawaban antwoord
"""
_KEYWORDS = (*_KEYWORD_LIST.split(), "đáp án", "Đáp án")
_NOUN = (
    r"(?:(?:answer|ANSWER|Answer)(?:s|\(s\)|S)?|答案|答え|答：|[оО]твет|[rR]espuesta|[rR]éponse|[aA]ntwort|[rR]esposta"
    r"|[rR]isposta|정답|답|[cC]evap|[oO]dpowied[zź]|उत्तर|الجواب|الإجابة|[jJ]awaban|[aA]ntwoord|[đĐ]áp án)"
)
_IS = (
    r"(?:(?<=：)|:|：|=|\b(?:is|IS|are|would be|should be|must be|equals|comes to|es|est|ist|lautet|é|è|adalah)\b"
    r"|是|为|為|は|은|는|이|это|है|هو|هي|[-–—])"
)
_STATED = re.compile(
    _NOUN
    + r"(?:\*\*|__|\s[^.\n:=]{0,80}?)?\s*"
    + _IS
    + r"(?:\s|\*|_|:|：|\b(?:that|therefore|equal to|simply|thus|given by|choice|option|Option)\b)*"
)
_NOT_AN_ANSWER = re.compile(
    r"(?:indeed |also |always |clearly |probably )?(?:correct|right|wrong|not\b|as follows|in the|in terms|given"
    r"|obtained|clear|found|reasonable|consistent|verified|unique|incorrect|valid|the same|expected|expressed"
    r"|simplified|required|below|above)",
    re.IGNORECASE,
)


_HEADING = re.compile(r"[#*_ \t]*(?:the )?(?:final )?answer[*_: \t]*\n", re.IGNORECASE)


def _stated(region: str, cut: bool) -> Extraction | None:
    """ "The answer is" and `####`; where both occur the later one is the final answer."""
    hashes = _hashes(region, cut)
    return _phrase(region, cut, region.rfind("####") if hashes else 0) or hashes


def _phrase(region: str, cut: bool, begin: int = 0) -> Extraction | None:
    end = len(region)
    for _ in range(12):
        start = max(region.rfind(word, begin, end) for word in _KEYWORDS)
        if start < 0:
            return None
        end = start
        heading = _HEADING.match(region, region.rfind("\n", 0, start) + 1)
        if heading:
            statement = _statement(region, heading.end(), cut)
            if statement:
                return Extraction(statement, "phrase")
        found = _STATED.match(region, start, start + 200)
        if found is None:
            continue
        statement = _statement(region, found.end(), cut)
        if statement and not _NOT_AN_ANSWER.match(statement):
            return Extraction(statement, "phrase", _says_percent(region, start, found.end()))
    return None


_DISPLAY = re.compile(r"(\$\$|\\\[)(.*?)(\$\$|\\\])", re.DOTALL)
_SENTENCE_END = re.compile(r"(?<![0-9])\.(?=\s|$)|(?<=[0-9])\.(?=\s*$|\s+[A-Z])|[!?](?=\s|$)|。|<\||</")
_TRAILING = re.compile(
    r"[,;]?\s+\(?(?:because|since|which|where(?!\s+[a-z]\s+is an)|as (?:the|we|it|required)|so that|so|hence|after|when"
    r"|thus|and (?:the|we|so|this|it|that)|if we|I hope|Let)\b.*"
)


def _statement(region: str, begin: int, cut: bool) -> str:
    """What is stated from `begin` on: the display formula, or the rest of the sentence."""
    while begin < len(region) and (region[begin].isspace() or region[begin] in "#*>"):
        begin += 1
    window = region[begin : begin + MAX_ANSWER_CHARS + 200]
    display = _DISPLAY.match(window)
    if display:
        return display[2].strip()
    newline = window.find("\n")
    if cut and newline < 0 and len(region) <= begin + len(window):
        return ""  # the statement itself may have been cut
    line = window if newline < 0 else window[:newline]
    if line.rstrip().rstrip("*").endswith(":") and (display := _DISPLAY.match(window[newline:].lstrip())):
        return display[2].strip()
    stop = next((m.start() for m in _SENTENCE_END.finditer(line) if not _inside_math(line, m.start())), len(line))
    return _TRAILING.sub("", line[:stop]).strip().strip("*").strip()


def _inside_math(line: str, at: int) -> bool:
    return line.count("$", 0, at) % 2 == 1 or line.count("\\(", 0, at) > line.count("\\)", 0, at)


def _hashes(region: str, cut: bool, last_line_only: bool = True) -> Extraction | None:
    start = region.rfind("####")
    if start < 0:
        return None
    rest = region[start + 4 :].lstrip("# \t")
    line, newline, after = rest.partition("\n")
    line = line.strip().strip("*").strip()
    if not line or (cut and not newline):
        return None
    if last_line_only and after.strip() and not re.match(r"[-+$\\\d(.]", line):
        return None  # a markdown heading, not an answer
    return Extraction(line, "####", _says_percent(region, start, start + 4))
