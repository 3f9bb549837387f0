"""From a torch module to the stream of sectors that reaches the last-level cache of a GPU."""
