"""Runs of a module, inference or training steps, of which the last is watched: here recorded, on a GPU profiled."""

import contextlib
import gc
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

import torch
from torch import nn
from torch.utils._pytree import tree_leaves

from traces.errors import InputError
from traces.recording.layers import Layers
from traces.recording.precision import casting

MakeOptimizer = Callable[[Iterable[nn.Parameter]], torch.optim.Optimizer]
Loss = Callable[[Any], torch.Tensor]


class Watch(Protocol):
    """A dispatch mode that sees every operator: which phase it is of, and whether it is to be kept."""

    layers: Layers
    phase: str  # forward | backward | optimizer
    recording: bool

    def finished(self) -> None:
        """A run has ended; what it leaves to the program still lives."""


def sgd(parameters: Iterable[nn.Parameter]) -> torch.optim.Optimizer:
    """Return the default optimiser: SGD with momentum 0.9, in the form GPUs run, all parameters a call."""
    return torch.optim.SGD(parameters, lr=0.01, momentum=0.9, foreach=True)


def classification_loss(made: Callable[[torch.Tensor], None]) -> Loss:
    """Return the loss for scores of classes: cross entropy of a 2-D floating output against integer targets.

    Of any other output it is the sum of all its floating tensors. The targets are made once, as another input: all of
    the first class.

    Args:
        made: told of the targets when they are made.
    """
    held: dict[int, torch.Tensor] = {}

    def loss(output: Any) -> torch.Tensor:
        if isinstance(output, torch.Tensor) and output.ndim == 2 and output.is_floating_point():
            count = output.shape[0]
            if count not in held:
                held[count] = torch.zeros(count, dtype=torch.int64, device=output.device)
                made(held[count])
            return nn.functional.cross_entropy(output, held[count])
        parts = [one.sum() for one in tree_leaves(output) if isinstance(one, torch.Tensor) and one.is_floating_point()]
        if not parts:
            raise InputError("output: holds no floating tensor to train on; give a loss")
        return torch.stack(parts).sum() if len(parts) > 1 else parts[0]

    return loss


def turns(steps: int) -> list[bool]:
    """Return for each step to run whether it is watched: the last, after one or more that warm the allocator."""
    return [False] * max(1, steps - 1) + [True]


def infer(
    watch: Watch, module: nn.Module, inputs: tuple[Any, ...], autocast: torch.dtype | None, steps: int,
    device: str = "cpu",
) -> None:  # fmt: skip
    """Run a module forward `steps` times, and once before."""
    for recording in turns(steps):
        watch.recording = recording
        watch.layers.forget()
        with torch.no_grad(), casting(autocast, device), own_code(module, "the forward pass"):
            output = module(*inputs)
        watch.finished()
        del output  # before the next run, as a program that is done with it


def train(
    watch: Watch, module: nn.Module, inputs: tuple[Any, ...], make_optimizer: MakeOptimizer, loss: Loss,
    autocast: torch.dtype | None, steps: int, device: str = "cpu",
) -> torch.optim.Optimizer:  # fmt: skip
    """Train a module for `steps` steps, and one before; return its optimiser.

    Raises:
        InputError: where nothing can be trained.
    """
    trainable = [one for one in module.parameters() if one.requires_grad]
    if not trainable:
        raise InputError(f"{type(module).__name__}: has no trainable parameters; its phase can only be inference")
    with own_code(module, "making the optimiser"):
        optimizer = make_optimizer(trainable)
    for recording in turns(steps):
        watch.recording = recording
        watch.phase = "forward"
        watch.layers.forget()
        optimizer.zero_grad(set_to_none=True)
        _step(watch, module, inputs, optimizer, loss, autocast, device)
    return optimizer


def _step(
    watch: Watch, module: nn.Module, inputs: tuple[Any, ...], optimizer: torch.optim.Optimizer, loss: Loss,
    autocast: torch.dtype | None, device: str,
) -> None:  # fmt: skip
    with casting(autocast, device):
        with own_code(module, "the forward pass"):
            output = module(*inputs)
        with own_code(module, "the loss"):
            watch.layers.stack.append("loss")
            value = loss(output)
            watch.layers.stack.pop()  # and not forgotten: the backward pass begins in it
    if not isinstance(value, torch.Tensor) or value.numel() != 1 or not value.requires_grad:
        raise InputError("loss: not a scalar that depends on a trainable parameter; give a loss that is, or inference")
    watch.phase = "backward"
    with own_code(module, "the backward pass"):
        torch.autograd.backward(value)
    watch.phase = "optimizer"
    watch.layers.forget()
    with own_code(module, "the optimiser's step"):
        optimizer.step()
    watch.finished()


@contextlib.contextmanager
def own_code(module: nn.Module, what: str) -> Iterator[None]:
    """Turn an exception of the user's own code into one line."""
    try:
        yield
    except (InputError, KeyboardInterrupt):
        raise
    except Exception as error:
        reason = (str(error).strip() or "no message").splitlines()[0][:300]
        raise InputError(f"{type(module).__name__}: {what} raised {type(error).__name__}: {reason}") from error


@contextlib.contextmanager
def as_on_device() -> Iterator[None]:
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
