"""Units of measure and other words that may stand behind a value."""

from __future__ import annotations

import re

# What may stand right behind a box and still belong to the answer.
SUFFIX = re.compile(
    r"[\s$]*(?:\\[,;!: ]|~|\\\)|\\\])*[\s$]*"
    r"(\\?%|per\s?cent\b|\^\s*\{?\s*\\circ\s*\}?|°|\\degree|degrees?\b|_\s*\{?\s*\d+\s*\}?"
    r"|\\(?:text|mathrm|mbox)\s*\{[^{}]{1,40}\}(?:\s*\^\s*\{?\d\}?)?)"
)
