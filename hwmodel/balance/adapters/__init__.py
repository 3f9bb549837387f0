"""Meters for training jobs of others' frameworks: what their own hooks tell, counted where `HWMODEL_METER` says.

A module each, which is imported where its framework is: `gym` (Gymnasium), `sb3` (Stable-Baselines3), `rllib` (RLlib),
`sample_factory`, `torchrl`. Frames must be counted once: by one of them.
"""
