"""Every network of the project: its size beside the published one, and its traffic beside what its tensors need.

    python benchmarks/traces/networks.py [NETWORK ...] [--json] [--batch 1] [--gpu gtx1080ti]

For each network and phase: parameters and multiply-accumulates beside their published counts, of
tests/reference/networks.yaml; `tensor_bytes`, what the tensors of its operators' calls take, address by address;
`touched_bytes`, what its kernels touch of them; `outside_sectors`, what they touch of anything else;
`compulsory_sectors`, those read before a kernel has written them whole; `given_sectors`, those touched of parameters,
buffers, inputs and the optimiser's state, which are there before the run; what a replay fetches through a cache that
holds everything, and through 1 and 3 MiB.

Kernels touch less than the tensors where an operator looks rows up (embeddings, losses), or strides over pixels.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import numba
import numpy as np
import yaml

from hwmodel.cache import CacheConfig, Replay
from hwmodel.console import view
from traces.errors import InputError
from traces.gpus import load_gpu
from traces.lowered import Lowered, stream
from traces.lowering import Options
from traces.networks import GROUP, make_network
from traces.operation import Operation, View
from traces.recording import record
from traces.stream import SECTOR_BYTES, Intervals
from traces.trace import Tensor

PUBLISHED = Path(__file__).parents[2] / "tests/reference/networks.yaml"
TOUCHED, VALID = 1, 2
SIZES = ("network", "parameters", "parameters_published", "macs", "macs_published")
GIVEN = ("parameter", "buffer", "input", "optimizer")
WAYS, LINE = 16, 128


@dataclass
class Row:
    network: str
    phase: str
    parameters: int
    parameters_published: int | None
    macs: int
    macs_published: int | None
    tensor_bytes: int
    touched_bytes: int
    outside_sectors: int
    accesses: int
    compulsory_sectors: int
    given_sectors: int
    fetched_endless: int
    fetched_3mib: int
    fetched_1mib: int


@numba.njit(error_model="numpy")
def mark(base: Any, stride: Any, rows: Any, width: Any, write: Any, low: int, state: Any) -> int:
    """Enter a batch in `state`, flags a sector from byte address `low` on; return the sectors it has to fetch."""
    fetched = 0
    for i in range(len(base)):
        for row in range(rows[i]):
            start = np.int64(base[i]) - low + row * stride[i]
            end = start + np.int64(width[i])
            for sector in range(start // SECTOR_BYTES, (end - 1) // SECTOR_BYTES + 1):
                whole = start <= sector * SECTOR_BYTES and (sector + 1) * SECTOR_BYTES <= end
                if not write[i] and not state[sector] & VALID:
                    fetched += 1
                state[sector] |= TOUCHED | (VALID if whole or not write[i] else 0)
    return fetched


def views(operation: Operation) -> Iterator[View]:
    """Yield the tensors of a call, arguments and results."""
    waiting: list[Any] = [operation.arguments, list(operation.options.values()), operation.outputs]
    while waiting:
        one = waiting.pop()
        if isinstance(one, View):
            yield one
        elif isinstance(one, (list, tuple)):
            waiting += one


def runs(of: View) -> tuple[np.ndarray, int]:
    """Return where the contiguous stretches of a view start, in bytes from its first, and how long they are."""
    dimensions = sorted((s * of.itemsize, n) for s, n in zip(of.stride, of.shape, strict=True) if s and n > 1)
    length = of.itemsize
    while dimensions and dimensions[0][0] == length:
        length *= dimensions.pop(0)[1]
    starts = np.zeros(1, np.int64)
    for step, count in dimensions:
        starts = (starts[:, None] + np.arange(count, dtype=np.int64) * step).ravel()
    return starts, length


def held(operations: list[Operation], low: int, sectors: int) -> np.ndarray:
    """Return for each sector whether any call's tensor has a byte there."""
    found = np.zeros(sectors, np.uint8)
    for of in {one for operation in operations for one in views(operation) if one.numel}:
        starts, length = runs(of)
        count = len(starts)
        columns = (np.uint64(of.address) + starts.astype(np.uint64), np.zeros(count, np.int64),
                   np.ones(count, np.uint32), np.full(count, length, np.int64), np.zeros(count, np.bool_))  # fmt: skip
        mark(*columns, low, found)
    return found > 0


def measure(network: str, phase: str, batch: int, gpu: str) -> Row:
    module, inputs = make_network(network, batch)
    lowered = Lowered(load_gpu(gpu), Options())
    recording = record(module, inputs, phase, each=lowered.add)
    lowered.notes(network, "error")
    low = min(one.address for one in recording.tensors if one.bytes)
    top = max(one.address + one.bytes for one in recording.tensors)
    low -= low % SECTOR_BYTES
    sectors = (top - low) // SECTOR_BYTES + 1
    lines = 1 << (top // LINE // WAYS).bit_length()  # modulo sets that no two lines below the top overfill
    endless = CacheConfig(lines * WAYS * LINE, WAYS, LINE, "modulo", SECTOR_BYTES)
    replay = Replay([endless, *(CacheConfig(size, WAYS, LINE, sector=SECTOR_BYTES) for size in ("3MiB", "1MiB"))])
    state, compulsory = np.zeros(sectors, np.uint8), 0
    for part in stream(lowered.launches(recording.kept)[1]):
        replay.feed(part)
        compulsory += mark(*columns_of(part), low, state)
    expected = held(recording.operations, low, sectors)
    for one in recording.tensors:
        if one.kind == "workspace":
            expected[_sectors(one, low)] = True
    touched = (state & TOUCHED) > 0
    given = np.zeros(sectors, np.bool_)
    for one in recording.tensors:
        if one.kind in GIVEN:
            given[_sectors(one, low)] = True
    published = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8")).get(network, {})
    rows = replay.result().to_dict("records")
    return Row(
        network=network, phase=phase,
        parameters=recording.parameters, parameters_published=published.get("parameters"),
        macs=recording.macs, macs_published=published.get("macs", 0) * batch or None,
        tensor_bytes=int(expected.sum()) * SECTOR_BYTES, touched_bytes=int(touched.sum()) * SECTOR_BYTES,
        outside_sectors=int((touched & ~expected).sum()), accesses=replay.accesses, compulsory_sectors=compulsory,
        given_sectors=int((given & touched).sum()),
        fetched_endless=rows[0]["read_misses"], fetched_3mib=rows[1]["read_misses"],
        fetched_1mib=rows[2]["read_misses"],
    )  # fmt: skip


def _sectors(of: Tensor, low: int) -> slice:
    return slice((of.address - low) // SECTOR_BYTES, (of.address + of.bytes - 1 - low) // SECTOR_BYTES + 1)


def columns_of(part: Intervals) -> tuple[np.ndarray, ...]:
    return part.base, part.stride, part.rows, part.width, part.write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK", help="all when none is given")
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--gpu", default="gtx1080ti")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    names = chosen.networks or sorted(entry.name for entry in entry_points(group=GROUP))
    rows = []
    for name in names:
        for phase in ("inference", "training"):
            try:
                rows.append(asdict(measure(name, phase, chosen.batch, chosen.gpu)))
            except InputError as error:  # decoding is only inference
                print(f"{name} {phase}: left out: {error}", file=sys.stderr)
            else:
                print(f"{name} {phase}: done", file=sys.stderr)
    if chosen.json:
        print(json.dumps(rows, indent=2))
        return
    view([{key: row[key] for key in SIZES} for row in rows if row["phase"] == "inference"])
    view([{key: value for key, value in row.items() if key not in SIZES[1:]} for row in rows])


if __name__ == "__main__":
    main()
