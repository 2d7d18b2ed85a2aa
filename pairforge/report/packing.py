"""The pairs of a report, packed: numbers of all of them, and their texts in compressed blocks within a size."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pairforge.report.mathml import MathRenderer, printable

BLOCK = 25  # pairs whose texts are unpacked together
TEXT_BYTES = 19_000_000  # of the packed texts; with index and figures the file stays below 25 MB
_CHARACTERS = 36_000_000  # of texts that fit in about that, packed
_MIN_CHARACTERS, _MAX_CHARACTERS = 300, 40_000


@dataclass(slots=True)
class PackedPairs:
    """`index` and `blocks` as base64 text; how many pairs have their texts in full, shortened, or not at all."""

    index: str = ""
    blocks: list[str] = field(default_factory=list)
    shortened: int = 0
    without_text: int = 0


def pack_pairs(pairs: Iterable[Mapping[str, Any]], count: int, render: MathRenderer) -> PackedPairs:
    """Pack pairs (rows with the columns of `Pair`), one pass, texts shortened so that `count` of them fit."""
    longest = min(max(_CHARACTERS // max(count, 1) // 3, _MIN_CHARACTERS), _MAX_CHARACTERS)
    index: dict[str, Any] = {name: [] for name in _COLUMNS} | {"sources": [], "block_size": BLOCK}
    sources: dict[str, int] = {}
    packed = PackedPairs()
    texts: list[dict[str, Any] | None] = []
    size = 0
    for pair in pairs:
        source = printable(str(pair["source"]))
        _add_row(index, pair, sources.setdefault(source, len(sources)))
        if size > TEXT_BYTES:
            texts.append(None)
            packed.without_text += 1
        else:
            found, cut = _texts(pair, longest, render)
            texts.append(found)
            packed.shortened += cut
        if len(texts) == BLOCK:
            size += _flush(packed, texts)
    if texts:
        _flush(packed, texts)
    index["sources"] = list(sources)
    packed.index = pack(index)
    return packed


_COLUMNS = (
    "id", "problem", "source", "status", "gap", "ratio", "chosen", "rejected", "question", "answer",
)  # fmt: skip


def pack(value: object) -> str:
    """Any JSON value, deflated, as base64 text: safe in any place of a page."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return base64.b64encode(zlib.compress(text.encode("utf-8", "replace"), 9)).decode("ascii")


def _flush(packed: PackedPairs, texts: list[dict[str, Any] | None]) -> int:
    packed.blocks.append(pack(texts))
    texts.clear()
    return len(packed.blocks[-1])


def _add_row(index: dict[str, Any], pair: Mapping[str, Any], source: int) -> None:
    row = {
        "id": pair["id"], "problem": pair["problem_id"], "source": source, "status": pair["rejected_status"],
        "gap": pair["gap_tokens"], "ratio": round(pair["ratio"], 3), "chosen": pair["chosen_tokens"],
        "rejected": pair["rejected_tokens"], "question": printable(pair["question"])[:300],
        "answer": printable(pair["answer"])[:80],
    }  # fmt: skip
    for name in _COLUMNS:
        index[name].append(row[name])


def _texts(pair: Mapping[str, Any], longest: int, render: MathRenderer) -> tuple[dict[str, Any], bool]:
    found: dict[str, Any] = {"question": render.pieces(shorten(pair["question"], max(longest, 600)))}
    cut = False
    for side in ("chosen", "rejected"):
        text = "\n".join(message["content"] for message in pair[side])
        cut |= len(text) > longest
        found[side] = render.pieces(shorten(text, longest))
        status, answer = pair[f"{side}_status"], printable(pair[f"{side}_answer"])[:80]
        found[f"{side}_status"] = f"{status.replace('_', ' ')}" + (f", answers {answer}" if answer else "")
    found["about"] = printable(
        f"gold answer {pair['answer'][:200]} ({pair['gold']}); chosen by {pair['chosen_model'][:80]}, rejected by "
        f"{pair['rejected_model'][:80]}; {pair['draws']} draws; pick: {pair['pick']}; "
        f"samples {pair['chosen_key']} and {pair['rejected_key']}"
    )
    return found, cut


def shorten(text: str, longest: int) -> str:
    """The beginning and the end of a long text, and how much is left out between them."""
    if len(text) <= longest:
        return text
    head, tail = longest * 3 // 5, longest * 2 // 5
    return f"{text[:head]}\n\n[\u2026 {len(text) - head - tail:,} characters left out \u2026]\n\n{text[-tail:]}"
