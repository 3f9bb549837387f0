"""Full-size networks of one size, as recipes."""

from pathlib import Path

from traces.networks import make_network
from workloads.bitwidth.method import ShapesSettings
from workloads.bitwidth.quantise import layer_bits
from workloads.bitwidth.sizes import Sizes, equal_size
from workloads.channels import find_channels
from workloads.recipes import Recipe


def equal_networks(settings: ShapesSettings) -> dict[str, Recipe]:
    """Return a recipe a bitwidth; `about` says its bits, width, sizes, and the share that it is short of the target.

    Raises:
        InputError: a network that cannot be made, has no channels that can be fewer, or cannot be that small.
    """
    module, inputs = make_network(settings.network, 2)
    channels = find_channels(module, inputs)
    sizes = Sizes(module, channels, settings.count)
    order = sizes.in_order()
    target = sizes.counted(layer_bits(order, settings.at, settings.ends), {})
    stem = Path(settings.network.replace(":", "_")).name.replace(".", "_")
    found = {}
    for bits in settings.bits:
        pair = equal_size(sizes, layer_bits(order, bits, settings.ends), target, settings.multiple)
        alike = set(pair.bits.values()) == {bits}
        about = {
            "bits": bits,
            "width": round(pair.alpha, 4),
            "size_bytes": pair.size.counted(settings.count),
            "other_bytes": pair.size.weights + pair.size.scales + pair.size.others - pair.size.counted(settings.count),
            "residual": round(pair.residual, 5),
            "parameters": channels.parameters(module, pair.widths),
            "macs": channels.macs(pair.widths),
        }
        changed = {name: width for name, width in pair.widths.items() if width != channels.units[name].size}
        found[f"{stem}_{bits}bit"] = Recipe(network=settings.network, widths=changed,
                                            weight_bits=bits if alike else dict(pair.bits), about=about)  # fmt: skip
    return found
