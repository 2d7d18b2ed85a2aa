"""The value that a closing sentence states, such as "So she has 42 apples left"."""

from __future__ import annotations

import re

from pairforge.verifier.extract.extraction import PERCENT, Extraction
from pairforge.verifier.extract.languages import (
    CONCLUDES_EN,
    CONCLUDES_OTHER,
    COPULA_OTHER,
    HEDGES,
    IMPERATIVE,
    localised,
)
from pairforge.verifier.extract.spans import (
    BOLD,
    CJK,
    MATH_SPAN,
    NAME,
    UNFINISHED,
    VALUE,
    WORD,
    after_equals,
    amount,
    is_foreign,
)

_SENTENCE_BREAK = re.compile(
    r"(?<=[a-z\d$)%*\"])[.!]\**\s+(?=[A-Z\"*$\\\d(]|[А-ЯÀ-Þ])|(?<=[。।！？؟])\s*(?=\S)|(?<=[a-zа-я]{2})[.]\s+(?=\S)"
    r"|(?<=[?])\s+"
)
_CONCLUDES = re.compile(rf"[\s*_>]*{CONCLUDES_EN}", re.IGNORECASE)
_VERB = re.compile(
    r"(?:=|\b(?:(?:that|it|there)['’]s|is|are|equals?|has|have|had|was|were|be|been|get|gets|got|total of|costs?"
    r"|earns?|equal to|pays?|paid|measures?|needs?"
    r"|spends?|spent|saves?|takes?|took|makes?|made|sells?|sold|weighs?|contains?|receives?|requires?|holds?"
    r"|lasts?|reads?|eats?|ate"
    r"|won|wins?|ran|runs?|gave|gives?|bought|buys?|drew|kept|left|lost|found|saw|drove|rode|swam|grew|built|held"
    r"|cut|becomes?|became"
    r"|obtain|find|yield|see|uses?|drinks?|drank|remains?|(?:total|profit|sum|cost|amount|loss|distance|average"
    r"|score|speed) of|(?:to|will) [a-z]{3,} [A-Z][a-z]+|to [a-z]{3,}|will [a-z]{3,}|would [a-z]{3,}|take (?:him"
    r"|her|them|us)|[a-z]{3,}ed|[a-z]{2,}[a-rt-z]s))"
    r"(?: (?:exactly|equal to|only|about|a total of|given by|therefore|thus|now|at|to|for|by|also|still"
    r"|just))?[\s*]*$",
    re.IGNORECASE,
)
_TAIL_STOPS = re.compile(
    r"\s+(?:in|on|at|for|to|from|of|with|after|before|by|during|than|that|which|who|when|if|because|as|and|left"
    r"|remaining|altogether|overall"
    r"|per (?!hour|minute|second|day|week|month|year|mile|km|person)|were|was|are|is|can|will|have|has|had|each"
    r"|every|total|over|this|these"
    r"|passed|between|among|within|[a-z]{3,}ed|more|less|away|instead|again|such)\b.*|\s*[,;(–—].*"
)
_ADJECTIVES = re.compile(r"^\s*(?:such|different|possible|distinct|valid|more|other|ways?)\s+")


def is_value(text: str) -> bool:
    """Could this be an answer: a short text with a number or formula in it, a letter of an option, or a short name?"""
    bare = text.rstrip(".。").strip()
    if not bare or bare.endswith(("?", ":")) or len(bare) > 200 or IMPERATIVE.match(bare) or HEDGES.search(bare):
        return False
    words = len(WORD.findall(MATH_SPAN.sub(" ", bare)))
    if re.search(r"[\d$\\∅√π^=]", bare):
        return words <= 4
    return re.fullmatch(r"\(?[A-J]\)?", bare) is not None


