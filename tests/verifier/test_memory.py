"""A million items pass through without the caller or the cache growing."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from pairforge.verifier import Item, Verifier
from pairforge.verifier.decisions import Comparison, Decision, DecisionCache


def resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def items(count: int) -> Iterator[Item]:
    for n in range(count):
        if n % 100:
            yield Item(str(n), f"{n} eggs.\n#### {n}", f"So we have {n} of them, \\boxed{{{n}}}.")
        else:
            yield Item(str(n), f"{n}\\sqrt{{2}}", f"Hence \\boxed{{\\sqrt 2 \\cdot {n}}}.")


@pytest.mark.full
def test_memory_is_flat_over_a_million_items():
    sizes = []
    with Verifier(workers=2) as verifier:
        for number, verdict in enumerate(verifier.verify(items(1_000_000))):
            assert verdict.status == "correct"
            if number in (200_000, 999_999):
                sizes.append(resident_bytes())
    print(f"\nresident after 200,000 and 1,000,000 items: {sizes[0] / 2**20:.0f} and {sizes[1] / 2**20:.0f} MiB")
    assert sizes[1] - sizes[0] < 40 * 2**20


def test_the_cache_in_memory_is_bounded():
    cache = DecisionCache(None, "1")
    for n in range(70_000):
        cache.put(Comparison(str(n), "x"), Decision("correct", "value", ""))
    assert len(cache._memory) <= 65_536
    assert cache.get(Comparison("69999", "x")) and not cache.get(Comparison("0", "x"))


def test_decisions_survive_on_disk_and_a_damaged_file_is_set_aside(tmp_path: Path):
    path, key = tmp_path / "cache" / "decisions.sqlite", Comparison("x+1", "1+x")
    first = DecisionCache(path, "1")
    first.put(key, Decision("correct", "value", "why"))
    first.put(Comparison("a", "b"), Decision("timeout", "deadline", "may be the machine's fault"))
    first.close()
    again = DecisionCache(path, "1")
    assert again.get(key) == ("correct", "value", "why")
    assert again.get(Comparison("a", "b")) is None
    again.close()
    assert DecisionCache(path, "2").get(key) is None  # another version decides anew
    path.write_bytes(b"no database" * 100)
    assert DecisionCache(path, "1").get(key) is None
    assert list(path.parent.glob("*.damaged"))


def test_a_verifier_with_a_cache_answers_without_workers(tmp_path: Path):
    item = Item("a", "x+1", "\\boxed{1+x}")
    for _ in range(2):
        with Verifier(workers=1, cache=tmp_path / "c") as verifier:
            (verdict,) = verifier.verify([item])
            started = len(verifier._pools[""]._workers)
            assert verdict.status == "correct"
    assert started == 0
