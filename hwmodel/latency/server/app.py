"""The application: three paths, and errors that are all one line of JSON."""

import ipaddress
import json
import math
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from circuits.errors import InputError
from hwmodel import __version__
from hwmodel.latency.query.predictor import Prediction, Predictor
from hwmodel.latency.server import schema
from hwmodel.latency.server.body import Asked, Refused, parse_body, read_body
from hwmodel.latency.server.limits import Buckets, Limits
from hwmodel.latency.server.worker import Worker

SLOW = ("layers",)  # kinds of predictor of which a single network takes milliseconds
_HOST = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9.-]+)(?::\d*)?")


def make_app(predictors: Mapping[str, Predictor], limits: Limits, *, remote: bool = False) -> "Gate":
    """Return the application that answers for some devices.

    Args:
        predictors: by their devices' names.
        limits: of what is asked.
        remote: whether requests may name other hosts than this machine.
    """
    app = FastAPI(
        title="hwmodel latency", version=__version__, docs_url=None, redoc_url=None, description=schema.ABOUT
    )  # those pages would load scripts from elsewhere
    about = _json({"devices": [one.about() for one in predictors.values()]})

    @app.get("/healthz", responses=schema.HEALTH, summary="Whether the server answers")
    async def healthz() -> Response:
        return _answer(b'{"status":"ok"}')

    @app.get("/v1/devices", responses=schema.DEVICES, summary="What is predicted, and from what it was learned")
    async def devices() -> Response:
        return _answer(about)

    worker = Worker(limits.large_waiting)

    def answered(asked: Asked) -> bytes:
        found = asked.predictor.predict(asked.networks, asked.level)
        return _json({"device": asked.predictor.device} | document(found))

    @app.post(
        "/v1/predict", responses=schema.PREDICTIONS, openapi_extra=schema.request_of(predictors, limits),
        summary="What networks take on a device",
    )  # fmt: skip
    async def predict(request: Request) -> Response:
        body = await read_body(request, limits)
        if len(body) >= limits.large_bytes:
            return _answer(await worker.run(lambda: answered(parse_body(body, predictors, limits))))
        asked = parse_body(body, predictors, limits)
        if asked.predictor.kind in SLOW:
            return _answer(await worker.run(lambda: answered(asked)))
        return _answer(answered(asked))

    @app.exception_handler(Refused)
    async def refused(_: Request, error: Refused) -> Response:
        return failure(error.status, error.reason)

    @app.exception_handler(InputError)
    async def mistaken(_: Request, error: InputError) -> Response:
        return failure(422, str(error))

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        return failure(error.status_code, f"{request.method} {request.url.path[:80]}: {error.detail}", error.headers)

    @app.exception_handler(Exception)
    async def failed(_: Request, error: Exception) -> Response:
        return failure(500, f"a fault of the server: {type(error).__name__}")

    return Gate(app, limits, worker, remote=remote)


class Gate:
    """Stands before the application: this machine's names alone, and no more than a client's rate."""

    def __init__(self, app: ASGIApp, limits: Limits, worker: Worker, *, remote: bool) -> None:
        self._app, self._remote, self.worker = app, remote, worker
        self._buckets = Buckets(limits.requests_per_s, limits.burst)
        self.requests = self.limited = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        self.requests += 1
        wait_s = self._buckets.wait_s(scope["client"][0] if scope.get("client") else "")
        if wait_s:
            self.limited += 1
            again = {"retry-after": str(math.ceil(wait_s))}
            await failure(429, "too many requests; ask for more networks at once", again)(scope, receive, send)
        elif not self._remote and not _is_local(dict(scope["headers"]).get(b"host", b"")):
            # A page that a browser shows must not reach us through a name of its own.
            await failure(421, "host: not this machine")(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def document(found: Prediction) -> dict[str, Any]:
    """Return a prediction as columns, under names that end in its unit."""
    unit = found.quantity.rpartition("_")[2]
    columns = {found.quantity: found.mean, f"low_{unit}": found.low, f"high_{unit}": found.high}
    told = {"level": found.level} | {name: None if of is None else of.tolist() for name, of in columns.items()}
    return told | ({"unseen": [list(classes) for classes in found.unseen]} if found.unseen else {})


def failure(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    """Return an error; a client that is slow is left. What others still send is read and dropped: see run.Http."""
    ends = {"connection": "close"} if status == 408 else {}
    ends |= {"retry-after": "1"} if status == 503 else {}
    return _answer(_json({"error": reason}), status, ends | dict(headers or {}))


def _answer(content: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(content, status, headers, "application/json")


def _json(value: Any) -> bytes:
    try:
        return json.dumps(value, allow_nan=False).encode()
    except ValueError:  # more than a float holds
        from hwmodel.cli import jsonable

        return json.dumps(jsonable(value), allow_nan=False).encode()


@lru_cache(maxsize=128)
def _is_local(host: bytes) -> bool:
    """Return whether a header `host` names this machine: `localhost`, `127.0.0.1:8181`, `[::1]:8181`."""
    found = _HOST.fullmatch(host.decode("latin-1").lower())
    if found is None or found[1] == "localhost":
        return found is not None
    try:
        return ipaddress.ip_address(found[1].strip("[]")).is_loopback
    except ValueError:
        return False
