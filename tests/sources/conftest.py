"""The datasets cache goes to the test's own folder, and nothing may look for a Hub."""

import pytest


@pytest.fixture(autouse=True)
def isolated_datasets(tmp_path_factory, monkeypatch):
    import datasets

    cache = tmp_path_factory.mktemp("datasets-cache")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", cache)
    monkeypatch.setattr(datasets.config, "HF_MODULES_CACHE", str(cache / "modules"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()
