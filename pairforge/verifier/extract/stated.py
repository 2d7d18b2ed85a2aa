"""Answers that a text marks without a box: an answer tag, "the answer is", a label or heading, `####`."""

from __future__ import annotations

import re

from pairforge.verifier.extract.commas import with_points
from pairforge.verifier.extract.extraction import MAX_ANSWER_CHARS, Extraction, says_percent
from pairforge.verifier.extract.languages import IS, KEYWORDS, NOUN, STRONG_LABEL, VERB_LAST, localised

_TAG_OPEN = re.compile(r"<\s*(?:final[_ ]?)?(?:answer|result)\s*>", re.IGNORECASE)
_TAG_CLOSE = re.compile(r"<\s*/\s*(?:final[_ ]?)?(?:answer|result)\s*>", re.IGNORECASE)


def answer_tag(region: str) -> tuple[str, bool]:
    """The content of the last `<answer>` tag, if there is one."""
    if "<" not in region or not ("answer" in (lower := region.lower()) or "result" in lower):
        return region, False
    start = None
    for start in _TAG_OPEN.finditer(region):  # noqa: B007  (the last one counts)
        pass
    if start is None:
        return region, False
    end = _TAG_CLOSE.search(region, start.end())
    return region[start.end() : end.start() if end else len(region)], True


_STATED = re.compile(
    rf"(?:{VERB_LAST}|{NOUN}(?:\*\*|__|\s[^.\n:=]{{0,80}}?)?\s*{IS})"
    r"(?:\s|\*|_|:|：|\}|\b(?:that|therefore|equal to|simply|just|thus|given by|choice|option|Option)\b)*"
)
_NOT_AN_ANSWER = re.compile(
    r"[,;?]|(?:indeed |also |always |clearly |probably |most likely )?(?:correct|right|wrong|not\b|as follows"
    r"|in (?:the|terms|its?|simplest|a|fact|our)\b"
    r"|given|obtained|clear|found|reasonable|consistent|verified|unique|incorrect|valid|the same|expected"
    r"|expressed|left (?:as|to|for|in)"
    r"|simplified|required|below|above|of the form|rounded|written|supposed|based|a single|asked|what|when|where"
    r"|how|why|to be|up to you"
    r"|already|see\b|derived|calculated|computed|shown|stated|known|still|unclear|an? (?:integer|number|fraction|letter"
    r"|real|positive|whole)\b(?!.*\d))"
    r"|[^\n.]{0,120}\b(?:[Aa]nswers? (?:is|are)|so the answer)\b",
    re.IGNORECASE,
)
# A heading, or a label at the start of a line: "### Result: 19", "A: 12", "*Answer*: 17", "**Answer.** 12".
_MARKS = r"[ \t>#*_`\-【•✅🎯✔️👉=]*"
_VALUE_BEHIND = r"(?=[-−$\\\d(√π])"
_LABEL_TEXT = (
    rf"{_MARKS}(?:(?:(?:{STRONG_LABEL})(?: is)?|(?-i:A))[ \t*_]*[:：]|ans\.(?=[ \t]+[-$\\\d(])"
    rf"|(?:{STRONG_LABEL})(?:[ \t*_]*(?=\n)|[】\]][:：]?|\*\*[ \t]+(?=[-$\\\d(])"
    rf"|[.。](?:\*\*|__|[*_])|[.。]?(?:\*\*|__|[*_])?[.。](?:[ \t]*(?=\n)|[ \t]+{_VALUE_BEHIND}))"
    rf"|\\(?:textbf|textit|emph|underline)\{{[ \t]*(?:{STRONG_LABEL})[ \t]*(?:[.:：][ \t]*\}}|\}}[ \t]*[.:：]))[ \t*_]*"
)
_LABEL = re.compile(_LABEL_TEXT, re.IGNORECASE)
_LABEL_LINE = re.compile(rf"\n{_LABEL_TEXT}", re.IGNORECASE)
_LABEL_REACH = 6000  # labels further from the end are of the working


def stated(region: str, cut: bool) -> Extraction | None:
    """ "The answer is" and `####`; where both occur the later one is the final answer."""
    hashes = after_hashes(region, cut)
    begin = region.rfind("####") if hashes else 0
    return phrase(region, cut, begin) or hashes


def phrase(region: str, cut: bool, begin: int = 0) -> Extraction | None:
    """What the last "the answer is", or the last label, from `begin` on states."""
    start, found = _last_phrase(region, cut, begin)
    return _last_label(region, max(start, len(region) - _LABEL_REACH), cut) or found


