"""Text to values: one normal spelling, tokens, expression trees, and the shapes an answer can have."""
