"""Final answers without a box or a phrase: an option named as correct, a concluding sentence, a bare value."""

from __future__ import annotations

import re

from pairforge.verifier.extraction import PERCENT, Extraction

# A dollar before a digit opens no formula's end: "$45. So Tom pays $45" holds two amounts.
_MATH_SPAN = re.compile(r"\$\$?[^$]{1,400}\$\$?(?!\d)|\\\([^\n]{1,400}?\\\)|\\\[[^\n]{1,400}?\\\]")
_NO_STATEMENT = re.compile(
    r"\b(?:[Cc]annot|can't|don't|[Uu]nable|[Uu]nsure|[Ss]orry|[Mm]aybe|[Pp]erhaps|I|I'm|[Ll]et|[Ll]et's|[Ww]e|think|guess"
    r"|know|help|[Aa]nswer)\b"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")


def whole(region: str, *, lenient: bool) -> Extraction | None:
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


def option(region: str) -> Extraction | None:
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


def conclusion(region: str) -> Extraction | None:
    """A last sentence like "So she has 42 apples left." that ends in a value."""
    last = region.rstrip()[-400:].rsplit("\n", 1)[-1].strip().strip("*").strip()
    sentence = re.split(r"(?<=[a-z\d$)])\. +(?=[A-Z])", last)[-1]
    found = _CONCLUDES.fullmatch(sentence)
    if found is None or len(_WORD.findall(_MATH_SPAN.sub(" ", found["value"]))) > 4:
        return None
    return Extraction(_amount(found["value"].replace("**", "")), "conclusion", bool(PERCENT.search(sentence)))
