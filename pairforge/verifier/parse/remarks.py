"""What stands around an answer and says little: an announcement, a reason, a remark about its symbols."""

from __future__ import annotations

import re

from pairforge.verifier.parse.syntax import THIN, WIDE, symbols
from pairforge.verifier.parse.tokens import trim
from pairforge.verifier.parse.values import Assigned, Chain, PartReader, Piecewise, Quantity, Value

_PREAMBLE = re.compile(
    r'(?:"?(?:the )?(?:final |correct )?answers? (?:is|are):?"?|answers?:'
    r'|"?(?:therefore|thus|so|hence),?"?|approximately|about|'
    r'"?the (?:value|solution)s? (?:is|are)"?|it is|i\.e\.)\s*',
    re.IGNORECASE,
)
_AFTERTHOUGHT = re.compile(
    r'[,;.]?\s*"?\s*\(?\b(?:and (?:it|this|that) is|since|because|so that|which is|as required|respectively)\b.*$',
    re.DOTALL,
)


_REMARK = re.compile(  # "f(x) = cx for all x", "where c is a constant"; what speaks of integers says more
    r'[,;]?\s*"?\s*\(?\s*(?:\b(?:for|where|with)\b|\\forall)[^\d=\\<>]{0,60}'
    r"(?:\\in\s*\\[RC]@\s*)?\)?\s*$"
)
_OF_REALS = re.compile(
    r'(?<=[)\]}])\s*,?\s*"?\s*(?:for|with|where)\s+(?:all|any|every|some)?\s*"?\s*(?:[a-z]\s+)?'
    r'"?(?:real numbers?|reals?)(?: values? of)?\s*"?\s*[a-z]?\s*$'
)
_CALL = re.compile(r"\s*[A-Za-z]\(([a-z])\)\s*=")
_INTEGERS = re.compile("integer|natural|whole")
_ABOUT = re.compile(r'\s*"?\s*\(\s*"?\s*(?:approximately|approx\.?|rounded|about)\s*"?\s*\)\s*"?\s*$')
_ROUGHLY = re.compile(r'(?<=\S)\s*,?\s*"?\s*(?:,|or|which is)?\s*(?:approximately|about|roughly)\s*"?\s*(?=[\d.\\-])')

# "where c is a constant", "for some constant c", "(c \\in \\mathbb{R})", also with several names.
_GAP = rf'[\s",;({THIN}{WIDE}]{{0,6}}'
_SYMBOL = r"\\?[A-Za-z]+(?:_\{?\w{1,2}\}?)?"
_NAMES = rf"(?P<%s>{_SYMBOL}(?:{_GAP}(?:,|\band\b){_GAP}{_SYMBOL}){{0,3}})"
_KIND = (
    r"(?:(?:arbitrary|real|complex|positive|negative|nonzero|non-zero|fixed|unknown|free|numerical)\s+){0,3}"
    r"(?:constants?|parameters?|reals?|numbers?|coefficients?|scalars?)(?:\s+of\s+integration)?"
)
_CONSTANTS = re.compile(
    rf"(?<=\S){_GAP}(?:"
    rf"(?:where|with|here|and|for)\b{_GAP}{_NAMES % 'first'}{_GAP}(?:is|are|being|denotes?|stands\s+for)?{_GAP}"
    rf"(?:an?|any|some|the|two|three|all)?\s*{_KIND}"
    rf"|(?:for|with)\b{_GAP}(?:any|some|all|every|each|an?|two)?\s*{_KIND}{_GAP}(?:{_NAMES % 'second'})?"
    rf"|(?:(?:where|with|for)\b{_GAP}(?:any|some|all|every|each)?)?{_GAP}{_NAMES % 'third'}\s*\\in\s*\\[RC]@"
    r"(?:\s*\^?\s*\{?[+*]\}?)?"
    rf')[\s".,;){THIN}{WIDE}]*$'
)
_NAME = re.compile(_SYMBOL)


def bare(text: str) -> str:
    """The answer of a text in the normal spelling, without what announces or explains it."""
    text = _ROUGHLY.sub(r" \\approx ", _ABOUT.sub("", _AFTERTHOUGHT.sub("", text)))
    remark = _REMARK.search(text, text.find("=")) if "=" in text else None
    argument = _CALL.match(text) if remark else None
    if remark and (not _INTEGERS.search(remark[0]) or (argument and remark[0].rstrip(' )"').endswith(argument[1]))):
        text = text[: remark.start()]
    text = _without_constants(_OF_REALS.sub("", text))
    found = _PREAMBLE.match(text)
    while found and found.end() and found.end() < len(text):
        text = text[found.end() :].strip()
        found = _PREAMBLE.match(text)
    return text.strip()


def _without_constants(text: str) -> str:
    """Without a remark that some of the formula's symbols are constants or real numbers."""
    if "constant" not in text and "number" not in text and "\\in" not in text and "real" not in text:
        return text
    found = _CONSTANTS.search(text, max(0, len(text) - 160))
    if found is None:
        return text
    head = text[: found.start()]
    names = _NAME.findall(found["first"] or found["second"] or found["third"] or "")
    known = all(re.search(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", head) for name in names if name != "and")
    return head if known and re.search(r"[\w}]", head) else text


_BOUND = re.compile(
    rf'(?P<head>.*[\w)}}\]]){_GAP}(?P<word>"?\s*(?:for|where|with|when|if)\b|[,(])'
    r'[\s"]*(?P<kind>(?:(?:all|any|every|each|the|positive|real|natural)\b\s*){0,4}'
    r'(?:(?:integers?|numbers?|values?(?: of)?)\b)?)[\s"]*'
    r"(?P<condition>(?P<name>[A-Za-z])\s*(?:\\(?:le|ge|neq)(?![a-z])|<=?|>=?|!=)\s*[-\d\\][^<>=,;\"]{0,30})\)?",
    re.DOTALL,
)


def conditioned(text: str, reader: PartReader) -> Value | None:
    """`2^n - 1 for all n \\ge 1`: a formula and a bound on one of its symbols."""
    found = _BOUND.fullmatch(text) if "<" in text or ">" in text or "\\" in text else None
    if found is None or text.count("(", 0, found.end("head")) != text.count(")", 0, found.end("head")):
        return None
    name = found["name"]
    head = reader.value(trim(found["head"]))
    if isinstance(head, Assigned):
        of_name = re.search(rf"[(_]{{?{name}\b", head.name) is not None
        bound = of_name or ("integer" not in found["kind"] and found["word"] != "," and name in _symbols(head.value))
    else:
        bound = name in _symbols(head)
    condition = reader.value(found["condition"]) if bound else None
    return Piecewise(((head, condition),)) if isinstance(condition, Chain) else None


def _symbols(value: Value) -> set[str]:
    return symbols(value.tree) if isinstance(value, Quantity) else set()
