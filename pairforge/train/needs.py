"""What a method itself needs, looked at before the first step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pairforge.train.arguments import Settings
from pairforge.train.guards import Finding
from pairforge.train.methods import LABELED, METHODS

COMPARES_ROWS = ("kto", "aot", "aot_unpaired")  # the loss of a row depends on the other rows of its batch
FARTHEST_NATS = 10.0  # a margin per token that no model reaches: IPO's loss would only grow


def needs(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """The findings of everything that the method asks of its settings and rows."""
    checks = (_labels, _batch, _ipo, _smoothing, _simpo)
    return [finding for check in checks for finding in check(settings, rows)]


def _labels(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """Both labels, with balanced weights: KTO's authors advise 1 to 4/3 in favour of the desirable rows."""
    if METHODS[settings.method].columns != LABELED:
        return []
    desirable = sum(row["label"] for row in rows)
    undesirable = len(rows) - desirable
    text = f"{desirable:,} desirable and {undesirable:,} undesirable rows"
    if not desirable or not undesirable:
        cure = "export.kto and the view's rules decide the labels: see docs/exports.md"
        return [Finding("stop", "labels", f"{text}: {settings.method} needs both. {cure}")]
    trl = settings.trl
    if "desirable_weight" not in trl and "undesirable_weight" not in trl:
        return [Finding("ok", "labels", f"{text}; their weights balance them")]
    ratio = desirable * trl.get("desirable_weight", 1.0) / (undesirable * trl.get("undesirable_weight", 1.0))
    if 0.99 <= ratio <= 1.34:
        return [Finding("ok", "labels", text)]
    cure = "leave train.desirable_weight and train.undesirable_weight out, and they are balanced"
    return [Finding("warn", "labels", f"{text}, weighed {ratio:.2f} to 1 where 1 to 1.33 is advised; {cure}")]


def _batch(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    per_device = int(settings.trl["per_device_train_batch_size"])
    if settings.method not in COMPARES_ROWS or per_device > 1:
        return []
    text = f"{settings.method} compares the rows of a device's batch with each other, and there is one"
    return [Finding("stop", "batch", f"{text}: --set train.per_device_train_batch_size=4")]


def _ipo(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    if "ipo" not in (settings.trl.get("loss_type") or []):
        return []
    beta = float(settings.trl["beta"])
    target = 1 / (2 * beta)
    if target <= FARTHEST_NATS:
        return []
    text = f"beta {beta:g} is DPO's scale: IPO aims at a margin of 1 / (2 beta) = {target:,.0f} nats per token"
    return [Finding("warn", "beta", f"{text}; --set train.beta=0.1")]


def _smoothing(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    smoothing = float(settings.trl.get("label_smoothing") or 0)
    if settings.method == "robust" and not 0 < smoothing < 0.5:
        text = f"train.label_smoothing {smoothing:g} is the share of wrong preferences that robust DPO assumes"
        return [Finding("stop", "label_smoothing", f"{text}: --set train.label_smoothing=0.1")]
    return []


def _simpo(settings: Settings, rows: Sequence[dict[str, Any]]) -> list[Finding]:
    """Whether SimPO's margin fits its beta: gamma / beta is 0.3 to 1 in SimPO's own configurations."""
    if settings.method != "simpo":
        return []
    gamma, beta = float(settings.trl.get("simpo_gamma", 0.5)), float(settings.trl["beta"])
    if gamma <= beta:
        return []
    text = (
        f"beta {beta:g} is DPO's scale: SimPO uses 2 to 10, with simpo_gamma / beta at most 1 (here {gamma / beta:.1f})"
    )
    return [Finding("warn", "beta", f"{text}; leave train.beta out, or set it")]
