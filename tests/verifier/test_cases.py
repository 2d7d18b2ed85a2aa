"""The hand-labelled cases, one by one, and what the file promises about itself."""

import re
from collections import Counter

import pytest

from pairforge.verifier import Item, Verdict, Verifier
from tests.verifier.cases import Case, load_cases

CASES = load_cases()


@pytest.fixture(scope="module")
def verdicts() -> dict[str, Verdict]:
    with Verifier(workers=2) as verifier:
        items = [Item(str(n), case.gold, case.response) for n, case in enumerate(CASES)]
        return {verdict.sample_key: verdict for verdict in verifier.verify(items)}


@pytest.mark.parametrize(
    ("number", "case"),
    list(enumerate(CASES)),
    ids=[f"{c.kind}: {c.gold} | {c.response} ({c.why})"[:100] for c in CASES],
)
def test_a_case_is_decided_as_labelled(number: int, case: Case, verdicts: dict[str, Verdict]):
    verdict = verdicts[str(number)]
    assert verdict.status == case.status, f"{case.why}; {verdict}"


def test_every_kind_has_enough_cases_and_negatives():
    total, negative = Counter(c.kind for c in CASES), Counter(c.kind for c in CASES if c.status != "correct")
    assert len(CASES) >= 400
    assert min(total.values()) >= 8
    assert sum(negative.values()) >= len(CASES) * 0.3
    assert all(case.why for case in CASES)


def test_cases_are_written_one_by_one():
    """Hardly any case is another with its numbers exchanged: shapes (digits masked) repeat in under three percent."""
    shapes = Counter((c.kind, c.status, re.sub(r"\d+", "#", f"{c.gold} | {c.response}")) for c in CASES)
    assert sum(count - 1 for count in shapes.values()) <= len(CASES) * 0.03
