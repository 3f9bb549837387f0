"""Width Transfer: find a network's widths on something cheaper, and bring them over."""
