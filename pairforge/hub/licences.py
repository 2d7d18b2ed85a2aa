"""Which licence a dataset inherits from its sources. What is not known is called unknown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# As their dataset cards said in 2025 and 2026. A dataset that is not listed here counts as unknown.
KNOWN: Mapping[str, str] = {
    "AI-MO/NuminaMath-CoT": "apache-2.0",
    "open-r1/OpenR1-Math-220k": "apache-2.0",
    "open-thoughts/OpenThoughts-114k": "apache-2.0",
    "openai/gsm8k": "mit",
    "qihoo360/Light-R1-DPOData": "apache-2.0",
    "zwhe99/DeepMath-103K": "mit",
    "pairforge:demo": "apache-2.0",
    "pairforge:demo-eval": "apache-2.0",
}


@dataclass(frozen=True, slots=True)
class Licence:
    """`identifier` and `name` are the card's `license` and `license_name`; `by_source` says where they come from,
    `note` in words."""

    identifier: str
    name: str | None
    note: str
    by_source: tuple[tuple[str, str], ...]


def licence_of(sources: Iterable[str], known: Mapping[str, str | None] | None = None, stated: str = "") -> Licence:
    """The licence of a dataset made from `sources` (dataset names as a manifest writes them).

    `known` adds what a manifest itself recorded; `stated` is what the publisher declares, and it wins, marked as
    such. One licence for all sources is that licence; several are "other", named mixed; any unknown one makes the
    whole unknown.
    """
    recorded = {**KNOWN, **{name: value for name, value in (known or {}).items() if value}}
    found = {name: recorded.get(name) or recorded.get(dataset_of(name)) or "unknown" for name in sources}
    by_source = tuple(found.items())
    kinds = sorted(set(found.values()))
    if stated:
        return Licence(stated, None, "stated by the publisher, not derived from the sources", by_source)
    if not kinds or "unknown" in kinds:
        which = ", ".join(name for name, value in by_source if value == "unknown") or "the sources"
        note = f"unknown: nothing is known about {which}. Find out before you use or share this dataset"
        return Licence("unknown", None, note, by_source)
    if len(kinds) > 1:
        return Licence("other", "mixed", f"mixed ({', '.join(kinds)}): each row keeps its source's", by_source)
    return Licence(kinds[0], None, "the licence of every source", by_source)


def dataset_of(source: str) -> str:
    """`open-r1/OpenR1-Math-220k#extended` -> the dataset's id."""
    return source.split("#")[0]


_CITATIONS = {
    "bespokelabs/Bespoke-Stratos-17k": "Bespoke Labs, Bespoke-Stratos, 2025",
    "open-r1/OpenR1-Math-220k": "Hugging Face, Open R1, 2025",
    "open-thoughts/OpenThoughts-114k": "OpenThoughts Team, Open Thoughts, 2025",
    "openai/gsm8k": "Cobbe et al., Training Verifiers to Solve Math Word Problems, 2021, arXiv:2110.14168",
    "simplescaling/s1K-1.1": "Muennighoff et al., s1: Simple test-time scaling, 2025, arXiv:2501.19393",
    "GAIR/LIMO": "Ye et al., LIMO: Less is More for Reasoning, 2025, arXiv:2502.03387",
    "zwhe99/DeepMath-103K": "He et al., DeepMath-103K, 2025, arXiv:2504.11456",
    "qihoo360/Light-R1-DPOData": "Wen et al., Light-R1, 2025, arXiv:2503.10460",
    "AI-MO/NuminaMath-CoT": "Li et al., NuminaMath, 2024",
}


def citation(source: str) -> str:
    """How a source asks to be cited, or just its address."""
    name = dataset_of(source)
    address = f"https://huggingface.co/datasets/{name}" if name.count("/") == 1 and ":" not in name else ""
    known = _CITATIONS.get(name, "")
    return ". ".join(part for part in (known, address) if part) or f"`{source}`"
