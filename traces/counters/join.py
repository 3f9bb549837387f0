"""Joins what was counted with what is modelled, operator by operator, and within one kernel by kernel.

Both sides number the operators' calls of one run in order. Where torch's CUDA build calls others than its CPU build,
whose calls are modelled, the two rows of names are aligned; what has no partner is kept with the other side blank.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, zip_longest
from typing import NamedTuple

from traces.counters.metrics import QUANTITIES, measured
from traces.counters.read import Counted
from traces.trace import Kernel

Counts = Mapping[str, float | None]  # quantity -> sectors
NONE: Counts = dict.fromkeys(QUANTITIES)

# Names under which CUDA's build and the CPU's have one operator, without overload.
_SAME = (
    (re.compile(r"(?:_native_|native_|cudnn_|_)?batch_norm(?:_legit|_with_update)?(?:_no_training)?(?:_functional)?$"),
     "batch_norm"),
    (re.compile(r"(?:native_|cudnn_)?batch_norm_backward$"), "batch_norm_backward"),
    (re.compile(r"_scaled_dot_product_(?:flash|efficient|cudnn|fused)_attention(?:_for_cpu|_overrideable)?$"),
     "attention"),
    (re.compile(r"_scaled_dot_product_\w+_backward$"), "attention_backward"),
    (re.compile(r"_?cudnn_convolution\w*$|convolution_overrideable$"), "convolution"),
)  # fmt: skip


@dataclass(frozen=True)
class Row:
    """A kernel that was counted, one that is modelled, or both: the same place of one operator's call."""

    item: str  # what ran: network, phase, batch, type
    mode: str  # cold | warm
    operation: int  # the operator's call, from 1: of the counted run, else of the modelled one
    operator: str
    layer: str
    phase: str
    measured_kernel: str  # blank where there is none
    modelled_kernel: str
    measured: Counts  # quantity -> sectors; None where it was not counted, or there is no kernel
    modelled: Counts
    fabric: float | None = None  # sectors that crossed L2's partitions
    time_s: float | None = None  # under the profiler


def common(operator: str) -> str:
    """Return an operator's name without what differs between torch's builds: namespace, overload, library."""
    name = operator.split(".")[1] if operator.count(".") else operator
    return next((same for pattern, same in _SAME if pattern.match(name)), name)


def align(left: Sequence[tuple[str, str]], right: Sequence[tuple[str, str]]) -> list[tuple[int | None, int | None]]:
    """Return pairs of positions of two rows of (operator, phase) that go together, in order; None for no partner."""
    names = [[(common(operator), phase) for operator, phase in side] for side in (left, right)]
    pairs: list[tuple[int | None, int | None]] = []
    for tag, a, b, c, d in SequenceMatcher(None, *names, autojunk=False).get_opcodes():
        if tag == "equal":
            pairs += zip(range(a, b), range(c, d), strict=True)
        else:
            pairs += [(one, None) for one in range(a, b)]
            pairs += [(None, one) for one in range(c, d)]
    return pairs


def join(
    item: str, mode: str, calls: Sequence[tuple[str, str]], counted: Sequence[Counted], kernels: Sequence[Kernel],
    modelled: Sequence[Counts],
) -> list[Row]:  # fmt: skip
    """Return a row a kernel, counted and modelled side by side.

    Args:
        item: what ran.
        mode: cold or warm.
        calls: (operator, phase) of each call that ran, in order.
        counted: the profiler's kernels, which name calls from 1; what ran outside of any has a row of its own.
        kernels: of the trace, with the calls they belong to.
        modelled: quantities of each of them.
    """
    by_call: dict[int, list[_Side]] = {}
    for one in counted:
        found = measured(one.counts)
        counts = {name: found.get(name) for name in QUANTITIES}
        by_call.setdefault(one.operation, []).append(_Side(one.name, counts, found.get("fabric"), found.get("time_s")))
    return _joined(item, mode, dict(enumerate(calls, 1)), by_call, kernels, modelled)


def rejoin(rows: Sequence[Row], kernels: Sequence[Kernel], modelled: Sequence[Counts]) -> list[Row]:
    """Return the rows of one item and mode with what was counted as it is, and what is modelled anew beside it.

    Args:
        rows: as `join` returned them, or a file keeps them; at least one.
        kernels: of the new trace, with the calls they belong to.
        modelled: quantities of each of them.
    """
    by_call: dict[int, list[_Side]] = {}
    calls: dict[int, tuple[str, str]] = {}
    for row in rows:
        if row.measured_kernel:
            side = _Side(row.measured_kernel, row.measured, row.fabric, row.time_s)
            by_call.setdefault(row.operation, []).append(side)
            if row.operation:
                calls[row.operation] = row.operator, row.phase
    return _joined(rows[0].item, rows[0].mode, calls, by_call, kernels, modelled)


class _Side(NamedTuple):
    """What was counted of one kernel."""

    kernel: str
    counts: Counts
    fabric: float | None
    time_s: float | None


def _joined(
    item: str, mode: str, calls: Mapping[int, tuple[str, str]], by_call: Mapping[int, Sequence[_Side]],
    kernels: Sequence[Kernel], modelled: Sequence[Counts],
) -> list[Row]:  # fmt: skip
    groups = [
        list(group) for _, group in groupby(zip(kernels, modelled, strict=True), key=lambda one: one[0].operation)
    ]
    right = [(group[0][0].operator, group[0][0].phase) for group in groups]
    # Calls that launched nothing are none that a trace has kernels of.
    numbers = [number for number in sorted(calls) if number in by_call]
    rows = []
    for left_at, right_at in align([calls[number] for number in numbers], right):
        ours = [] if right_at is None else groups[right_at]
        number = numbers[left_at] if left_at is not None else ours[0][0].operation
        theirs = by_call[number] if left_at is not None else []
        operator, phase = calls[number] if left_at is not None else right[right_at or 0]
        layer = ours[0][0].layer if ours else ""
        rows += [_row(item, mode, number, operator, layer, phase, one, pair)
                 for one, pair in zip_longest(theirs, ours)]  # fmt: skip
    outside = [one for number, found in by_call.items() if number not in calls for one in found]
    return rows + [_row(item, mode, 0, "", "", "", one, None) for one in outside]


def _row(
    item: str, mode: str, number: int, operator: str, layer: str, phase: str, counted: _Side | None,
    pair: tuple[Kernel, Counts] | None,
) -> Row:  # fmt: skip
    return Row(
        item, mode, number, operator, layer, phase, counted.kernel if counted else "", pair[0].name if pair else "",
        counted.counts if counted else NONE, {name: (pair[1] if pair else NONE).get(name) for name in QUANTITIES},
        counted.fabric if counted else None, counted.time_s if counted else None,
    )  # fmt: skip
