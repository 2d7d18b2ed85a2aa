"""Answers that nothing marks: a chosen option, a closing sentence, a last line, a text that is nothing but a value."""

from __future__ import annotations

import re

from pairforge.verifier.extract.extraction import PERCENT, Extraction
from pairforge.verifier.extract.languages import (
    CONCLUDES_EN,
    CONCLUDES_OTHER,
    COPULA_OTHER,
    HEDGES,
    IMPERATIVE,
    WEAK_LABEL,
    localised,
)
from pairforge.verifier.extract.stated import listed

# A dollar before a digit opens no formula's end: "$45. So Tom pays $45" holds two amounts.
_MATH_SPAN = re.compile(
    r"\$\$[^$]{1,400}\$\$|\$(?!\d[\d,.]*(?:[ ,.;]|$)[^$\\=^]*$)[^$]{1,400}\$(?!\d)|\\\([^\n]{1,400}?\\\)|\\\[[^\n]{1,400}?\\\]"
)
_WORD = re.compile(r"(?<![\\A-Za-z])[^\W\d_]{2,}")
_CJK = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


# --- options ------------------------------------------------------------------------------------------------------

_OPTION = re.compile(
    r"(?:correct|right|best) (?:option|choice)(?: is)?:?\s*(?:\*\*|\$|\\(?:text|textbf|mathrm|mathbf)\{|\(|option ){0,4}(?-i:([A-J]))\b(?!['’])"
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


# --- the last line ------------------------------------------------------------------------------------------------

_SIGN_OFF = re.compile(
    r"(?:I |Hope |Let me |Feel free|If you |Please let|Would you|Do you|You can |Does this|Good luck|Great |Happy )[^\n]*(?:help|know|question|need|like|explain"
    r"|hope|further|correct|sense|luck|ask)[^\n]*",
    re.IGNORECASE,
)
_LAST_DISPLAY = re.compile(r"(?:\n|^)[^\n$\\]{0,200}(\$\$|\\\[)\s*([^$]{1,300}?)\s*(\$\$|\\\])\s*[.。]?$")
_NUMBER = (
    r"[-−+]?(?:(?:(?:US|\\)?\$|[€£¥₹])\s?)?[-−]?(?:\d{1,3}(?:[, \u00a0\u2009\u202f']\d{3})+(?!\d)|\d+)(?:\.\d+|(?<=\d),\d{1,2}(?![\d,]))?(?:\.{3}|…)?"
    r"(?:\s?[/:]\s?\d+|\s\d+/\d+)?(?:\s?(?:×|\\times|[x*·])\s?10\s?\^?\s?\{?[-−]?\d+\}?|\^\{?[-−]?\d+\}?)?!?(?:\s?(?:\\?%|°|\^\\circ))?"
)
_MATH = r"(?:\$\$?(?![\d,.]+ [a-z])[^$\n]{1,200}\$\$?(?!\d)|\\\([^\n]{1,200}?\\\)|\\\[[^\n]{1,200}?\\\])"
_STEPS = (  # one amount in two steps
    r"\d+ (?:dollars?|hours?|hrs?|h|feet|foot|ft|pounds?|minutes?|mins?|years?|weeks?|days?|m|degrees?|kg|km)(?:,? and|,)? "
    r"\d+(?:\.\d+)? (?:cents?|minutes?|mins?|inches|inch|ounces?|seconds?|secs?|months?|days?|cm|hours?|g|m)\b"
)
_VALUE = re.compile(rf"{_MATH}|{_STEPS}|{_NUMBER}")
_NAME = r"[A-Za-z](?:_\{?\w{1,3}\}?)?(?:\([a-z\d, ]{1,7}\))?"
_PLAIN_LINE = re.compile(
    rf"(?:{_NAME}\s?[=≈]\s?)?(?:{_NUMBER}|[-\d\\(\[{{xyz√π][^\s]*(?:\s?[-+−*/=^,]\s?[^\s]+)*)|\(?[A-J]\)|{_NAME}\s?=\s?\S[^\n]{{0,80}}"
)
_WEAK = re.compile(
    rf"[\s>#*_`\-•]*(?:the )?(?:final )?(?:{WEAK_LABEL})(?: [a-z]{{2,12}}){{0,3}}[ \t*_]*[:：][ \t*_]*(?P<value>\S[^\n]*)", re.IGNORECASE
)
_LIST_INTRO = re.compile(
    r"(?:solutions?|answers?|roots?|values?|results?|zeros|are|is|soluciones|solutions|Lösungen|решения)\b[^\n.]{0,40}:[*_ ]*$",
    re.IGNORECASE,
)


def last_words(region: str) -> Extraction | None:
    """What the last line or sentence of a text states."""
    text = _without_sign_off(region.strip())
    if not text or text.endswith("```") or text.endswith("|"):
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
            Extraction(_after_equals(value), "label", bool(PERCENT.search(line)))
            if _is_value(_after_equals(value))
            else None
        )
    bare = _bare(line)
    environment = _LAST_ENVIRONMENT.search(text, max(0, len(text) - 1500))
    if environment:
        row = environment[1].rstrip().removesuffix("\\\\").rpartition("\\\\")[2].rpartition("=")
        return Extraction(row[2].strip(" &.\n"), "last line") if row[1] and row[2].strip(" &.\n") else None
    if len(bare) > 120 or _UNFINISHED.search(bare) or not _is_closed(bare):
        bare = ""
    if bare and ("\n" in text or line.startswith(("**", "$", "\\("))):
        if _MATH_SPAN.fullmatch(bare.rstrip(".。")):
            return Extraction(bare, "last line")
        if (line.startswith("**") and _is_value(bare)) or (
            _PLAIN_LINE.fullmatch(bare.rstrip(".")) and not _LIST_NUMBER.match(bare)
        ):
            return Extraction(_after_equals(bare) if re.match(r"[\d(]", bare) else bare, "last line")
    return closing_sentence(line)


