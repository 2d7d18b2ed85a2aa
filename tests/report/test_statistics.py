"""The numbers and drawings of a view, by example."""

import polars as pl
import pytest

from pairforge.errors import RunError
from pairforge.filters.sweep import ArmResult
from pairforge.report.figures import inline_svg, label, save, save_view_figures, sweep_figure, view_figures
from pairforge.report.statistics import view_statistics
from pairforge.run.view_record import FunnelStep

FUNNEL = [
    FunnelStep(step="candidates", candidates=9, problems=4),
    FunnelStep(step="gap_min", candidates=3, problems=3),
]
PROBLEMS = pl.DataFrame(
    {"problem_id": ["a", "b", "c", "d"], "source": ["s", "s", "t", "t"], "pass_rate": [0.0, 0.0, 1.0, None]}
)
DROPS = pl.DataFrame({"stage": ["filter", "sources"], "reason": ["gap_min", "no_question"]})


def pairs(n: int = 3) -> pl.DataFrame:
    frame = pl.DataFrame(
        {
            "problem_id": ["a", "b", "c"], "source": ["s", "s", "t"], "prompt_tokens": [5, 5, 5],
            "chosen_tokens": [250, 300, 600], "rejected_tokens": [50, 200, 100], "gap_tokens": [200, 100, 500],
            "ratio": [5.0, 1.5, 6.0], "rejected_status": ["correct", "incorrect", "correct"],
        }
    )  # fmt: skip
    return frame.head(n)


def test_means_shares_and_quartiles():
    found = view_statistics(pairs(), DROPS, PROBLEMS, FUNNEL)
    assert (found.summary.pairs, found.summary.problems, found.all_problems) == (3, 3, 4)
    assert [(s.value, s.pairs, s.problem_share) for s in found.sources] == [("s", 2, 0.5), ("t", 1, 0.5)]
    assert found.gap_by_pass_rate == [(0.0, 125.0, 150.0, 175.0, 2), (1.0, 500.0, 500.0, 500.0, 1)]
    assert sum(found.chosen_lengths) == sum(found.rejected_lengths) == sum(found.gaps) == 3
    assert found.drops == [("filter", "gap_min", 1), ("sources", "no_question", 1)]


def test_a_view_without_pairs_has_numbers_and_drawings_too():
    found = view_statistics(pairs(0), DROPS, PROBLEMS, FUNNEL)
    assert found.summary.pairs == 0 and found.summary.means["gap_tokens"] is None
    assert set(view_figures(found)) == {"funnel", "drops"}


def test_figures_are_written_twice_with_the_same_bytes(tmp_path):
    found = view_statistics(pairs(), DROPS, PROBLEMS, FUNNEL)
    first, second = (save_view_figures(found, tmp_path / name) for name in ("one", "two"))
    assert {f.name for f in first} >= {
        "funnel.svg",
        "lengths.png",
        "gap.svg",
        "difficulty.svg",
        "sources.png",
        "drops.svg",
    }
    assert [f.read_bytes() for f in first] == [f.read_bytes() for f in second]


@pytest.mark.parametrize("name", ["funnel", "lengths", "gap", "difficulty", "sources", "drops"])
def test_drawings_in_the_page_have_its_ink_and_no_formula(name):
    svg = inline_svg(view_figures(view_statistics(pairs(), DROPS, PROBLEMS, FUNNEL))[name](), name)
    assert svg.startswith("<svg") and "currentColor" in svg
    assert "#ffffff" not in svg and "mathdefault" not in svg


def test_a_sweep_with_an_empty_arm_is_drawn(tmp_path):
    arms = [
        ArmResult(settings={"filter.gap.max": 5}, notes=["contradiction"]),
        ArmResult(pairs=3, means={"gap_tokens": 5.0}),
    ]
    save(sweep_figure(arms), tmp_path / "sweep.png")
    with pytest.raises(RunError, match="png"):
        save(sweep_figure(arms), tmp_path / "sweep.pdf")


def test_labels_are_short_and_printable():
    assert label("a\x00b\n  c") == "a\ufffdb c"
    assert len(label("x" * 99)) == 26
