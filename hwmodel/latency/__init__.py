"""Latency and energy of networks on a device: measured, learned from few measurements, queried in search loops."""
