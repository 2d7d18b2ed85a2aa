"""Hints for misspelt names."""

from pairforge.errors import nearest


def test_the_nearest_known_name_is_the_hint():
    assert nearest("gpa", ["gap", "ratio"]) == "did you mean 'gap'?"
    assert nearest("xyz", ["gap", "ratio"], otherwise="keys here: gap, ratio") == "keys here: gap, ratio"
    assert nearest("gap", []) == ""
