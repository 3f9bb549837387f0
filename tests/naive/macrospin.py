"""The slow, obvious macrospin: vectors as lists, one trajectory, one step at a time; SplitMix64 in Python."""

import itertools
import math

MASK = (1 << 64) - 1
GOLDEN = 0x9E3779B97F4A7C15
GAMMA = 1.76085963e11


def mix(value: int) -> int:
    value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9 & MASK
    value = (value ^ (value >> 27)) * 0x94D049BB133111EB & MASK
    return value ^ (value >> 31)


def stream(seed: int, index: int) -> int:
    return mix(mix((seed + GOLDEN) & MASK) ^ mix((index * GOLDEN + 1) & MASK))


def cross(a: list[float], b: list[float]) -> list[float]:
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def total(*vectors: list[float]) -> list[float]:
    return [sum(parts) for parts in zip(*vectors, strict=True)]


def times(factor: float, vector: list[float]) -> list[float]:
    return [factor * part for part in vector]


def height(time_s: float, start_s: float, rise_s: float, width_s: float, fall_s: float) -> float:
    since = time_s - start_s
    if since <= 0 or since - width_s > fall_s:
        return 0.0
    up = min(since / rise_s, 1.0) if rise_s else 1.0
    down = 1 - max(since - width_s, 0.0) / fall_s if fall_s else 1.0
    return up * down


def slope(
    m: list[float], field: list[float], damping_like: list[float], anisotropy: float, damping: float
) -> list[float]:
    """The Landau-Lifshitz form of Gilbert's equation, with the spin torque as the field m x p."""
    b = total(field, cross(m, damping_like), [0, 0, anisotropy * m[2]])
    turn = cross(m, b)
    return times(-GAMMA / (1 + damping**2), total(turn, times(damping, cross(m, turn))))


def trajectory(m: list[float], spin: dict, pulse: tuple[float, float, float, float], steps: int, dt: float,
               noise: list[list[float]]) -> tuple[list[float], float]:  # fmt: skip
    """Return the last direction, and the time of the first crossing of the equator."""
    crossed = math.inf
    for k in range(steps):
        slopes = []
        at = m
        for end in (k, k + 1):
            s = height(end * dt, *pulse)
            field = total(spin["applied"], times(s, spin["field_like"]), noise[k])
            slopes.append(slope(at, field, times(s, spin["damping_like"]), spin["anisotropy"], spin["damping"]))
            at = total(m, times(dt, slopes[0]))
        new = total(m, times(dt / 2, total(*slopes)))
        new = times(1 / math.sqrt(sum(c * c for c in new)), new)
        if crossed == math.inf and m[2] * new[2] <= 0:
            crossed = (k + m[2] / (m[2] - new[2])) * dt
        m = new
    return m, crossed


def step(density: list[float], drift: list[float], spread: list[float], width: float, dt: float) -> list[float]:
    """One explicit finite-volume step of d rho/dt = d/dx(drift rho + spread d rho/dx); drift, spread at inner faces."""
    flux = [0.0]
    for k, (a, b) in enumerate(itertools.pairwise(density)):
        flux += [drift[k] * (a + b) / 2 + spread[k] * (b - a) / width]
    flux.append(0.0)
    return [rho + dt * (flux[k + 1] - flux[k]) / width for k, rho in enumerate(density)]


def unswitched(stability: float, overdrive: float, time: float, cells: int) -> float:
    """The Fokker-Planck equation on even cells of x = cos(theta), by explicit steps: the probability of x > 0."""
    width = 2 / cells
    middle = [-1 + (k + 0.5) * width for k in range(cells)]
    density = [math.exp(stability * (x * x - 1)) if x > 0 else 0.0 for x in middle]
    density = times(1 / (sum(density) * width), density)
    faces = [-1 + (k + 1) * width for k in range(cells - 1)]
    drift = [(1 - x * x) * (overdrive - x) for x in faces]
    spread = [(1 - x * x) / (2 * stability) for x in faces]
    steps = math.ceil(time / min(0.4 * width**2 * 2 * stability, 0.2 * width / (overdrive + 1)))
    for _ in range(steps):
        density = step(density, drift, spread, width, time / steps)
    return sum(rho for rho, x in zip(density, middle, strict=True) if x > 0) * width
