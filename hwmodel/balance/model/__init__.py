"""A training job as a closed network: actors, a batch server and a learner, on a CPU's threads and on a GPU."""
