"""One steady-state run of a module, inference or a training step, recorded operator by operator."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from traces.errors import InputError
from traces.macs import operation_macs
from traces.operation import Operation
from traces.recording.checkpoint import add_checkpoints
from traces.recording.device import DeviceComposition
from traces.recording.fake import Faker
from traces.recording.layers import Layers
from traces.recording.memory import Memory
from traces.recording.precision import pack, precision
from traces.recording.recorder import Each, Recorder
from traces.recording.steps import Loss, MakeOptimizer, as_on_device, classification_loss, infer, own_code, sgd, train
from traces.trace import Tensor

PHASES = ("inference", "training")

INFERENCE_NOTE = "Inference is recorded in evaluation mode, without gradients, after a run that warmed the allocator."
TRAINING_NOTE = (
    "A training step is recorded in its steady state: a step before it has warmed the allocator and made the "
    "optimiser's state; gradients are freed when the step begins, then written, not added to, by the backward pass."
)
OPERATORS_NOTE = (
    "Operators are those torch calls on a CPU without oneDNN; dropout and attention are the fused ones of CUDA: flash "
    "attention in half precision without a mask, memory-efficient attention otherwise."
)
NOTES = [
    OPERATORS_NOTE,
    "Device addresses come from a model of PyTorch's CUDA caching allocator; storages are freed when torch frees them.",
]


@dataclass(frozen=True)
class Recording:
    """A run: its operations in order, the device memory they name, and what the module counts."""

    operations: list[Operation]
    tensors: list[Tensor]
    phase: str  # inference | training
    batch: int
    parameters: int  # scalars
    macs: int  # multiply-accumulates of the forward pass, whole batch
    peak_bytes: int  # device memory in use at most
    reserved_bytes: int  # device memory in the allocator's segments
    kept: frozenset[int]  # tensors that outlive the run: its results, and what a program keeps between runs
    notes: list[str]


def record(
    module: nn.Module,
    inputs: Any,
    phase: str = "training",
    *,
    optimizer: MakeOptimizer | None = None,
    loss: Loss | None = None,
    each: Each | None = None,
    dtype: str = "fp32",
    checkpoint: bool = False,
    steps: int = 1,
    mask_share: float = 0.5,
) -> Recording:
    """Record one run of `module(*inputs)`; neither the module nor the inputs are touched, and no memory is taken.

    Args:
        module: with real or meta parameters, on any device.
        inputs: a tensor or a tuple of tensors (nested as the module takes them), the batch first.
        phase: `inference`, or `training` for forward, loss, backward and one optimiser step.
        optimizer: from parameters to an optimiser; SGD with momentum when None.
        loss: from the module's output to a scalar; `classification_loss` when None.
        each: told of each operation at its place in the run, `each(operation, allocate)`; see `recorder.Each`.
        dtype: `fp32`; `tf32`; `bf16` and `fp16`, which store an inference's values so, and train under autocast; of an
            inference also `int8`, and `int4w` for linear layers' weights. See `precision.precision`.
        checkpoint: whether a training step keeps only its blocks' inputs and runs them again; see `checkpoint`.
        steps: how many to run; the last is recorded, and one before it always is run.
        mask_share: of a mask's elements that are taken to be true, where they decide a result's size.

    Raises:
        InputError: for values that cannot be used, for what is no module or no tensors, and where the module's own code
            raises.
    """
    if phase not in PHASES:
        raise InputError(f"phase {phase!r}: unknown; known are {', '.join(PHASES)}")
    if not isinstance(module, nn.Module):
        raise InputError(f"module {module!r}: not a torch.nn.Module but a {type(module).__name__}")
    inputs = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    sizes = [one.shape[0] for one in tree_leaves(inputs) if isinstance(one, torch.Tensor) and one.ndim]
    if not sizes:
        raise InputError("inputs: hold no tensor with a batch dimension; give a tensor or a tuple of tensors")
    if isinstance(steps, bool) or not isinstance(steps, int) or steps < 1:
        raise InputError(f"steps {steps!r}: not a number of steps; give a whole number from 1")
    if checkpoint and phase != "training":
        raise InputError("checkpoint: nothing is kept for a backward pass in inference; give the phase training")
    held = precision(dtype, phase == "training")
    with own_code(module, "copying"):
        faker = Faker(held.stored)
        fake = faker.module(module).train(phase == "training")
        fake_inputs = tuple(faker.tensors(inputs))
    notes = [INFERENCE_NOTE if phase == "inference" else TRAINING_NOTE, *NOTES, *([held.note] if held.note else [])]
    if held.packs:
        with faker.mode:
            notes.append(pack(fake))
    memory, layers = Memory(held.bytes_as), Layers(fake)
    if checkpoint:
        notes.append(add_checkpoints(fake, layers))
    _place(memory, fake, fake_inputs)
    recorder = Recorder(memory, layers, each, held.products, mask_share)
    composition = DeviceComposition(float32=phase == "training" and held.autocast is not None)
    with faker.mode, recorder, composition, as_on_device():
        if phase == "inference":
            infer(recorder, fake, fake_inputs, held.autocast, steps)
        else:
            make_loss = loss or classification_loss(lambda targets: memory.rename(targets, "targets", "input"))
            trained = train(recorder, fake, fake_inputs, optimizer or sgd, make_loss, held.autocast, steps)
            _name(memory, fake, trained)
    if recorder.masks.used:
        notes.append(f"How many elements a mask names is not known without data: a share of {mask_share:g} is taken.")
    return Recording(
        operations=recorder.operations,
        tensors=memory.tensors(),
        phase=phase,
        batch=sizes[0],
        parameters=sum(one.numel() for one in module.parameters()),
        macs=sum(operation_macs(one) for one in recorder.operations if one.phase == "forward"),
        peak_bytes=memory.allocator.peak_bytes,
        reserved_bytes=memory.allocator.reserved_bytes,
        kept=recorder.kept,
        notes=notes,
    )


def _place(memory: Memory, module: nn.Module, inputs: Any) -> None:
    """Put parameters, buffers and inputs in memory in the order in which a program moves them to its GPU."""
    for prefix, part in module.named_modules():
        for kind, held in (("parameter", part._parameters), ("buffer", part._buffers)):
            for name, tensor in held.items():
                if tensor is not None:
                    memory.track(tensor, f"{prefix}.{name}".lstrip("."), kind)
    for position, tensor in enumerate(one for one in tree_leaves(inputs) if isinstance(one, torch.Tensor)):
        memory.track(tensor, f"input{position}", "input")


def _name(memory: Memory, module: nn.Module, optimizer: torch.optim.Optimizer) -> None:
    """Say which storages turned out to be gradients and the optimiser's state."""
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            memory.rename(parameter.grad, f"{name}.grad", "gradient")
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                memory.rename(value, f"{name}.{key}", "optimizer")
