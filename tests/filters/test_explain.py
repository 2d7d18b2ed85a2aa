"""What the rules say of one problem agrees with what the view makes of it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from pairforge.filters import prepare, select
from pairforge.filters.explain import explain
from tests.filters.tables import random_tables, replace
from tests.filters.test_invariants import any_rules


@settings(max_examples=40, deadline=None)
@given(st.builds(random_tables, st.integers(0, 10**6), st.integers(1, 8)), any_rules)
def test_what_passes_every_rule_is_what_the_view_can_pair(tables, rules):
    rules = replace(rules, pick="all", wrong_share=0, band=None, caps=(), n_pairs=None, control="none")
    ready = prepare(*tables)
    pairs = set(select(ready, rules).pairs.select("chosen_key", "rejected_key").rows())
    passing = set()
    for problem in tables[0]["problem_id"]:
        (told,) = explain(ready, rules, problem)
        assert len(told.samples) == tables[1].filter(problem_id=problem).height
        standing = {sample.sample_key for sample in told.samples if not sample.chosen}
        for couple in told.couples:
            assert couple.chosen_key in standing
            if not couple.fails and not told.fails:
                passing.add((couple.chosen_key, couple.rejected_key))
    assert passing == pairs
