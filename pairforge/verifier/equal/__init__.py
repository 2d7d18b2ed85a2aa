"""Comparison: do two values mean the same? Exact where possible, never by guessing; math-verify for the rest."""