_LAST_ENVIRONMENT = re.compile(
    r"\\begin\{(?:align|aligned|gather|eqnarray)\*?\}((?:(?!\\begin|\\end).)*)\\end\{(?:align|aligned|gather|eqnarray)\*?\}"
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


def _is_value(text: str) -> bool:
    """Could this be an answer: a short text with a number or formula in it, a letter of an option, or a short name?"""
    bare = text.rstrip(".。").strip()
    if not bare or bare.endswith(("?", ":")) or len(bare) > 200 or IMPERATIVE.match(bare) or HEDGES.search(bare):
        return False
    words = len(_WORD.findall(_MATH_SPAN.sub(" ", bare)))
    if re.search(r"[\d$\\∅√π^=]", bare):
        return words <= 4
    return re.fullmatch(r"\(?[A-J]\)?", bare) is not None


def _after_equals(value: str) -> str:
    """The value behind the last equals sign of a chain of numbers; other equations stay whole."""
    head, equals, tail = value.rpartition("=")
    if not equals or _MATH_SPAN.search(value) or not tail.strip():
        return value
    if re.search(r"[A-Za-z]\s?[-+*/^]|[-+*/^]\s?[A-Za-z]\b|\d[a-z]\b|\\", head.rpartition("=")[2]) or not re.match(
        rf"\s*(?:{_NUMBER})", tail
    ):
        return value
    return tail.strip() if re.search(r"\d", head) else value


# --- a sentence ---------------------------------------------------------------------------------------------------

_SENTENCE_BREAK = re.compile(
    r"(?<=[a-z\d$)%*\"])[.!]\**\s+(?=[A-Z\"*$\\\d(]|[А-ЯÀ-Þ])|(?<=[。।！？؟])\s*(?=\S)|(?<=[a-zа-я]{2})[.]\s+(?=\S)|(?<=[?])\s+"
)
_CONCLUDES = re.compile(rf"[\s*_>]*{CONCLUDES_EN}", re.IGNORECASE)
_VERB = re.compile(
    r"(?:=|\b(?:(?:that|it|there)['’]s|is|are|equals?|has|have|had|was|were|be|been|get|gets|got|total of|costs?|earns?|equal to|pays?|paid|measures?|needs?"
    r"|spends?|spent|saves?|takes?|took|makes?|made|sells?|sold|weighs?|contains?|receives?|requires?|holds?|lasts?|reads?|eats?|ate"
    r"|won|wins?|ran|runs?|gave|gives?|bought|buys?|drew|kept|left|lost|found|saw|drove|rode|swam|grew|built|held|cut|becomes?|became"
    r"|obtain|find|yield|see|uses?|drinks?|drank|remains?|(?:total|profit|sum|cost|amount|loss|distance|average|score|speed) of|(?:to|will) [a-z]{3,} [A-Z][a-z]+|to [a-z]{3,}|will [a-z]{3,}|would [a-z]{3,}|take (?:him|her|them|us)|[a-z]{3,}ed|[a-z]{2,}[a-rt-z]s))"
    r"(?: (?:exactly|equal to|only|about|a total of|given by|therefore|thus|now|at|to|for|by|also|still|just))?[\s*]*$",
    re.IGNORECASE,
)
_TAIL_STOPS = re.compile(
    r"\s+(?:in|on|at|for|to|from|of|with|after|before|by|during|than|that|which|who|when|if|because|as|and|left|remaining|altogether|overall"
    r"|per (?!hour|minute|second|day|week|month|year|mile|km|person)|were|was|are|is|can|will|have|has|had|each|every|total|over|this|these"
    r"|passed|between|among|within|[a-z]{3,}ed|more|less|away|instead|again|such)\b.*|\s*[,;(–—].*"
)
_ADJECTIVES = re.compile(r"^\s*(?:such|different|possible|distinct|valid|more|other|ways?)\s+")


def closing_sentence(line: str) -> Extraction | None:
    """A last sentence like "So she has 42 apples left." or "The probability is 4/9."."""
    sentence = _SENTENCE_BREAK.split(line.strip())[-1].strip()
    if not sentence or len(sentence) > 400 or sentence.rstrip("*_ ").endswith(("?", ":", "？", "؟", "：")):
        return None
    lead, so, rest = _SO.split(sentence, maxsplit=1) if _SO.search(sentence) else ("", "", "")
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
    bold = _BOLD.findall(sentence)
    if len(bold) == 1 and (_is_value(bold[0]) or (concludes and _SHORT_NAME.fullmatch(bold[0]))):
        return Extraction(_after_equals(bold[0].strip().rstrip(".")), "conclusion", percent)
    found = _value_of(sentence.replace("**", ""), concludes, foreign=other is not None)
    if found is None:
        return _in_words(sentence.replace("**", ""), concludes)
    value, tail = found
    if other is not None or _is_foreign(sentence):
        answer = localised(value + tail, other.group() if other else sentence)
    else:
        answer = value + _unit_words(tail)
    answer = answer.strip()
    return Extraction(_amount(answer), "conclusion", percent) if len(answer) <= 200 else None


_SO = re.compile(r"(?:[,;]|\s[-–—]) (so|hence|thus|therefore|giving us|giving|which gives(?: us)?|which means)\b(?! that)")
_SINCE = re.compile(r"(?:Since|Because|As) [^,]{3,200}, (?=[a-z$])")
_NONE = re.compile(
    r"\b(?:there (?:is|are|exists?)|has|have|with) no (?:(?:real|integer|such|other|possible|valid|positive|more) ){0,2}(?:solutions?|roots?|values?)\b"
    r"|\bno (?:(?:real|integer|such) )?(?:solutions?|roots?|values?)(?: exists?)?[.!]?$",
    re.IGNORECASE,
)
_NUMBER_WORD = re.compile(
    r"\b(?:(?:twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)(?:[- ](?:one|two|three|four|five|six|seven|eight|nine))?"
    r"|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen|zero)\b",
    re.IGNORECASE,
)
_NAMED = re.compile(r"\b(?:is|was|on|be) (?:an? |the |on )?\**([A-Z][\w’'-]+(?: [A-Z][\w’'-]+)?|true|false|even|odd|undefined|infinite)\**[.!]?$")


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


_BOLD = re.compile(r"\*\*([^*\n]{1,200})\*\*")
_SHORT_NAME = re.compile(r"[A-Z][\w'’-]*(?: [\w'’-]+){0,3}")
_FOREIGN = re.compile(r"[À-ÖØ-öø-žЀ-ӿ؀-ۿऀ-ॿ\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def _is_foreign(sentence: str) -> bool:
    return _FOREIGN.search(sentence) is not None


def _value_of(sentence: str, concludes: bool, *, foreign: bool) -> tuple[str, str] | None:
    """The value that a sentence states and the words behind it; None where it states several, or none."""
    main = _REMARK.sub("", sentence)
    sentence = main if re.search(r"\d|\$", main) else sentence
    spans = [m for m in _VALUE.finditer(sentence) if not _inside_word(sentence, m)]
    if not spans:
        return None
    last = spans[-1]
    end = last.start() + len(last.group().rstrip())
    before, behind = sentence[: last.start()], sentence[end:].rstrip()
    if _NO_STATE.search(before):
        return None
    stop = behind.rstrip("*_ ").rstrip(".。।!！").strip()
    if before.rstrip().endswith(("=", "≈")) and len(_WORD.findall(stop)) <= (15 if concludes else 6):
        return last.group().strip(), behind
    if _UNFINISHED.search(stop):
        return None
    assigned = _last_assignments(sentence, spans) if not stop else None
    if assigned:
        return assigned, ""
    listed_values = _plural(sentence, spans) if not stop else None
    if listed_values:
        return listed_values, ""
    words = len(_WORD.findall(stop))
    ends = words <= 4 and len(_CJK.findall(stop)) <= 8
    if len(spans) == 1:
        verb = _VERB.search(before) or not before.strip() or (_is_foreign(sentence) and COPULA_OTHER.search(before))
        if concludes or (verb and words <= 12) or (not stop and "=" in last.group()):
            return last.group().strip(), behind
    verbs = [m for m in spans if _VERB.search(sentence[: m.start()]) or COPULA_OTHER.search(sentence[: m.start()])]
    if ends and verbs == [last] and (concludes or not foreign):
        return last.group().strip(), behind
    return None


# What only says where or why the value is taken.
_REMARK = re.compile(
    r",? (?:attained|achieved|reached|obtained|occurring|which|where|since|because|as (?:required|desired|claimed|expected)"
    r"|with equality|and it)\b.*"
)
_UNFINISHED = re.compile(r"(?:[-+*/=^(,]|\\[a-z]+)$")
_IS_ASSIGNMENT = re.compile(rf"(?:\$|\\\()\s*{_NAME}\s*=[^=<>]+(?:\$|\\\))")
_JOINT = re.compile(r"\s*(?:,|;|and|or|, and|, or|und|et|y|и)\s*")


_ARE = re.compile(r"\b(?:are|were|include|son|sont|sind|são|sono)(?: (?:the numbers|exactly|only|given by|therefore))?:?\s*$")


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
    before, after = sentence[max(0, start - 8) : start], sentence[end : end + 3]
    joined = bool(re.search(r"[A-Za-z_]$", before)) and value.group()[0].isalnum()
    ordinal = re.match(r"(?:st|nd|rd|th)\b", after) is not None
    return (
        joined
        or ordinal
        or re.search(r"(?:[Ss]tep|[Pp]art|[Cc]ase|[Ss]ection|[Ff]igure|[Ee]quation|No\.) ?\(?$", before) is not None
    )


def _unit_words(tail: str) -> str:
    """The unit or noun right behind a value in a sentence, without what the sentence goes on to say."""
    tail = tail.rstrip().rstrip("*").rstrip(".!").rstrip()
    tail = _ADJECTIVES.sub(" ", _TAIL_STOPS.sub("", " " + tail.lstrip() if tail[:1].isspace() else tail))
    return tail if len(_WORD.findall(tail)) <= 4 and re.fullmatch(r"[\w\s.,'’°²³/^%$\\{}-]*", tail) else ""


_MONEY = re.compile(r"\$(?=\d[^$]*$)")
_IN_TOTAL = re.compile(r"\s+(?:in (?:total|all)|altogether|overall)[.!]?$")


def _amount(value: str) -> str:
    """A value as a sentence ends in it: `$45 in total` is an amount, and its dollar opens no formula."""
    value = _IN_TOTAL.sub("", value)
    return _MONEY.sub(r"\\$", value, count=1) if value.startswith("$") else value


# --- the whole text -----------------------------------------------------------------------------------------------


def whole_text(region: str, *, lenient: bool) -> Extraction | None:
    """A text that is one short line and nothing but an answer."""
    text = _ARROW.sub("", region.strip())
    if "\n" in text or len(text) > 300 or text.startswith('{"') or not re.search(r"[^\W_]|∅|√|π", text):
        return None
    words = _WORD.findall(_MATH_SPAN.sub(" ", text))
    if len(words) > (12 if lenient else 4) or len(_CJK.findall(text)) > 8:
        return None
    if (
        _NO_STATEMENT.search(text)
        or HEDGES.search(text)
        or text.endswith(("?", "？", "؟", ":"))
        or (words and IMPERATIVE.match(text))
        or (text.endswith("!") and not re.search(r"\d", text))
    ):
        return None
    return (_foreign_value(text) if _is_foreign(text) else None) or Extraction(_only_value(text), "whole text")


def _foreign_value(text: str) -> Extraction | None:
    """The only value of a sentence in another language."""
    value = localised(text.rstrip("。.।"), text)
    return Extraction(value, "whole text") if value != text and re.search(r"\d|\$", value) and _is_value(value) else None


_NO_STATEMENT = re.compile(
    r"\b(?:[Gg]ood luck|[Ss]ure|[Hh]ello|[Tt]hank(?:s| you)|[Cc]ertainly|[Oo]f course|[Ww]elcome|[Cc]ontinued?|[Cc]annot|can't|don't|[Uu]nable|[Uu]nsure|[Ss]orry|[Mm]aybe|[Pp]erhaps|I|I'm|[Ll]et|[Ll]et's|[Ww]e|think|guess"
    r"|know|help|[Aa]nswer)\b"
)
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
