"""Fronts and hypervolumes the slow way: every point against every other, and unit squares counted one by one."""

Point = tuple[int, int]


def front(points: list[Point]) -> list[int]:
    """Return the indices of points that no other beats, or equals before them, by their first figure."""

    def beaten(i: int) -> bool:
        x, y = points[i]
        return any((a <= x and b <= y) and ((a, b) != (x, y) or j < i) for j, (a, b) in enumerate(points) if j != i)

    return sorted((i for i in range(len(points)) if not beaten(i)), key=lambda i: points[i])


def hypervolume(points: list[Point], reference: Point) -> int:
    """Return how many unit squares below the reference have a point at or below their lower left corner."""
    return sum(any(a <= x and b <= y for a, b in points) for x in range(reference[0]) for y in range(reference[1]))
