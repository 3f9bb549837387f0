"""What a client may ask of the server, and a token bucket for each."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

MOST_CLIENTS = 4096  # whose rate is remembered; the one unheard of for longest is forgotten


@dataclass(frozen=True)
class Limits:
    """Limits of a request, of a client and of the server."""

    networks: int = 10_000  # a request
    body_bytes: int = 2 << 20  # that many networks as lists of 60 numbers
    header_bytes: int = 16 << 10
    header_s: float = 10.0  # from the connection, or the answer before, to the end of the header
    body_s: float = 10.0
    large_bytes: int = 128 << 10  # of a body, from which a request is answered beside the others: some 2000 networks
    large_waiting: int = 64  # such requests, or of graphs, at once
    idle_s: float = 5.0  # of a connection that is kept
    connections: int = 900  # files that a process may open are often 1024
    requests_per_s: float = 10_000.0  # a client, on average; 0 is no limit
    burst: int = 10_000  # requests at once after a pause


class Buckets:
    """A bucket of tokens a client: each request takes one, and so many come back a second.

    Args:
        per_s: tokens a second; 0 lets all pass.
        burst: what a bucket holds.
        clock: seconds.
    """

    def __init__(self, per_s: float, burst: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._per_s, self._burst, self._clock = per_s, max(1, burst), clock
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # client -> tokens, and when

    def wait_s(self, client: str) -> float:
        """Take a token and return 0, or return how long it takes until there is one."""
        if not self._per_s:
            return 0.0
        now = self._clock()
        tokens, then = self._held.pop(client, (float(self._burst), now))
        tokens = min(self._burst, tokens + (now - then) * self._per_s)
        wait_s = max(0.0, (1 - tokens) / self._per_s)
        self._held[client] = (tokens - 1 if not wait_s else tokens, now)
        if len(self._held) > MOST_CLIENTS:
            self._held.popitem(last=False)
        return wait_s
