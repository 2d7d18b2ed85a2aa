"""Which problems are kept for evaluation: the same ones in every format and on the Hub."""

from __future__ import annotations

import hashlib


def held_out(problem_id: str, share: float) -> bool:
    """Whether a problem belongs to the evaluation split. Its id alone decides, so a problem is on the same side in
    every config, in every version of the dataset."""
    bucket = int(hashlib.sha256(f"eval {problem_id}".encode()).hexdigest()[:8], 16)
    return bucket < share * 2**32
