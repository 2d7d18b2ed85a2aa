"""A seeded order that depends on ids alone: the same seed gives the same pairs whatever the order of the rows.

Polars' own `hash` may change between versions, so numbers that decide which pairs exist are mixed here.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import numpy as np
import polars as pl

_GAMMA, _MUL1, _MUL2 = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB


def text_hash(text: str) -> int:
    """64 bits of BLAKE2b: the same on every machine and in every version."""
    return int.from_bytes(hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest(), "big")


def text_hashes(texts: Iterable[str]) -> np.ndarray:
    """`text_hash` of every text, as unsigned 64-bit integers."""
    return np.fromiter((text_hash(t) for t in texts), dtype=np.uint64)


def mix(values: np.ndarray) -> np.ndarray:
    """The finaliser of SplitMix64 on every value: near values come out unrelated."""
    z = values + np.uint64(_GAMMA)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(_MUL1)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(_MUL2)
    return z ^ (z >> np.uint64(31))


def seeded_order(hashes: pl.Series, seed: int, purpose: str) -> pl.Series:
    """A random order of hashed ids: one unsigned number each, unrelated between seeds and between purposes."""
    salt = np.uint64(text_hash(f"{seed}/{purpose}"))
    return pl.Series(hashes.name, mix(hashes.to_numpy() ^ salt))
