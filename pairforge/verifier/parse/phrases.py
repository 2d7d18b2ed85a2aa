"""Answers in words: number words, names, yes and no, no solution, choice letters, dates, times of day."""

from __future__ import annotations

import re
from fractions import Fraction

_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen nineteen"
)
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety"
_NUMBER_WORDS = {word: n for n, word in enumerate(_ONES.split())} | {w: 10 * n for n, w in enumerate(_TENS.split(), 2)}
_SCALES = {"hundred": 100, "thousand": 1000, "million": 10**6, "billion": 10**9}
_PARTS = {
    "half": 2, "halves": 2, "third": 3, "thirds": 3, "quarter": 4, "quarters": 4, "fourth": 4, "fourths": 4, "fifth": 5,
    "fifths": 5, "sixth": 6, "sixths": 6, "eighth": 8, "eighths": 8, "tenth": 10, "tenths": 10,
}  # fmt: skip

_ONE_OR_MORE = r"(?:real |integer |such |possible )?(?:solutions?|roots?|values?|answers?)(?: exists?)?"
_SPECIALS = {
    name: re.compile(pattern, re.IGNORECASE)
    for name, pattern in {
        "empty": r"\\varnothing|\\\{ *\\\}|empty set|(?:there (?:is|are) )?no "
        + _ONE_OR_MORE
        + r"|(?:there (?:is|are) )?none(?: exists?)?|(?:there (?:is|are) )?no such \w+(?: \w+)?(?: exists?)?"
        + r"|(?:there (?:is|are) )?no (?:real |positive |integer |such )*"
        + r"(?:numbers?|integers?|pairs?|points?|triples?|triangles?)"
        + r"(?: exists?)?|null set",
        "undefined": r"undefined|not defined|dne|does not exist|doesn't exist|diverges|divergent",
        "reals": r"\\R@|(?:all |the )?(?:set of )?(?:all )?real numbers?|all reals|\(-\\infty *, *\+? *\\infty *\)",
        "infinitely many": r"infinitely many(?: solutions?)?|infinite(?:ly)?(?: many)?(?: solutions)?",
        "yes": r"yes|true|correct",
        "no": r"no|false|incorrect",
    }.items()
}
_OPENING = re.compile(r"(yes|no|true|false)[,.:;]\s+\S.*", re.IGNORECASE | re.DOTALL)

_MONTH_NAMES = "january february march april may june july august september october november december"
_MONTHS = _MONTH_NAMES.split()
_MONTH = {name[:size]: n for n, name in enumerate(_MONTHS, 1) for size in (3, 4, len(name)) if size <= len(name)}
_MONTH |= dict(zip(_MONTHS, range(1, 13), strict=True))
_DATES = (
    re.compile(r"(?P<month>[a-z]{3,9})\.? *(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: *,? *(?P<year>\d{4}))?"),
    re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:of )?(?P<month>[a-z]{3,9})\.?(?: *,? *(?P<year>\d{4}))?"),
    re.compile(r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})"),
)
_WEEKDAY = re.compile(r"(?:mon|tues|wednes|thurs|fri|satur|sun)day,? +")
_CLOCK = re.compile(
    r"(\d{1,2})(?: *: *(\d{2}))?(?: *: *(\d{2}))? *(?:(a|p)\.? ?m\b\.?|(noon|midnight)"
    r"|o'clock(?: *(?:(a|p)\.? ?m\b\.?))?)?"
)


def bare_words(text: str) -> str:
    """Words only, lower case, without quotes, articles and outer punctuation."""
    text = text.replace('"', " ").replace("\u2009", " ").replace("-", " ").replace("_", " ").lower()
    text = re.sub(r"\s+", " ", text).strip(" .,;:!?'")
    return re.sub(r"^(?:the|a|an) ", "", text)


def is_words(text: str) -> bool:
    """Nothing but words (letters of any script, spaces, hyphens, apostrophes, commas)?"""
    bare = text.replace('"', " ").replace("\u2009", " ").strip(" .!?")
    return bool(bare) and re.fullmatch(r"[^\W\d_]+(?:[\s'’,;.:&-]+[^\W\d_]+)*", bare) is not None


