"""Compiling kernels ahead of time: each part of the package is called once with a little of what it takes.

numba compiles a kernel for the kinds of its arguments. What calls it in earnest knows these best, so that is what runs
here, rather than lists of types beside it that would have to follow every change.
"""

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from circuits.errors import InputError
from hwmodel.console import Advance
from hwmodel.studies.workers import run_all

if TYPE_CHECKING:
    from traces.trace import Trace

_KERNELS = 600  # more than hwmodel.cache.attribution has room for at first
_LINES = 5000  # likewise of hwmodel.cache.stack
# Lines of formats that others write and we only read; what we write ourselves is written and read.
_TEXTS = {
    "a.lackey": b"I  04000000,3\n L 1ffeffe7e0,8\n S 1ffeffe7e8,8\n M 1ffeffe7f0,4\n",
    "a.memtrace": b"MEMTRACE: CTX 0x1 - grid_launch_id 0 - CTA 0,0,0 - warp 0 - LDG.E - " + b"0x10000000 " * 32 + b"\n",
}


def _trace() -> "Trace":
    """Return a trace of rows side by side, apart, and across lines, and of more kernels than tables have room for."""
    import numpy as np

    from traces.stream import COLUMNS, Intervals
    from traces.trace import Header, Kernel, Tensor, Trace

    rows = [(0, 0, 1, 1 << 16, True, 0, 0), (1 << 16, 256, 64, 64, False, 1, 1), (1 << 16, 200, 64, 96, False, 1, 1)]
    rows += [(number << 7, 0, 1, 32, False, number, number) for number in range(2, _KERNELS)]
    batch = Intervals(*(np.array(c, kind) for c, kind in zip(zip(*rows, strict=True), COLUMNS.values(), strict=True)))
    kernels = [Kernel(str(number), "", "", "forward", 1, 0) for number in range(_KERNELS)]
    tensors = [Tensor(str(number), "activation", 0, 1 << 17) for number in range(_KERNELS)]
    return Trace(Header("kernels", "inference", 1, "gtx1080ti"), tensors, kernels, lambda: iter((batch,)))


def _replay() -> None:
    import numpy as np

    from hwmodel.cache import CacheConfig, Replay, crew, replay, replay_trace
    from traces import read_trace, write_trace
    from traces.stream import COLUMNS, Intervals

    configs = [CacheConfig("64KiB"), CacheConfig("64KiB", 64, policy="srrip")]
    replay([0, 32, 64], [False, True, False], configs)
    many = crew.LEAST  # one line after another
    replay(np.arange(many) * 128, np.zeros(many, np.bool_), configs, threads=2)
    kinds = {"base": np.arange(many) * 128, "rows": 1, "width": 32}
    lines = Intervals(*(np.full(many, kinds.get(name, 0), kind) for name, kind in COLUMNS.items()))
    Replay(configs, threads=2).feed(lines)
    with tempfile.TemporaryDirectory() as folder:
        write_trace(_trace(), Path(folder) / "a.trace")
        replay_trace(read_trace(Path(folder) / "a.trace"), configs, by=("kernel", "tensor"))


def _hierarchy() -> None:
    import numpy as np

    from hwmodel.cache import CacheConfig
    from hwmodel.cache.hierarchy import Hierarchy, HierarchyReplay, Level, replay_hierarchy

    machine = Hierarchy([Level(CacheConfig("8KiB", 4), 2), Level(CacheConfig("64KiB"))])
    replay_hierarchy([0, 32, 64], [False, True, False], machine, [0, 1, 0])
    run = HierarchyReplay(machine)
    for batch in _trace().batches():
        run.feed(batch, np.zeros(len(batch.base), np.int64))


def _reuse() -> None:
    from hwmodel.cache.reuse import Reuse, feed_trace
    from hwmodel.cache.set_reuse import SetReuse

    for run in (Reuse(128, 32), SetReuse(8)):
        feed_trace(_trace(), run)
        run.feed_addresses(range(0, 128 * _LINES, 128), [False] * _LINES)
        run.result()


def _timing() -> None:
    from hwmodel.cache import CacheConfig
    from hwmodel.cache.banked import BankedCache
    from hwmodel.cache.timing import time_accesses, time_trace

    cache = CacheConfig("64KiB", sector=32), BankedCache(4, 4e-9, 9e-9, 16)
    time_trace(_trace(), *cache)
    time_accesses([0, 32, 64], [False, True, False], *cache, not_before_s=[0.0, 1e-9, 2e-9])


