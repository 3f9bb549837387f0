"""The server under load, on this machine's loopback: requests a second, the slowest hundredth, errors; then garbage.

    python benchmarks/latency/server.py [--json] [--seconds 5] [--connections 16] [--garbage 2000] [--device FILE]

Needs wrk. Requests come from wrk's one thread, beside which the server has the rest of the machine; bodies hold one
network, or a batch. Rates are not limited. Without --device, a predictor with drawn numbers over FBNet's space, with
all pairs of layers and intervals. Garbage is random bytes, JSON of any shape, and requests damaged in one place: all
must get a 4xx in JSON, or else the program ends with 1.
"""

import argparse
import json
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil

sys.path.insert(0, str(Path(__file__).parent))

from queries import drawn

from hwmodel.latency.query.form import read_form, write_form

SERVE = "from hwmodel.latency.serve_commands import serve; serve.main()"
BATCHES = (1, 100, 1000)
LUA = """
wrk.method = "POST"
wrk.headers["content-type"] = "application/json"
local file = io.open(os.getenv("WRK_BODY")); wrk.body = file:read("*a"); file:close()
done = function(summary, latency)
  local e = summary.errors
  io.write(string.format('\\nJSON {"requests": %d, "duration_us": %d, "p50_us": %d, "p99_us": %d, "most_us": %d, ' ..
    '"socket_errors": %d, "status_errors": %d}\\n', summary.requests, summary.duration, latency:percentile(50),
    latency:percentile(99), latency.max, e.connect + e.read + e.write + e.timeout, e.status))
end
"""


@contextmanager
def served(device: Path) -> Iterator[tuple[str, psutil.Process]]:
    """Start a server; yield where it is, and its process."""
    command = [sys.executable, "-c", SERVE, "--device", str(device), "--port", "0", "--rate", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        try:
            assert process.stderr is not None
            said = process.stderr.readline()
            found = re.search(r"http://\S+?(?=;)", said)
            if found is None:
                raise SystemExit(f"the server did not start: {said}{process.stderr.read()}")
            yield found[0], psutil.Process(process.pid)
        finally:
            process.send_signal(signal.SIGINT)


def load(url: str, body: str, seconds: int, connections: int, folder: Path) -> dict[str, float]:
    """Return what wrk counts."""
    (folder / "body.json").write_text(body)
    (folder / "post.lua").write_text(LUA)
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "5s", "-s", str(folder / "post.lua"),
               f"{url}/v1/predict"]  # fmt: skip
    done = subprocess.run(
        command, env={"WRK_BODY": str(folder / "body.json")}, capture_output=True, text=True, check=True,
        timeout=seconds + 60, executable=shutil.which("wrk"),
    )  # fmt: skip
    found = re.search(r"^JSON (.*)$", done.stdout, re.MULTILINE)
    assert found is not None, done.stdout
    return json.loads(found[1])


def garbage(draw: random.Random, good: bytes) -> bytes:
    """Return a body that is no request."""
    kind = draw.randrange(4)
    if kind == 0:
        return draw.randbytes(draw.randrange(400))
    if kind == 1:
        return json.dumps(shape(draw, 4)).encode()
    if kind == 2:
        return good[: draw.randrange(len(good))]
    return json.dumps({"networks": [shape(draw, 3)], "level": shape(draw, 1)}).encode()


def shape(draw: random.Random, deep: int) -> Any:
    """Return a document of any shape."""
    kind = draw.randrange(8 if deep else 6)
    if kind < 6:
        return (None, True, draw.randrange(-(1 << 70), 1 << 70), draw.uniform(-9, 9), "\ud800", "networks")[kind]
    inside = [shape(draw, deep - 1) for _ in range(draw.randrange(4))]
    return inside if kind == 6 else {draw.choice(["networks", "level", "device", "a"]): one for one in inside}


def main() -> int:
    """Measure and print; return 1 where garbage got another answer than a 4xx."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--garbage", type=int, default=2000)
    parser.add_argument("--device", type=Path)
    given = parser.parse_args()
    if shutil.which("wrk") is None:
        raise SystemExit("wrk is not installed")
    rows, answers, wrong = [], Counter[int](), 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        device = given.device or folder / "drawn.safetensors"
        if given.device is None:
            write_form(drawn("fbnet", "pairs", 64), device)
        space = read_form(device).space
        with served(device) as (url, process):
            for batch in BATCHES:
                body = json.dumps({"networks": space.sample(batch, np.random.default_rng(0)).tolist()})
                before = sum(process.cpu_times()[:2])
                found = load(url, body, given.seconds, given.connections, folder)
                per_cpu_s = found["requests"] / (sum(process.cpu_times()[:2]) - before)
                per_s = 1e6 * found["requests"] / found["duration_us"]
                rates = {"requests_per_s": per_s, "networks_per_s": batch * per_s, "requests_per_cpu_s": per_cpu_s}
                rows.append({"batch": batch} | rates | found)
            draw, good = random.Random(0), json.dumps({"networks": space.sample(3, np.random.default_rng(0)).tolist()})
            with httpx.Client(headers={"content-type": "application/json"}) as client:
                for _ in range(given.garbage):
                    answer = client.post(f"{url}/v1/predict", content=garbage(draw, good.encode()))
                    answers[answer.status_code] += 1
                    wrong += not 400 <= answer.status_code < 500 or set(answer.json()) != {"error"}
    document = {"rows": rows, "garbage": dict(answers), "garbage_not_4xx": wrong}
    if given.json:
        print(json.dumps(document, indent=2))
    else:
        for row in rows:
            errors = row["socket_errors"] + row["status_errors"]
            print(f"batches of {row['batch']:>5}: {row['requests_per_s']:>8,.0f} requests/s, "
                  f"{row['requests_per_cpu_s']:>8,.0f} a CPU second of the server, "
                  f"{row['networks_per_s']:>10,.0f} networks/s, p50 {row['p50_us'] / 1e3:.1f} ms, "
                  f"p99 {row['p99_us'] / 1e3:.1f} ms, {errors} errors")  # fmt: skip
        print(f"garbage: {given.garbage} bodies, statuses {dict(answers)}, {wrong} without a 4xx in JSON")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
