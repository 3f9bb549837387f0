"""The server: its answers, its limits, and one line of JSON for all that is wrong."""

import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import httpx
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from circuits.errors import InputError
from hwmodel.latency.query.form import write_form
from hwmodel.latency.query.predictor import SpacePredictor
from hwmodel.latency.serve_commands import serve as serve_command
from hwmodel.latency.server.app import make_app
from hwmodel.latency.server.limits import MOST_CLIENTS, Buckets, Limits
from hwmodel.latency.server.run import listen, serve
from tests.hwmodel.latency.forms import form_with

PREDICTOR = SpacePredictor(form_with((4, 3, 2)))
OTHER = SpacePredictor(form_with((2, 2), device="other", quantity="energy_J", quantiles=(), link="identity"))
NETWORKS = [[3, 2, 1], [0, 0, 0]]


@contextmanager
def running(limits=Limits(requests_per_s=0), devices=(PREDICTOR,)):  # noqa: B008
    """A server in a thread; yields its port."""
    bound, ready, found = listen("127.0.0.1", 0), threading.Event(), []

    def started(server):
        found.append(server)
        ready.set()

    predictors = {one.device: one for one in devices}
    thread = threading.Thread(target=serve, args=(predictors, bound, limits), kwargs={"started": started})
    port = bound.getsockname()[1]
    thread.start()
    ready.wait(10)
    try:
        yield port
    finally:
        found[0].should_exit = True
        thread.join(10)
        assert not thread.is_alive()


@pytest.fixture(scope="module")
def client():
    with running(devices=(PREDICTOR, OTHER)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as found:
        yield found


def ask(client, **asked):
    return client.post("/v1/predict", json={"device": "drawn", "networks": NETWORKS} | asked)


def test_predictions_are_the_predictors(client):
    answer = ask(client)
    expected = PREDICTOR.predict(NETWORKS)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"device", "level", "latency_s", "low_s", "high_s"}
    assert (answer.json()["device"], answer.json()["level"]) == ("drawn", 0.9)
    np.testing.assert_array_equal(answer.json()["latency_s"], expected.mean)
    np.testing.assert_array_equal(answer.json()["low_s"], expected.low)
    np.testing.assert_array_equal(answer.json()["high_s"], expected.high)
    texts = ask(client, networks=["[3, 2, 1]", '["c0", "c0", "c0"]'], level=0.5).json()
    assert texts["latency_s"] == answer.json()["latency_s"]
    assert texts["high_s"][0] < answer.json()["high_s"][0]


def test_whole_numbers_may_have_a_point(client):
    assert ask(client, networks=[[3.0, 2, 1.0], [0, 0.0, 0]]).json() == ask(client).json()


def test_joules_without_intervals(client):
    answer = ask(client, device="other", networks=[[0, 1]]).json()
    assert set(answer) == {"device", "level", "energy_J", "low_J", "high_J"}
    assert answer["low_J"] is answer["high_J"] is answer["level"] is None