def closing_sentence(line: str) -> Extraction | None:
    """A last sentence like "So she has 42 apples left." or "The probability is 4/9."."""
    sentence = _SENTENCE_BREAK.split(line.strip())[-1].strip()
    if not sentence or len(sentence) > 400 or sentence.rstrip("*_ ").endswith(("?", ":", "？", "؟", "：")):
        return None
    so = _SO.search(sentence)
    rest = sentence[so.end() :] if so else ""
    if rest and re.search(r"\d|\$|no ", rest):
        return closing_sentence(f"So {rest}")
    since = _SINCE.match(sentence)
    if since and since.end() < len(sentence):
        return closing_sentence(f"So {sentence[since.end() :]}")
    yes = re.match(r"\**(Yes|No|True|False)\**\s*[,.;:!—–-]", sentence)
    if yes and not re.match(r"\**No\**[,.;:!]? (?:I|sorry)", sentence):
        return Extraction(yes[1], "conclusion")
    if HEDGES.search(sentence) or IMPERATIVE.match(sentence):
        return None
    other = CONCLUDES_OTHER.match(sentence)
    concludes = other is not None or _CONCLUDES.match(sentence) is not None
    percent = bool(PERCENT.search(sentence))
    bold = BOLD.findall(sentence)
    if len(bold) == 1 and (is_value(bold[0]) or (concludes and _SHORT_NAME.fullmatch(bold[0]))):
        return Extraction(after_equals(bold[0].strip().rstrip(".")), "conclusion", percent)
    found = _value_of(sentence.replace("**", ""), concludes, foreign=other is not None)
    if found is None:
        return _in_words(sentence.replace("**", ""), concludes)
    value, tail = found
    if other is not None or is_foreign(sentence):
        answer = localised(value + tail, other.group() if other else sentence)
    else:
        answer = value + _unit_words(tail)
    answer = answer.strip()
    return Extraction(amount(answer), "conclusion", percent) if len(answer) <= 200 else None


_SO = re.compile(
    r"(?:[,;]|\s[-–—]) (so|hence|thus|therefore|giving us|giving|which gives(?: us)?|which means)\b(?! that)"
)
_SINCE = re.compile(r"(?:Since|Because|As) [^,]{3,200}, (?=[a-z$])")
_NONE = re.compile(
    r"\b(?:there (?:is|are|exists?)|has|have|with) no (?:(?:real|integer|such|other|possible|valid|positive"
    r"|more) ){0,2}(?:solutions?|roots?|values?)\b"
    r"|\bno (?:(?:real|integer|such) )?(?:solutions?|roots?|values?)(?: exists?)?[.!]?$",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"\b(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven"
    r"|eight|nine))?"
    r"|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|zero)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(
    r"\b(?:is|was|on|be) (?:an? |the |on )?\**([A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?|true|false|even|odd|undefined"
    r"|infinite)\**[.!]?$"
)


def _in_words(sentence: str, concludes: bool) -> Extraction | None:
    """An answer without a number: no solution, a number in words, a name that a conclusion ends in."""
    if re.search(r"\d|\$", sentence):
        return None
    if _NONE.search(sentence):
        return Extraction("no solution", "conclusion")
    numbers = _NUMBER_WORD.findall(sentence)
    if len(numbers) == 1:
        before = sentence[: sentence.index(numbers[0])]
        return Extraction(numbers[0], "conclusion") if _VERB.search(before) else None
    name = _NAMED.search(sentence) if concludes else None
    return Extraction(name[1], "conclusion") if name else None


_SHORT_NAME = re.compile(r"[A-Z][\w'’-]*(?: [\w'’-]+){0,3}")


def _value_of(sentence: str, concludes: bool, *, foreign: bool) -> tuple[str, str] | None:
    """The value that a sentence states and the words behind it; None where it states several, or none."""
    main = _REMARK.sub("", sentence)
    sentence = main if re.search(r"\d|\$", main) else sentence
    spans = [m for m in VALUE.finditer(sentence) if not _inside_word(sentence, m)]
    if not spans:
        return None
    last = spans[-1]
    end = last.start() + len(last.group().rstrip())
    before, behind = sentence[: last.start()], sentence[end:].rstrip()
    if _NO_STATE.search(before):
        return None
    stop = behind.rstrip("*_ ").rstrip(".。।!！").strip()
    if before.rstrip().endswith(("=", "≈")) and len(WORD.findall(stop)) <= (15 if concludes else 6):
        return last.group().strip(), behind
    if UNFINISHED.search(stop):
        return None
    assigned = _last_assignments(sentence, spans) if not stop else None
    if assigned:
        return assigned, ""
    listed_values = _plural(sentence, spans) if not stop else None
    if listed_values:
        return listed_values, ""
    words = len(WORD.findall(stop))
    ends = words <= 4 and len(CJK.findall(stop)) <= 8
    if len(spans) == 1:
        verb = _VERB.search(before) or not before.strip() or (is_foreign(sentence) and COPULA_OTHER.search(before))
        if concludes or (verb and words <= 12) or (not stop and "=" in last.group()):
            return last.group().strip(), behind
    verbs = [m for m in spans if _VERB.search(sentence[: m.start()]) or COPULA_OTHER.search(sentence[: m.start()])]
    if ends and verbs == [last] and (concludes or not foreign):
        return last.group().strip(), behind
    return None


