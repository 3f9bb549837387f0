"""Predictors as files of numbers, asked millions of times: compiled forms, kernels, gradients, one facade.

Modules are imported one by one: `predictor` for whoever asks, `form` for whoever fits, `relaxed` for torch.
"""
