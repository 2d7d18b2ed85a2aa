"""Ground truth that is no formula: exact text, and the options of a multiple-choice question."""

from __future__ import annotations

import json
import re
import unicodedata
from fractions import Fraction
from typing import Any

from pairforge.verifier.answer_rules import AnswerRules, Options
from pairforge.verifier.decisions import Comparison, Decision
from pairforge.verifier.extract.extraction import Extraction
from pairforge.verifier.parse.plain import plain_number

# --- exact text ---------------------------------------------------------------------------------------------------

_DRESS = re.compile(
    r"\\(?:text|textbf|textit|textrm|mathrm|mathbf|mbox|boxed|emph|rm|bf|left|right)(?![a-z])\s*|[{}$*`]"
)
_QUOTES = str.maketrans({"“": '"', "”": '"', "‘": "'", "’": "'", "−": "-", "–": "-", "—": "-"})
_ARTICLE = re.compile(r"^(?:the|an?) (?=\S)")


def exact_text(text: str) -> str | Fraction:
    """What counts of a text: its number, or its words.

    Unicode in its compatible form (NFKC); without `$`, braces, marks of bold and code, LaTeX text commands, quotation
    marks, outer punctuation and a leading article; white space collapsed; case ignored.
    """
    text = unicodedata.normalize("NFKC", _DRESS.sub("", text)).translate(_QUOTES)
    text = " ".join(text.replace("\\ ", " ").replace("~", " ").split()).strip(" \"'.,;:!?")
    number = plain_number(text.replace(" ", ""))
    return number if number is not None else _ARTICLE.sub("", text.casefold())


def decide_exact(gold: str, found: Extraction) -> Decision:
    """Is it the gold text, or the gold number? A sentence that is not the gold itself states no answer."""
    wanted = exact_text(gold)
    if exact_text(found.answer) == wanted or (found.whole and exact_text(found.whole) == wanted):
        return Decision("correct", "exact", f"{wanted}"[:100])
    if found.prose:
        return Decision("no_answer", "extract", "a sentence and no value")
    return Decision("incorrect", "exact", f"{wanted} and {exact_text(found.answer)}"[:200])


# --- options ------------------------------------------------------------------------------------------------------

_MARK = re.compile(
    r"(?:(?<=\s)|^|(?<=\$)|(?<=[;,])|(?<=quad))(?:\\(?:textbf|mathrm|text|mathbf|bf|rm)\s*\{?\s*)?\*{0,2}"
    r"(?:\(\s*(?P<round>[A-Z])\s*\)|(?P<plain>[A-Z])\s*[).:])(?=[\s}*\\$]|$)\}?\*{0,2}[ ~]*(?:\\[ ,;])?",
    re.MULTILINE,
)
_TRAILING = re.compile(r"(?:\s|\\q?quad|\\\\|\\[ ,;]|[;,$]|\\hspace\{[^{}]*\})+$")
_MAX_OPTION_CHARS = 1000


def options_in(question: str) -> Options:
    """The options that a question ends with: "(A) 3  (B) 4", or one a line; empty where it has none in order."""
    marks = list(_MARK.finditer(question))
    letters = "".join(mark["round"] or mark["plain"] for mark in marks)
    start = letters.rfind("AB")
    count = 2
    while start >= 0 and letters[start + count : start + count + 1] == chr(ord("A") + count):
        count += 1
    if start < 0:
        return ()
    chosen = marks[start : start + count]
    ends = [mark.start() for mark in chosen[1:]] + [len(question)]
    texts = [question[mark.end() : end].strip() for mark, end in zip(chosen, ends, strict=True)]
    texts[-1] = texts[-1].split("\n\n", 1)[0]
    return tuple(
        (letter, _TRAILING.sub("", text)[:_MAX_OPTION_CHARS])
        for letter, text in zip(letters[start : start + count], texts, strict=True)
    )


def options_from(value: Any) -> Options:
    """The options in a column: a list of texts, {letter: text}, or {"label": [...], "text": [...]}; also as JSON text.

    Empty for anything else.
    """
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return ()
    if isinstance(value, dict) and isinstance(value.get("text"), list) and isinstance(value.get("label"), list):
        pairs = list(zip(value["label"], value["text"], strict=False))
    elif isinstance(value, dict):
        pairs = list(value.items())
    elif isinstance(value, list):
        pairs = [(chr(ord("A") + n), text) for n, text in enumerate(value[:26])]
    else:
        return ()
    return tuple((str(letter).strip().upper()[:2], _without_letter(str(letter), str(text))) for letter, text in pairs)


def _without_letter(letter: str, text: str) -> str:
    """An option whose text repeats its letter: "B) 12"."""
    return re.sub(rf"^\s*\(?{re.escape(letter)}[).:]\s*", "", text).strip()


_LETTER = re.compile(
    r"(?:the )?(?:(?:correct|right|best) )?(?:(?:option|choice|answer|statement)s?(?: is| are)?:? ?)?"
    r"\(?(?P<letter>[A-Za-z])(?:\)|\.(?!\d)|:|(?=\s*$)|(?= [-–—=]))[).:]*\s*(?:[-–—=:]\s*)?(?P<value>.*)",
    re.DOTALL | re.IGNORECASE,
)
_SEVERAL = re.compile(r"\(?[A-Z]\)?(?:\s*(?:,|;|&|/|\band\b|, and)\s*\(?[A-Z]\)?)+\.?|[A-Z]{2,6}")


def letters_of(text: str, options: Options) -> tuple[str, str]:
    """The letters that a text names, in order ("BD"), and what stands behind a single one; ("", "") for no letter."""
    bare = " ".join(_DRESS.sub("", text).replace("\\ ", " ").replace("~", " ").split())
    known = {letter for letter, _ in options} or set("ABCDEFGHIJ")
    if _SEVERAL.fullmatch(bare):
        letters = re.sub(r"and|[^A-Z]", "", bare)
        if set(letters) <= known and len(set(letters)) == len(letters):
            return "".join(sorted(letters)), ""
    found = _LETTER.fullmatch(bare)
    if found is None or found["letter"].upper() not in known or (found["letter"].islower() and len(bare) > 3):
        return "", ""
    return found["letter"].upper(), found["value"].strip()


def decide_choice(gold: str, found: Extraction, options: Options, rules: AnswerRules) -> Decision | Comparison:
    """Does the answer name the gold's option, by its letter or by its text?

    A comparison of values where the answer is a value that no option spells in the same way.
    """
    letters, value = letters_of(gold, options)
    letters = letters or _option_with(gold, options)
    if not letters:
        return Decision("gold_unparsed", "choice", f"the gold answer is neither a letter nor an option: {gold[:80]!r}")
    given, behind = letters_of(found.answer, options)
    if given and behind and (other := _option_with(behind, options)) and other != given:
        return Decision("incorrect", "choice", f"the letter {given} stands with the text of {other}")
    given = given or _option_with(found.answer, options)
    if given:
        return Decision("correct" if given == letters else "incorrect", "choice", f"{letters} and {given}")
    text = dict(options).get(letters, value)
    if found.prose:
        return Decision("no_answer", "extract", "a sentence that names no option")
    if not text:
        return Decision("error", "choice", "the answer is no letter, and the options are not known")
    return Comparison(text, found.answer, False, found.percent, rules.percent, rules.units)


def _option_with(text: str, options: Options) -> str:
    """The letter of the only option with this text; "" where none or several have it."""
    wanted = exact_text(text)
    fitting = [letter for letter, option in options if exact_text(option) == wanted]
    return fitting[0] if len(fitting) == 1 else ""
