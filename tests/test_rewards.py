"""Rewards as trainers call them: batches, single texts, threads and processes of their own."""

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pairforge import rewards

ROOT = Path(__file__).parent.parent
RIGHT = "<think>\nTwice 21.\n</think>\n\nThe answer is $\\boxed{42}$."
WRONG = "The answer is $\\boxed{41}$."


def said(text: str) -> list[dict]:
    return [{"role": "assistant", "content": text}]


def test_text_and_messages_get_the_verdict_of_the_verifier():
    completions = [RIGHT, said(RIGHT), said(WRONG), "I do not know.", said("")]
    truth = ["42", "$\\frac{84}{2}$", "42", "42", "42"]
    assert rewards.correct(completions=completions, ground_truth=truth, problem_id=["p"] * 5) == [1, 1, 0, 0, 0]


def test_what_cannot_be_decided_is_not_wrong():
    assert rewards.correct([RIGHT], ground_truth=["see the figure below"]) in ([None], [0.0])
    assert rewards.correct([RIGHT], ground_truth=[""]) == [None]


@pytest.mark.parametrize(
    ("text", "worth"),
    [
        (RIGHT, 1.0),
        ("Twice 21.\n</think>\n\n\\boxed{42}", 1.0),  # a template that opens the thought in the prompt
        (WRONG, 0.0),
        ("<think>\n\n</think>\n\n\\boxed{42}", 0.0),
        ("<think>\nTwice 21, no end", 0.0),
        ("<think>\nTwice 21.\n</think>\n", 0.0),
        ("<|begin_of_thought|>Twice.<|end_of_thought|><|begin_of_solution|>42<|end_of_solution|>", 1.0),
    ],
)
def test_the_format_reward_asks_for_one_thought_and_an_answer(text: str, worth: float):
    assert rewards.reasoning_format([text, said(text)], prompts=["q", "q"]) == [worth, worth]


def test_length_rewards_compare_within_a_prompt():
    completions = ["\\boxed{1}" + " x" * extra for extra in (0, 10, 20)] + ["\\boxed{2}", "\\boxed{1}" + " x" * 40]
    prompts = ["p", "p", "p", "p", "q"]
    ids = [[0] * n for n in (10, 20, 30, 10, 50)]
    options = {"ground_truth": ["1"] * 5, "prompts": prompts, "completion_ids": ids}
    assert rewards.shorter(completions, **options) == [0.5, 0.0, -0.5, 0.0, 0.0]
    assert rewards.longer(completions, **options) == [-0.5, 0.0, 0.5, -0.5, 0.0]
    assert rewards.shorter(completions, ground_truth=["1"] * 5, prompts=prompts)[0] > 0  # by characters


def test_verl_and_openrlhf_get_their_own_forms():
    score = rewards.verl_score(data_source="s", solution_str=RIGHT, ground_truth="42", extra_info={"problem_id": "p"})
    assert score == 1.0 and rewards.verl_score("s", WRONG, "42") == 0.0
    prompt = "<|im_start|>user\nHow much? \\boxed{41}<|im_end|>\n<|im_start|>assistant\n"
    found = rewards.openrlhf_rewards([prompt + RIGHT + "<|im_end|>", prompt + WRONG], [prompt] * 2, ["42", "42"])
    assert found["rewards"].tolist() == [1.0, 0.0] == found["scores"].tolist()
    assert found["extra_logs"]["undecided"].tolist() == [0.0, 0.0]


def test_many_threads_may_ask_at_once():
    def ask(i: int) -> list[float | None]:
        return rewards.correct([f"\\boxed{{{i}}}", "\\boxed{x+1}"], ground_truth=[str(i), "1+x"])

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(40))) == [[1.0, 1.0]] * 40


def test_a_forked_worker_starts_a_verifier_of_its_own():
    assert rewards.correct(["\\boxed{x+1}"], ground_truth=["1+x"]) == [1.0]
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        value = rewards.correct(["\\boxed{2x+2}"], ground_truth=["2+2x"])
        os.write(write, repr(value).encode())
        os._exit(0)
    os.close(write)
    assert os.waitpid(child, 0)[1] == 0
    assert os.read(read, 100) == b"[1.0]"
    assert rewards.correct(["\\boxed{x+3}"], ground_truth=["3+x"]) == [1.0]


def test_daemon_processes_may_ask_and_nothing_is_left_behind():
    code = (
        "import multiprocessing as m\n"
        "def work(q):\n"
        "    from pairforge.rewards import correct\n"
        "    q.put(correct(['\\\\boxed{x+1}'], ground_truth=['1+x']))\n"
        "if __name__ == '__main__':\n"
        "    c = m.get_context('spawn'); q = c.Queue(); p = c.Process(target=work, args=(q,), daemon=True); p.start()\n"
        "    print(q.get(timeout=60)); p.join(20); print(p.exitcode)\n"
    )
    file = Path(os.environ.get("TMPDIR", "/tmp")) / f"rewards-{os.getpid()}.py"
    file.write_text(code)
    try:
        env = {**os.environ, "PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, timeout=120, env=env)
    finally:
        file.unlink()
    assert done.stdout.split("\n")[:2] == ["[1.0]", "0"], done.stderr


def test_the_rows_say_how_answers_are_compared():
    rows = {
        "ground_truth": ["B", "Paris", "20", "42", "42"],
        "verifier": ["choice", "exact", "math", "python", "no such kind"],
        "percent": ["lenient", "lenient", "strict", "lenient", "lenient"],
        "units": ["lenient"] * 5,
        "question": ["Which city?", "The capital?", "How much?", "?", "?"],
        "meta": ['{"options": ["Rome", "Paris"]}', "{}", "{}", "not JSON", "[]"],
    }
    said = ["The answer is \\boxed{Paris}.", "\\boxed{Paris}", "\\boxed{20\\%}", "\\boxed{42}", "\\boxed{42}"]
    found = rewards.correct(said, **rows)
    assert found[:2] == [1.0, 1.0] and found[3:] == [None, None], "a function is not run because data names it"
    assert found[2] == rewards.correct(said[2:3], ground_truth=["20"], percent=["strict"])[0]
    info = {name: values[0] for name, values in rows.items() if name != "ground_truth"}
    assert rewards.verl_score("s", said[0], "B", extra_info={**info, "problem_id": "p"}) == 1.0
