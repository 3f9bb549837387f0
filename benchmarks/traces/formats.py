"""Megabytes and accesses a second of each trace reader and writer: `python benchmarks/traces/formats.py --json`.

All run on one core, so rates are of its time (`cpu_s`), which other work on the machine leaves alone; `time_s` is the
clock's.

The files are made here; a megabyte is 10**6 bytes of one, of a .tracez those of its text. Each reader reads a short
file first, to compile. With `--memory 4` a .traceg.xz of 4 GiB of text is read too, in a process of its own, and that
process's peak memory is told.
"""

import argparse
import json
import lzma
import os
import re
import resource
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.naive.tracez import tracez
from traces.formats import open_trace, save_trace
from traces.formats.source import zstd
from traces.trace import Trace

HEAD = """-kernel name = gemm
-kernel id = 1
-grid dim = (64,64,1)
-block dim = (256,1,1)
-shmem = 16384
-nregs = 64
-accelsim tracer version = 5
-enable lineinfo = 0

#traces format = PC mask dest_num [reg_dests] opcode src_num [reg_srcs] mem_width [mode] [mem_addresses] immediate

"""


def _accelsim(size: int, random: np.random.Generator) -> bytes:
    """Thread blocks of 8 warps: of four instructions three compute, one loads or stores, in each mode of addresses."""
    blocks, length, block = [HEAD.encode()], len(HEAD), 0
    while length < size:
        parts = [f"#BEGIN_TB\n\nthread block = {block},0,0\n"]
        for warp in range(8):
            body = []
            for i in range(100):
                body += [f"{48 * i:04x} ffffffff 1 R{j} FFMA 3 R{j} R8 R9 0 0" for j in range(3)]
                base = int(random.integers(1 << 40, (1 << 40) + (1 << 30))) & ~127
                if i % 4 == 0:
                    steps = " ".join(map(str, random.choice([16, 16, 16, 2000], 31)))
                    body.append(
                        f"{48 * i:04x} ffffffff 1 R24 LDG.E.128.CONSTANT.SYS 1 R44 16 2 0x{base:016x} {steps} 0"
                    )
                elif i % 4 == 1:
                    body.append(f"{48 * i:04x} ffffffff 0 STG.E.128.SYS 2 R8 R12 16 1 0x{base:016x} 16 0")
                else:
                    body.append(f"{48 * i:04x} ffffffff 1 R12 LDG.E.SYS 1 R2 4 1 0x{base:016x} 4 0")
            parts += [f"\nwarp = {warp}\ninsts = {len(body)}\n", "\n".join(body), "\n"]
        parts.append("\n#END_TB\n\n")
        blocks.append("".join(parts).encode())
        length += len(blocks[-1])
        block += 1
    return b"".join(blocks)


def _nvbit(size: int, random: np.random.Generator) -> bytes:
    lines, length = [], 0
    while length < size:
        base = int(random.integers(1 << 40, (1 << 40) + (1 << 30))) & ~127
        lanes = " ".join(f"0x{base + 4 * lane:016x}" for lane in range(32))
        lines.append(f"MEMTRACE: CTX 0x000055d0 - grid_launch_id 0 - CTA 1,2,0 - warp 3 - LDG.E - {lanes} \n")
        length += len(lines[-1])
    return "".join(lines).encode()


