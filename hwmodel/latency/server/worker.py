"""A thread beside the event loop for what takes long, so that all else is answered meanwhile.

Kernels and numpy's sums release the interpreter's lock; reading graphs is Python and does not, so there the loop waits
for its turn, a few milliseconds at a time. More threads would only take turns with this one.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any

from hwmodel.latency.server.body import Refused


class Worker:
    """One thread, started with the first job; jobs are done in the order they came.

    Args:
        most: jobs that may wait; one more is refused.
    """

    def __init__(self, most: int) -> None:
        self._jobs: queue.Queue[Any] = queue.Queue(most)
        self._thread: threading.Thread | None = None

    async def run(self, job: Callable[[], Any]) -> Any:
        """Return what a job returns, or raise what it raises.

        Raises:
            Refused: where too many wait.
        """
        loop = asyncio.get_running_loop()
        answer = loop.create_future()
        try:
            self._jobs.put_nowait((job, answer, loop))
        except queue.Full:
            raise Refused(503, "busy with other large requests; ask again later") from None
        if self._thread is None:
            # A server that ends does not wait for what nobody will read.
            self._thread = threading.Thread(target=self._work, name="large requests", daemon=True)
            self._thread.start()
        return await answer

    def close(self) -> None:
        """Let the thread end once it has done what it does; what waits is dropped."""
        with contextlib.suppress(queue.Empty):
            while True:
                self._jobs.get_nowait()
        self._jobs.put(None)

    def _work(self) -> None:
        while (one := self._jobs.get()) is not None:
            job, answer, loop = one
            if answer.cancelled():
                continue
            found, error = None, None
            try:
                found = job()
            except Exception as raised:  # which is the asker's to deal with
                error = raised
            with contextlib.suppress(RuntimeError):  # of a loop that has ended
                loop.call_soon_threadsafe(_settle, answer, found, error)


def _settle(answer: "asyncio.Future[Any]", found: Any, error: Exception | None) -> None:
    if answer.done():
        return
    if error is None:
        answer.set_result(found)
    else:
        answer.set_exception(error)
