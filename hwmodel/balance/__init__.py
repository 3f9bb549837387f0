"""Actors, CPU threads and GPU SMs of a training job that runs environments: measured, modelled, brought into balance.

A job says what it does through a `Meter`, or says nothing and is watched from outside (`profile`). From a few short
runs a model is learned that says how many frames a second other numbers of actors, threads and SMs would give.
"""

from hwmodel.balance.meter import Meter

__all__ = ["Meter"]
