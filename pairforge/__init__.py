"""pairforge builds preference datasets of long and short reasoning, and trains on them."""

__version__ = "0.1.0"
