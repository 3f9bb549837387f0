"""What networks and parts of them cost on the machine at hand: measured by a runtime, with the conditions beside it."""