def _last_phrase(region: str, cut: bool, begin: int) -> tuple[int, Extraction | None]:
    """Where the last "the answer is" stands that an answer follows, and that answer; else where to look for labels."""
    words = _ASCII_KEYWORDS if region.isascii() else KEYWORDS
    last = {word: start for word in words if (start := region.rfind(word, begin)) >= 0}
    for _ in range(12):
        if not last:
            break
        word = max(last, key=lambda word: last[word])
        start = last.pop(word)
        found = _STATED.match(region, start, start + 200)
        if found is not None:
            percent = says_percent(region, start, found.end())
            answer = _answer_at(region, found.end(), cut, percent, word=found.group())
            if answer:
                return start, answer
        if (before := region.rfind(word, begin, start)) >= 0:
            last[word] = before
    return begin, None


_ASCII_KEYWORDS = tuple(word for word in KEYWORDS if word.isascii())


def _last_label(region: str, begin: int, cut: bool) -> Extraction | None:
    """What follows the last label or heading that an answer follows."""
    first = _LABEL.match(region) if begin <= 0 else None
    labels = [first] if first else []
    labels += _LABEL_LINE.finditer(region, max(begin, 0))
    for label in reversed(labels[-6:]):
        letter = label.group().strip(" \t\n>#*_`-:")
        if letter == "A" and _SECOND_OPTION.search(region, label.end(), label.end() + 400):
            continue  # the first of several options
        percent = says_percent(region, label.start() + 1, label.end())
        answer = _answer_at(region, label.end(), cut, percent, word=label.group())
        if answer:
            return answer._replace(how="label")
    return None


_SECOND_OPTION = re.compile(r"\n[\s*]*\(?B\)?[:：.]")
_ENGLISH = re.compile(r"answer|\bans\b|result\b|\bA\b", re.IGNORECASE)
_DISPLAY = re.compile(r"(\$\$|\\\[)(.*?)(\$\$|\\\])", re.DOTALL)
# An exclamation mark behind a number is a factorial where a formula goes on behind it.
_SENTENCE_END = re.compile(
    r"(?<![0-9])\.(?=[\s*]|$)|(?<=[0-9])\.(?=[\s*]*$|[\s*]+[A-Z])|!(?=\s*$|\s+[A-Z]\w)|(?<![\d)])!(?=\s|$)"
    r"|\?(?=\s|$)|。|।|؟|？|！|<\||</|[✓✔✅]"
)
_TRAILING = re.compile(
    r"[,;]?\s+\(?(?:because|since|which|where(?!\s+[a-z]\s+is an)|as (?:the|we|it|required)|so that|so|hence"
    r"|after|when|thus|and (?:the|we|so|this|it|that)|if we|I hope|Let)\b.*"
    r"|,\s+(?:and )?not\b.*|\s[–—]\s(?=[a-z]{2,}).*|\s\((?:i\.e\.|that is|since|because|as|so|the"
    r"|one|two|three|four|five|six|seven|eight|nine|ten|[a-z]+teen|[a-z]+ty)\b[^()]*\)$"
)


def _answer_at(region: str, begin: int, cut: bool, percent: bool, *, word: str) -> Extraction | None:
    """What is stated from `begin` on, or None where that is no answer."""
    parts = listed(region, begin)
    if parts and not cut:
        return Extraction(parts, "phrase", percent)
    statement, whole, asked = _statement(region, begin, cut)
    if not statement or asked or _NOT_AN_ANSWER.match(statement):
        return None
    comma = False
    if not _ENGLISH.search(word):
        statement, comma = with_points(localised(statement, word), word)
    if _CALL.fullmatch(statement) or not re.search(r"[^\W_]|\\[a-z]|∅|\$", statement):
        return None
    answer = value_in(statement)
    prose = answer is None and _is_prose(statement)
    return Extraction(answer or statement, "phrase", percent, "", whole, prose, comma)


def _statement(region: str, begin: int, cut: bool) -> tuple[str, str, bool]:
    """What is stated from `begin` on: the display formula, or the rest of the sentence; uncut; and is it a question?"""
    while begin < len(region) and (region[begin].isspace() or region[begin] in "#*>_"):
        begin += 1
    window = region[begin : begin + MAX_ANSWER_CHARS + 200]
    display = _DISPLAY.match(window)
    if display:
        return display[2].strip(), "", False
    newline = window.find("\n")
    if cut and newline < 0 and len(region) <= begin + len(window):
        return "", "", False  # the statement itself may have been cut
    line = window if newline < 0 else window[:newline]
    if line.rstrip().rstrip("*").endswith(":") and (display := _DISPLAY.match(window[newline:].lstrip())):
        return display[2].strip(), "", False
    stop = next((m.start() for m in _SENTENCE_END.finditer(line) if not _inside_math(line, m.start())), len(line))
    if line[stop : stop + 1] == "!" and re.search(r"\d!", line[:stop]):
        stop += 1  # one more factorial
    asked = line[stop : stop + 1] in ("?", "？", "؟")
    return _undressed(_TRAILING.sub("", line[:stop])), _undressed(line), asked


