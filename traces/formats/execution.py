"""PyTorch execution traces (torch.profiler.ExecutionTraceObserver, schema 1.0 and 1.1, Chakra's input).

A node is an operator's call, with its inputs and outputs; a tensor is [tensor, storage, offset, elements, bytes an
element, device]. Nodes nest; a node that calls others reads only those of its inputs that they do not, and one whose
inputs they all read is left out. Storages have names, not addresses: each is placed after the one before, in the order
of their first use, and none is given back. A tensor is as many bytes as it has elements, from its offset on: strides
are not in the older schemas. Where tensors lie on a GPU, those of the CPU are left out: its caches never see them.

Source: torch/csrc/profiler/standalone/execution_trace_observer.cpp.
"""

from pathlib import Path
from typing import Any, NamedTuple

from traces.errors import InputError
from traces.formats.elements import elements, whole
from traces.formats.operators import BIGGEST, MOST, ROUND, TOP, Operator, as_trace, counts, held, reads
from traces.trace import Trace

BASE = 1 << 32
GPUS = ("cuda", "hip", "xpu", "mps")  # as a device's name begins
NOTES = [
    "Read from a PyTorch execution trace: operators, not kernels; each reads its inputs once, then writes its outputs.",
    "Tensors of the CPU are left out where others lie on a GPU.",
    "Storages are placed one after another, as they are first used; a tensor's bytes are taken to lie side by side.",
    "An operator that only makes or shapes a tensor accesses nothing; a caller, only what no callee reads.",
]


class _Tensor(NamedTuple):
    storage: int
    start: int  # byte of the storage
    size: int  # bytes
    on_gpu: bool


class _Node(NamedTuple):
    number: int
    name: str
    inputs: tuple[_Tensor, ...]
    outputs: tuple[_Tensor, ...]


def read(path: Path) -> Trace:
    """Return an execution trace; the whole file is read here, an operator at a time.

    Raises:
        InputError: for a file that is no execution trace, or one of half a million operators or two million tensors.
    """
    nodes: list[_Node] = []
    parents: dict[int, int] = {}
    tensors = 0
    seen: dict[_Tensor, _Tensor] = {}  # the same few tensors come again and again: each is held once
    for found in elements(path):
        number, name = whole(found.get("id")), found.get("name")
        if number is None or not isinstance(name, str):
            continue
        parent = whole(found.get("ctrl_deps", found.get("parent")))
        if parent is not None and parent < number:  # numbers rise with the calls
            parents[number] = parent
        if counts(name):
            inputs, outputs = (
                tuple(seen.setdefault(one, one) for one in _tensors(path, found, side))
                for side in ("inputs", "outputs")
            )
            if inputs or outputs:
                nodes.append(_Node(number, held(name), reads(name, inputs), outputs))
                tensors += len(inputs) + len(outputs)
        if len(parents) > 4 * MOST or len(nodes) > MOST or tensors > 4 * MOST:
            raise InputError(f"{path}: more than {MOST} operators or {4 * MOST} tensors; give a trace of fewer steps")
    working = _working(_of_the_gpu(nodes), parents)
    address = _placed(path, working)

    def places(tensors: tuple[_Tensor, ...]) -> tuple[tuple[int, int], ...]:
        return tuple(dict.fromkeys((address[one.storage] + one.start, one.size) for one in tensors))

    operators = [Operator(one.name, f"node {one.number}", places(one.inputs), places(one.outputs)) for one in working]
    return as_trace(path, operators, NOTES)


def _of_the_gpu(nodes: list[_Node]) -> list[_Node]:
    """Return nodes with their tensors on a GPU, and those that have any; all as they are where no tensor lies there."""
    if not any(one.on_gpu for node in nodes for one in (*node.inputs, *node.outputs)):
        return nodes
    kept = []
    for node in nodes:
        inputs, outputs = (tuple(one for one in side if one.on_gpu) for side in (node.inputs, node.outputs))
        if inputs or outputs:
            kept.append(node._replace(inputs=inputs, outputs=outputs))
    return kept


def _working(nodes: list[_Node], parents: dict[int, int]) -> list[_Node]:
    """Return the nodes that do work of their own, in the order in which they end, with the inputs no callee reads."""
    known = {node.number: node for node in nodes}
    called: dict[int, set[int]] = {}  # storages that a node's callees read; no entry where it calls none that counts
    ends: dict[int, int] = {}  # a node's last callee
    found: list[tuple[int, int, _Node]] = []
    for number in sorted({*known, *parents}, reverse=True):
        node, read, end = known.get(number), called.pop(number, None), ends.pop(number, number)
        if node is not None:
            own = tuple(one for one in node.inputs if one.storage not in (read or ()))
            if own or read is None:
                found.append((end, -number, node._replace(inputs=own)))
            read = set() if read is None else read
            read.update(one.storage for one in node.inputs)
        parent = parents.get(number)
        if parent is not None:
            ends[parent] = max(ends.get(parent, 0), end)
            if read is not None:
                few, many = sorted((called.get(parent, set()), read), key=len)  # so that no set is copied often
                many |= few
                called[parent] = many
    return [node for *_, node in sorted(found)]


def _placed(path: Path, nodes: list[_Node]) -> dict[int, int]:
    """Return each storage's address."""
    sizes: dict[int, int] = {}
    for node in nodes:
        for one in (*node.inputs, *node.outputs):
            sizes[one.storage] = max(sizes.get(one.storage, 0), one.start + one.size)
    address, at = {}, BASE
    for storage, size in sizes.items():
        address[storage] = at
        at += -(-size // ROUND) * ROUND
        if at > TOP:
            raise InputError(f"{path}: storage {storage}: all storages together go beyond 2**61 bytes")
    return address


def _tensors(path: Path, found: dict[str, Any], side: str) -> tuple[_Tensor, ...]:
    """Return a node's tensors of one side, from {"values", "types"} or, as older schemas have it, two lists."""
    given = found.get(side)
    values, types = given, found.get(f"{side[:-1]}_types")
    if isinstance(given, dict):
        values, types = given.get("values"), given.get("types")
    if not isinstance(values, list) or not isinstance(types, list):
        return ()
    tensors: list[_Tensor] = []
    for value, kind in zip(values, types, strict=False):
        if isinstance(kind, str) and "Tensor" in kind:
            _collect(path, found["id"], value, tensors, 0)
    return tuple(tensors)


def _collect(path: Path, node: object, value: object, tensors: list[_Tensor], depth: int) -> None:
    """Add the tensors of a value: a tensor's own list of numbers, or a list of such."""
    if not isinstance(value, list) or depth > 8:
        return
    if len(value) >= 5 and all(isinstance(one, int) for one in value[:5]):
        numbers = [whole(one) for one in value[1:5]]
        if any(number is None for number in numbers):
            raise InputError(f"{path}: node {node}: tensor {str(value)[:80]} has a number below 0 or above 2**62")
        storage, offset, count, itemsize = (int(number or 0) for number in numbers)
        if (offset + count) * itemsize > BIGGEST:
            raise InputError(f"{path}: node {node}: tensor {str(value)[:80]} goes beyond {BIGGEST >> 40} TiB")
        if count * itemsize:
            on_gpu = len(value) > 5 and isinstance(value[5], str) and value[5].startswith(GPUS)
            tensors.append(_Tensor(storage, offset * itemsize, count * itemsize, on_gpu))
        return
    for one in value:
        _collect(path, node, one, tensors, depth + 1)