# What only says where or why the value is taken.
_REMARK = re.compile(
    r",? (?:attained|achieved|reached|obtained|occurring|which|where|since|because|as (?:required|desired|claimed"
    r"|expected)"
    r"|with equality|and it)\b.*"
)
_IS_ASSIGNMENT = re.compile(rf"(?:\$|\\\()\s*{NAME}\s*=[^=<>]+(?:\$|\\\))")
_JOINT = re.compile(r"\s*(?:,|;|and|or|, and|, or|und|et|y|и)\s*")
_ARE = re.compile(
    r"\b(?:are|were|include|son|sont|sind|são|sono)(?: (?:the numbers|exactly|only|given by|therefore))?:?\s*$"
)


def _plural(sentence: str, spans: list[re.Match[str]]) -> str | None:
    """The values of "The numbers are 3, 4 and 5."."""
    first = len(spans) - 1
    while first > 0 and _JOINT.fullmatch(sentence, spans[first - 1].end(), spans[first].start()):
        first -= 1
    if len(spans) - first < 2 or not _ARE.search(sentence[: spans[first].start()]):
        return None
    return ", ".join(span.group().strip() for span in spans[first:])


def _last_assignments(sentence: str, spans: list[re.Match[str]]) -> str | None:
    """The formulas `x = 6`, or `x = 1` and `x = 2`, in which a sentence ends."""
    first = len(spans)
    while first and _IS_ASSIGNMENT.fullmatch(spans[first - 1].group()):
        joined = first == len(spans) or _JOINT.fullmatch(sentence, spans[first - 1].end(), spans[first].start())
        if not joined:
            break
        first -= 1
    return ", ".join(span.group() for span in spans[first:]) or None


_NO_STATE = re.compile(r"\b(?:by|with|from|in|on|than|into|over|since|times|plus|minus|add|subtract|using|because)\s*$")


def _inside_word(sentence: str, value: re.Match[str]) -> bool:
    """A digit that belongs to a word or an ordinal: "1st", "H2O", "Step 3"."""
    start, end = value.span()
    before, after = sentence[max(0, start - 12) : start], sentence[end : end + 3]
    joined = bool(re.search(r"[A-Za-z_]$", before)) and value.group()[0].isalnum()
    ordinal = re.match(r"(?:st|nd|rd|th)\b", after) is not None
    return joined or ordinal or _NUMBERED.search(before) is not None


_NUMBERED = re.compile(
    r"\b(?:step|part|case|section|figure|equation|problem|question|exercise|theorem|lemma|chapter|table|example"
    r"|no\.) ?\(?$",
    re.IGNORECASE,
)


def names_a_number(text: str) -> bool:
    """Is a number of the text the number of something, as in "Step 3"?"""
    return any(_inside_word(text, value) for value in VALUE.finditer(text))


def _unit_words(tail: str) -> str:
    """The unit or noun right behind a value in a sentence, without what the sentence goes on to say."""
    tail = tail.rstrip().rstrip("*").rstrip(".!").rstrip()
    tail = _ADJECTIVES.sub(" ", _TAIL_STOPS.sub("", " " + tail.lstrip() if tail[:1].isspace() else tail))
    return tail if len(WORD.findall(tail)) <= 4 and re.fullmatch(r"[\w\s.,'’°²³/^%$\\{}-]*", tail) else ""