def _undressed(text: str) -> str:
    """Without the marks of bold and code around the whole."""
    text = text.strip()
    for mark in ("**", "__", "`", "*"):
        if text.endswith(mark) and text.count(mark) == 1:
            text = text[: -len(mark)].strip()
        if len(text) > 2 * len(mark) and text.startswith(mark) and text.endswith(mark):
            text = text[len(mark) : -len(mark)].strip()
    return text.strip("*").strip()


def _inside_math(line: str, at: int) -> bool:
    return line.count("$", 0, at) % 2 == 1 or line.count("\\(", 0, at) > line.count("\\)", 0, at)


_BULLET = re.compile(
    r"[ \t]*(?:[-*•+]|\(?[a-h1-9ivx]{1,3}[).])[ \t]+(?:\*\*)?(?P<item>\S[^\n]{0,200}?)(?:\*\*)?[.;,]?[ \t]*"
)
_MAX_ITEMS = 12


def listed(region: str, begin: int) -> str:
    """The items of a bulleted list that starts on the next line and ends the text, as a list; "" for anything else."""
    rest = region[begin : begin + 2400]
    first, newline, _ = rest.partition("\n")
    starts_on_next_line = not first.strip(" *_:：") or begin == 0 or region[begin - 1] == "\n"
    if len(region) > begin + 2400 or not newline or not starts_on_next_line:
        return ""
    items: list[str] = []
    for line in rest.split("\n"):
        if not line.strip(" *_:："):
            continue
        bullet = _BULLET.fullmatch(line)
        if bullet is None or len(items) >= _MAX_ITEMS:
            return ""
        items.append(bullet["item"].strip().strip("*"))
    if not items or not all(re.search(r"[\d\\$∅]", item) and len(item) <= 80 for item in items):
        return ""
    return ", ".join(_LEADING_WORDS.sub("", item) for item in items)


_LEADING_WORDS = re.compile(r"^[A-Za-z][a-z]+(?: [a-z]+){0,3}\s*:\s*(?:\*\*)?\s*")


# --- a sentence that states a value -------------------------------------------------------------------------------

_MATH = r"\$\$?[^$\n]{1,300}\$\$?(?!\d)|\\\([^\n]{1,300}?\\\)|\\\[[^\n]{1,300}?\\\]"
_IN_SENTENCE = re.compile(
    r"[A-Z\"'][^\n=$\\]{0,200}?(?:\s|^)(?:is|are|was|were|equals|has|have|gets?|costs?|earns?|pays?|needs?|sells?|sold|makes?|made|takes?|spends?|spent|becomes|weighs?)\s+"
    rf"(?:exactly |equal to |given by |about |therefore |thus |now )?(?P<value>\**(?:{_MATH}"
    rf"|[-−]?[\\$€£]{{0,2}}\d[^;,]{{0,60}}?)\**)"
    r"(?:\s*[;,][^\n]*)?"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_MATH_SPAN = re.compile(_MATH)


def value_in(statement: str) -> str | None:
    """The value of a statement that is a sentence of its own ("The least such integer is 23; ..."), else None."""
    found = _IN_SENTENCE.fullmatch(statement) if " " in statement else None
    if found is None or len(_WORD.findall(_MATH_SPAN.sub(" ", found["value"]))) > 4:
        return None
    return found["value"].strip("*")


_CALL = re.compile(r"[a-z]\w{3,}\([^()]*\)")  # a line of a program: result = solve(x)
_PROSE_WORDS = 7


def _is_prose(statement: str) -> bool:
    """Is this a sentence in words rather than a value with a few words around it?"""
    if not statement.isascii() and len(re.findall(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]", statement)) > 14:
        return True
    return len(_WORD.findall(_MATH_SPAN.sub(" ", re.sub(r"\\[a-z]+\{[^{}]*\}", " ", statement)))) >= _PROSE_WORDS


# --- #### ---------------------------------------------------------------------------------------------------------

_VALUE_NOT_HEADING = re.compile(r"(?!\d+[.)]\s)[-+$\\\d(.€£]")  # "12", but not "2. The second case"


def after_hashes(region: str, cut: bool) -> Extraction | None:
    """The rest of the line after the last `####`, unless it is a markdown heading with text below it."""
    start = region.rfind("####")
    if start < 0:
        return None
    rest = region[start + 4 :].lstrip("# \t")
    line, newline, after = rest.partition("\n")
    line = line.strip().strip("*").strip()
    if not line or (cut and not newline):
        return None
    if after.strip() and not _VALUE_NOT_HEADING.match(line):
        return None
    if _LABEL.match(line):
        return None  # "#### Answer: 12" is a label
    return Extraction(line, "####", says_percent(region, start, start + 4))
