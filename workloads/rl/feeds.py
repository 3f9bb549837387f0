"""Between server and learner: what the learner takes, when there is enough, and when acting has to wait for it."""

import threading
from abc import ABC, abstractmethod
from collections import deque
from typing import Any

from workloads.rl.unrolls import Unroll


class Feed(ABC):
    """What the server adds and the learner takes. The server may go on while there is room.

    Args:
        lockstep: there is room only when the learner has nothing to do.
    """

    def __init__(self, lockstep: bool = False) -> None:
        self._changed = threading.Condition()
        self._lockstep = lockstep
        self._learning = self._closed = False
        self._error: BaseException | None = None

    def add(self, unrolls: list[Unroll], steps: int) -> None:
        """Add unrolls, and count steps acted."""
        with self._changed:
            self._keep(unrolls, steps)
            self._changed.notify_all()

    def wait_room(self, time_s: float) -> bool:
        """Return whether acting may go on, within a time.

        Raises:
            BaseException: what the learner failed by.
        """
        with self._changed:
            found = self._changed.wait_for(self._has_room, time_s)
            if self._error is not None:
                raise self._error
            return found

    def take(self) -> Any:
        """Return what to learn from next, when there is; None when it is over."""
        with self._changed:
            self._learning = False
            self._changed.notify_all()
            self._changed.wait_for(lambda: self._closed or self._ready())
            if self._closed:
                return None
            self._learning = True
            drawn = self._draw()
            self._changed.notify_all()
            return drawn

    def close(self, error: BaseException | None = None) -> None:
        """End it for both."""
        with self._changed:
            self._closed, self._error = True, self._error or error
            self._changed.notify_all()

    def _has_room(self) -> bool:
        if self._closed:
            return True
        return not (self._ready() or self._learning) if self._lockstep else not self._full()

    @abstractmethod
    def _keep(self, unrolls: list[Unroll], steps: int) -> None: ...

    @abstractmethod
    def _ready(self) -> bool: ...

    @abstractmethod
    def _full(self) -> bool: ...

    @abstractmethod
    def _draw(self) -> Any: ...


class Fifo(Feed):
    """Each unroll is learned from once, in order; a batch waits while another is learned from."""

    def __init__(self, batch: int, lockstep: bool = False) -> None:
        super().__init__(lockstep)
        self._batch = batch
        self._waiting: deque[Unroll] = deque()

    def _keep(self, unrolls: list[Unroll], steps: int) -> None:  # noqa: ARG002
        self._waiting.extend(unrolls)

    def _ready(self) -> bool:
        return len(self._waiting) >= self._batch

    def _full(self) -> bool:
        return len(self._waiting) >= 2 * self._batch

    def _draw(self) -> list[Unroll]:
        return [self._waiting.popleft() for _ in range(self._batch)]


class Counted(Feed):
    """For a learner that is only timed: counts the steps that a batch of it has.

    Args:
        steps: of a batch.
        ratio: steps learned from, a step acted.
    """

    def __init__(self, steps: int, ratio: float = 1.0, lockstep: bool = False) -> None:
        super().__init__(lockstep)
        self._steps, self._ratio = steps, ratio
        self._due = 0.0  # steps to learn from

    def _keep(self, unrolls: list[Unroll], steps: int) -> None:  # noqa: ARG002
        self._due += steps * self._ratio

    def _ready(self) -> bool:
        return self._due >= self._steps

    def _full(self) -> bool:
        return self._due >= 2 * self._steps

    def _draw(self) -> int:
        self._due -= self._steps
        return self._steps
