"""Arrays of cells: gates and drivers, subarray, bank with its H-tree; vectorised over organisations."""
