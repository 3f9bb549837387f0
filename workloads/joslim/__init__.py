"""Slimmable weights and the widths of each layer, optimised together: T.-W. Chin et al., arXiv:2007.11752."""