def special_answer(text: str) -> str:
    """ "empty", "undefined", "reals", "yes", "no" or "infinitely many" when the text says just that, else ""."""
    bare = bare_words(text) or text.strip()
    for form in (bare, text.strip()):
        for name, pattern in _SPECIALS.items():
            if pattern.fullmatch(form):
                return name
    opening = _OPENING.fullmatch(text.replace('"', " ").strip())
    return {"yes": "yes", "true": "yes", "no": "no", "false": "no"}[opening[1].lower()] if opening else ""


def number_from_words(text: str) -> Fraction | None:
    """The value of "forty-two", "three hundred and five", "two thirds", "one and a half"; None for other words."""
    words = bare_words(text).replace(",", " ").split()
    if not words or len(words) > 12:
        return None
    if "and" in words and words[-1] in _PARTS:
        cut = words.index("and")
        whole, part = _whole(words[:cut]), _fraction(words[cut + 1 :])
        return None if whole is None or part is None else whole + part
    if words[-1] in _PARTS:
        return _fraction(words)
    return _whole(words)


def _fraction(words: list[str]) -> Fraction | None:
    top = Fraction(1) if words[:-1] in ([], ["a"], ["an"]) else _whole(words[:-1])
    if words == ["half"] or len(words) > 1:
        return None if top is None else top / _PARTS[words[-1]]
    return None


def _whole(words: list[str]) -> Fraction | None:
    total = current = 0
    seen = False
    for word in words:
        if word == "and" and seen:
            continue
        if word in _NUMBER_WORDS:
            current += _NUMBER_WORDS[word]
        elif word == "hundred" and seen:
            current *= 100
        elif word in _SCALES and seen:
            total, current = total + current * _SCALES[word], 0
        else:
            return None
        seen = True
    return Fraction(total + current) if seen else None


def written_date(text: str) -> tuple[int, int, int] | None:
    """(year or 0, month, day) of a written date."""
    bare = _WEEKDAY.sub("", re.sub(r"\s+", " ", text.replace('"', " ").replace("^", "").lower()).strip(" ."))
    for pattern in _DATES:
        found = pattern.fullmatch(bare)
        if found:
            name = found["month"]
            month = int(name) if name.isdigit() else _MONTH.get(name, 0)
            if 1 <= month <= 12 and 1 <= int(found["day"]) <= 31:
                return int(found["year"] or 0), month, int(found["day"])
    return None


def time_of_day(text: str) -> tuple[int, int, int, str] | None:
    """(hour, minute, second, "am" | "pm" | "") of a time of day; a bare number without minutes is not one."""
    bare = re.sub(
        r"\s+", " ", text.replace('"', " ").replace("\u2009", " ").replace("{", "").replace("}", "").lower()
    ).strip()
    if bare in ("noon", "midday", "midnight", "12 noon", "12 midnight"):
        return 12, 0, 0, "am" if "midnight" in bare else "pm"
    found = _CLOCK.fullmatch(bare)
    if found is None or not (found[2] or found[4] or found[5] or found[6] or "o'clock" in bare):
        return None
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if hour > 24 or minute > 59 or second > 59:
        return None
    half = found[4] or found[6] or ({"noon": "p", "midnight": "a"}[found[5]] if found[5] else "")
    return hour, minute, second, f"{half}m" if half else ""


def choice_letters(text: str) -> tuple[str, bool] | None:
    """The choice letters of "A, C", "B and D" or "ACD", and whether they were written apart."""
    bare = re.sub(r"[()\"\s\u2009.$]", " ", text).strip()
    apart = re.sub(r"\band\b|[,;&]", " ", bare).split()
    if len(apart) > 1 and all(len(p) == 1 and "A" <= p <= "J" for p in apart):
        return "".join(apart), True
    if (
        len(apart) == 1
        and 2 <= len(apart[0]) <= 6
        and re.fullmatch("[A-H]+", apart[0])
        and len(set(apart[0])) == len(apart[0])
    ):
        return apart[0], False
    return None
