"""One figure of a training run: loss, margins, log-probabilities and how often the chosen side is preferred."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pairforge.errors import require

PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("loss", {"loss": "loss"}),
    ("reward margin", {"rewards/margins": "chosen - rejected"}),
    ("log-probability of a completion", {"logps/chosen": "chosen", "logps/rejected": "rejected"}),
    ("reward against the reference", {"rewards/chosen": "chosen", "rewards/rejected": "rejected"}),
)
SFT_PANELS: tuple[tuple[str, dict[str, str]], ...] = (
    ("loss", {"loss": "loss"}),
    ("mean token accuracy", {"mean_token_accuracy": "accuracy"}),
)


def draw(rows: Sequence[Mapping[str, Any]], file: Path, title: str) -> None:
    """Draw the logged rows as a PNG. Panels whose columns were not logged are left out."""
    require("matplotlib", extra="train", purpose="the training figure")
    from matplotlib.figure import Figure

    panels = PANELS if "rewards/margins" in rows[-1] else SFT_PANELS
    panels = tuple((name, lines) for name, lines in panels if set(lines) & rows[-1].keys())
    figure = Figure(figsize=(4.2 * len(panels), 3.2), layout="constrained")
    for place, (name, lines) in enumerate(panels, start=1):
        axes = figure.add_subplot(1, len(panels), place)
        for column, label in lines.items():
            points = [(r["step"], float(r[column])) for r in rows if column in r]
            axes.plot([x for x, _ in points], [y for _, y in points], label=label, linewidth=1.2)
        axes.set_title(name, fontsize=10)
        axes.set_xlabel("step")
        axes.grid(alpha=0.3)
        if len(lines) > 1:
            axes.legend(fontsize=8)
    figure.suptitle(title, fontsize=10)
    figure.savefig(file, dpi=110)
