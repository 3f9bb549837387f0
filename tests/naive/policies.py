"""Slow, obvious twins of hwmodel.cache.policies: a policy hears which way of which set is filled and used."""

M = 2**64


def mixed(value: int) -> int:
    """SplitMix64's last step, in whole numbers of any size."""
    value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9 % M
    value = (value ^ value >> 27) * 0x94D049BB133111EB % M
    return value ^ value >> 31


class Policy:
    """What all have in common: the sets, the ways, and how many lines each set has taken."""

    def __init__(self, sets: int, ways: int, seed: int, first_set: int = 0) -> None:
        self.sets, self.ways, self.seed, self.first_set = sets, ways, seed, first_set
        self.taken = [0] * sets
        self.begin()

    def begin(self) -> None: ...

    def drawn(self, place: int) -> int:
        golden = 0x9E3779B97F4A7C15
        start = mixed((self.seed + golden * (self.first_set + place + 1)) % M)
        return mixed((start + golden * (self.taken[place] + 1)) % M)

    def used(self, place: int, way: int) -> None: ...

    def filled(self, place: int, way: int) -> None: ...

    def victim(self, place: int) -> int:
        raise NotImplementedError


class Fifo(Policy):
    def begin(self) -> None:
        self.order: list[list[int]] = [[] for _ in range(self.sets)]

    def filled(self, place: int, way: int) -> None:
        if way in self.order[place]:
            self.order[place].remove(way)
        self.order[place].append(way)

    def victim(self, place: int) -> int:
        return self.order[place][0]


class Lru(Fifo):
    def used(self, place: int, way: int) -> None:
        self.filled(place, way)


class Plru(Policy):
    """A dictionary a set from a stretch of ways to which half of it is to be evicted from next, 0 or 1."""

    def begin(self) -> None:
        self.tree: list[dict[tuple[int, int], int]] = [{} for _ in range(self.sets)]

    def used(self, place: int, way: int) -> None:
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            self.tree[place][low, high] = 1 if way < middle else 0
            low, high = (low, middle) if way < middle else (middle, high)

    filled = used

    def victim(self, place: int) -> int:
        low, high = 0, self.ways
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if self.tree[place].get((low, high), 0) else (low, middle)
        return low


class Srrip(Policy):
    def begin(self) -> None:
        self.rrpv = [[3] * self.ways for _ in range(self.sets)]

    def used(self, place: int, way: int) -> None:
        self.rrpv[place][way] = 0

    def filled(self, place: int, way: int) -> None:
        self.rrpv[place][way] = 2

    def victim(self, place: int) -> int:
        while 3 not in self.rrpv[place]:
            self.rrpv[place] = [value + 1 for value in self.rrpv[place]]
        return self.rrpv[place].index(3)


class Drrip(Srrip):
    def begin(self) -> None:
        super().begin()
        self.psel = 511

    def filled(self, place: int, way: int) -> None:
        period = max(self.sets // 32, 2)
        if place % period == 0:
            self.psel = min(self.psel + 1, 1023)
            bimodal = False
        elif place % period == period // 2:
            self.psel = max(self.psel - 1, 0)
            bimodal = True
        else:
            bimodal = self.psel >= 512
        self.rrpv[place][way] = 3 if bimodal and self.drawn(place) % 32 else 2
        self.taken[place] += 1


class Random(Policy):
    def filled(self, place: int, way: int) -> None:
        self.taken[place] += 1

    def victim(self, place: int) -> int:
        return (self.drawn(place) >> 32) * self.ways >> 32


POLICIES = {"lru": Lru, "fifo": Fifo, "plru": Plru, "srrip": Srrip, "drrip": Drrip, "random": Random}
