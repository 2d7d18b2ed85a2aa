"""What a value looks like in running text: numbers, amounts, formulas."""

from __future__ import annotations

import re

# A dollar before a digit opens no formula's end: "$45. So Tom pays $45" holds two amounts.
MATH_SPAN = re.compile(
    r"\$\$[^$]{1,400}\$\$|\$(?!\d[\d,.]*(?:[ ,.;]|$)[^$\\=^]*$)[^$]{1,400}\$(?!\d)|\\\([^\n]{1,400}?\\\)"
    r"|\\\[[^\n]{1,400}?\\\]"
)
WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
NUMBER = (
    r"[-−+]?(?:(?:(?:US|\\)?\$|[€£¥₹])\s?)?[-−]?(?:\d{1,3}(?:[, \u00a0\u2009\u202f']\d{3})+(?!\d)|\d+)(?:\.\d+"
    r"|(?<=\d),\d{1,2}(?![\d,]))?(?:\.{3}|…)?"
    r"(?:\s?[/:]\s?\d+|\s\d+/\d+)?(?:\s?(?:×|\\times|[x*·])\s?10\s?\^?\s?\{?[-−]?\d+\}?"
    r"|\^\{?[-−]?\d+\}?)?!?(?:\s?(?:\\?%|°|\^\\circ))?"
)
_MATH = r"(?:\$\$?(?![\d,.]+ [a-z])[^$\n]{1,200}\$\$?(?!\d)|\\\([^\n]{1,200}?\\\)|\\\[[^\n]{1,200}?\\\])"
_STEPS = (  # one amount in two steps
    r"\d+ (?:dollars?|hours?|hrs?|h|feet|foot|ft|pounds?|minutes?|mins?|years?|weeks?|days?|m|degrees?|kg"
    r"|km)(?:,? and|,)? "
    r"\d+(?:\.\d+)? (?:cents?|minutes?|mins?|inches|inch|ounces?|seconds?|secs?|months?|days?|cm|hours?|g|m)\b"
)
VALUE = re.compile(rf"{_MATH}|{_STEPS}|{NUMBER}")
NAME = r"[A-Za-z](?:_\{?\w{1,3}\}?)?(?:\([a-z\d, ]{1,7}\))?"
UNFINISHED = re.compile(r"(?:[-+*/=^(,]|\\[a-z]+)$")
BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_FOREIGN = re.compile(r"[À-ÖØ-öø-žЀ-ӿ؀-ۿऀ-ॿ\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def is_foreign(sentence: str) -> bool:
    return _FOREIGN.search(sentence) is not None


def after_equals(value: str) -> str:
    """The value behind the last equals sign of a chain of numbers; other equations stay whole."""
    head, equals, tail = value.rpartition("=")
    if not equals or MATH_SPAN.search(value) or not tail.strip():
        return value
    if re.search(r"[A-Za-z]\s?[-+*/^]|[-+*/^]\s?[A-Za-z]\b|\d[a-z]\b|\\", head.rpartition("=")[2]) or not re.match(
        rf"\s*(?:{NUMBER})", tail
    ):
        return value
    return tail.strip() if re.search(r"\d", head) else value


_MONEY = re.compile(r"\$(?=\d[^$]*$)")
_IN_TOTAL = re.compile(r"\s+(?:in (?:total|all)|altogether|overall)[.!]?$")


def amount(value: str) -> str:
    """A value as a sentence ends in it: `$45 in total` is an amount, and its dollar opens no formula."""
    value = _IN_TOTAL.sub("", value)
    return _MONEY.sub(r"\\$", value, count=1) if value.startswith("$") else value