def _din(size: int, random: np.random.Generator) -> bytes:
    lines = [f"{kind} {address:x}\n" for kind, address in _accesses(size // 13, random)]
    return "".join(lines).encode()


def _lackey(size: int, random: np.random.Generator) -> bytes:
    lines = [f" {'LS'[kind]} {address:x},8\n" for kind, address in _accesses(size // 16, random)]
    return "".join(lines).encode()


def _accesses(count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    kinds, addresses = random.integers(0, 2, count), random.integers(1 << 40, (1 << 40) + (1 << 30), count)
    return list(zip(kinds.tolist(), addresses.tolist(), strict=True))


def _champsim(size: int, random: np.random.Generator) -> bytes:
    words = np.zeros((size // 64, 8), np.uint64)
    words[:, 2] = random.integers(1, 1 << 40, len(words))
    words[:, 4] = random.integers(1, 1 << 40, len(words))
    return words.tobytes()


def _oracle(size: int, random: np.random.Generator) -> bytes:
    ids = random.integers(0, 1 << 20, size // 24).tolist()
    return b"".join(struct.pack("<IQIq", 0, one, 4096, -1) for one in ids)


def _execution(size: int, random: np.random.Generator) -> bytes:
    nodes, length = [], 0
    while length < size:
        number = len(nodes) + 2
        values = [[int(one), int(one), 0, 4096, 4, "cuda:0"] for one in random.integers(1, 1000, 3)]
        sides = [
            {"values": some, "shapes": [[64, 64]], "types": ["Tensor(float)"] * len(some)}
            for some in (values[:2], values[2:])
        ]
        node = {"id": number, "name": "aten::mm", "ctrl_deps": 1, "inputs": sides[0], "outputs": sides[1], "attrs": []}
        nodes.append(json.dumps(node))
        length += len(nodes[-1])
    return f'{{"schema": "1.1.1-chakra.0.0.4", "nodes": [{",".join(nodes)}]}}'.encode()


def _kineto(size: int, random: np.random.Generator) -> bytes:
    events, length = [], 0
    while length < size:
        time_, side = 10 * len(events), int(random.integers(1, 64))
        args = {"Input Dims": [[side, side], [side, side]], "Input type": ["float", "float"], "External id": 1}
        event = {
            "ph": "X",
            "cat": "cpu_op",
            "name": "aten::mm",
            "pid": 1,
            "tid": 1,
            "ts": time_,
            "dur": 5,
            "args": args,
        }
        events.append(json.dumps(event))
        length += len(events[-1])
    return f'{{"schemaVersion": 1, "traceEvents": [{",".join(events)}]}}'.encode()


MAKE: dict[str, Callable[[int, np.random.Generator], bytes]] = {
    "accelsim": _accelsim, "tracez": _accelsim, "nvbit": _nvbit, "din": _din, "lackey": _lackey,
    "champsim": _champsim, "oracle": _oracle,
    "kineto": _kineto, "pytorch-et": _execution,
}  # fmt: skip


FORMAT = {"tracez": "accelsim"}  # where the name is not the format's


def drained(trace: Trace) -> int:
    """Run through a trace; return its intervals."""
    return sum(len(batch.base) for batch in trace.batches())


def timed(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """Return what `work` returns, the seconds it took and those of this process's time."""
    begin, before = time.perf_counter(), time.process_time()
    found = work()
    return found, time.perf_counter() - begin, time.process_time() - before


def row(what: str, length: float, count: int, seconds: float, cpu: float) -> dict[str, Any]:
    return {"what": what, "bytes": length, "accesses": count, "time_s": seconds, "cpu_s": cpu,
            "bytes_per_s": length / cpu, "accesses_per_s": count / cpu}  # fmt: skip


def reading(folder: Path, name: str, size: int) -> dict[str, Any]:
    """Time the reader of one format."""
    random = np.random.default_rng(1)
    path = folder / name

    def read(size: int) -> dict[str, Any]:
        data = MAKE[name](size, random)
        path.write_bytes(_packed(data) if name == "tracez" else data)
        count, seconds, cpu = timed(lambda: drained(open_trace(path, FORMAT.get(name, name))))
        return row(f"read {name}", len(data), count, seconds, cpu)

    read(1 << 12)
    return read(size)


def _packed(text: bytes) -> bytes:
    """Return a .tracez of that text, with a dictionary of 64 KiB made of every eighth instruction, as Accel-Sim's."""
    head, body = text[: len(HEAD)], text[len(HEAD) :]
    lines = [one for one in body[: 1 << 23].split(b"\n")[::8] if one]
    return tracez(head, body, zstd.train_dict(lines, 1 << 16).dict_content)


def writing(folder: Path, name: str) -> dict[str, Any]:
    """Time the writer of one format, on what was read as DineroIV."""
    trace, path = open_trace(folder / "din", "din"), folder / f"out_{name}"
    save_trace(open_trace(folder / "small", "din"), folder / f"small_{name}", name)
    _, seconds, cpu = timed(lambda: save_trace(trace, path, name))
    length = sum(one.stat().st_size for one in (path.iterdir() if path.is_dir() else [path]))
    return row(f"write {name}", length, drained(trace), seconds, cpu)


def memory(folder: Path, size: float, order: str) -> dict[str, Any]:
    """Read a long .traceg.xz, of the same blocks again and again, in a process that then tells its peak memory."""
    text = _accelsim(1 << 24, np.random.default_rng(1))
    blocks = text[len(HEAD) :]
    again = lzma.compress(blocks, preset=0)
    path = folder / "long.traceg.xz"
    with path.open("wb") as file:
        file.write(lzma.compress(HEAD.encode()))
        for _ in range(int(size * (1 << 30) / len(blocks)) + 1):
            file.write(again)  # xz streams one after another are one file
    command = [sys.executable, __file__, "--drain", str(path), "--order", order]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    told = json.loads(done.stdout)
    what = f"read {size:g} GiB of .traceg.xz, {order}"
    return row(what, size * (1 << 30), told["accesses"], told["time_s"], told["cpu_s"]) | told


def drain(path: Path, order: str) -> dict[str, float]:
    """Read one file; return what it took."""
    count, seconds, cpu = timed(lambda: drained(open_trace(path, order=order)))
    return {"accesses": count, "time_s": seconds, "cpu_s": cpu, "peak_bytes": peak()}


def peak() -> int:
    """Return this process's peak of memory; Linux's ru_maxrss would count the process that started it too."""
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s*(\d+) kB", status.read_text()) if status.exists() else None
    return 1024 * (int(found[1]) if found else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def main() -> None:
    """Print a row a reader and writer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size", type=float, default=32, metavar="MB", help="megabytes of each file")
    parser.add_argument("--memory", type=float, metavar="GiB", help="read this much text of .traceg.xz too")
    parser.add_argument("--order", choices=["waves", "listed"], default="waves")
    parser.add_argument("--drain", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--json", action="store_true")
    chosen = parser.parse_args()
    if chosen.drain:
        print(json.dumps(drain(chosen.drain, chosen.order)))
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [reading(folder, one, int(chosen.size * 1e6)) for one in MAKE]
        (folder / "small").write_text("0 100\n")
        rows += [writing(folder, one) for one in ("din", "oracle", "accelsim")]
        if chosen.memory:
            rows.append(memory(folder, chosen.memory, chosen.order))
    if chosen.json:
        print(json.dumps({"size_bytes": chosen.size * 1e6, "cpus": os.cpu_count(), "formats": rows}, indent=2))
        return
    for one in rows:
        most = f"{one['peak_bytes'] / 2**20:8.0f} MiB at most" if "peak_bytes" in one else ""
        speed = f"{one['bytes_per_s'] / 1e6:8.0f} MB/s{one['accesses_per_s'] / 1e6:8.2f} M accesses/s"
        print(f"{one['what']:36}{speed}{most}")


if __name__ == "__main__":
    main()
