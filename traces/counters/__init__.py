"""What a GPU's own counters say of a network's kernels, beside what is modelled: Nsight Compute, run and read."""
