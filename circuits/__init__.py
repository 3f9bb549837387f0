"""From a memory technology and a node to a cell, an array, a cache: latency, energy, leakage, area."""
