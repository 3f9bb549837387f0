"""From a recorded run to a trace: each operation lowered to kernels, their sectors made when the trace is read."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from torch import nn

from traces.errors import InputError
from traces.operation import Operation, View
from traces.recording import record
from traces.recording.steps import Loss, MakeOptimizer
from traces.stream import Intervals
from traces.trace import Header, Trace, made_by

if TYPE_CHECKING:
    from traces.gpus import Gpu
    from traces.lowering import Allocate, Launch, Options

BATCH = 1 << 18  # intervals: small launches are joined up to it, so that readers work on long arrays

Unknown = Literal["error", "skip"]


def capture(
    module: nn.Module,
    inputs: Any,
    phase: str = "training",
    *,
    gpu: "str | Gpu" = "gtx1080ti",
    network: str = "",
    optimizer: MakeOptimizer | None = None,
    loss: Loss | None = None,
    unknown: Unknown = "error",
    options: "Options | None" = None,
    dtype: str = "fp32",
    checkpoint: bool = False,
    steps: int = 1,
) -> Trace:
    """Return the trace of one run of `module(*inputs)` on a GPU, made without one and without the tensors' memory.

    Args:
        module: a torch module, with real or meta parameters; it is not touched. Where it has `weight_bits`, a mapping
            from parameters' names to 1 to 8 bits, an inference reads those weights packed; see `traces.packed`.
        inputs: a tensor or a tuple of tensors, batch first.
        phase: `inference`, or `training` for forward, loss, backward and one optimiser step.
        gpu: name of a machine description, or the description.
        network: the name that the trace will carry.
        optimizer: from parameters to an optimiser; SGD with momentum when None.
        loss: from the module's output to a scalar; cross entropy against integer targets when None.
        unknown: `skip` leaves out operators that have no lowering, and notes it; `error` stops at them.
        options: what may be chosen about the lowering, such as the order of tiles; the defaults when None.
        dtype: `fp32`, `tf32`, `bf16`, `fp16`, `int8` or `int4w`; see `record`.
        checkpoint: whether a training step runs its blocks again instead of keeping what they compute.
        steps: how often the stream goes through the run, at the addresses of the last, as a CUDA graph replays it.

    Raises:
        InputError: for values that cannot be used, and for operators without a lowering.
    """
    from traces.gpus import load_gpu
    from traces.lowering import ASSUMPTIONS, Options

    machine = load_gpu(gpu) if isinstance(gpu, str) else gpu
    options = options or Options()
    lowered = Lowered(machine, options)
    recording = record(module, inputs, phase, optimizer=optimizer, loss=loss, each=lowered.add, dtype=dtype,
                       checkpoint=checkpoint, steps=steps, mask_share=options.mask_share)  # fmt: skip
    name = network or type(module).__name__
    fused, launched = lowered.launches(recording.kept)
    notes = [*recording.notes, *ASSUMPTIONS, *options.notes(), *fused, *lowered.notes(name, unknown)]
    if dtype == "tf32" and not machine.tf32_tiles:
        notes.append(f"{machine.title} has no TF32: its products are those of float32.")
    if steps > 1:
        notes.append(f"The run comes {steps} times, always at the addresses of the last, as a CUDA graph replays it.")
    header = Header(
        network=name, phase=phase, batch=recording.batch, gpu=machine.name, sector_bytes=machine.sector_bytes,
        parameters=recording.parameters, macs=recording.macs, made_by=made_by(), notes=notes, dtype=dtype, steps=steps,
    )  # fmt: skip
    launches = launched * steps
    trace = Trace(header, recording.tensors, [one.kernel for one in launches], lambda: stream(launches))
    if bits := getattr(module, "weight_bits", None):
        from traces.packed import packed

        return packed(trace, bits, {name: tuple(value.shape) for name, value in module.named_parameters()})
    return trace


class Lowered:
    """The launches of a run, planned operation by operation while it is recorded, and the operators that have none."""

    def __init__(self, gpu: "Gpu", options: "Options | None" = None) -> None:
        self.gpu = gpu
        self.options = options
        self.plans: list[tuple[Operation, list[Launch]]] = []
        self.missing: dict[str, tuple[int, int]] = {}  # operator -> calls, bytes
        self.operations = 0

    def add(self, operation: Operation, allocate: "Allocate") -> None:
        from traces.lowering import UnknownOperator, plan

        self.operations += 1
        try:
            planned = plan(operation, self.gpu, allocate, self.options)
            planned = [replace(one, kernel=replace(one.kernel, operation=self.operations)) for one in planned]
            self.plans.append((operation, planned))
        except UnknownOperator:
            self.plans.append((operation, []))
            calls, size = self.missing.get(operation.operator, (0, 0))
            self.missing[operation.operator] = (calls + 1, size + operation_bytes(operation))

    def launches(self, kept: Iterable[int]) -> "tuple[list[str], list[Launch]]":
        """Return what was fused, as sentences, and the launches in order; `kept` are tensors that outlive the run."""
        from traces.lowering.fusion import Fusion
        from traces.lowering.interpolation import reading, unstored, without

        maps, stored = unstored(self.plans, kept)
        plans = without(self.plans, maps) if maps else self.plans
        notes = []
        if self.options is None or self.options.fusion == "none":
            made = [launch for _, launches in plans for launch in launches]
        else:
            fusion = Fusion(self.options.fusion == "epilogue")
            made = fusion.of(plans, kept)
            note = f"{fusion.launches} kernels are fused to {fusion.kernels}; {fusion.unstored_bytes} bytes of what "
            notes = [f"{note}they compute are not stored."]
        if maps or stored:
            size = sum(one.full.numel * one.full.itemsize for one in maps.values())
            note = f"{len(maps)} interpolated maps, {size} bytes, are not stored: their readers interpolate"
            notes.append(f"{note}; {stored} are, as something changes or keeps them." if stored else f"{note}.")
        return notes, [reading(launch, maps) for launch in made] if maps else made

    def notes(self, network: str, unknown: Unknown) -> list[str]:
        """Return what was left out, as a sentence.

        Raises:
            InputError: where it may not be, naming each operator without a lowering, its calls and its tensors' bytes.
        """
        if not self.missing:
            return []
        found = sorted(self.missing.items())
        listed = ", ".join(f"{name} ({calls} calls, {size} bytes)" for name, (calls, size) in found)
        if unknown == "error":
            raise InputError(f"{network}: no lowering for {listed}; --skip-unknown (unknown='skip') leaves them out")
        return [f"Left out, for want of a lowering: {listed}."]


def operation_bytes(operation: Operation) -> int:
    """Return the bytes of the tensors an operation reads and writes, each argument and output counted."""

    def size(value: Any) -> int:
        if isinstance(value, View):
            return value.numel * value.itemsize
        return sum(map(size, value)) if isinstance(value, (list, tuple)) else 0

    return size(operation.arguments) + size(list(operation.options.values())) + size(operation.outputs)


def stream(launches: "list[Launch]") -> Iterator[Intervals]:
    """Yield what the launches emit, in order: short batches joined, long ones as they come."""
    held: list[Intervals] = []
    count = 0
    for index, launch in enumerate(launches):
        for batch in launch.emit(index):
            length = len(batch.base)
            if held and count + length > BATCH:
                yield _joined(held)
                held, count = [], 0
            if length:
                held.append(batch)
                count += length
    if held:
        yield _joined(held)


def _joined(batches: list[Intervals]) -> Intervals:
    if len(batches) == 1:
        return batches[0]
    return Intervals(*(np.concatenate(columns) for columns in zip(*batches, strict=True)))
