"""What a capture records and a lowering reads: an operator's call, its tensors already given device addresses."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class View:
    """A tensor argument: a strided view of a storage that has an address."""

    tensor: int  # index of the storage into the trace's tensors
    address: int  # byte address of the view's first element
    shape: tuple[int, ...]  # elements a dimension
    stride: tuple[int, ...]  # elements from an index to the next, a dimension
    itemsize: int  # bytes of an element
    dtype: str  # torch's name without the module: float32, int64, ...

    @property
    def numel(self) -> int:
        """Elements of the view, 0 where a dimension is empty."""
        count = 1
        for length in self.shape:
            count *= length
        return count


def true_elements(elements: int, share: float) -> int:
    """Return how many elements of a mask are taken to be true, where its data is not known."""
    return round(elements * share)


@dataclass(frozen=True)
class Operation:
    """One call of a torch operator, with tensors replaced by views and everything else as it was given."""

    operator: str  # packet and overload, such as aten.convolution_backward.default
    arguments: tuple[Any, ...]  # positional: View, list of View, number, bool, list of int, str or None
    options: dict[str, Any]  # by keyword, of the same kinds
    outputs: tuple[View | None, ...]  # what it returned, flat; None where it returned no tensor
    layer: str  # qualified name of the module that called it
    phase: str  # forward | backward | optimizer
    products: str = ""  # arithmetic of a product where it is not its operands' type: tf32 | int8
