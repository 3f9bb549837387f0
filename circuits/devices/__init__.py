"""Devices: transistors and wires of a technology node, magnetic tunnel junctions, spin-orbit write lines."""
