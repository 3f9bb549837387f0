"""The integrator: one macrospin through a current pulse, by Heun's rule in Stratonovich's sense, normalised every step.

A macrospin is a row of numbers, `figures` (13): anisotropy field, damping, thermal field times root second, a spare;
applied field (3); damping-like torque times the spins' direction (3) and field-like torque times it (3), as fields,
both scaled by the pulse. In teslas, along x, y and the easy axis z. A pulse, `pulse` (4): start, rise, width, fall [s];
the width runs from the start of the rise to the start of the fall.

    dm/dt = -gamma/(1 + alpha^2) (m x B + alpha m x (m x B)),  B = Bk mz z + B0 + s(t) (f p + d m x p) + noise
"""

import math

import numpy as np
from numba import njit

from circuits.devices.spin.noise import normal

GAMMA_RAD_PER_TS = 1.76085963e11
FIGURES = 13


@njit("float64(float64, float64[::1])", cache=True)
def shape(time_s: float, pulse: np.ndarray) -> float:
    """shape(t, pulse) -> the pulse's height at t: 0 before, 1 on the plateau, linear edges."""
    since = time_s - pulse[0]
    if since <= 0:
        return 0.0
    up = 1.0 if since >= pulse[1] else since / pulse[1]
    after = since - pulse[2]
    if after <= 0:
        return up
    return 0.0 if after >= pulse[3] else up * (1 - after / pulse[3])


@njit(cache=True, inline="always", error_model="numpy")
def slope(x: float, y: float, z: float, bx: float, by: float, bz: float, s: float, f: np.ndarray,
          rate: float) -> tuple[float, float, float]:  # fmt: skip
    """slope(m, field, s, figures, gamma/(1 + alpha^2)) -> dm/dt; the field holds what does not depend on m."""
    dx, dy, dz = s * f[7], s * f[8], s * f[9]
    bx = bx + y * dz - z * dy
    by = by + z * dx - x * dz
    bz = bz + x * dy - y * dx + f[0] * z
    cx, cy, cz = y * bz - z * by, z * bx - x * bz, x * by - y * bx
    a = f[1]
    return (
        -rate * (cx + a * (y * cz - z * cy)),
        -rate * (cy + a * (z * cx - x * cz)),
        -rate * (cz + a * (x * cy - y * cx)),
    )


@njit(
    "void(float64[:, ::1], uint64[::1], float64[::1], float64[::1], float64, float64, float64, boolean, float64[::1])",
    cache=True, nogil=True, error_model="numpy", boundscheck=False,
)  # fmt: skip
def advance(spins: np.ndarray, states: np.ndarray, figures: np.ndarray, pulse: np.ndarray, start_s: float,
            stop_s: float, step_s: float, stop_at_equator: bool, crossed_s: np.ndarray) -> None:  # fmt: skip
    """Carry every spin from `start_s` to `stop_s`, in place.

    `spins` (n, 3) are unit vectors, `states` (n,) random streams. `stop_at_equator` leaves a trajectory where it first
    crosses the plane z = 0; `crossed_s` (n,) gets the time of that, interpolated within a step, or is left alone.
    """
    steps = max(int(np.ceil((stop_s - start_s) / step_s - 1e-9)), 1)
    dt = (stop_s - start_s) / steps
    rate = GAMMA_RAD_PER_TS / (1 + figures[1] ** 2)
    kick = figures[2] / math.sqrt(dt)
    for n in range(spins.shape[0]):
        x, y, z, state = spins[n, 0], spins[n, 1], spins[n, 2], states[n]
        seen = False
        s = shape(start_s, pulse)
        for k in range(steps):
            nx = ny = nz = 0.0
            if kick > 0:
                state, nx = normal(state)
                state, ny = normal(state)
                state, nz = normal(state)
            bx, by, bz = figures[4] + kick * nx, figures[5] + kick * ny, figures[6] + kick * nz
            kx, ky, kz = slope(
                x, y, z, bx + s * figures[10], by + s * figures[11], bz + s * figures[12], s, figures, rate
            )
            s = shape(start_s + (k + 1) * dt, pulse)
            lx, ly, lz = slope(x + dt * kx, y + dt * ky, z + dt * kz, bx + s * figures[10], by + s * figures[11],
                               bz + s * figures[12], s, figures, rate)  # fmt: skip
            before = z
            x, y, z = x + dt / 2 * (kx + lx), y + dt / 2 * (ky + ly), z + dt / 2 * (kz + lz)
            scale = 1 / math.sqrt(x * x + y * y + z * z)
            x, y, z = x * scale, y * scale, z * scale
            if not seen and before * z <= 0:
                seen = True
                crossed_s[n] = start_s + (k + before / (before - z)) * dt if before != z else start_s + k * dt
                if stop_at_equator:
                    break
        spins[n, 0], spins[n, 1], spins[n, 2], states[n] = x, y, z, state
