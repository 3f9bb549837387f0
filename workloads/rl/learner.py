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

    Attributes:
        batches: learned from so far.
        figures: what `learn` returned last.
    """

    def __init__(
        self,
        feed: Feed,
        learn: Callable[[Any], dict[str, float]],
        frames: int,
        prepare: Callable[[], None] = lambda: None,
    ) -> None:
        self.feed, self.batches = feed, 0
        self.figures: dict[str, float] = {}
        self._learn, self._frames, self._prepare = learn, frames, prepare
        self._thread = threading.Thread(target=self._run, name="learner", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _run(self) -> None:
        try:
            meter = Meter()
            self._prepare()
            while (batch := self.feed.take()) is not None:
                with meter.phase("learner", self._frames):
                    self.figures = self._learn(batch)
                self.batches += 1
        except BaseException as error:  # the server raises it
            self.feed.close(error)

    def stop(self) -> None:
        """End after the batch at hand."""
        self.feed.close()
        self._thread.join()
