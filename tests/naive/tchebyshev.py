"""The augmented Tchebyshev scalarisation and the weight of a wanted cost, a candidate and a weight at a time."""

Candidate = tuple[float, float]


def scalarise(candidate: Candidate, weight: float, base: float) -> float:
    terms = [(1.0 - weight) * (candidate[0] - base), weight * (candidate[1] - base)]
    return -(max(terms) + 1e-6 * sum(terms))


def best(candidates: list[Candidate], weight: float, base: float) -> int:
    found = 0
    for place, candidate in enumerate(candidates):
        if scalarise(candidate, weight, base) > scalarise(candidates[found], weight, base):
            found = place
    return found


def nearest_cost(candidates: list[Candidate], costs: list[float], target: float, base: float, weights: int) -> float:
    """Return how near to a target the cost of the best candidate comes, over so many weights from 0 to 1."""
    places = {best(candidates, step / weights, base) for step in range(weights + 1)}
    return min(abs(costs[place] - target) for place in places)
