"""The machine around the cache: its memory, and what a stream of accesses costs in time and energy."""