def test_devices_health_and_description(client):
    assert client.get("/healthz").json() == {"status": "ok"}
    assert [one["device"] for one in client.get("/v1/devices").json()["devices"]] == ["drawn", "other"]
    described = client.get("/openapi.json").json()
    assert set(described["paths"]) == {"/healthz", "/v1/devices", "/v1/predict"}
    body = described["paths"]["/v1/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body["properties"]["device"]["enum"] == ["drawn", "other"]
    assert ask(client, **body["example"]).status_code == 200
    assert not [name for name in client.get("/healthz").headers if name.startswith("access-control")]


@pytest.mark.parametrize(("asked", "status", "said"), [
    ({"networks": [[3, 2, 2]]}, 422, "network 0: 2 is no choice of layer 'l2'; give 0 to 1"),
    ({"networks": [[3, 2]]}, 422, "shape (1, 2)"),
    ({"networks": [[3, 2, 1], [0]]}, 422, "not whole numbers"),
    ({"networks": [[3, 2, True]]}, 422, "true and false are no choices"),
    ({"networks": [[3, 2, 1.5]]}, 422, "not whole numbers"),
    ({"networks": [[3, 2, None]]}, 422, "not whole numbers"),
    ({"networks": [[3, 2, 2**80]]}, 422, "not whole numbers"),
    ({"networks": [[[3, 2, 1]]]}, 422, "shape (1, 1, 3)"),
    ({"networks": [{}]}, 422, "not whole numbers"),
    ({"networks": ["[9, 9, 9]"]}, 422, "'9' is no choice of layer 'l0'"),
    ({"networks": ["\ud800"]}, 422, "is none of drawn"),
    ({"networks": ["[0, 0, 0]", 3]}, 422, "network 1: no text"),
    ({"networks": [[0, 0, 0], "a"]}, 422, "not whole numbers"),
    ({"networks": [0, 0, 0]}, 422, "no list of networks"),
    ({"networks": []}, 422, "no list of networks"),
    ({"networks": "[0, 0, 0]"}, 422, "no list of networks"),
    ({"networks": [[0, 0, 0]] * 10_001}, 422, "10001, more than 10000"),
    ({"device": "pixel"}, 422, "device 'pixel': unknown; give one of drawn, other"),
    ({"device": None}, 422, "no device; give one of drawn, other"),
    ({"device": []}, 422, "unknown; give one of"),
    ({"level": 0.8}, 422, "level 0.8: none of drawn's; give 0.5, 0.9"),
    ({"level": True}, 422, "level: no number between 0 and 1"),
    ({"level": "0.9"}, 422, "level: no number"),
    ({"level": 10**400}, 422, "level"),
    ({"more": 1}, 422, "'more': unknown; give device, networks, level"),
])  # fmt: skip
def test_what_cannot_be_answered(client, asked, status, said):
    answer = client.post("/v1/predict", content=json.dumps({"device": "drawn", "networks": NETWORKS} | asked),
                         headers={"content-type": "application/json"})  # fmt: skip
    assert answer.status_code == status
    assert said in answer.json()["error"]
    assert "\n" not in answer.json()["error"]


@pytest.mark.parametrize(("content", "status"), [
    (b"", 400), (b"{", 400), (b"\xff\xfe", 400), (b"\0", 400), (b"[" * 100_000, 400), (b'{"a":' * 50_000, 400),
    (b"NaN", 400), (b'{"level": 1e999}', 400), (b"9" * 5000, 400), (b"1", 422), (b"[]", 422), (b"null", 422),
    (b" " * ((2 << 20) + 1), 413), (b'{"networks": [[' + b"[" * 900, 400), (b'"\\ud800"', 422),
    (b'{"device":"drawn","networks":' + b"[" * 200 + b"]" * 200 + b"}", 422),
])  # fmt: skip
def test_garbage_gets_a_line_of_json(client, content, status):
    answer = client.post("/v1/predict", content=content, headers={"content-type": "application/json"})
    assert answer.status_code == status
    assert set(answer.json()) == {"error"}


@given(st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda of: st.lists(of, max_size=3) | st.dictionaries(st.sampled_from(["networks", "level", "device"]), of),
), st.booleans())  # fmt: skip
def test_no_document_is_an_error_of_the_server(client, asked, inside):
    document = {"device": "drawn", "networks": [asked]} if inside else asked
    answer = client.post("/v1/predict", content=json.dumps(document), headers={"content-type": "application/json"})
    assert answer.status_code == 200 or 400 <= answer.status_code < 500
    assert answer.status_code == 200 or set(answer.json()) == {"error"}


