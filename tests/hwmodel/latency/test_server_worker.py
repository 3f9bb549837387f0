"""What takes long is answered beside all else: by one thread, in turn, and no more of it than the limit."""

import threading
from concurrent.futures import ThreadPoolExecutor, as_completed

import httpx
import numpy as np
import pytest

from hwmodel.latency.graph.canonical import canonical
from hwmodel.latency.graph.described import describe
from hwmodel.latency.graph.writer import Writer
from hwmodel.latency.layers.predictor import LayersPredictor
from hwmodel.latency.server.limits import Limits
from tests.hwmodel.latency.layer_devices import learned, numbers, predictor, small
from tests.hwmodel.latency.test_server import NETWORKS, PREDICTOR, running

GRAPH = describe(canonical(small()))


class Held(LayersPredictor):
    """Answers once it is let."""

    def __init__(self):
        super().__init__(numbers(), learned())
        self.entered, self.let = threading.Semaphore(0), threading.Event()

    def predict(self, networks, level=None):
        self.entered.release()
        assert self.let.wait(30)
        return super().predict(networks, level)


def asked(port, **given):
    return httpx.post(f"http://127.0.0.1:{port}/v1/predict", json=given, timeout=30)


def test_all_else_is_answered_meanwhile():
    held = Held()
    with ThreadPoolExecutor(2) as pool, running(devices=(held, PREDICTOR)) as port:
        try:
            long = pool.submit(asked, port, device="desk", networks=[GRAPH] * 3)
            assert held.entered.acquire(timeout=30)
            assert httpx.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
            assert asked(port, device="drawn", networks=NETWORKS).json()["level"] == 0.9
            assert not long.done()
        finally:
            held.let.set()
        assert long.result().json()["latency_s"] == predictor().predict([GRAPH] * 3).mean.tolist()


def test_no_more_may_wait_than_the_limit():
    held = Held()
    limits = Limits(requests_per_s=0, large_waiting=1)
    with ThreadPoolExecutor(2) as pool, running(limits, devices=(held, PREDICTOR)) as port:
        try:
            first = pool.submit(asked, port, device="desk", networks=[GRAPH])
            assert held.entered.acquire(timeout=30)
            with ThreadPoolExecutor(2) as others:
                both = [others.submit(asked, port, device="desk", networks=[GRAPH]) for _ in range(2)]
                refused = next(as_completed(both, timeout=30)).result()  # the other waits
                assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
                assert refused.json() == {"error": "busy with other large requests; ask again later"}
                held.let.set()
            assert sorted(one.result().status_code for one in both) == [200, 503]
        finally:
            held.let.set()
        assert first.result().status_code == 200


def test_a_server_ends_whatever_still_runs():
    held = Held()
    with ThreadPoolExecutor(1) as pool:
        with running(devices=(held,)) as port:
            pending = pool.submit(asked, port, device="desk", networks=[GRAPH])
            assert held.entered.acquire(timeout=30)
        # `running` has seen its thread end
        assert pending.exception() is not None or pending.result().status_code >= 500
        held.let.set()


@pytest.mark.parametrize("place", [0, 2999])
def test_large_tables_of_networks_are_answered_as_small_ones(place):
    limits = Limits(requests_per_s=0, large_bytes=1000)
    networks = np.random.default_rng(0).integers(0, 2, (3000, 3)).tolist()
    with running(limits) as port:
        found = asked(port, networks=networks)
        assert found.json()["high_s"] == PREDICTOR.predict(networks).high.tolist()
        networks[place] = [0, 0, 9]
        wrong = asked(port, networks=networks)
        assert (wrong.status_code, "no choice of layer" in wrong.json()["error"]) == (422, True)
        garbage = httpx.post(f"http://127.0.0.1:{port}/v1/predict", content=b"[" * 5000,
                             headers={"content-type": "application/json"})  # fmt: skip
        assert (garbage.status_code, set(garbage.json())) == (400, {"error"})


def test_classes_that_no_block_has_are_told():
    w = Writer()
    strange = describe(canonical(w.graph(w.softmax(w.linear(w.input(1, 64), 10)))))
    with running(devices=(predictor(), PREDICTOR)) as port:
        found = asked(port, device="desk", networks=[GRAPH, strange]).json()
        assert found["unseen"] == [[], ["softmax"]]
        assert "unseen" not in asked(port, device="drawn", networks=NETWORKS).json()
        described = httpx.get(f"http://127.0.0.1:{port}/openapi.json").json()
        answers = described["paths"]["/v1/predict"]["post"]["responses"]
        assert "503" in answers
        told = answers["200"]["content"]["application/json"]["schema"]["properties"]["unseen"]
        assert told["items"] == {"type": "array", "items": {"type": "string"}}
