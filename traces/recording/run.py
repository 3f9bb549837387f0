"""One steady-state run of a module, inference or a training step, recorded operator by operator."""

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator
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
from traces.recording.precision import casting, pack, precision
from traces.recording.recorder import Each, Recorder
from traces.trace import Tensor

PHASES = ("inference", "training")
MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Loss = Callable[[Any], torch.Tensor]

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


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the default optimiser: SGD with momentum 0.9, in the form GPUs run, all parameters a call."""
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, foreach=True)


def classification_loss(memory: Memory) -> Loss:
    """Return the loss for scores of classes: cross entropy of a 2-D floating output against integer targets.

    Of any other output it is the sum of all its floating tensors. The targets are made once, as another input.
    """
    held: dict[int, torch.Tensor] = {}

    def loss(output: Any) -> torch.Tensor:
        if isinstance(output, torch.Tensor) and output.ndim == 2 and output.is_floating_point():
            count = output.shape[0]
            if count not in held:
                held[count] = torch.empty(count, dtype=torch.int64, device=output.device)
                memory.rename(held[count], "targets", "input")
            return nn.functional.cross_entropy(output, held[count])
        parts = [one.sum() for one in tree_leaves(output) if isinstance(one, torch.Tensor) and one.is_floating_point()]
        if not parts:
            raise InputError("output: holds no floating tensor to train on; give a loss")
        return torch.stack(parts).sum() if len(parts) > 1 else parts[0]

    return loss


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
    with _own_code(module, "copying"):
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
    with faker.mode, recorder, composition, _as_on_device():
        if phase == "inference":
            _infer(recorder, fake, fake_inputs, held.autocast, steps)
        else:
            make_loss = loss or classification_loss(memory)
            _train(recorder, fake, fake_inputs, optimizer or sgd, make_loss, held.autocast, steps)
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


def _turns(steps: int) -> list[bool]:
    """Return for each step to run whether it is recorded: the last, after one or more that warm the allocator."""
    return [False] * max(1, steps - 1) + [True]


def _infer(
    recorder: Recorder, module: nn.Module, inputs: tuple[Any, ...], autocast: torch.dtype | None, steps: int
) -> None:
    for recording in _turns(steps):
        recorder.recording = recording
        recorder.layers.forget()
        with torch.no_grad(), casting(autocast), _own_code(module, "the forward pass"):
            output = module(*inputs)
        recorder.kept = recorder.memory.living()
        del output  # before the next run, as a program that is done with it


def _train(
    recorder: Recorder, module: nn.Module, inputs: tuple[Any, ...], make_optimizer: MakeOptimizer, loss: Loss,
    autocast: torch.dtype | None, steps: int,
) -> None:  # fmt: skip
    trainable = [one for one in module.parameters() if one.requires_grad]
    if not trainable:
        raise InputError(f"{type(module).__name__}: has no trainable parameters; its phase can only be inference")
    with _own_code(module, "making the optimiser"):
        optimizer = make_optimizer(trainable)
    for recording in _turns(steps):
        recorder.recording = recording
        recorder.phase = "forward"
        recorder.layers.forget()
        optimizer.zero_grad(set_to_none=True)
        _step(recorder, module, inputs, optimizer, loss, autocast)
    for name, parameter in module.named_parameters():
        if parameter.grad is not None:
            recorder.memory.rename(parameter.grad, f"{name}.grad", "gradient")
        for key, value in optimizer.state.get(parameter, {}).items():
            if isinstance(value, torch.Tensor):
                recorder.memory.rename(value, f"{name}.{key}", "optimizer")


def _step(
    recorder: Recorder, module: nn.Module, inputs: tuple[Any, ...], optimizer: torch.optim.Optimizer, loss: Loss,
    autocast: torch.dtype | None,
) -> None:  # fmt: skip
    with casting(autocast):
        with _own_code(module, "the forward pass"):
            output = module(*inputs)
        with _own_code(module, "the loss"):
            recorder.layers.stack.append("loss")
            value = loss(output)
            recorder.layers.stack.pop()  # and not forgotten: the backward pass begins in it
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        raise InputError("loss: not a scalar that depends on a trainable parameter; give a loss that is, or inference")
    recorder.phase = "backward"
    with _own_code(module, "the backward pass"):
        torch.autograd.backward(value)
    recorder.phase = "optimizer"
    recorder.layers.forget()
    with _own_code(module, "the optimiser's step"):
        optimizer.step()
    recorder.kept = recorder.memory.living()


@contextlib.contextmanager
def _own_code(module: nn.Module, what: str) -> Iterator[None]:
    """Turn an exception of the user's own code into one line."""
    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0][:300]
        raise InputError(f"{type(module).__name__}: {what} raised {type(error).__name__}: {reason}") from error


@contextlib.contextmanager
def _as_on_device() -> Iterator[None]:
    """No oneDNN kernels, which a GPU has not; no garbage collection, so that frees come when references end."""
    onednn, collecting = torch._C._get_mkldnn_enabled(), gc.isenabled()
    gc.collect()
    torch._C._set_mkldnn_enabled(False)
    gc.disable()
    try:
        with torch.enable_grad():
            yield
    finally:
        torch._C._set_mkldnn_enabled(onednn)
        if collecting:
            gc.enable()
