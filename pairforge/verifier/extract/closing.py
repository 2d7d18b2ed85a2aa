"""Answers that nothing marks: a chosen option, a last line or sentence, a text that is nothing but a value."""

from __future__ import annotations

import re

from pairforge.verifier.extract.extraction import PERCENT, Extraction
from pairforge.verifier.extract.languages import HEDGES, IMPERATIVE, WEAK_LABEL, localised
from pairforge.verifier.extract.sentence import closing_sentence, is_value, names_a_number
from pairforge.verifier.extract.spans import (
    BOLD,
    CJK,
    MATH_SPAN,
    NAME,
    NUMBER,
    UNFINISHED,
    WORD,
    after_equals,
    amount,
    is_foreign,
)
from pairforge.verifier.extract.stated import listed

_OPTION = re.compile(
    r"(?:correct|right|best) (?:option|choice)(?: is)?:?\s*(?:\*\*|\$|\\(?:text|textbf|mathrm|mathbf)\{|\("
    r"|option ){0,4}(?-i:([A-J]))\b(?!['’])"
    r"|\b(?:option|choice) \**\(?(?-i:([A-J]))\)?\** is (?:the )?(?:correct|right|best)\b"
    r"|正确(?:的)?(?:选项|答案)[是为:：]\s?\**\(?(?-i:([A-J]))(?![A-Za-z、，,和])"
    r"|(?:故选|应选|因此选|所以选|本题选|答案选|选择?)[ :：项择]{0,3}\(?(?-i:([A-J]))(?![A-Za-z、，,和])",
    re.IGNORECASE,
)


def chosen_option(region: str) -> Extraction | None:
    """ "The correct option is C", "option C is correct", "故选 C", in the last sentences."""
    found = None
    for found in _OPTION.finditer(region, max(0, len(region) - 400)):  # noqa: B007  (the last one counts)
        pass
    return Extraction(next(letter for letter in found.groups() if letter), "phrase") if found else None


_SIGN_OFF = re.compile(
    r"(?:I |Hope |Let me |Feel free|If you |Please let|Would you|Do you|You can |Does this|Good luck|Great "
    r"|Happy )[^\n]*(?:help|know|question|need|like|explain"
    r"|hope|further|correct|sense|luck|ask)[^\n]*",
    re.IGNORECASE,
)
_LAST_DISPLAY = re.compile(r"(?:\n|^)[^\n$\\]{0,200}(\$\$|\\\[)\s*([^$]{1,300}?)\s*(\$\$|\\\])\s*[.。]?$")
_PLAIN_LINE = re.compile(
    rf"(?:{NAME}\s?[=≈]\s?)?(?:{NUMBER}|[-\d\\(\[{{xyz√π][^\s]*(?:\s?[-+−*/=^,]\s?[^\s]+)*)|\(?[A-J]\)"
    rf"|{NAME}\s?=\s?\S[^\n]{{0,80}}"
)
_WEAK = re.compile(
    rf"[\s>#*_`\-•]*(?:the )?(?:final )?(?:{WEAK_LABEL})(?: [a-z]{{2,12}}){{0,3}}[ \t*_]*[:：]"
    r"[ \t*_]*(?P<value>\S[^\n]*)",
    re.IGNORECASE,
)
_LIST_INTRO = re.compile(
    r"(?:solutions?|answers?|roots?|values?|results?|zeros|are|is|soluciones|solutions|Lösungen"
    r"|решения)\b[^\n.]{0,40}:[*_ ]*$",
    re.IGNORECASE,
)


def last_words(region: str) -> Extraction | None:
    """What the last line or sentence of a text states."""
    text = _without_sign_off(region.strip())
    if not text or text.endswith(("```", "|")):
        return None
    display = _LAST_DISPLAY.search(text, max(0, len(text) - 600))
    if display:
        return Extraction(display[2].strip(), "last line")
    bulleted = _bulleted(text)
    if bulleted:
        return bulleted
    line = text[-600:].rsplit("\n", 1)[-1].strip().lstrip("#> ").strip()
    weak = _WEAK.fullmatch(line)
    if weak:
        value = _bare(weak["value"])
        return (
            Extraction(after_equals(value), "label", bool(PERCENT.search(line)))
            if is_value(after_equals(value))
            else None
        )
    bare = _bare(line)
    environment = _LAST_ENVIRONMENT.search(text, max(0, len(text) - 1500))
    if environment:
        row = environment[1].rstrip().removesuffix("\\\\").rpartition("\\\\")[2].rpartition("=")
        return Extraction(row[2].strip(" &.\n"), "last line") if row[1] and row[2].strip(" &.\n") else None
    if len(bare) > 120 or UNFINISHED.search(bare) or not _is_closed(bare):
        bare = ""
    if bare and ("\n" in text or line.startswith(("**", "$", "\\("))):
        if MATH_SPAN.fullmatch(bare.rstrip(".。")):
            return Extraction(bare, "last line")
        if (line.startswith("**") and is_value(bare)) or (
            _PLAIN_LINE.fullmatch(bare.rstrip(".")) and not _LIST_NUMBER.match(bare)
        ):
            return Extraction(after_equals(bare) if re.match(r"[\d(]", bare) else bare, "last line")
    return closing_sentence(line)


