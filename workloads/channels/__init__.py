"""The widths of any network: which channels hang together, the network with fewer of them, and calls at any width."""

from workloads.channels.layers import Layer
from workloads.channels.network import Channels, Unit, find_channels
from workloads.channels.slim import Slim

__all__ = ["Channels", "Layer", "Slim", "Unit", "find_channels"]
