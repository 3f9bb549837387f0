"""Weights of few bits: a captured stream whose parameters take less room than their type's."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from traces.errors import InputError
from traces.stream import Intervals
from traces.trace import Trace

MOST = 8  # bits


def packed(trace: Trace, bits: Mapping[str, int], elements: Mapping[str, int]) -> Trace:
    """Return the trace with weights of so many bits each.

    Weights are laid out before the run as the kernels that multiply with them read them, tile by tile and slab by slab,
    so that what a thread block reads at once lies together, whatever the bits. Scales, one a filter, are taken to come
    with the tiles and to add nothing; values are widened in registers.

    Args:
        trace: of an inference, as captured.
        bits: parameter -> bits of an element, 1 to 8.
        elements: parameter -> its elements.

    Raises:
        InputError: for a parameter that the trace has not, for bits that are none or more than an element has in the
            trace, and for a trace of a training.
    """
    if trace.header.phase != "inference":
        raise InputError("weight_bits: a training step updates whole weights; give the phase inference")
    places = {tensor.name: number for number, tensor in enumerate(trace.tensors) if tensor.kind == "parameter"}
    share = np.ones(len(trace.tensors))
    tensors = list(trace.tensors)
    for name, count in bits.items():
        if name not in places:
            raise InputError(f"weight_bits: {name!r}: no parameter; the trace has {', '.join(list(places)[:4])}, ...")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise InputError(f"weight_bits: {name}: {count!r} bits; give a whole number from 1 to {MOST}")
        number = places[name]
        size = -(-elements[name] * count // 8)
        if size > tensors[number].bytes:
            raise InputError(f"weight_bits: {name}: {count} bits are more than {trace.header.dtype} holds a weight in")
        share[number] = size / tensors[number].bytes
        tensors[number] = replace(tensors[number], bytes=size)
    told = sorted(set(bits.values()))
    note = (
        f"Weights of {len(bits)} layers are stored in {', '.join(map(str, told))} bits each, laid out beforehand as "
        "kernels read them; scales, one a filter, add no traffic."
    )
    starts = np.array([tensor.address for tensor in trace.tensors], dtype=np.uint64)
    header = replace(trace.header, notes=[*trace.header.notes, note])
    return replace(trace, header=header, tensors=tensors, totals=None,
                   source=lambda: (_narrowed(batch, starts, share) for batch in trace.batches()))  # fmt: skip


def _narrowed(batch: Intervals, starts: np.ndarray, share: np.ndarray) -> Intervals:
    """Return a batch in which each interval of a packed tensor is one row, where its tile lies now."""
    part = share[batch.tensor]
    chosen = part < 1
    if not chosen.any():
        return batch
    start = starts[batch.tensor[chosen]]
    offset = (batch.base[chosen] - start).astype(np.int64)
    rows, width = batch.rows[chosen].astype(np.int64), batch.width[chosen].astype(np.int64)
    pitch = np.maximum(np.abs(batch.stride[chosen]), 1)
    tiled = (rows > 1) & (pitch > width)
    # A tile of several rows is the stretch behind all rows above it and the tiles to its left.
    whole = np.where(tiled, offset // pitch * pitch + offset % pitch * rows, offset)
    length = rows * width
    first = np.floor(whole * part[chosen]).astype(np.int64)
    last = np.maximum(np.ceil((whole + length) * part[chosen]).astype(np.int64), first + 1)
    columns = batch._asdict()
    for name, values in {"base": start + first.astype(np.uint64), "stride": last - first, "rows": np.ones(len(first)),
                         "width": last - first}.items():  # fmt: skip
        column = columns[name].copy()
        column[chosen] = values
        columns[name] = column
    return Intervals(**columns)
