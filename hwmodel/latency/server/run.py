"""The server's run: a socket of our own, uvicorn behind it, and an end at Ctrl-C."""

import asyncio
import contextlib
import ipaddress
import json
import signal
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from circuits.errors import InputError
from hwmodel.latency.query.predictor import Predictor
from hwmodel.latency.server.app import make_app
from hwmodel.latency.server.limits import Limits

BACKLOG = 1024
LAST_S = 3.0  # that requests under way may take when the server ends


def listen(host: str, port: int, *, remote: bool = False) -> socket.socket:
    """Return a socket that listens.

    Raises:
        InputError: for a host that other machines can reach, unless that is asked for, one that is none of this
            machine's, and a port that is in use.
    """
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        raise InputError(f"host {host!r}: no address; give one such as 127.0.0.1") from None
    if not address.is_loopback and not remote:
        raise InputError(f"host {host}: other machines may reach it; give --remote too if they shall, or 127.0.0.1")
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)  # asyncio sends at once where TCP is told
    try:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((str(address), port))
        found.listen(BACKLOG)
    except OSError as error:
        found.close()
        raise InputError(f"port {port} on {host}: {error.strerror}; give another --port, or 0 for any") from None
    return found


def serve(
    predictors: Mapping[str, Predictor], bound: socket.socket, limits: Limits, *, remote: bool = False,
    started: Callable[["Server"], None] = lambda _: None,
) -> dict[str, Any]:  # fmt: skip
    """Answer until Ctrl-C, SIGTERM, or `should_exit` of what `started` is told; return how many requests there were.

    Args:
        predictors: by their devices' names.
        bound: the socket, which is closed at the end.
        limits: of what is asked.
        remote: whether requests may come for other hosts than this machine.
        started: called once, with the server, before it answers.
    """
    app = make_app(predictors, limits, remote=remote)

    class Protocol(Http):
        header_s = limits.header_s

    config = uvicorn.Config(
        app, http=Protocol, ws="none", lifespan="off", loop="asyncio", log_level="critical", access_log=False,
        server_header=False, date_header=False, proxy_headers=False, limit_concurrency=limits.connections,
        h11_max_incomplete_event_size=limits.header_bytes, timeout_keep_alive=int(limits.idle_s),
        timeout_graceful_shutdown=int(LAST_S),
    )  # fmt: skip
    server = Server(config)
    with contextlib.closing(bound):
        started(server)
        try:
            server.run(sockets=[bound])
        finally:
            app.worker.close()
    return {"requests": app.requests, "refused_for_rate": app.limited}


class Server(uvicorn.Server):
    """uvicorn's, for which Ctrl-C is the usual end and no error."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)
        before = {one: signal.getsignal(one) for one in signals}
        for one in signals:
            loop.add_signal_handler(one, self.handle_exit, one, None)
        try:
            yield
        finally:
            for one, handler in before.items():
                loop.remove_signal_handler(one)
                signal.signal(one, handler)


class Http(H11Protocol):
    """uvicorn's connection, which also ends where a header does not come, and whose own errors are JSON too.

    A request that is answered before its body was read has as long to end: to close at once would reset the
    connection, and the client might never see why.
    """

    header_s = 10.0
    _late: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._expect()

    def connection_lost(self, exc: Exception | None) -> None:
        self._calm()
        super().connection_lost(exc)

    def handle_events(self) -> None:
        super().handle_events()
        if not self._waits():
            self._calm()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._waits() and not self.transport.is_closing():
            self._expect()

    def send_400_response(self, msg: str) -> None:
        content = json.dumps({"error": msg}).encode()
        headers = [("content-type", "application/json"), ("content-length", str(len(content))), ("connection", "close")]
        events = (h11.Response(status_code=400, headers=headers), h11.Data(data=content), h11.EndOfMessage())
        with contextlib.suppress(h11.LocalProtocolError):  # another answer is under way
            for event in events:
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()

    def _waits(self) -> bool:
        """Return whether a header is due, or the rest of a body that nobody reads."""
        answered = self.cycle is not None and self.cycle.response_complete
        return self.conn.their_state is h11.IDLE or (answered and self.conn.their_state is h11.SEND_BODY)

    def _expect(self) -> None:
        self._calm()
        self._late = self.loop.call_later(self.header_s, self.transport.close)

    def _calm(self) -> None:
        if self._late is not None:
            self._late.cancel()
            self._late = None
