"""Texts of datasets and models as safe pieces for a page: plain text, and mathematics as MathML.

latex2mathml's own output is not safe to insert: it leaves `\\text{<script>}` as a tag and turns `\\href` into a link.
So its tree is written out here, with a list of elements and attributes that may pass and everything else escaped.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING
from xml.etree.ElementTree import Element

from pairforge.errors import require

if TYPE_CHECKING:
    Convert = Callable[[str], Element]

MAX_FORMULA = 1000  # characters; longer ones are shown as they are written
MAX_NODES = 3000
_MATH = re.compile(
    r"\$\$(?P<a>[^$]{1,1000})\$\$"
    r"|\\\[(?P<b>(?:[^\\]|\\(?![\[\]])){1,1000})\\\]"
    r"|\\\((?P<c>(?:[^\\]|\\(?![()])){1,1000})\\\)"
    r"|\$(?P<d>[^$\s](?:[^$\n]{0,500}[^$\s\\])?)\$(?!\d)"
    r"|(?P<e>\\boxed\{[^{}$\n]{1,100}\})"
)
_ELEMENTS = {
    "math", "mrow", "mi", "mn", "mo", "ms", "mspace", "mtext", "mfrac", "msqrt", "mroot", "mstyle", "merror", "mpadded",
    "mphantom", "menclose", "msub", "msup", "msubsup", "munder", "mover", "munderover", "mmultiscripts", "mprescripts",
    "none", "mtable", "mtr", "mlabeledtr", "mtd",
}  # fmt: skip
_ATTRIBUTES = {
    "accent", "columnalign", "columnlines", "columnspacing", "depth", "display", "displaystyle", "fence", "form",
    "frame", "height", "largeop", "linebreak", "linethickness", "lspace", "mathvariant", "maxsize", "minsize",
    "movablelimits", "notation", "rowlines", "rowspacing", "rspace", "scriptlevel", "separator", "stretchy",
    "symmetric", "voffset", "width",
}  # fmt: skip
_PLAIN_VALUE = re.compile(r"[\w .%+-]{1,40}")
# Alignment environments that the library sets on one line; as a matrix each line stands on its own.
_ALIGNED = re.compile(r"\\(begin|end)\{(?:aligned|align\*?|gathered|gather\*?|split|eqnarray\*?|equation\*?)\}")
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def printable(text: str) -> str:
    """The text without what no page can show: control characters, lone surrogates, marks that turn the direction."""
    return _CONTROL.sub("\ufffd", text.replace("\r\n", "\n"))


class MathRenderer:
    """Turns texts into pieces, remembering formulas; stops converting after `budget` different ones."""

    def __init__(self, budget: int = 40_000) -> None:
        self._convert: Convert = require(
            "latex2mathml.converter", extra="report", purpose="mathematics in the report"
        ).convert_to_element
        self._known: dict[tuple[str, bool], str | None] = {}
        self._left = budget

    def pieces(self, text: str) -> list[str]:
        """Plain text and safe MathML markup in turn, beginning with plain text (which may be empty)."""
        pieces, at = [], 0
        text = printable(text)
        for match in _MATH.finditer(text):
            markup = self.formula(match[str(match.lastgroup)], block=match.lastgroup in ("a", "b"))
            if markup is not None:
                pieces += [text[at : match.start()], markup]
                at = match.end()
        return [*pieces, text[at:]]

    def formula(self, latex: str, *, block: bool = False) -> str | None:
        """One formula as MathML, or None when it cannot be converted (or there were too many)."""
        key = (latex.strip(), block)
        if key not in self._known:
            self._left -= 1
            self._known[key] = to_mathml(key[0], block, self._convert) if self._left >= 0 else None
        return self._known[key]


def to_mathml(latex: str, block: bool, convert: Convert) -> str | None:
    """Convert one formula; None when the library cannot, or the result is too large to be one."""
    if not latex or len(latex) > MAX_FORMULA:
        return None
    if re.fullmatch(r"\d{1,12}(?:\.\d{1,12})?|[A-Za-z]", latex):  # most formulas are a single number or letter
        tag = "mi" if latex.isalpha() else "mn"
        return f"<math><{tag}>{latex}</{tag}></math>"
    try:
        tree = convert(_ALIGNED.sub(r"\\\1{matrix}", latex))
    except Exception:  # whatever a model wrote is no reason to lose a report: it is shown as it is
        return None
    if sum(1 for _ in tree.iter()) > MAX_NODES:
        return None
    tree.set("display", "block" if block else "inline")
    return "".join(_write(tree))


def _write(element: Element, depth: int = 0) -> Iterator[str]:
    """The tree as markup: listed elements and attributes only, all text escaped."""
    known = element.tag in _ELEMENTS and depth < 100
    if known:
        values = ((name, value) for name, value in element.attrib.items() if name in _ATTRIBUTES)
        attributes = "".join(f' {name}="{value}"' for name, value in values if _PLAIN_VALUE.fullmatch(value))
        yield f"<{element.tag}{attributes}>"
    # The library puts entities (&#x0002B;) into the text of its elements.
    yield html.escape(html.unescape(element.text or ""))
    if depth < 100:
        for child in element:
            yield from _write(child, depth + 1)
    if known:
        yield f"</{element.tag}>"
    yield html.escape(html.unescape(element.tail or ""))
