"""What a network of some widths costs: counted, or by the tool's own models."""

import copy
import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Literal, get_args

import numpy as np
import torch
from torch import nn

from circuits.errors import InputError
from workloads.channels import Channels
from workloads.joslim.space import WidthSpace

Axis = Literal["macs", "parameters", "traffic", "energy", "dram", "latency"]
ITEM_BYTES = 4  # float32
NODE, CELL, GPU, DRAM = "16nm", "sram", "gtx1080ti", "gddr5x"
CHARGES = ("read_latency_s", "write_latency_s", "read_energy_J", "write_energy_J", "leakage_W")  # of a design
QUICK = ("macs", "parameters", "traffic")
Of = Callable[[Mapping[str, int]], float]


class Cost:
    """A cost of one example's inference, remembered for widths that were asked before.

    Args:
        axis: what is counted.
        of: the cost of widths.
        space: the widths there are.
        quick: whether it is asked in a moment, as closed forms are; a search then asks it instead of its own model.

    Attributes:
        full: of the full network.
    """

    def __init__(self, axis: Axis, of: Of, space: WidthSpace, quick: bool) -> None:
        self.axis, self.space, self.quick = axis, space, quick
        self._of, self._known = of, {}
        self.full = self(space.most)

    def __call__(self, row: np.ndarray) -> float:
        """Return the cost of a row of widths, in the axis' unit."""
        key = tuple(row.tolist())
        if key not in self._known:
            self._known[key] = float(self._of(self.space.widths(row)))
        return self._known[key]

    def share(self, row: np.ndarray) -> float:
        """Return the cost of a row as a share of the full network's."""
        return self(row) / self.full


def make_cost(
    axis: str, module: nn.Module, channels: Channels, space: WidthSpace, inputs: Sequence[torch.Tensor], *,
    cache_bytes: int = 32 << 10, device: str = "",
) -> Cost:  # fmt: skip
    """Return a cost.

    `macs` and `parameters` are counted; `traffic` is the bytes of weights, and of what layers with weights read and
    write, each once; `dram` and `energy` are those of a replay of the network's stream through a cache, kernel by
    kernel; `latency` is what a device's predictor says.

    Args:
        axis: one of these.
        module: the full network.
        channels: of it.
        space: the widths there are.
        inputs: an example of its inputs.
        cache_bytes: of the cache, for `dram` and `energy`.
        device: whose predictor of layers is asked for `latency`: a name, or a file.

    Raises:
        InputError: for another axis, and a cache or device that cannot be had.
    """
    if axis not in get_args(Axis):
        raise InputError(f"cost {axis!r}: give one of {', '.join(get_args(Axis))}")
    single = tuple(torch.empty(1, *one.shape[1:], dtype=one.dtype, device="meta") for one in inputs)
    shapes = copy.deepcopy(module).to("meta").eval()
    of: Of
    if axis == "macs":
        of = channels.macs
    elif axis == "parameters":
        of = partial(channels.parameters, shapes)
    elif axis == "traffic":
        of = _traffic(shapes, channels, single)
    elif axis == "latency":
        of = _latency(shapes, channels, single, device)
    else:
        of = _replayed(axis, shapes, channels, single, cache_bytes)
    return Cost(axis, of, space, quick=axis in QUICK)  # type: ignore[arg-type]


def _traffic(shapes: nn.Module, channels: Channels, inputs: Sequence[torch.Tensor]) -> Of:
    read: dict[str, int] = {}
    modules = dict(shapes.named_modules())

    def note(name: str) -> Callable[..., None]:
        def hook(_: nn.Module, given: tuple[torch.Tensor, ...]) -> None:
            read[name] = given[0].numel()

        return hook

    names = [layer.name for layer in channels.layers if layer.name in modules]
    hooks = [modules[name].register_forward_pre_hook(note(name)) for name in names]
    with torch.no_grad():
        shapes(*inputs)
    for hook in hooks:
        hook.remove()

    def of(widths: Mapping[str, int]) -> float:
        kept = channels.check(widths)
        total = 0
        for layer in channels.layers:
            whole = channels.length(layer.inputs, {})
            given, made = channels.length(layer.inputs, kept), channels.length(layer.outputs, kept)
            seen = read.get(layer.name, whole * layer.positions) // whole  # pixels of the map that it reads
            weights = (1 if layer.depthwise else given // layer.groups) * made * layer.window
            total += given * seen + made * layer.positions + weights
        return float(ITEM_BYTES * total)

    return of


def _replayed(
    axis: str, shapes: nn.Module, channels: Channels, inputs: tuple[torch.Tensor, ...],
    cache_bytes: int,
) -> Of:  # fmt: skip
    """Return what a replay of the whole network, from an empty cache, comes to."""
    import pandas as pd

    from circuits import design_cache
    from hwmodel.cache import CacheConfig, replay_trace
    from hwmodel.gpu.accounting import account
    from hwmodel.gpu.dram import load_dram
    from hwmodel.studies.objectives import traffic_of
    from traces import capture
    from traces.gpus import load_gpu

    config, dram, sector_bytes = CacheConfig(cache_bytes), load_dram(DRAM), load_gpu(GPU).sector_bytes
    design = design_cache(cell=CELL, node=NODE, capacity=cache_bytes) if axis == "energy" else None

    def of(widths: Mapping[str, int]) -> float:
        with _settled():
            trace = capture(channels.resized(shapes, widths), inputs, "inference", gpu=GPU)
        traffic = traffic_of(replay_trace(trace, config).iloc[0])
        if design is None:
            return float((traffic["dram_reads"] + traffic["dram_writes"]) * sector_bytes)
        charges = {name: getattr(design, name) for name in CHARGES}
        return float(account(pd.DataFrame([traffic | charges]), dram, sector_bytes)["energy_J"].iloc[0])

    return of


@contextmanager
def _settled() -> Iterator[None]:
    """Leave what is there out of garbage collections: a capture begins with one, which takes most of its time."""
    if gc.get_freeze_count():  # the caller did so already
        yield
        return
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _latency(shapes: nn.Module, channels: Channels, inputs: Sequence[torch.Tensor], device: str) -> Of:
    from hwmodel.latency.graph.from_torch import from_torch
    from hwmodel.latency.query.predictor import known_devices, load

    if not device:
        raise InputError(f"cost latency: of which device? give one of {', '.join(known_devices())}, or a file")
    predictor = load(device)
    if predictor.kind != "layers":
        raise InputError(f"device {device}: knows networks of one space; give one that knows layers")

    def of(widths: Mapping[str, int]) -> float:
        graph = from_torch(channels.resized(shapes, widths), inputs)
        return float(predictor.predict([graph]).mean[0])

    return of
