"""What may be chosen about a lowering: order of tiles, split of reductions, fusion, L1, indices that are not known."""

from dataclasses import dataclass, fields
from typing import Any

from traces.errors import InputError

SWIZZLES = (1, 2, 4, 8)


@dataclass(frozen=True)
class Options:
    """Named choices, each with a default; what is not the default is noted in the trace.

    Sources: CUTLASS, threadblock_swizzle.h (raster and swizzle); Zipf's law for the popularity of embedding rows is
    the usual stand-in for recommenders' logs, which are not public.
    """

    raster: str = "m"  # m | n: the axis of a product along which neighbouring thread blocks lie
    swizzle: int = 1  # 1 | 2 | 4 | 8: tiles of the other axis that a raster takes side by side
    split_k: str = "library"  # library | gradients | products | never: which reductions may be cut into slices
    l1: str = "bypass"  # bypass | lru: whether loads that hit a model of L1 are kept from L2
    indices: str = "uniform"  # uniform | zipf: how rows are drawn where indices are not known
    zipf_exponent: float = 1.05  # of the row of rank r the probability is about r ** -exponent
    seed: int = 0  # of those draws
    mask_share: float = 0.5  # of a mask's elements that are taken to be true, where that decides sizes
    fusion: str = "none"  # none | pointwise | epilogue: which kernels are made one with their neighbours

    def __post_init__(self) -> None:
        for name, known in _KNOWN.items():
            if getattr(self, name) not in known or isinstance(getattr(self, name), bool):
                listed = ", ".join(map(str, known))
                raise InputError(f"option {name} {getattr(self, name)!r}: unknown; give one of {listed}")
        if not 0 < self.zipf_exponent < 10:
            raise InputError(f"option zipf_exponent {self.zipf_exponent!r}: give a number between 0 and 10")
        if not 0 <= self.mask_share <= 1:
            raise InputError(f"option mask_share {self.mask_share!r}: give a number from 0 to 1")
        if isinstance(self.seed, bool) or not isinstance(self.seed, int) or not 0 <= self.seed < 1 << 63:
            raise InputError(f"option seed {self.seed!r}: give a whole number from 0")

    def notes(self) -> list[str]:
        """Return what the options say of a trace, a sentence each."""
        loads = {
            "bypass": "Loads bypass L1, as Pascal's do by default and asynchronous copies to shared memory do later.",
            "lru": "Loads of products, windows, attention and gathers pass an LRU L1 an SM, empty at each launch; "
            "writes pass through.",
        }
        drawn = "uniformly" if self.indices == "uniform" else f"by Zipf's law of exponent {self.zipf_exponent:g}"
        order = f"along {self.raster.upper()} first" + (f", {self.swizzle} abreast" if self.swizzle > 1 else "")
        split = {
            "library": "A weight gradient (a product too, where the GPU's file says so) with too small a grid splits",
            "gradients": "A weight gradient with too small a grid splits",
            "products": "A product or weight gradient with too small a grid splits",
        }
        notes = [
            f"A grid's tiles are taken {order}.",
            loads[self.l1],
            f"Indices and classes are not known without data: they are drawn {drawn}, seed {self.seed}.",
        ]
        if self.split_k in split:
            notes.append(f"{split[self.split_k]} its reduction, through a workspace that a second kernel sums.")
        if self.fusion != "none":
            notes.append(
                "Neighbouring kernels that work element by element are one: what only they use of one another is not "
                "stored, though it keeps its address."
            )
        if self.fusion == "epilogue":
            notes.append("A product or convolution whose results they work on stores what comes of it.")
        return notes


_KNOWN: dict[str, tuple[Any, ...]] = {
    "raster": ("m", "n"),
    "swizzle": SWIZZLES,
    "split_k": ("library", "gradients", "products", "never"),
    "fusion": ("none", "pointwise", "epilogue"),
    "l1": ("bypass", "lru"),
    "indices": ("uniform", "zipf"),
}


DEFAULTS = Options()


def parse_options(texts: tuple[str, ...]) -> Options:
    """Return the options that `name=value` texts give.

    Raises:
        InputError: for a text of another form, an unknown name and a value that cannot be used.
    """
    kinds = {field.name: type(field.default) for field in fields(Options)}
    values: dict[str, Any] = {}
    for text in texts:
        name, sign, value = text.partition("=")
        if not sign or name not in kinds:
            raise InputError(f"option {text!r}: give name=value, the name one of {', '.join(kinds)}")
        try:
            values[name] = kinds[name](value)
        except ValueError:
            raise InputError(f"option {text!r}: {value!r} is no number") from None
    return Options(**values)
