"""The settings of sources: defaults, and mistakes that are named."""

import pydantic
import pytest

from pairforge.sources import DecontaminateConfig, GoldJoin, SourceConfig


def test_a_source_needs_its_dataset_alone():
    source = SourceConfig(dataset="a/b")
    assert (source.adapter, source.split, source.columns, source.teacher_gold) == ("auto", "train", {}, "keep")
    assert GoldJoin(dataset="c/d").answer == "solution"


@pytest.mark.parametrize(
    "wrong",
    [
        {"limit": 0},
        {"limit": True},
        {"teacher_gold": "maybe"},
        {"columns": {"long": 3}},
        {"no_such": 1},
        {"split": None},
    ],
    ids=str,
)
def test_a_value_that_no_source_can_have_is_refused(wrong: dict):
    with pytest.raises(pydantic.ValidationError):
        SourceConfig(dataset="a/b", **wrong)


def test_settings_do_not_change():
    with pytest.raises(pydantic.ValidationError):
        SourceConfig(dataset="a/b").limit = 3  # type: ignore[misc]


@pytest.mark.parametrize(
    "wrong", [{"ngram": 0}, {"near_duplicates": 0}, {"near_duplicates": 1.1}, {"ngram": True}], ids=str
)
def test_a_threshold_outside_its_range_is_refused(wrong: dict):
    with pytest.raises(pydantic.ValidationError):
        DecontaminateConfig(**wrong)
