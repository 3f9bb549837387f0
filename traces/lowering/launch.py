"""What a lowering returns, and the table that says which function lowers which operator."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from math import prod

from traces.gpus import Gpu
from traces.lowering.grid import Grid
from traces.lowering.options import DEFAULTS, Options
from traces.lowering.passes import Pass
from traces.operation import Operation, View
from traces.stream import Intervals
from traces.trace import Kernel

# allocate(bytes, name) -> (index of a tensor, its address): device memory that lives until the operator's last launch.
Allocate = Callable[[int, str], tuple[int, int]]


@dataclass(frozen=True)
class Pointwise:
    """A pass whose threads each own an element of all it reads and writes."""

    walk: Pass
    views: tuple[View, ...]  # operand by operand


@dataclass(frozen=True)
class Product:
    """A grid whose blocks store whole results, through its last operand."""

    grid: Grid
    out: View
    groups: int = 1  # whose columns lie side by side in a row of the result


@dataclass(frozen=True)
class Launch:
    """A kernel and what makes its stream: `emit(index)` yields it, `index` being the kernel's place in the trace."""

    kernel: Kernel
    emit: Callable[[int], Iterator[Intervals]]
    work: Pointwise | Product | None = None  # what it does, where that may be fused with its neighbours


class UnknownOperator(LookupError):  # noqa: N818
    """An operator that moves data in a way nobody has described."""

    def __init__(self, operator: str) -> None:
        super().__init__(f"operator {operator}: no lowering")
        self.operator = operator


@dataclass(frozen=True)
class Call:
    """An operation with what its lowering needs beside it."""

    operation: Operation
    gpu: Gpu
    allocate: Allocate | None
    options: Options = DEFAULTS

    def argument(self, index: int, default: object = None, name: str = "") -> object:
        """Return the positional argument at `index`, or the option called `name`, or `default`."""
        if index < len(self.operation.arguments):
            return self.operation.arguments[index]
        return self.operation.options.get(name, default)

    def view(self, index: int) -> View:
        """Return the tensor at `index` of the arguments."""
        argument = self.argument(index)
        if not isinstance(argument, View):
            raise UnknownOperator(f"{self.operation.operator} without a tensor as argument {index}")
        return argument

    def output(self, index: int = 0) -> View | None:
        """Return the output at `index`, None where the operator returned no tensor."""
        outputs = self.operation.outputs
        return outputs[index] if index < len(outputs) else None

    def lend(self, shape: tuple[int, ...], itemsize: int, dtype: str, name: str) -> View:
        """Return a dense tensor in a workspace, which lives until the operator ends.

        Raises:
            UnknownOperator: where none can be had.
        """
        if self.allocate is None:
            raise UnknownOperator(f"{self.operation.operator} without memory for a workspace")
        tensor, address = self.allocate(prod(shape) * itemsize, f"{self.operation.layer}.{name}".lstrip("."))
        return View(tensor, address, shape, tuple(prod(shape[d + 1 :]) for d in range(len(shape))), itemsize, dtype)

    def kernel(self, name: str, blocks: int, macs: int = 0, **shape: int) -> Kernel:
        """Return the description of a launch of `blocks` thread blocks; `shape` are further fields of it."""
        of = self.operation
        return Kernel(name, of.operator, of.layer, of.phase, blocks, macs, **shape)


Lowering = Callable[[Call], list[Launch]]
_TABLE: dict[str, Lowering] = {}


def lowers(*operators: str) -> Callable[[Lowering], Lowering]:
    """Enter the decorated function as the lowering of `operators`, named without overload: `aten.convolution`."""

    def enter(function: Lowering) -> Lowering:
        for operator in operators:
            if operator in _TABLE:
                raise ValueError(f"operator {operator}: lowered twice")
            _TABLE[operator] = function
        return function

    return enter


def packet(operator: str) -> str:
    """Return an operator's name without its overload: `aten.mm.default` -> `aten.mm`."""
    return ".".join(operator.split(".")[:2])


def known_operators() -> list[str]:
    """Return the names of the operators that have a lowering, sorted."""
    return sorted(_TABLE)


def plan(
    operation: Operation, gpu: Gpu, allocate: Allocate | None = None, options: Options | None = None
) -> list[Launch]:
    """Return the kernels that an operator launches, in order; none where it moves no data.

    Args:
        operation: an operator's call.
        gpu: the machine the kernels are chosen and laid out for.
        allocate: gives device memory for a workspace, `allocate(bytes, name) -> (tensor index, byte address)`; it may
            be handed out anew once the operator is done. Without it nothing needs one: no reduction is split.
        options: what may be chosen about the lowering; the defaults when None.

    Raises:
        UnknownOperator: where no lowering exists.
    """
    lowering = _TABLE.get(packet(operation.operator))
    if lowering is None:
        raise UnknownOperator(operation.operator)
    return lowering(Call(operation, gpu, allocate, options or DEFAULTS))
