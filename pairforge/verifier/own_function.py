"""The user's own verifier function: loaded and called in a worker process, its result turned into a decision."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

from pairforge.verifier.answer_rules import split_function
from pairforge.verifier.decisions import Call, Decision


def load_function(function: str) -> Callable[..., Any]:
    """The function that "/path/to/file.py:name" names; runs the file. Raises what the file raises."""
    file, name = split_function(function)
    sys.path.insert(0, str(file.parent))  # for what the file imports
    spec = importlib.util.spec_from_file_location(file.stem, file)
    if spec is None or spec.loader is None:
        raise ImportError(f"{file} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[file.stem] = module
    spec.loader.exec_module(module)
    found = getattr(module, name)
    if not callable(found):
        raise TypeError(f"{name} in {file} is no function")
    return found


def decide_by_function(function: Callable[..., Any], call: Call) -> Decision:
    """True, False, or None for no decision, perhaps with the reason beside it; anything else is an error."""
    try:
        result = function(gold=call.gold, answer=call.answer, response=call.response, question=call.question)
    except (MemoryError, RecursionError):
        raise
    except Exception as error:
        return Decision("error", "python", f"{type(error).__name__}: {error}"[:200])
    reason = ""
    if isinstance(result, tuple) and len(result) == 2:
        result, reason = result[0], str(result[1])[:200]
    if result is None:
        return Decision("error", "python", reason or "the function made no decision")
    if isinstance(result, bool):
        return Decision("correct" if result else "incorrect", "python", reason or f"the function returned {result}")
    return Decision("error", "python", f"the function returned {type(result).__name__}, not True, False or None")
