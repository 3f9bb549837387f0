"""Names and numbers as a report shows them: one label a cell and a network, everywhere."""

import math
from collections.abc import Sequence

from hwmodel.units import scale_of, show
from reports.results import Study, Workload

_CELLS = {"sram": "SRAM", "sram-hd": "high-density SRAM", "sram8t": "8T SRAM", "stt": "STT-MRAM", "sot": "SOT-MRAM",
          "reram": "ReRAM", "pcm": "PCM", "fefet": "FeFET", "edram": "eDRAM", "gain": "gain-cell"}  # fmt: skip
_NETWORKS = {
    "alexnet": "AlexNet",
    "atari_dqn": "DQN",
    "atari_impala": "IMPALA",
    "bert_base": "BERT-base",
    "dlrm": "DLRM",
    "efficientnet_b0": "EfficientNet-B0",
    "googlenet": "GoogLeNet",
    "gpt2": "GPT-2",
    "gpt2_decode": "GPT-2 decoding",
    "gpt2_prefill": "GPT-2 prefill",
    "mobilenet_v1": "MobileNet",
    "mobilenet_v2": "MobileNetV2",
    "mobilenet_v3_large": "MobileNetV3-Large",
    "mobilenet_v3_small": "MobileNetV3-Small",
    "opt_1_3b": "OPT-1.3B",
    "opt_1_3b_decode": "OPT-1.3B decoding",
    "opt_1_3b_prefill": "OPT-1.3B prefill",
    "resnet18": "ResNet-18",
    "resnet50": "ResNet-50",
    "squeezenet": "SqueezeNet",
    "vgg16": "VGG-16",
    "vit_b_16": "ViT-B/16",
}


def cell_label(cell: str) -> str:
    return _CELLS.get(cell.lower(), cell)


def network_label(network: str) -> str:
    return _NETWORKS.get(network, network)


def is_cell(name: str) -> bool:
    """Return whether a cell of that name has a label of its own."""
    return name.lower() in _CELLS


def is_network(name: str) -> bool:
    return name in _NETWORKS


def workload_label(workload: Workload) -> str:
    return f"{network_label(workload[0])} {workload[1]}"


def shorten(text: str, length: int) -> str:
    """Return `text` with its middle left out where it is longer than `length` characters."""
    if len(text) <= length:
        return text
    head = (length - 1) * 2 // 3
    return f"{text[:head]}…{text[len(text) - (length - 1 - head) :]}"


def digits(value: float, significant: int = 3) -> str:
    """Return a number with so many significant digits and no exponent: 1234.5 -> `1,234`, 0.0357 -> `0.0357`."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    exponent = math.floor(math.log10(abs(float(f"{value:.{significant - 1}e}"))))
    return f"{value:,.{max(0, significant - 1 - exponent)}f}"


def counted(value: float) -> str:
    """Return a large count with its power of a thousand in words: 1.3e9 -> `1.30 G`."""
    for power, prefix in ((12, "T"), (9, "G"), (6, "M"), (3, "k")):
        if value >= 10.0**power:
            return f"{digits(value / 10.0**power)} {prefix}"
    return digits(value) if value % 1 else f"{value:.0f}"


def column(name: str, values: Sequence[float]) -> tuple[str, list[str]]:
    """Return (unit, texts) of one column of a table; the unit is empty where each value carries its own."""
    factor, unit = scale_of(name, list(values))
    scaled = [value * factor for value in values]
    if all(value == 0 or value >= 0.01 for value in scaled):
        return unit, [digits(value) for value in scaled]
    return "", [engineering(name, value) for value in values]


def engineering(name: str, value: float) -> str:
    """Return `value`, stored under `name`, with three significant digits and its own unit: `11.0 mJ·s`."""
    factor, unit = scale_of(name, [value])
    return f"{digits(value * factor)} {unit}".rstrip()


def percent(share: float) -> str:
    return f"{100 * share:.0f}\u00a0%" if share >= 0.0995 or share == 0 else f"{100 * share:.1f}\u00a0%"


def times(ratio: float) -> str:
    return f"{digits(ratio, 2 if ratio < 9.95 else 3)}"


def listed(items: Sequence[str]) -> str:
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}"


def shared(study: Study, name: str) -> str:
    """Return a column's value in words where all caches agree, else the empty string."""
    values = {str(study.caches[cell].get(name, "")): study.caches[cell].get(name, "") for cell in study.cells}
    return show(name, next(iter(values.values()))) if len(values) == 1 else ""


def cache_words(study: Study) -> str:
    """Return what all caches of the study have in common: `3 MiB last-level cache`."""
    return f"{shared(study, 'capacity_bytes')} last-level cache".strip()


def workloads_words(study: Study) -> str:
    """Return the workloads in words: `10 workloads (5 networks; inference and training)`."""
    count, networks = len(study.workloads), len(study.networks)
    if count == 1:
        return workload_label(study.workloads[0])
    return f"{count} workloads ({networks} network{'s' * (networks > 1)}; {listed(study.phases)})"
