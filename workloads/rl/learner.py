"""The learner's thread."""

import threading
from collections.abc import Callable
from typing import Any

from hwmodel.balance import Meter
from workloads.rl.feeds import Feed


class Learner:
    """Learns from what a feed gives, in a thread of its own, until the feed is closed.

    Args:
        feed: whence.
        learn: takes what the feed gave; returns figures of it, such as the loss.
        frames: of each batch.
        names: of the figures. prepare: called first, in the thread.

    Attributes:
        batches: learned from so far.
        figures: what `learn` returned last.
        lock: held while it learns: networks and optimiser are whole without.
    """

    def __init__(
        self,
        feed: Feed,
        learn: Callable[[Any], dict[str, float]],
        frames: int,
        names: tuple[str, ...] = (),
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.feed, self.names, self.batches = feed, names, 0
        self.figures: dict[str, float] = {}
        self.lock = threading.Lock()
        self._learn, self._frames, self._prepare = learn, frames, prepare
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            meter = Meter()
            self._prepare()
            while (batch := self.feed.take()) is not None:
                with self.lock, meter.phase("learner", self._frames):
                    self.figures = self._learn(batch)
                self.batches += 1
        except BaseException as error:  # the server raises it
            self.feed.close(error)

    def stop(self) -> None:
        """End after the batch at hand."""
        self.feed.close()
        self._thread.join()
