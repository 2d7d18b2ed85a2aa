"""When sampling may stop for a problem, over whole runs: what counts is what the rules pair."""

import polars as pl
import pytest

from pairforge import pipeline
from pairforge.errors import RuleError
from tests.pipeline.conftest import add


def wrong(_: object) -> str:
    return "It is \\boxed{7777}."


def test_a_wrong_solution_is_accepted_where_any_verdict_may_be_rejected(recipe, scripted, tmp_path):
    engines = scripted(wrong)
    pipeline.build(recipe("filter.rejected.status=any", "filter.rejected.origin=sampled"), tmp_path / "run")
    assert len(engines[0].requests) == 12  # one draw each, of at most three


MIX = (
    "filter.gap={}",
    "filter.mix=[{name: short, rejected: {origin: sampled, max_tokens: 15}}, "
    "{name: wrong, rejected: {origin: sampled, status: incorrect, max_tokens: 18}}]",
)


@pytest.mark.parametrize(("answer", "part"), [(add, "short"), (wrong, "wrong")])
def test_a_draw_is_accepted_when_any_part_of_a_mix_takes_it(recipe, scripted, tmp_path, answer, part):
    engines = scripted(answer)
    mixed = recipe(*MIX)
    summary = pipeline.build(mixed, tmp_path / "run")
    assert summary.pairs == 12 and len(engines[0].requests) == 12
    assert {request.max_tokens for request in engines[0].requests} == {19}  # the largest budget of the parts
    pairs = pl.read_parquet(tmp_path / "run/views/default/pairs.parquet")
    assert set(pairs["part"]) == {part}


def test_a_part_without_a_writer_is_refused(recipe, scripted, tmp_path):
    scripted(add)
    mixed = recipe("filter.gap={}", "filter.mix=[{name: a, rejected: {origin: nobody}}]")
    with pytest.raises(RuleError, match=r"filter\.mix\.0\.rejected\.origin: there is no arm 'nobody'"):
        pipeline.build(mixed, tmp_path / "run")
