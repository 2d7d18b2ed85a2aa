"""Answers that a text states without a box: an answer tag, "the answer is", `####`, an option, a closing sentence."""

from __future__ import annotations

import re

from pairforge.verifier.extract.boxes import MAX_ANSWER_CHARS, PERCENT, Extraction, says_percent

_TAG_OPEN = re.compile(r"<\s*(?:final[_ ]?)?answer\s*>", re.IGNORECASE)
_TAG_CLOSE = re.compile(r"<\s*/\s*(?:final[_ ]?)?answer\s*>", re.IGNORECASE)


def answer_tag(region: str) -> tuple[str, bool]:
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


# --- "the answer is" and #### ------------------------------------------------------------------------------------

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


def stated(region: str, cut: bool) -> Extraction | None:
    """ "The answer is" and `####`; where both occur the later one is the final answer."""
    hashes = after_hashes(region, cut)
    return phrase(region, cut, region.rfind("####") if hashes else 0) or hashes


def phrase(region: str, cut: bool, begin: int = 0) -> Extraction | None:
    """What the last "the answer is" from `begin` on states."""
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
            return Extraction(statement, "phrase", says_percent(region, start, found.end()))
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


_VALUE_NOT_HEADING = re.compile(r"(?!\d+[.)]\s)[-+$\\\d(.]")  # "12", but not "2. The second case"


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
    return Extraction(line, "####", says_percent(region, start, start + 4))


# --- without any mark ---------------------------------------------------------------------------------------------

# A dollar before a digit opens no formula's end: "$45. So Tom pays $45" holds two amounts.
_MATH_SPAN = re.compile(r"\$\$?[^$]{1,400}\$\$?(?!\d)|\\\([^\n]{1,400}?\\\)|\\\[[^\n]{1,400}?\\\]")
_NO_STATEMENT = re.compile(
    r"\b(?:[Cc]annot|can't|don't|[Uu]nable|[Uu]nsure|[Ss]orry|[Mm]aybe|[Pp]erhaps|I|I'm|[Ll]et|[Ll]et's|[Ww]e|think|guess"
    r"|know|help|[Aa]nswer)\b"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")


def whole_text(region: str, *, lenient: bool) -> Extraction | None:
    """A text that is one short line, or whose last line is nothing but a formula."""
    text = region.strip()
    limit = 12 if lenient else 4
    if "\n" not in text and len(text) <= 300:
        words = _WORD.findall(_MATH_SPAN.sub(" ", text))
        if _NO_STATEMENT.search(text):
            return None
        return Extraction(_only_value(text), "whole text", False) if len(words) <= limit else None
    last = text[-400:].rsplit("\n", 1)[-1].strip().strip("*").strip()
    formula = _MATH_SPAN.fullmatch(last.rstrip("."))
    if formula:
        return Extraction(last, "last line")
    display = _LAST_DISPLAY.search(text, max(0, len(text) - 400))
    return Extraction(display[2].strip(), "last line") if display else None


_LAST_DISPLAY = re.compile(r"\n\s*(\$\$|\\\[)\s*([^$]{1,300}?)\s*(\$\$|\\\])\s*\.?$")
_MONEY = re.compile(r"\$(?=\d[^$]*$)")
_IN_TOTAL = re.compile(r"\s+(?:in (?:total|all)|altogether|overall)[.!]?$")


def _amount(value: str) -> str:
    """A value as a sentence ends in it: `$45 in total` is an amount, and its dollar opens no formula."""
    value = _IN_TOTAL.sub("", value)
    return _MONEY.sub(r"\\$", value, count=1) if value.startswith("$") else value


_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_VALUE_START = re.compile(r"(?<=[a-z] )[$\\]?\\?\$?-?[\d(\\]")


def _only_value(text: str) -> str:
    """What is bold in a short sentence, or the sentence from its only value on."""
    bold = _BOLD.findall(text)
    if len(bold) == 1:
        return str(bold[0])
    values = list(_VALUE_START.finditer(text))
    sentence = len(values) == 1 and text[0].isalpha() and not _MATH_SPAN.match(text) and " and " not in text
    if sentence and re.match(r"[A-Z][a-z]*,? [a-z]", text):
        return _amount(text[values[0].start() :])
    return text.strip("*").strip()


_OPTION = re.compile(
    r"(?:correct|right|best) (?:option|choice)(?: is)?:?\s*\**\(?\**(?-i:([A-J]))\b(?!['’])"
    r"|\b(?:option|choice) \**\(?(?-i:([A-J]))\)?\** is (?:the )?(?:correct|right|best)\b",
    re.IGNORECASE,
)


def chosen_option(region: str) -> Extraction | None:
    """ "The correct option is C", "option C is correct", in the last sentences."""
    found = None
    for found in _OPTION.finditer(region, max(0, len(region) - 400)):  # noqa: B007  (the last one counts)
        pass
    return Extraction(found[1] or found[2], "phrase") if found else None


_CONCLUDES = re.compile(
    r"(?:\*\*)?(?:therefore|thus|hence|so|finally|consequently|in conclusion|in total|altogether|overall)\b"
    r"[^\n]{0,300}?"
    r"(?:=|\b(?:is|are|equals?|has|have|get|was|were|be|total of|paid|costs?|earns?|equal to|pays?|measures?|needs?"
    r"|spends?|saves?|takes?|makes?|gets?|sells?|sold|weighs?|contains?|receives?|requires?|holds?)\b)\s*\**"
    r"(?P<value>[$\\]?[-−+]?[\\$\d(][^=\n]{0,120}?)\**[.!]?\**$",
    re.IGNORECASE,
)


def closing_sentence(region: str) -> Extraction | None:
    """A last sentence like "So she has 42 apples left." that ends in a value."""
    last = region.rstrip()[-400:].rsplit("\n", 1)[-1].strip().strip("*").strip()
    sentence = re.split(r"(?<=[a-z\d$)])\. +(?=[A-Z])", last)[-1]
    found = _CONCLUDES.fullmatch(sentence)
    if found is None or len(_WORD.findall(_MATH_SPAN.sub(" ", found["value"]))) > 4:
        return None
    return Extraction(_amount(found["value"].replace("**", "")), "conclusion", bool(PERCENT.search(sentence)))
