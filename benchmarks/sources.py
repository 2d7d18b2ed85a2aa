"""How fast and how large: reading a big source, screening problems, counting tokens.

    python -m benchmarks.sources                              # 220k rows of 30 KB, 50k and 220k problems, 2k long pairs
    python -m benchmarks.sources --rows 20000 --problems 50000 --pairs 500

All data is generated: rows in OpenR1's schema, questions of the length of competition problems, evaluation sets of
the real sizes (MATH-500 500, AIME 30 and 30, GSM8K test 1,319, OlympiadBench 674, GPQA diamond 198). Reading runs in
a process of its own, whose peak resident memory is what is reported.
"""

from __future__ import annotations

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path

from benchmarks._machine import machine
from pairforge.records import Problem, problem_id
from pairforge.sources import EvaluationSet, SourceConfig, collect, decontaminate, drop_near_duplicates, read_source

EVALUATION_SIZES = {
    "math-500": 500, "aime-2024": 30, "aime-2025": 30, "gsm8k-test": 1319, "olympiadbench": 674, "gpqa": 198,
}  # fmt: skip
USUAL = {"ngram": 8, "without_digits": True, "fuzzy": 0.75}
VOCABULARY = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in ("n", "r", "s", "th", "ck", "")]


def words(rng: random.Random, count: int) -> str:
    return " ".join(rng.choices(VOCABULARY, k=count))


def question(rng: random.Random) -> str:
    return f"{words(rng, 30)} {rng.randrange(1000)} {words(rng, 20)} {rng.randrange(1000)}?"


def write_big_source(folder: Path, rows: int, row_bytes: int) -> None:
    """A dataset folder in OpenR1's layout: shards of 5,000 rows in row groups of 500."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rng = random.Random(0)
    stock = words(rng, 600_000)
    (folder / "data").mkdir(parents=True)
    shards = -(-rows // 5_000)
    for shard in range(shards):
        count = min(5_000, rows - shard * 5_000)
        cuts = [rng.randrange(len(stock) - row_bytes) for _ in range(count)]
        table = pa.table(
            {
                "problem": [question(rng) for _ in cuts],
                "answer": [str(rng.randrange(10_000)) for _ in cuts],
                "solution": [None] * count,
                "generations": [[f"<think>\n{stock[c : c + row_bytes]}\n</think>\n\n\\boxed{{1}}"] for c in cuts],
            },
            schema=pa.schema(
                [("problem", pa.string()), ("answer", pa.string()), ("solution", pa.string()),
                 ("generations", pa.list_(pa.string()))]
            ),
        )  # fmt: skip
        pq.write_table(table, folder / f"data/train-{shard:05d}-of-{shards:05d}.parquet", row_group_size=500)


def read_all(folder: str) -> None:
    """Read a source as a run does: given solutions pass by, problems stay. Prints rows, seconds and peak MiB."""
    start = time.perf_counter()
    stream = read_source(SourceConfig(dataset=folder), base_dir=Path())
    collection = collect([stream])
    characters = sum(len(sample.text) for sample in collection.samples())
    seconds, cpu_s = time.perf_counter() - start, time.process_time()
    status = Path("/proc/self/status").read_text()  # getrusage would report the parent's peak where that is higher
    peak = int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024
    print(f"{stream.rows},{len(collection.problems)},{characters},{seconds:.1f},{cpu_s:.1f},{peak:.0f}")


def bench_reading(rows: int, row_bytes: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_big_source(Path(folder) / "big", rows, row_bytes)
        command = [sys.executable, "-c", f"from benchmarks.sources import read_all; read_all({folder + '/big'!r})"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    read, problems, characters, seconds, cpu_s, peak = done.stdout.strip().splitlines()[-1].split(",")
    print(
        f"reading: {int(read):,} rows, {int(characters) / 1e9:.2f} GB of solutions, {int(problems):,} problems: "
        f"{float(seconds):.0f} s ({float(cpu_s):.0f} s of processor time), peak {int(peak):,} MiB resident"
    )


def problems(count: int) -> list[Problem]:
    rng = random.Random(1)
    made = [question(rng) for _ in range(count)]
    return [Problem(problem_id(q), q, "1", "bench", rows=(f"bench:{i}",)) for i, q in enumerate(made)]


def timed(run: Callable[[], object], repeats: int = 3) -> str:
    """Median and range of a few runs in seconds, and the processor time of one: they differ on a busy machine."""
    seconds, cpu_start = [], time.process_time()
    for _ in range(repeats):
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    cpu_s = (time.process_time() - cpu_start) / repeats
    spread = f"{min(seconds):.1f}-{max(seconds):.1f}"
    return f"{statistics.median(seconds):.1f} s ({spread}; {cpu_s:.1f} s of processor time)"


def bench_screening(count: int) -> None:
    rng = random.Random(2)
    made = problems(count)
    sets = [EvaluationSet(name, tuple(question(rng) for _ in range(size))) for name, size in EVALUATION_SIZES.items()]
    planted = [Problem(problem_id(q), q, "1", "bench", rows=("planted:0",)) for q in sets[0].questions[:100]]
    found = decontaminate([*made, *planted], sets, **USUAL)
    assert len(found.problems) == count, "every planted problem falls, no other"
    seconds = timed(lambda: decontaminate(made, sets, **USUAL))
    print(f"decontamination: {count:,} problems, 2,751 evaluation questions: {seconds}")
    print(f"near duplicates: {count:,} problems: {timed(lambda: drop_near_duplicates(made, threshold=0.8), 1)}")


def bench_lengths(pairs: int) -> None:
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    from pairforge.lengths import Row, count_lengths

    rng = random.Random(3)
    inner = Tokenizer(models.BPE())
    inner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=8000, initial_alphabet=alphabet, show_progress=False)
    inner.train_from_iterator([words(rng, 20_000)], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner, eos_token="s")
    tokenizer.chat_template = "{% for m in messages %}{{ m['role'] }}\n{{ m['content'] }}\n{% endfor %}"

    def rows() -> Iterator[Row]:
        for index in range(pairs):
            prompt = [{"role": "user", "content": question(rng)}]
            yield f"{index}/chosen", prompt, words(rng, 4500)  # type: ignore[misc]
            yield f"{index}/rejected", prompt, words(rng, 450)  # type: ignore[misc]

    made = list(rows())
    start, cpu_start = time.perf_counter(), time.process_time()
    tokens = sum(prompt + completion for _, prompt, completion in count_lengths(tokenizer, made))
    seconds, cpu_s = time.perf_counter() - start, time.process_time() - cpu_start
    per_pair = tokens / pairs
    minutes = 100_000 * seconds / pairs / 60
    print(
        f"lengths: {pairs:,} pairs of {per_pair:,.0f} tokens: {seconds:.1f} s ({cpu_s:.1f} s of processor time), "
        f"{tokens / seconds / 1e6:.2f}M tokens/s; 100,000 such pairs: {minutes:.0f} minutes"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=220_000)
    parser.add_argument("--row-bytes", type=int, default=30_000)
    parser.add_argument("--problems", type=int, nargs="*", default=[50_000, 220_000])
    parser.add_argument("--pairs", type=int, default=2_000)
    options = parser.parse_args()
    print(f"sources, {machine()}, {date.today():%d %B %Y}")
    for count in options.problems:
        bench_screening(count)
    bench_lengths(options.pairs)
    bench_reading(options.rows, options.row_bytes)


if __name__ == "__main__":
    main()
