"""Decide whether a completion's final answer equals the gold answer: right, safe and fast on any text."""

from pairforge.records import Verdict
from pairforge.verifier.answer_rules import AnswerRules
from pairforge.verifier.verifier import VERIFIER_VERSION, Item, Verifier, explain, grade, verifier_version

__all__ = ["VERIFIER_VERSION", "AnswerRules", "Item", "Verdict", "Verifier", "explain", "grade", "verifier_version"]