_LAST_ENVIRONMENT = re.compile(
    r"\\begin\{(?:align|aligned|gather|eqnarray)\*?\}((?:(?!\\begin|\\end).)*)\\end\{(?:align|aligned|gather"
    r"|eqnarray)\*?\}"
    r"\s*(?:\\\]|\$\$)?\s*$",
    re.DOTALL,
)


def _is_closed(line: str) -> bool:
    """Do brackets close that open, and is there something to read?"""
    return (
        (line.count("(") == line.count(")") or re.search(r"[\[\]]", line) is not None)
        and line.count("{") == line.count("}")
        and not line.startswith(("\\end", "[/"))
        and not re.search(r"\d{60}", line)
    )


_LIST_NUMBER = re.compile(r"\d{1,2}[.)]$|\d{1,2}[.)] ")


def _without_sign_off(text: str) -> str:
    """Without a last paragraph that only says goodbye."""
    for _ in range(2):
        head, gap, last = text.rpartition("\n")
        if gap and len(last) < 300 and _SIGN_OFF.match(last):
            text = head.rstrip().rstrip("-").rstrip()
        else:
            break
    return text


def _bulleted(text: str) -> Extraction | None:
    tail = text[-1500:]
    lines = tail.split("\n")
    first = len(lines)
    while first and re.match(r"[ \t]*(?:[-*•+]|\d{1,2}[.)])[ \t]|\s*$", lines[first - 1]):
        first -= 1
    if first in (0, len(lines)) or not _LIST_INTRO.search(lines[first - 1]):
        return None
    found = listed(tail, len("\n".join(lines[:first])))
    return Extraction(found, "list") if found else None


def _bare(text: str) -> str:
    """Without marks of bold around the whole or at its ends."""
    text = text.strip()
    if text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        text = text[2:-2]
    text = text.replace("**", "").strip().strip("`").strip("*_").strip()
    return _ARROW.sub("", text)


_ARROW = re.compile(r"^(?:=>|->|→|⇒|⟹|∴)\s*")


def whole_text(region: str, *, lenient: bool) -> Extraction | None:
    """A text that is one short line and nothing but an answer."""
    text = _ARROW.sub("", region.strip())
    if "\n" in text or len(text) > 300 or text.startswith('{"') or not re.search(r"[^\W_]|∅|√|π", text):
        return None
    words = WORD.findall(MATH_SPAN.sub(" ", text))
    if len(words) > (12 if lenient else 4) or len(CJK.findall(text)) > 8:
        return None
    if (
        _NO_STATEMENT.search(text)
        or HEDGES.search(text)
        or text.endswith(("?", "？", "؟", ":"))
        or (words and IMPERATIVE.match(text))
        or (text.endswith("!") and not re.search(r"\d", text))
        or (words and names_a_number(text))
    ):
        return None
    return (_foreign_value(text) if is_foreign(text) else None) or Extraction(_only_value(text), "whole text")


_EXPLAINED = re.compile(
    r"(?P<value>[^\n]{1,60})\n\s*(?:[#*]{1,4}\s*)?(?:Explanation|Reason(?:ing)?|Because|Justification|Steps?|Working|Proof)\b"
)


def answer_first(region: str) -> Extraction | None:
    """A value on the first line, and an explanation below it."""
    found = _EXPLAINED.match(region.lstrip())
    value = whole_text(found["value"], lenient=False) if found else None
    return value if value and is_value(value.answer) else None


def _foreign_value(text: str) -> Extraction | None:
    """The only value of a sentence in another language."""
    value = localised(text.rstrip("。.।"), text)
    return Extraction(value, "whole text") if value != text and re.search(r"\d|\$", value) and is_value(value) else None


_NO_STATEMENT = re.compile(
    r"\b(?:[Gg]ood luck|[Ss]ure|[Hh]ello|[Tt]hank(?:s| you)|[Cc]ertainly|[Oo]f course|[Ww]elcome|[Cc]ontinued?"
    r"|[Cc]annot|can't|don't|[Uu]nable|[Uu]nsure|[Ss]orry|[Mm]aybe|[Pp]erhaps|I|I'm|[Ll]et|[Ll]et's|[Ww]e|think|guess"
    r"|know|help|[Aa]nswer)\b"
)
_VALUE_START = re.compile(r"(?<=[a-z] )[$\\]?\\?\$?-?[\d(\\]")


def _only_value(text: str) -> str:
    """What is bold in a short sentence, or the sentence from its only value on."""
    bold = BOLD.findall(text)
    if len(bold) == 1:
        return str(bold[0])
    values = list(_VALUE_START.finditer(text))
    sentence = len(values) == 1 and text[0].isalpha() and not MATH_SPAN.match(text) and " and " not in text
    if sentence and re.match(r"[A-Z][a-z]*,? [a-z]", text):
        return amount(text[values[0].start() :])
    return text.strip("*").strip()
