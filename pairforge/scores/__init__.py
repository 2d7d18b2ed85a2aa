"""Scores: numbers and labels of solutions or problems, joined from a file or computed, that rules may name."""
