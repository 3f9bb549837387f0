"""torch.profiler's Chrome traces (Kineto), recorded with record_shapes=True and, for addresses, profile_memory=True.

An operator's event has its inputs' shapes and types, but not which tensors they are; `[memory]` events have the
address and bytes of each allocation, and of each release as negative bytes. So an operator writes what is allocated
while it runs, and its first input too if its name ends in _, as torch names what works in place. An input is taken to
be the block allocated last of those in use that have its size, as it is or rounded up to 512 B, as the CUDA allocator
hands out; where there is none, as for parameters from before the profile, each shape and type has a place of its own.
An operator that calls others reads only those of its inputs whose shapes they do not, and is left out where they read
all. Where a GPU's memory is allocated, the CPU's allocations are left out.

Source: torch/csrc/profiler/kineto_shim and collection.cpp; aten's names of types.
"""

import sys
from collections import defaultdict
from pathlib import Path
from typing import Any, NamedTuple

from traces.errors import InputError
from traces.formats.elements import elements, whole
from traces.formats.operators import BIGGEST, MOST, ROUND, TOP, Operator, as_trace, counts, held, reads
from traces.trace import Trace

MOST_INPUTS = 1 << 8  # of an operator; foreach's lists of tensors count as none
ELSEWHERE = 1 << 56  # where tensors without an address are placed: above any a machine has
BYTES = {
    "float": 4, "double": 8, "c10::Half": 2, "c10::BFloat16": 2, "int": 4, "long int": 8, "long": 8, "long long": 8,
    "short": 2, "short int": 2, "signed char": 1, "unsigned char": 1, "bool": 1, "c10::complex<float>": 8,
    "c10::complex<double>": 16, "c10::Float8_e4m3fn": 1, "c10::Float8_e5m2": 1, "half": 2, "bfloat16": 2,
}  # fmt: skip
NOTES = [
    "Read from a Kineto trace: operators, not kernels; each reads its inputs once, then writes what it allocates.",
    "The file does not say which tensors an operator was given: an input is the block allocated last of its size.",
    "An input for which no block of its size is in use has a place of its own, one for each shape and type.",
    "An operator that only makes or shapes a tensor accesses nothing; a caller, only what no callee reads.",
]


class _Call(NamedTuple):
    begin: float  # us
    end: float
    name: str
    inputs: tuple[tuple[str, int], ...]  # shape and type, bytes


class _Block(NamedTuple):
    time: float  # us
    address: int
    size: int  # bytes, below 0 where it is given back
    on_gpu: bool


