"""What a method's study is asked beside its networks."""

from typing import Literal

from pydantic import Field

from workloads.methods.method import Settings


class StudySettings(Settings):
    """Caches, phases and devices that a method's networks are put on."""

    cells: list[str] = Field(["sram", "stt", "sot"], min_length=1, description="Memory cells or .yaml files.")
    node: str = Field("16nm", description="Technology node or its .yaml file.")
    capacity: str = Field("3MiB", description="Capacity of the cache.")
    phases: list[str] = Field(["inference:4"], min_length=1, description="Phases and their batch sizes.")
    dtype: Literal["fp32", "tf32", "bf16", "fp16", "int8"] = Field(
        "fp32", description="What tensors are held in; weights of fewer bits are packed."
    )
    gpu: str = Field("gtx1080ti", description="Machine the kernels are lowered for, or its .yaml file.")
    dram: str = Field("gddr5x", description="Memory behind the cache, or its .yaml file.")
    devices: list[str] = Field(
        ["epyc-avx512-litert"], description="Devices whose latency is predicted, or predictors' files; `none` for none."
    )
    live: list[str] = Field(
        [], description="Runtimes of this machine to measure on, with their threads, such as litert:1,litert:2."
    )
    rounds: int = Field(5, ge=1, le=1000, description="Visits to each network that is measured.")
    staircase: int = Field(
        0, ge=0, le=512, description="Widths to predict, a channel of the first layer apart; 0 for none."
    )