def _formats() -> None:
    from traces import open_trace, save_trace
    from traces.formats.elements import elements

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, kind in (("a.din", "din"), ("a.oracleGeneral", "oracle"), ("accelsim", "accelsim")):
            save_trace(_trace(), folder / file, kind)
        for file, text in _TEXTS.items():
            (folder / file).write_bytes(text)
        (folder / "a.json").write_text("[{}]")
        list(elements(folder / "a.json"))
        lists = [folder / "accelsim" / "kernelslist.g"]
        for path in [folder / "a.din", folder / "a.oracleGeneral", *lists, *(folder / file for file in _TEXTS)]:
            for _ in open_trace(path).batches():
                pass


def _capture() -> None:
    import torch
    from torch import nn

    from traces import capture, write_trace
    from traces.lowering.options import parse_options

    layers = [nn.Conv2d(8, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten()]
    module = nn.Sequential(*layers, nn.Linear(128, 8), nn.Softmax(1))
    with tempfile.TemporaryDirectory() as folder:
        for option in ((), ("l1=lru",)):
            trace = capture(module, torch.empty(2, 8, 8, 8), options=parse_options(option))
            write_trace(trace, Path(folder) / "a.trace")


def _latency() -> None:
    import numpy as np

    from hwmodel.latency.query.form import Form
    from hwmodel.latency.query.lookup import Lookup
    from hwmodel.latency.spaces import load_space

    space = load_space("nasbench201")
    table, pair = np.zeros((6, 5)), np.zeros((1, 5, 5))
    codes, levels = np.zeros((1, 6), np.int8), ((0.9, 1.0, 1.0),)
    for link in ("log", "identity"):
        for pairs in ({}, {"pairs": np.array([[0, 1]]), "pair": pair}):
            found = Lookup(Form(space, "none", "latency_s", link, table, quantiles=levels, **pairs), tabulate=False)
            found.mean(codes)
            found.interval(codes, 0.9)


def _balance() -> None:
    from hwmodel.balance.model.job import Job, Time
    from hwmodel.balance.model.predict import predict
    from hwmodel.balance.model.settings import Setting

    predict(Job("job", {"actor_s": Time(1e-3)}), [Setting(2, 1)])


@dataclass(frozen=True)
class Part:
    """A part of the package, as a job of hwmodel.studies.workers."""

    name: str
    weight: float  # CPU seconds that its kernels took to compile on one machine
    call: Callable[[], None]

    def __call__(self, report: Callable[[float], None]) -> tuple[int, int]:  # noqa: ARG002  (it is one step)
        """Return how many kernels were compiled and loaded."""
        from traces.compiled import counted

        before = counted()
        self.call()
        loaded, made = (now - then for now, then in zip(counted(), before, strict=True))
        return made, loaded


PARTS = {
    part.name: part
    for part in (
        Part("replay", 16, _replay), Part("hierarchy", 8, _hierarchy), Part("reuse", 3, _reuse),
        Part("timing", 3, _timing), Part("formats", 11, _formats), Part("capture", 15, _capture),
        Part("latency", 4, _latency), Part("balance", 6, _balance),
    )
}  # fmt: skip


def _unseen(*_: object, **__: object) -> None:
    pass


def _folder() -> str:
    """Return the folder where this user's kernels are kept, or above those beside their sources."""
    from traces import survey

    kernel: Any = survey.sums
    place = Path(kernel.stats.cache_path)
    return str(place.parents[1] if place.name == "__pycache__" else place.parent)


def compile_kernels(
    parts: Sequence[str] = tuple(PARTS), workers: int = 1, advance: Advance = _unseen
) -> dict[str, Any]:
    """Compile what is not kept on disk yet; return how many kernels were compiled and loaded, how long, and where.

    Args:
        parts: names of PARTS; all as it comes. A kernel of several parts counts in each that needs it.
        workers: processes at work.
        advance: told how far the work has got.

    Raises:
        InputError: for a part that is not known, and when a worker was killed.
    """
    for part in parts:
        if part not in PARTS:
            raise InputError(f"part {part!r}: unknown; give some of {', '.join(PARTS)}")
    begin = time.perf_counter()
    found = run_all([PARTS[part] for part in parts], workers, advance)
    return {
        "compiled": sum(made for made, _ in found), "loaded": sum(loaded for _, loaded in found),
        "time_s": time.perf_counter() - begin, "folder": _folder(),
    }  # fmt: skip
