"""The Ray engine on a local cluster of two nodes; the replicas' engine is scripted, everything else is Ray's own."""

from __future__ import annotations

import time

import pytest

from pairforge.errors import EngineError
from pairforge.generator import Completion, Plan, Request, sample
from tests.generator.conftest import EqualTextVerifier, MemoryStore, tasks

ray = pytest.importorskip("ray", reason="the ray extra is not installed")


class SlowEngine:
    """Answers each request after a moment; dies or fails where the prompt says so. Defined here to travel by value."""

    window = 4

    def __init__(self) -> None:
        self.waiting: list[Request] = []

    @property
    def in_flight(self) -> int:
        return len(self.waiting)

    def submit(self, request: Request) -> None:
        self.waiting.append(request)

    def poll(self, timeout_s: float) -> list[Completion]:
        time.sleep(0.02)
        request = self.waiting.pop(0)
        if request.prompt == "die":
            raise EngineError("the engine died: out of memory")
        if request.prompt == "fail":
            return [Completion(request.key, "", 0, "error", "refused")]
        return [Completion(request.key, f"{request.seed}", 3, "stop")]


@pytest.fixture(scope="module")
def cluster():
    """Two nodes with room for one replica each."""
    from ray.cluster_utils import Cluster

    import tests.generator.engines.test_ray as me

    ray.cloudpickle.register_pickle_by_value(me)
    local = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    local.second = local.add_node(num_cpus=1)
    ray.init(address=local.address, log_to_driver=False, logging_level="ERROR")
    yield local
    ray.shutdown()
    local.shutdown()


def engine(replicas: int):
    from pairforge.generator.engines.ray import RayEngine

    return RayEngine("m", sampling={}, settings={}, address=None, replicas=replicas, start=SlowEngine)


def draw(client, *prompts: str) -> dict[str, Completion]:
    for n, prompt in enumerate(prompts):
        client.submit(Request(f"k{n}", "p", n, prompt, 10, seed=n))
    found: dict[str, Completion] = {}
    while client.in_flight:
        found |= {c.key: c for c in client.poll(0.1)}
    return found


@pytest.mark.full
def test_ids_and_seeds_come_back_and_one_failure_stays_alone(cluster):
    with engine(2) as client:
        assert client.window == 8
        found = draw(client, "a", "fail", "b", "c")
    assert {key: c.text for key, c in found.items()} == {"k0": "0", "k1": "", "k2": "2", "k3": "3"}
    assert found["k1"].error == "refused"


@pytest.mark.full
def test_an_engine_that_dies_in_its_replica_tells_its_last_words(cluster):
    with engine(1) as client, pytest.raises(EngineError, match="out of memory"):
        draw(client, "a", "die", "b")


@pytest.mark.full
def test_a_lost_node_loses_nothing(cluster, store: MemoryStore):
    """One of two nodes is killed on the way and another one joins, as an autoscaler would see to: Ray starts the
    lost replica there and draws its requests again."""
    killed = []

    def watch(progress) -> None:
        if progress.samples > 20 and not killed:
            cluster.remove_node(cluster.second, allow_graceful=False)
            killed.append(cluster.add_node(num_cpus=1))

    with engine(2) as client:
        sample(Plan(tasks(120), run_seed=0), client, EqualTextVerifier(), store, model="m", on_progress=watch)
    assert killed
    assert len(store.samples) == len({s.key for s in store.samples}) == 120
    assert all(s.finish_reason == "stop" for s in store.samples)
