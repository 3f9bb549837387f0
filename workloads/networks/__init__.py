"""Networks in plain torch, each a function that returns a module with `example_inputs(batch)`."""