def read(path: Path) -> Trace:
    """Return a Kineto trace; the whole file is read here, an event at a time.

    Raises:
        InputError: for a file that is no Kineto trace, or one of half a million events or two million inputs.
    """
    calls: dict[str, list[_Call]] = defaultdict(list)
    blocks: dict[str, list[_Block]] = defaultdict(list)
    count = 0
    for event in elements(path):
        args, time = event.get("args"), _time(event.get("ts"))
        if not isinstance(args, dict) or time is None:
            continue
        thread = f"{event.get('pid')} {event.get('tid')}"[:100]
        if event.get("name") == "[memory]":
            blocks[thread] += _memory(args, time)
        elif event.get("cat") in ("cpu_op", "Operator") and isinstance(event.get("name"), str):
            found = _call(path, event, args, time)
            calls[thread] += found
            count += sum(len(one.inputs) // 4 for one in found)
        else:
            continue
        count += 1
        if count > MOST:
            raise InputError(f"{path}: more than {MOST} events of operators and memory; give a trace of fewer steps")
    if any(one.on_gpu for found in blocks.values() for one in found):
        blocks = defaultdict(list, {thread: [one for one in found if one.on_gpu] for thread, found in blocks.items()})
    timed = [one for thread, found in calls.items() for one in _working(found, blocks.get(thread, []))]
    return as_trace(path, _operators(path, sorted(timed, key=lambda one: one.call.end), blocks), NOTES)


def _time(value: object) -> float | None:
    """Return a time in microseconds; None for what is none."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < TOP:
        return float(value)
    return None


def _memory(args: dict[str, Any], time: float) -> list[_Block]:
    address, size = whole(args.get("Addr"), TOP), args.get("Bytes")
    if address is None or not isinstance(size, int) or isinstance(size, bool) or not 0 < abs(size) <= BIGGEST:
        return []
    return [_Block(time, address, size, args.get("Device Type") not in (0, None))]


def _call(path: Path, event: dict[str, Any], args: dict[str, Any], time: float) -> list[_Call]:
    """Return an operator's call; nothing for one that touches no memory."""
    name, length = event["name"], _time(event.get("dur", 0))
    if not counts(name) or length is None:
        return []
    shapes, types = args.get("Input Dims", args.get("Input dims")), args.get("Input type")
    inputs = []
    if isinstance(shapes, list) and isinstance(types, list):
        for shape, kind in zip(shapes, types, strict=False):
            size = BYTES.get(kind, 0) if isinstance(kind, str) else 0
            if not size or not isinstance(shape, list):
                continue
            for one in shape:
                number = whole(one)
                if number is None:  # a list of tensors, or what is none
                    size = 0
                    break
                size *= number
                if size > BIGGEST:
                    raise InputError(
                        f"{path}: {name[:60]!r}: an input of shape {str(shape)[:60]} is above {BIGGEST >> 40} TiB"
                    )
            if size and shape:  # numbers are given as scalars without a shape
                lengths = sorted(number for number in map(int, shape) if number > 1)  # alike for a transposed view
                inputs.append((sys.intern(f"{lengths} {kind}"), size))
    if len(inputs) > MOST_INPUTS:
        raise InputError(f"{path}: {name[:60]!r}: {len(inputs)} inputs; an operator has at most {MOST_INPUTS}")
    return [_Call(time, time + length, held(name), tuple(inputs))]


class _Work(NamedTuple):
    call: _Call
    own: set[str]  # shapes and types of the inputs it reads itself
    made: list[_Block]  # what it allocates itself


class _Open:
    """A call that has begun: what it allocates itself, and the shapes that its callees read (None: it has none)."""

    def __init__(self, call: _Call) -> None:
        self.call = call
        self.made: list[_Block] = []
        self.read: set[str] | None = None


def _working(calls: list[_Call], blocks: list[_Block]) -> list[_Work]:
    """Return the calls of a thread that do work of their own, in the order in which they end."""
    found: list[_Work] = []
    stack: list[_Open] = []

    def close(time: float) -> None:
        while stack and stack[-1].call.end <= time:
            one = stack.pop()
            read = reads(one.call.name, one.call.inputs)
            own = {shape for shape, _ in read} - (one.read or set())
            if own or one.read is None:
                found.append(_Work(one.call, own, one.made))
            if stack:
                few, many = sorted((stack[-1].read or set(), one.read or set()), key=len)  # no set is copied often
                many.update(few, (shape for shape, _ in read))
                stack[-1].read = many

    made = sorted((one for one in blocks if one.size > 0), key=lambda one: one.time)
    at = 0
    for call in [*sorted(calls, key=lambda one: (one.begin, -one.end)), _Call(TOP, TOP, "", ())]:
        while at < len(made) and made[at].time < call.begin:
            close(made[at].time)
            if stack:
                stack[-1].made.append(made[at])
            at += 1
        close(call.begin)
        stack.append(_Open(call))
    return found


def _operators(path: Path, timed: list[_Work], blocks: dict[str, list[_Block]]) -> list[Operator]:
    """Return the calls in their order, with an address for each tensor."""
    events = sorted((one for found in blocks.values() for one in found), key=lambda one: one.time)
    live: dict[int, dict[int, None]] = defaultdict(dict)  # by size, in the order of their allocation
    own: dict[str, int] = {}  # tensors without a block: shape and type -> address
    operators, at, elsewhere = [], 0, ELSEWHERE
    for number, (call, shapes, made) in enumerate(timed):
        while at < len(events) and events[at].time < call.begin:
            one, at = events[at], at + 1
            live[abs(one.size)].pop(one.address, None)
            if one.size > 0:
                live[one.size][one.address] = None
        places: dict[tuple[int, int], str] = {}
        taken: set[int] = set()  # a block is one input of a call, not two
        for shape, size in call.inputs:
            fits = dict.fromkeys((size, -(-size // ROUND) * ROUND))
            near = ((each, size) for fit in fits for each in reversed(live.get(fit, {})))
            place = next((one for one in near if one[0] not in taken), None)
            if place is None:
                if shape not in own:
                    own[shape], elsewhere = elsewhere, elsewhere + -(-size // ROUND) * ROUND
                if elsewhere > TOP:
                    raise InputError(f"{path}: {call.name[:60]!r}: its inputs go beyond 2**61 bytes in all")
                place = own[shape], size
            places[place] = shape
            taken.add(place[0])
        writes = [(one.address, one.size) for one in made]
        if call.name.endswith("_") and places:
            writes.insert(0, next(iter(places)))
        read = tuple(place for place, shape in reads(call.name, tuple(places.items())) if shape in shapes)
        if read or writes:
            operators.append(Operator(call.name, f"call {number}", read, tuple(dict.fromkeys(writes))))
    return operators
