"""Training of small networks: paired seeds, resumable, with the statistics that compare two variants of it."""

from workloads.training.chance import chance, generator, seeded
from workloads.training.evaluation import Evaluation, evaluate, recalibrate
from workloads.training.loop import History, train
from workloads.training.schedule import Schedule
from workloads.training.seeds import run_seeds

__all__ = [
    "Evaluation",
    "History",
    "Schedule",
    "chance",
    "evaluate",
    "generator",
    "recalibrate",
    "run_seeds",
    "seeded",
    "train",
]
