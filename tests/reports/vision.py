"""What colours become for eyes that lack a receptor, and how light they then are."""

import numpy as np

# Full deficiency, on linear RGB: G. M. Machado, M. M. Oliveira, L. A. F. Fernandes, "A physiologically-based model for
# simulation of color vision deficiency", IEEE TVCG 15(6), 2009, table of severity 1.0.
SEEN = {
    "as usual": np.eye(3),
    "deuteranopia": np.array([[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
                              [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array([[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
                            [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip


def lightness(colour: str, eye: str = "as usual") -> float:
    """Return L* (CIE 1976, D65) of `#rrggbb`, which is also its grey in print, as an eye sees it."""
    share = np.array([int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    luminance = np.clip(SEEN[eye] @ linear, 0, 1) @ [0.2126, 0.7152, 0.0722]
    return 116 * luminance ** (1 / 3) - 16 if luminance > (6 / 29) ** 3 else luminance * (29 / 3) ** 3
