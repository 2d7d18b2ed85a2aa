"""The KL divergence between two models, against its definition and against plain Monte Carlo."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForCausalLM

from pairforge import lengths
from pairforge.demo import demo_path
from pairforge.errors import TrainError
from pairforge.evaluate import Questions, evaluate
from pairforge.evaluate.answers import folder
from pairforge.evaluate.divergence import divergence, token_divergence
from pairforge.generator import Completion
from pairforge.generator.engines.scripted import ScriptedEngine
from pairforge.run import Run

NANO = "pairforge:nano"


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """Threads that wait for each other cost more than they gain on models of this size."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The bundled model with slightly different weights."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(demo_path(NANO), dtype=torch.float32)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.02 * parameter.std() * torch.randn_like(parameter))
    path = tmp_path_factory.mktemp("models") / "trained"
    model.save_pretrained(path)
    lengths.load_tokenizer(str(demo_path(NANO))).save_pretrained(path)
    return str(path)


@pytest.fixture
def scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    def open_engine(*_: object, **__: object) -> ScriptedEngine:
        return ScriptedEngine(lambda request: Completion(request.key, "2 + 2 = 4\n\n\\boxed{4}", 9, "stop"))

    monkeypatch.setattr("pairforge.generator.open_engine", open_engine)


def test_it_is_the_mean_of_the_log_ratios_of_sampled_tokens(trained: str):
    """Tokens drawn from the model at one position: their mean log ratio tends to the divergence there."""
    own, first = (AutoModelForCausalLM.from_pretrained(p, dtype=torch.float32) for p in (trained, str(demo_path(NANO))))
    ids = torch.arange(20, 30)[None]
    ours = token_divergence(own, first, torch.cat([ids, torch.tensor([[5]])], dim=1), 10, 0.7)
    with torch.no_grad():
        p, q = ((m(input_ids=ids).logits[0, -1] / 0.7).log_softmax(-1) for m in (own, first))
    torch.manual_seed(1)
    drawn = torch.multinomial(p.exp(), 400_000, replacement=True)
    ratios = p[drawn] - q[drawn]
    error = float(ratios.std()) / len(drawn) ** 0.5
    assert ours > 0
    assert abs(ours - float(ratios.mean())) < 4 * error


def test_an_evaluation_reports_it_with_an_interval(trained: str, scripted: None, tmp_path: Path):
    comparison = evaluate([NANO, trained], ["demo"], Questions(samples=1, limit=6, max_tokens=64), tmp_path, kl=True)
    first, second = comparison.rows
    assert first.kl is None
    assert second.kl is not None
    assert 0 < second.kl.low < second.kl.value < second.kl.high
    assert "KL, nats/token" in (tmp_path / "README.md").read_text()
    run = Run(folder(tmp_path, "demo", trained))
    assert divergence(trained, trained, run).value == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_loaded_leaves_the_rest_of_the_evaluation(trained: str, scripted: None, tmp_path: Path):
    for file in Path(trained).glob("*.json"):
        (tmp_path / "bare").mkdir(exist_ok=True)
        (tmp_path / "bare" / file.name).write_bytes(file.read_bytes())
    bare = str(tmp_path / "bare")
    out = tmp_path / "eval"
    comparison = evaluate([NANO, bare], ["demo"], Questions(samples=1, limit=4, max_tokens=64), out, kl=True)
    assert comparison.rows[1].kl is None
    assert any("KL of bare on demo was not measured" in note for note in comparison.notes)
    with pytest.raises(TrainError, match="--kl needs the weights"):
        divergence(bare, NANO, Run(folder(out, "demo", bare)))
