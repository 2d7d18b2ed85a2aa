"""The generator's modules, loaded from `recipes/nano/` by path: they are scripts, not part of the package."""

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from pairforge.demo import demo_path

NANO_RECIPE = Path(__file__).parents[2] / "recipes" / "nano"


def _script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"nano_{name}", NANO_RECIPE / f"{name}.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def family() -> ModuleType:
    return _script("problems")


@pytest.fixture(scope="session")
def bundled() -> tuple[list[Any], list[Any]]:
    """The bundled problems as their script draws them, with both solutions: (build, evaluation)."""
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(NANO_RECIPE))
        problems: tuple[list[Any], list[Any]] = _script("make_problems").bundled_problems()
    return problems


@pytest.fixture(scope="session")
def answers() -> ModuleType:
    return _script("answers")


def _rows(address: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in demo_path(address).read_text(encoding="utf-8").splitlines()]


@pytest.fixture(scope="session")
def build_rows() -> list[dict[str, Any]]:
    return _rows("pairforge:demo")


@pytest.fixture(scope="session")
def eval_rows() -> list[dict[str, Any]]:
    return _rows("pairforge:demo-eval")


@pytest.fixture(scope="session")
def tokenizer() -> Any:
    from transformers import AutoTokenizer

    return AutoTokenizer.from_pretrained(demo_path("pairforge:nano"))
