"""A SEED-style training loop: actors on the processor, one server of inference for all of them, a learner.

Actors are processes that step environments and know no network. They leave observations in shared memory and ring; the
server takes all who rang into one batch, asks the policy, and rings back. The learner is a thread of the server. Every
one of them counts what it does through `hwmodel.balance.Meter`.
"""
