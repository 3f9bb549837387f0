"""A free layer as one spin: stochastic Landau-Lifshitz-Gilbert-Slonczewski trajectories, Fokker-Planck, closed laws."""
