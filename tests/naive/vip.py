"""Virtual pooling, pixel by pixel, from the paper's words: keep every other pixel, put means between."""

import numpy as np


def interpolated(small, height, width):
    """An (n, c, h, w) map at height x width."""
    out = np.zeros((*small.shape[:2], height, width))
    for i in range(height):
        for j in range(width):
            rows = [i // 2] if i % 2 == 0 else [i // 2, i // 2 + 1]
            columns = [j // 2] if j % 2 == 0 else [j // 2, j // 2 + 1]
            rows = [min(row, small.shape[2] - 1) for row in rows]  # a last row without a second neighbour
            columns = [min(column, small.shape[3] - 1) for column in columns]
            values = [small[:, :, row, column] for row in rows for column in columns]
            out[:, :, i, j] = sum(values) / len(values)
    return out


def convolved(x, weight, bias, stride, padding, dilation, groups):
    """y (n, k, p, q) of a convolution, loop by loop."""
    (n, c, height, width), (k, group, r, s) = x.shape, weight.shape
    padded = np.zeros((n, c, height + 2 * padding[0], width + 2 * padding[1]))
    padded[:, :, padding[0] : padding[0] + height, padding[1] : padding[1] + width] = x
    p = (padded.shape[2] - dilation[0] * (r - 1) - 1) // stride[0] + 1
    q = (padded.shape[3] - dilation[1] * (s - 1) - 1) // stride[1] + 1
    y = np.zeros((n, k, p, q))
    for f in range(k):
        first = f // (k // groups) * group
        for i in range(p):
            for j in range(q):
                rows = i * stride[0] + dilation[0] * np.arange(r)
                columns = j * stride[1] + dilation[1] * np.arange(s)
                patch = padded[:, first : first + group][:, :, rows[:, None], columns]
                y[:, f, i, j] = (patch * weight[f]).sum((1, 2, 3)) + bias[f]
    return y


def pooled(x, weight, bias, stride, padding, dilation, groups, activation):
    """A convolution's activated map, computed at every other pixel of every other row and interpolated."""
    y = convolved(x, weight, bias, stride, padding, dilation, groups)
    return interpolated(activation(y[:, :, ::2, ::2]), *y.shape[2:])
