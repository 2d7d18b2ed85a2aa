"""No text runs anything, hangs anything, or takes anything but its own verdict down."""

import asyncio
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from pairforge.verifier import Item, Verifier, grade
from pairforge.verifier.equal.judge import refuse_for_judge

LIMIT_S = 3.0


@pytest.fixture(scope="module")
def verifier():
    with Verifier(workers=1) as it:
        list(it.verify([Item("warm", "A \\perp B", "\\boxed{B \\perp C}"), Item("up", "x", "\\boxed{y}")]))
        yield it


def canaries(path: Path) -> dict[str, str]:
    """Python that would create `path`, along every way known to reach exec or eval."""
    code = f"__import__('pathlib').Path('{path}').touch()"
    octal = "".join(f"\\{ord(c):o}" for c in code)
    return {
        "accent name in an infinite sum": f"\\sum_{{n=1}}^{{\\infty}} \\frac{{1}}{{n^2 \\bar{{{code}}}}}",
        "accent name in a product": f"\\prod_{{n=1}}^{{\\infty}} (1+\\hat{{{code}}}/n^2)",
        "text name": f"\\sum_{{n=1}}^{{\\infty}} \\frac{{\\text{{{code}}}}}{{n^2}}",
        "operator name": f"\\operatorname{{{code}}}(1)",
        "plain expression": code,
        "subscript": f"x_{{{code}}} + 1",
        "mathrm": f"\\mathrm{{{code}}}^2",
        "overline": f"\\overline{{{code}}}+\\sum_{{k=1}}^{{\\infty}} 2^{{-k}}",
        "lambda": f"(lambda: {code})()",
        "octal escapes": f"exec('{octal}')",
        "limit": f"\\lim_{{x \\to 0}} \\vec{{{code}}}",
        "integral": f"\\int_0^1 \\tilde{{{code}}} dx",
        "number text": f"1e{code}",
        "matrix entry": f"\\begin{{pmatrix}} {code} \\\\ 1 \\end{{pmatrix}}",
        "set": f"\\{{ {code}, 1 \\}}",
        "unit": f"5 \\text{{ {code} }}",
        "equation": f"x = {code}",
        "choice": f"(A) {code}",
    }


@pytest.mark.parametrize("way", list(canaries(Path("x"))))
@pytest.mark.parametrize("other", ["1", "\\frac{\\pi^2}{6}", "x^2+1"])
def test_planted_code_never_runs(way: str, other: str, verifier: Verifier, tmp_path: Path):
    planted = canaries(tmp_path / "canary")[way]
    items = [
        Item("answer", other, f"\\boxed{{{planted}}}"),
        Item("gold", planted, f"\\boxed{{{other}}}"),
        Item("both", planted, f"\\boxed{{{planted} + 1}}"),
        Item("phrase", other, f"The answer is {planted}"),
    ]
    verdicts = list(verifier.verify(items))
    assert not (tmp_path / "canary").exists()
    assert all(v.status != "correct" for v in verdicts), verdicts


LOCKED = """
import sys
if sys.argv[1] == "absent": sys.modules["numpy"] = None
import json, os, signal, subprocess, sympy
from pairforge.verifier import worker
from pairforge.verifier.equal import judge
judge.refuse_for_judge = judge._refuse_node = lambda text: ""
judge.lock_down()
sys.addaudithook(worker._audit)
def late(*_): raise TimeoutError
signal.signal(signal.SIGALRM, late)
plain = json.loads(sys.argv[3])
direct = [eval, exec, sympy.sympify, sympy.parse_expr, os.system, lambda c: sympy.lambdify((), c)(),
          lambda c: sympy.core.evalf.lambdify((), c)(), lambda c: subprocess.run([sys.executable, "-c", c])]
for call in direct:
    try: call(plain)
    except Exception: continue
    print("not stopped:", call)
for planted in json.loads(sys.argv[2]):
    for pair in [(planted, "1"), ("1", planted), (planted, planted + "+1")]:
        signal.alarm(3)
        try: judge.judge(*pair)
        except Exception: pass
        finally: signal.alarm(0)
"""