def test_other_paths_methods_and_types(client):
    for method, path, status in (("GET", "/", 404), ("GET", "/v1/predict", 405), ("DELETE", "/v1/devices", 405),
                                 ("GET", "/docs", 404), ("POST", "/healthz", 405), ("GET", "/%ff", 404)):  # fmt: skip
        answer = client.request(method, path)
        assert (answer.status_code, set(answer.json())) == (status, {"error"}), path
    assert "POST" in client.get("/v1/predict").headers["allow"]
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=a", ""):
        answer = client.post("/v1/predict", content=b"{}", headers={"content-type": kind})
        assert (answer.status_code, answer.json()) == (415, {"error": "content type: not application/json"})


@pytest.mark.parametrize(("host", "status"), [
    ("localhost", 200), ("localhost:81", 200), ("127.0.0.1", 200), ("[::1]:8181", 200), ("[::1]", 200),
    ("127.9.9.9", 200), ("evil.example", 421), ("evil.example:80", 421), ("localhost.evil.example", 421),
    ("10.0.0.1", 421), ("", 421),
])  # fmt: skip
def test_names_of_other_machines_are_refused(client, host, status):
    assert client.get("/healthz", headers={"host": host}).status_code == status


def raw(port: int, *pieces: bytes, wait_s: float = 5) -> bytes:
    """What comes back for bytes, until the connection ends or nothing comes."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as connection:
        with suppress(OSError):
            for piece in pieces:
                connection.sendall(piece)
        found = b""
        with suppress(OSError):
            while piece := connection.recv(65536):
                found += piece
        return found


HEAD = b"POST /v1/predict HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"


def test_a_body_without_length_is_cut_off_at_the_limit():
    with running(Limits(body_bytes=10_000, header_s=0.5, requests_per_s=0)) as port:
        chunk = b"1000\r\n" + b" " * 4096 + b"\r\n"
        found = raw(port, HEAD + b"transfer-encoding: chunked\r\n\r\n", *([chunk] * 100))
        assert found.startswith(b"HTTP/1.1 413")
        found = raw(port, HEAD + b"content-length: 99999999999\r\n\r\n")
        assert found.startswith(b"HTTP/1.1 413")
        assert b"more than 10000 bytes" in found


def test_what_comes_slowly_is_ended():
    with running(Limits(header_s=0.3, body_s=0.3, idle_s=1, requests_per_s=0)) as port:
        assert raw(port, HEAD + b"content-length: 10\r\n\r\n{").startswith(b"HTTP/1.1 408")
        begin = time.monotonic()
        assert raw(port) == b""
        assert raw(port, b"GET /healthz HT") == b""
        once = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n\r\n"
        assert raw(port, once + b"GET /heal").count(b"HTTP/1.1") == 1
        assert time.monotonic() - begin < 4


def test_headers_are_bounded_and_what_is_no_http_is_told_so():
    with running(Limits(header_bytes=4096, requests_per_s=0)) as port:
        begin = b"GET /healthz HTTP/1.1\r\nhost: localhost\r\n"
        for garbage in (begin + b"a: " + b"b" * 10_000, b"\x16\x03\x01\x02\0" * 100 + b"\r\n\r\n", b"GET\r\n\r\n",
                        b"GET /\xff HTTP/1.1\r\nhost: a\r\n\r\n",
                        begin + b"content-length: -1\r\n\r\n", begin + b"a\0b: c\r\n\r\n"):  # fmt: skip
            found = raw(port, garbage)
            assert found.startswith(b"HTTP/1.1 400"), garbage[:40]
            assert b'\r\n\r\n{"error": ' in found
        assert raw(port, begin + b"connection: close\r\n\r\n").startswith(b"HTTP/1.1 200")


def test_a_client_that_goes_away_disturbs_nobody():
    with running() as port:
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(HEAD + b"content-length: 1000\r\n\r\n{")
        answer = http.client.HTTPConnection("127.0.0.1", port)
        answer.request("GET", "/healthz")
        assert answer.getresponse().status == 200
        answer.close()


def test_a_client_has_a_rate():
    with running(Limits(requests_per_s=0.5, burst=3)) as port, httpx.Client(base_url=f"http://127.0.0.1:{port}") as one:
        answers = [one.get("/healthz") for _ in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert answers[-1].headers["retry-after"] == "2"
        assert "too many requests" in answers[-1].json()["error"]


def test_buckets_fill_again_and_forget_the_oldest():
    now = [0.0]
    buckets = Buckets(2.0, 3, lambda: now[0])
    assert [buckets.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    now[0] += 0.25
    assert buckets.wait_s("a") == 0.25
    assert buckets.wait_s("b") == 0
    now[0] += 0.25
    assert [buckets.wait_s("a") for _ in range(2)] == [0, 0.5]
    now[0] += 100
    assert [buckets.wait_s("a") for _ in range(4)] == [0, 0, 0, 0.5]
    for number in range(MOST_CLIENTS):
        buckets.wait_s(str(number))
    assert len(buckets._held) == MOST_CLIENTS
    assert buckets.wait_s("a") == 0
    assert not any(Buckets(0, 1).wait_s("a") for _ in range(5))


def test_numbers_that_floats_cannot_hold_are_null():
    large = SpacePredictor(form_with((2, 2), table=np.full((2, 2), 600.0)))
    transport = httpx.ASGITransport(make_app({"drawn": large}, Limits()))

    async def answer():
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as one:
            return await one.post("/v1/predict", json={"networks": [[0, 0]]})

    import asyncio

    assert asyncio.run(answer()).json()["latency_s"] == [None]


@pytest.mark.parametrize(("host", "said"), [
    ("0.0.0.0", "other machines may reach it; give --remote"), ("::", "other machines"),
    ("example.org", "no address"), ("192.0.2.1", "other machines"),
])  # fmt: skip
def test_hosts(host, said):
    with pytest.raises(InputError, match=said):
        listen(host, 0)


def test_answers_do_not_wait_for_acknowledgements():
    with listen("127.0.0.1", 0) as bound:
        assert bound.proto == socket.IPPROTO_TCP  # without which asyncio leaves Nagle's algorithm on: 40 ms an answer


def test_a_port_in_use_is_one_line():
    with listen("localhost", 0) as bound:
        port = bound.getsockname()[1]
        with pytest.raises(InputError, match=f"port {port} on 127.0.0.1: Address already in use; give another --port"):
            listen("127.0.0.1", port)
    with pytest.raises(InputError, match="Cannot assign requested address"):
        listen("192.0.2.1", 0, remote=True)


def test_the_command_says_where_and_ends_at_ctrl_c(tmp_path):
    write_form(form_with((4, 3, 2)), tmp_path / "a.safetensors")
    asked = ["--device", str(tmp_path / "a.safetensors"), "--port", "0", "--json"]
    code = "from hwmodel.latency.serve_commands import serve; from hwmodel.cli import _with_json; "
    code += f"_with_json(serve).main({asked})"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        said = process.stderr.readline()
        url = re.search(r"drawn at (http://127.0.0.1:\d+); Ctrl-C ends it", said)[1]
        assert httpx.post(f"{url}/v1/predict", json={"networks": NETWORKS}).status_code == 200
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (0, "")
    assert json.loads(out) == {"url": url, "devices": ["drawn"], "requests": 1, "refused_for_rate": 0}


def test_mistakes_of_the_command(tmp_path, monkeypatch):
    path = str(tmp_path / "a.safetensors")
    write_form(form_with((4, 3)), tmp_path / "a.safetensors")

    def said(*arguments):
        return str(CliRunner().invoke(serve_command, list(arguments), standalone_mode=False).exception)

    assert "device 'pixel99': unknown" in said("--device", "pixel99")
    assert "two predictors of one name" in said("--device", path, "--device", path)
    assert "other machines" in said("--device", path, "--host", "0.0.0.0")
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    assert "serving needs FastAPI and uvicorn: pip install 'hwmodel[serve]'" in said("--device", path)
