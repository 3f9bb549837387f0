"""Arrays of cells: gates and drivers, subarray, bank with its H-tree; vectorised over organisations.

Where this differs from the array model that everyone calibrates against (NVSim), in either direction:

- any capacity, ways and line: groups of subarrays and rows are counted, not doubled;
- precharge is paid: every column of an open SRAM row is charged again; a write has its own path, without the amplifier;
- MRAM sensing follows from resistance, TMR, read current, bit line and offset; a spin-orbit cell has two word lines;
- global wires are repeated by default, `unrepeated` is a named assumption; leakage is a named school of the node;
- the hit way selects its columns late (normal mode), and a write waits for its way;
- a bank is a square of its subarrays' area, its wires run above the cells; mats are not told from subarrays, no ports,
  no contention, no spares.
"""
