"""Which license a dataset inherits from its sources. What is not known is called unknown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

# As their dataset cards said in 2025 and 2026; only asked where a source's own card was not read or states nothing.
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

# What the Hub takes as `license`; it refuses a card that says anything else, so the rest is "other" with a name.
_IDENTIFIERS = """
afl-3.0 agpl-3.0 apache-2.0 artistic-2.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear bsl-1.0 c-uda cc cc0-1.0
cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0
cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0 cc-by-nd-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cdla-permissive-1.0
cdla-permissive-2.0 cdla-sharing-1.0 ecl-2.0 epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 eupl-1.2 gemma gfdl gpl gpl-2.0 gpl-3.0
isc lgpl lgpl-2.1 lgpl-3.0 llama2 llama3 llama3.1 llama3.2 llama3.3 mit mpl-2.0 ms-pl ncsa odbl odc-by openrail osl-3.0
pddl postgresql unlicense wtfpl zlib other unknown
"""
IDENTIFIERS = frozenset(_IDENTIFIERS.split())


@dataclass(frozen=True, slots=True)
class SourceLicense:
    """One source's license ("unknown" where nobody says; several joined by ", ") and who says so."""

    source: str
    license: str
    basis: str


@dataclass(frozen=True, slots=True)
class License:
    """`identifier` and `name` are the card's `license` and `license_name`; `by_source` says where they come from,
    `note` in words."""

    identifier: str
    name: str | None
    note: str
    by_source: tuple[SourceLicense, ...]


def license_of(sources: Iterable[str], read: Mapping[str, str | None] | None = None, stated: str = "") -> License:
    """The license of a dataset made from `sources` (dataset names as a manifest writes them).

    `read` holds what the sources' own cards state, as recorded when they were read; the table of known datasets
    comes after it. `stated` is what the publisher declares, and it wins, marked as such. One license for all sources
    is that license; several are "other", named mixed; any unknown one makes the whole unknown.
    """
    by_source = tuple(_source_license(name, (read or {}).get(name) or "") for name in sources)
    kinds = sorted({kind for source in by_source for kind in source.license.split(", ")})
    if stated:
        return License(*_for_the_hub(stated), "stated by the publisher, not derived from the sources", by_source)
    if not kinds or "unknown" in kinds:
        which = ", ".join(s.source for s in by_source if s.license == "unknown") or "the sources"
        note = f"unknown: nothing is known about {which}. Find out before you use or share this dataset"
        return License("unknown", None, note, by_source)
    if len(kinds) > 1:
        return License("other", "mixed", f"mixed ({', '.join(kinds)}): each row keeps its source's", by_source)
    return License(*_for_the_hub(kinds[0]), "the license of every source", by_source)


def _source_license(name: str, read: str) -> SourceLicense:
    if read:
        return SourceLicense(name, read, "its own card says so")
    known = KNOWN.get(name) or KNOWN.get(dataset_of(name))
    return (
        SourceLicense(name, known, "as pairforge knows it; its card was not read")
        if known
        else SourceLicense(name, "unknown", "")
    )


def _for_the_hub(license: str) -> tuple[str, str | None]:
    """`license` and `license_name` as the Hub accepts them: a license it does not list is "other", with its name."""
    if license.lower() in IDENTIFIERS:
        return license.lower(), None
    return "other", re.sub(r"[^a-z0-9.+-]+", "-", license.lower()).strip("-") or None


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
