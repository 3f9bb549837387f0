"""Arrays of cells: gates, decoders and drivers, subarray, mat, bank with its H-tree; vectorised over organisations.

The equations are the public ones of the array models everyone calibrates against (CACTI, NVSim). What those models
assume stands in `assumptions/*.yaml`, as data that a study can vary: `older`, `mended`, and `default`, on which our
caches rest. A cell stands in an array as a cell file describes it (`described`), or as designed from a node's devices
(`designed`); everything around it is one model. What ours adds, or does otherwise:

- any number of sets, ways and bits: rows that no address reaches are not built, bits that do not divide are rounded up;
- precharge is paid: every column of an open SRAM row is charged again; a write has its own path, without the amplifier;
- sensing follows from the cell: its read current, signal and bit line; a spin-orbit cell has two word lines;
- global wires are repeated by default, `unrepeated` is a named assumption; leakage is a named school of the node;
- the hit way selects its columns late (normal mode), and a write waits for its way;
- no contention and no spares.
"""
