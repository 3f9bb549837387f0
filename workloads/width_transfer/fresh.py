"""A network at given widths, narrower or wider, with weights of its own draw."""

import copy
from collections.abc import Mapping

from torch import nn

from circuits.errors import InputError
from workloads.channels import Channels
from workloads.training import seeded


def fresh(module: nn.Module, channels: Channels, widths: Mapping[str, int], seed: int) -> nn.Module:
    """Return the network at these widths, its weights drawn anew as each of its layers draws them.

    Args:
        module: at its own widths; it stays as it was.
        channels: as `find_channels` of it says.
        widths: channels by unit, fewer or more than the module has.
        seed: of the weights.

    Raises:
        InputError: for widths that cannot be had, and a layer that does not say how its weights are drawn.
    """
    made = channels.resized(copy.deepcopy(module).to("meta"), widths)
    for name, part in made.named_modules():
        own = any(value is not None for value in (*part._parameters.values(), *part._buffers.values()))
        if own and not callable(getattr(part, "reset_parameters", None)):
            raise InputError(
                f"{type(module).__name__}: {name or 'it'} has weights or buffers and no reset_parameters(), so that it "
                "cannot be drawn at other widths; give it one"
            )

    def drawn() -> nn.Module:
        real = made.to_empty(device="cpu")
        for part in real.modules():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()
        return real

    return seeded(drawn, seed)
