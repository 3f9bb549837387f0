"""Traffic made up in place of capture and replay, for tests of what is made of it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from hwmodel.studies.points import TrafficPoint


@contextmanager
def instead_of_replay(answer: Callable[..., Any]) -> Iterator[None]:
    """Let `answer(points, report)` answer for traffic; the run's store keeps it apart from what was replayed."""
    inputs = TrafficPoint.inputs
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrafficPoint, "answer", answer)
        patch.setattr(TrafficPoint, "inputs", lambda point: inputs(point) | {"made_up": answer.__module__})
        yield