@pytest.mark.parametrize("numpy", ["present", "absent"])
def test_behind_the_gates_nothing_runs_either(numpy: str, tmp_path: Path):
    """The gates are taken away here: what is left are the locked functions and the audit hook."""
    planted = canaries(tmp_path / "canary")
    arguments = [numpy, json.dumps(list(planted.values())), json.dumps(planted["plain expression"])]
    done = subprocess.run([sys.executable, "-c", LOCKED, *arguments], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert not (tmp_path / "canary").exists()


def test_the_canary_works_where_nothing_protects(tmp_path: Path):
    """Else the tests above would prove nothing."""
    planted = canaries(tmp_path / "canary")["plain expression"]
    subprocess.run([sys.executable, "-c", f"eval({planted!r})"], check=True)
    assert (tmp_path / "canary").exists()


@pytest.mark.parametrize(
    "text",
    [
        "\\bar{x + y}", "\\text{a{b}}", "\\text{`id`}", "\\sum_{k} k", "\\int x", "\\lim x", "\\operatorname{f}", "\\input{a}",
        "__class__", "\\hat{(1)}", "x" * 3000, "(" * 60 + ")" * 60, "\x00", "\\overline{\\bar{a}}", "\\mathrm{import os; x}",
    ],
)  # fmt: skip
def test_the_gate_refuses(text: str):
    assert refuse_for_judge(text)


@pytest.mark.parametrize("text", ["\\frac{1}{2}", "\\bar{x}", "x \\in \\mathbb{R}", "5 \\text{ cm}", "\\overline{AB}"])
def test_the_gate_lets_ordinary_answers_pass(text: str):
    assert refuse_for_judge(text) == ""


HOSTILE = {
    "tower": "9^{9^{9^{9^{9}}}}",
    "tower of tens": "10^{10^{10^{10}}}",
    "factorial tower": "((9!)!)!",
    "factorial of a power": "(2^{40})!",
    "binomial": "\\binom{1000000000}{500000000}",
    "big power of a sum": "(x+y+z+w)^{10000}",
    "5,000 parentheses": "(" * 5000 + "1" + ")" * 5000,
    "900 parentheses": "(" * 900 + "1" + ")" * 900,
    "900 braces": "{" * 900 + "1" + "}" * 900,
    "radicals": "\\{" + ",".join(f"\\sqrt{{{n}}}+\\sqrt{{{n + 1}}}" for n in range(2, 62)) + "\\}",
    "nested roots": "\\sqrt{1+" * 100 + "1" + "}" * 100,
    "long number": "1" * 1900,
    "long decimal": "0." + "3" * 1900,
    "many terms": "+".join(f"x^{{{n}}}" for n in range(200)),
    "many symbols": "".join(f"x_{{{n}}}" for n in range(250)),
    "huge exponent": "2^{999999999999}",
    "huge sine": "\\sin(10^{400})",
    "tiny": "10^{-999999999}",
    "nul": "1\x002",
    "surrogate": "1\ud8002",
    "right to left": "\u202e21\u202c",
    "zero width": "\u200b5\u200d",
    "only commands": "\\frac" * 300,
    "only carets": "^" * 1900,
    "only commas": "," * 1900,
    "only equals": "=" * 900,
    "only pluses": "+" * 1500 + "1",
    "only spaces": " " * 1900,
    "many bars": "|" * 900,
    "many for-clauses": "x " + "for all " * 200 + "k",
    "many plus-minus": "\\pm 1" * 200,
    "many fractions": "\\frac{1}{" * 150 + "2" + "}" * 150,
    "many units": "5 " + "square " * 250,
    "quotes": '"' * 900,
    "many words": "one hundred and " * 100,
    "many tags": "\\tag{1} " * 240,
    "many colours": "1" + "\\color{red} " * 160,
    "many pairs of letters": "ab " * 660,
    "many ands": "and " * 490,
    "many branches": "\\begin{cases} x & x > 1 \\\\ " * 60,
    "many brackets turned outward": "]1;2[ \\cup " * 150,
    "many vectors": "(1,2)+" * 330,
    "many assignments": "a = 1 \\quad " * 150,
    "gcd of giants": "\\gcd(10^{300}, 10^{299})",
    "log of a tower": "\\log(9^{9^{9}})",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_get_a_verdict_in_time(name: str, verifier: Verifier):
    text = HOSTILE[name]
    list(verifier.verify([Item("warm", "A \\perp B", f"\\boxed{{{name} \\perp C}}")]))  # a fresh worker starts here
    for item in (Item("answer", "\\sqrt{2}+1", f"\\boxed{{{text}}}"), Item("gold", text, "\\boxed{\\sqrt{2}+1}")):
        cpu = time.process_time()
        started = time.monotonic()
        (verdict,) = verifier.verify([item])
        assert verdict.status != "correct" or verdict.answer == text
        assert verdict.rule not in ("exception", "crash"), verdict
        assert time.process_time() - cpu < 1.0  # in this process
        assert time.monotonic() - started < LIMIT_S * 5  # several cores may be missing; alone it is below LIMIT_S


BIG = {
    "10 MB of words": "word " * 2_000_000,
    "10 MB of boxes": "\\boxed{" * 1_400_000,
    "10,000 boxes": "\\boxed{1} " * 10_000,
    "10,000 joined boxes": "\\boxed{1}, " * 10_000,
    "many openers": "\\[" * 500_000,
    "many thoughts": "<think>" * 200_000,
    "many closers": "</think>" * 200_000,
    "many tags": "<answer>" * 200_000,
    "many angles": "< " * 2_000_000,
    "many answers": "answer " * 500_000,
    "many answer is": "the answer is " * 200_000,
    "many hashes": "#### " * 500_000,
    "many dollars": "$" * 2_000_000,
    "one line of braces": "{" * 3_000_000,
    "box of 10 MB": "\\boxed{" + "1" * 10_000_000 + "}",
    "newlines": "\n" * 5_000_000,
    "so so so": "so is " * 500_000,
    "many labels": "A: 12\n" * 300_000,
    "many headings": "Answer:\n" * 300_000,
    "many questions": "\\boxed{" + "\nQuestion: a" * 200_000,
    "many objects": '\n{"answer": ' * 200_000 + '"}',
    "many environments": "\\begin{align*}" * 200_000 + "\\end{align*}",
    "many bullets": "- 5\n" * 300_000,
    "many channels": "<|channel|>analysis<|message|>" * 100_000,
    "many turns": "<|im_end|>" * 200_000,
    "many finals": "analysisA" + "assistantfinal" * 100_000,
    "spaces behind a box": "\\boxed{5}" + " " * 1_000_000 + "cm or 6",
    "many corrections": "\\boxed{5} wait " + "it is 5 " * 200_000,
    "colours": "\\boxed{" + "\\textcolor{red}{" * 400 + "5" + "}" * 401,
    "spaces before a value": "The answer is" + " " * 1_000_000,
    "one long sentence": "因此一共有" + "数" * 500_000,
}


@pytest.mark.parametrize("name", BIG)
def test_big_texts_are_read_in_time(name: str, verifier: Verifier):
    started = time.process_time()
    (verdict,) = verifier.verify([Item("big", "7", BIG[name])])
    assert time.process_time() - started < LIMIT_S
    assert verdict.status != "correct"


@pytest.mark.parametrize("response", [None, "", " ", "\x00", "\ud800", 5])
def test_a_response_that_is_no_text_has_no_answer(response: object):
    assert grade("5", response).status in ("no_answer", "incorrect", "error", "refused")  # type: ignore[arg-type]


def test_a_killed_worker_costs_one_item_and_is_replaced():
    with Verifier(workers=1) as verifier:
        list(verifier.verify([Item("warm", "x+1", "\\boxed{1+x}")]))
        victim = verifier._pools[""]._workers[0].process.pid
        os.kill(victim, signal.SIGSTOP)
        items = [Item(str(n), f"x+{n}", f"\\boxed{{{n}+x}}") for n in range(20)]
        for item in items:
            verifier.submit(item)
        os.kill(victim, signal.SIGKILL)
        statuses = []
        while verifier.pending:
            statuses += [verdict.status for verdict in verifier.poll(1.0)]
        assert sorted(set(statuses)) in (["correct", "error"], ["correct"])
        assert statuses.count("error") <= 1 and len(statuses) == 20


def test_a_stopped_worker_is_killed_and_its_item_timed_out():
    with Verifier(workers=1, timeout_s=0.2) as verifier:
        list(verifier.verify([Item("warm", "x+1", "\\boxed{1+x}")]))
        os.kill(verifier._pools[""]._workers[0].process.pid, signal.SIGSTOP)
        verdicts = {
            v.sample_key: v.status
            for v in verifier.verify([Item("a", "x+2", "\\boxed{2+x}"), Item("b", "y", "\\boxed{y+1}")])
        }
        assert verdicts == {"a": "timeout", "b": "incorrect"}


def test_workers_have_limits_and_an_empty_environment():
    with Verifier(workers=1) as verifier:
        list(verifier.verify([Item("warm", "x+1", "\\boxed{1+x}")]))
        pid = verifier._pools[""]._workers[0].process.pid
        limits = Path(f"/proc/{pid}/limits").read_text()
        environment = Path(f"/proc/{pid}/environ").read_bytes()
        address_space = next(line for line in limits.splitlines() if line.startswith("Max address space")).split()[3]
        assert int(address_space) <= 2 * 2**30
        assert b"HOME=" not in environment and b"TOKEN" not in environment
    assert not Path(f"/proc/{pid}").exists()


def test_it_works_from_threads_and_asyncio():
    def one(n: int) -> str:
        return grade(f"{n}\\sqrt{{2}}", f"\\boxed{{\\sqrt 2 \\cdot {n}}}").status

    with ThreadPoolExecutor(4) as threads:
        assert set(threads.map(one, range(2, 18))) == {"correct"}

    async def gather() -> list[str]:
        return await asyncio.gather(*(asyncio.to_thread(one, n) for n in range(20, 26)))

    assert set(asyncio.run(gather())) == {"correct"}


def _child(queue) -> None:  # type: ignore[no-untyped-def]
    queue.put(grade("\\sqrt{12}", "\\boxed{2\\sqrt{3}}").status)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_it_works_in_child_processes(method: str):
    assert grade("\\sqrt{18}", "\\boxed{3\\sqrt{2}}").status == "correct"  # the parent's worker is already running
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    children = [context.Process(target=_child, args=(queue,), daemon=True) for _ in range(2)]
    for child in children:
        child.start()
    assert [queue.get(timeout=60) for _ in children] == ["correct", "correct"]
    for child in children:
        child.join(30)
    assert grade("\\sqrt{50}", "\\boxed{5\\sqrt{2}}").status == "correct"


def test_signals_and_timers_of_the_caller_are_left_alone():
    fired = threading.Event()
    before = signal.signal(signal.SIGALRM, lambda *_: fired.set())
    try:
        signal.setitimer(signal.ITIMER_REAL, 30)
        handlers = {s: signal.getsignal(s) for s in (signal.SIGALRM, signal.SIGINT, signal.SIGCHLD, signal.SIGTERM)}
        with Verifier(workers=1) as verifier:
            list(
                verifier.verify(
                    [Item("a", "A \\perp B", "\\boxed{B \\perp C}"), Item("b", "x", "\\boxed{9^{9^{9^9}}}")]
                )
            )
        assert {s: signal.getsignal(s) for s in handlers} == handlers
        assert 0 < signal.getitimer(signal.ITIMER_REAL)[0] <= 30 and not fired.is_set()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def test_workers_end_with_their_parent(tmp_path: Path):
    code = (
        "import os, signal; from pairforge.verifier import *; v = Verifier(workers=1); "
        "list(v.verify([Item('a', 'x+1', r'\\boxed{1+x}')])); "
        "print(v._pools['']._workers[0].process.pid, flush=True); os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    pid = int(done.stdout)
    for _ in range(100):
        if not Path(f"/proc/{pid}").exists():
            return
        time.sleep(0.1)
    raise AssertionError("the worker outlived its parent")


def test_a_large_factor_of_a_logarithm_does_not_take_the_judge_down():
    # math-verify's simplify writes n log(2) as log(2^n); found by fuzzing
    code = (
        "from pairforge.verifier.equal import judge\n"
        "judge.lock_down()\n"
        "print(judge.judge('boxed{\\\\log_2 e}', '11111111100').status)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "incorrect"
