"""A stand-in Hub for every test that asks for one, and clients that know nothing else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

# read by huggingface_hub and datasets when they are imported: before any test module asks for them
os.environ["HF_HUB_DISABLE_XET"] = "1"
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"

from pairforge.hub import contents
from pairforge.run import Run
from tests.hub.server import ANA, StandInHub

DRAW = contents.draw_figures


@pytest.fixture(scope="session", autouse=True)
def sketches() -> Iterator[None]:
    """An empty drawing stands for the figures of a view: real ones would take a second each time."""

    def sketch(run: Run, view: Path, target: Path) -> None:
        (target / "gap.png").write_bytes(b"\x89PNG\r\n\x1a\n")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(contents, "draw_figures", sketch)
        yield


@pytest.fixture
def real_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """The figures are drawn."""
    monkeypatch.setattr(contents, "draw_figures", DRAW)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StandInHub]:
    """A fresh stand-in Hub, with Ana logged in."""
    with StandInHub(tmp_path / "hub") as server:
        point_clients_at(server.url, tmp_path / "hf", monkeypatch)
        monkeypatch.setenv("HF_TOKEN", ANA)
        yield server


def point_clients_at(url: str, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Send the clients of this process to `url`, with caches of their own. Both libraries keep copies of these."""
    import datasets
    import huggingface_hub
    from huggingface_hub import constants

    monkeypatch.setenv("HF_ENDPOINT", url)
    for name in ("HF_TOKEN", "HF_TOKEN_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(home / "token"))
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(home / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub.hf_api.api, "endpoint", url)
    monkeypatch.setattr(datasets.config, "HF_ENDPOINT", url)
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", home / "datasets")
    monkeypatch.setattr(huggingface_hub.HfFileSystem, "_cache", {})


@pytest.fixture
def sleeps(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Waiting takes no time; the seconds asked for are written down."""
    import time

    asked: list[float] = []
    monkeypatch.setattr(time, "sleep", asked.append)
    return asked
