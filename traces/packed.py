"""Weights of few bits: a captured stream whose parameters take less room than their type's."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import prod

import numpy as np

from traces.errors import InputError
from traces.stream import Intervals
from traces.trace import Trace

MOST = 8  # bits


def packed(trace: Trace, bits: Mapping[str, int], shapes: Mapping[str, Sequence[int]]) -> Trace:
    """Return the trace with weights of so many bits each.

    Weights are laid out before the run as the kernels that multiply with them read them: the columns that one slab has
    of all filters, filter by filter, then the next slab's. What a thread block reads at once then lies together,
    whatever the bits, 8 among them, so that bits are compared and not layouts; only sectors at its two ends may hold
    others' weights. Values are widened in registers. Scales, one a filter, are taken to be folded into the factors of
    the batch normalisation behind, or the activations' own, which the trace reads already.

    Args:
        trace: of an inference, as captured.
        bits: parameter -> bits of an element, 1 to 8.
        shapes: parameter -> its sizes, filters first.

    Raises:
        InputError: for a parameter that the trace has not, for bits that are none or more than an element has in the
            trace, and for a trace of a training, or of weights that its kernels pack their own way.
    """
    if trace.header.phase != "inference":
        raise InputError("weight_bits: a training step updates whole weights; give the phase inference")
    if trace.header.dtype == "int4w":
        raise InputError("weight_bits: int4w packs weights in an order of its own; give int8, fp16, bf16 or fp32")
    places = {tensor.name: number for number, tensor in enumerate(trace.tensors) if tensor.kind == "parameter"}
    layouts = np.zeros((len(trace.tensors), 5), np.int64)
    tensors = list(trace.tensors)
    for name, count in bits.items():
        if name not in places:
            raise InputError(f"weight_bits: {name!r}: no parameter; the trace has {', '.join(list(places)[:4])}, ...")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise InputError(f"weight_bits: {name}: {count!r} bits; give a whole number from 1 to {MOST}")
        number, elements, filters = places[name], prod(shapes[name]), (*shapes[name], 1)[0]
        itemsize = tensors[number].bytes // elements
        layouts[number] = count, tensors[number].address, itemsize, filters, elements // filters
        tensors[number] = replace(tensors[number], bytes=-(-elements * count // 8))
    told = sorted(set(bits.values()))
    note = (
        f"Weights of {len(bits)} layers are stored in {', '.join(map(str, told))} bits each, laid out beforehand as "
        "kernels read them; scales, one a filter, add no traffic."
    )
    header = replace(trace.header, notes=[*trace.header.notes, note])
    return replace(trace, header=header, tensors=tensors, totals=None,
                   source=lambda: (_narrowed(batch, layouts) for batch in trace.batches()))  # fmt: skip


def _narrowed(batch: Intervals, layouts: np.ndarray) -> Intervals:
    """Return a batch in which each interval of a packed tensor is the one row that its elements are now.

    Args:
        batch: as captured, filters one after another.
        layouts: a row a tensor: bits (0: not packed), address, bytes of an element as captured, filters, elements of
            a filter.
    """
    chosen = layouts[batch.tensor, 0] > 0
    if not chosen.any():
        return batch
    bits, address, itemsize, filters, columns = layouts[batch.tensor[chosen]].T
    offset = (batch.base[chosen].astype(np.int64) - address) // itemsize
    rows, width = batch.rows[chosen].astype(np.int64), batch.width[chosen].astype(np.int64) // itemsize
    # A row may hold several filters, gaps among them, where these leave no whole sector: see traces.lowering.rows.
    merged = -(-width // columns)
    first, column = offset // columns, offset % columns
    slab = width - (merged - 1) * columns
    straight = column + slab > columns  # a stretch that is no rectangle of filters and columns
    start = np.where(straight, offset, column * filters + first * slab)
    length = rows * np.where(straight, width, merged * slab)
    low, high = start * bits // 8, -(-(start + length) * bits // 8)
    values = {"base": (address + low).astype(np.uint64), "stride": high - low, "rows": 1, "width": high - low}
    narrowed = batch._asdict()
    for name, value in values.items():
        narrowed[name] = narrowed[name].copy()
        narrowed[name][chosen] = value
    return Intervals(**narrowed)
