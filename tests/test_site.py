"""The documentation site: its reference pages are those of the code, and it builds without a warning."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


@pytest.mark.parametrize("page", ["api", "cli"])
def test_the_reference_is_current(page: str):
    spec = importlib.util.spec_from_file_location("reference", ROOT / "scripts" / "reference.py")
    assert spec and spec.loader
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    made = {"api": reference.api_page, "cli": reference.cli_page}[page]()
    assert (ROOT / "docs" / f"{page}.md").read_text() == made, "run: python scripts/reference.py"


def test_the_site_builds_strictly(tmp_path: Path):
    command = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path / "site")]
    made = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert made.returncode == 0, made.stderr
    page = (tmp_path / "site" / "concepts" / "index.html").read_text()
    assert "concepts.svg" in page
    assert "fonts.googleapis.com" not in page
