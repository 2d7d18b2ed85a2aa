import subprocess
import sys

import pytest

from pairforge.demo import demo_path, is_demo_address, resolve
from pairforge.errors import PairforgeError


@pytest.mark.parametrize("address", ["pairforge:demo", "pairforge:demo-eval", "pairforge:nano"])
def test_bundled_addresses_are_real_paths(address):
    assert demo_path(address).exists()
    assert resolve(address) == str(demo_path(address))


def test_other_names_are_left_alone():
    assert not is_demo_address("Qwen/Qwen2.5-Math-7B-Instruct")
    assert resolve("data/mine.jsonl") == "data/mine.jsonl"


def test_unknown_address_lists_the_known_ones_and_the_nearest():
    with pytest.raises(PairforgeError) as error:
        demo_path("pairforge:demo-evl")
    assert "did you mean 'pairforge:demo-eval'" in error.value.hint
    assert "pairforge:nano" in error.value.hint


def test_importing_the_demo_loads_nothing_heavy():
    code = "import sys, pairforge.demo; print({'torch', 'transformers', 'datasets'} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
