"""Predictors learned from measurements: moved from other devices to a new one by a few samples."""
