"""How often processes are looked at, and what those of a role have taken."""

from dataclasses import dataclass, field

YOUNG_S = 1


@dataclass(frozen=True)
class Pace:
    """How often what is looked at, in ticks: `look`, for new threads and first children; `thorough`, all and memory."""

    look: int
    thorough: int

    def looks(self, tick: int, since: int) -> bool:
        """Say whether to look for new things at a tick: at each while young, when most of them come up.

        Args:
            tick: its number.
            since: that of the tick at which this came up.
        """
        return tick % self.look == 0 or tick - since < YOUNG_S * self.thorough

    @classmethod
    def at(cls, hz: float) -> "Pace":
        """Return the pace of so many ticks a second: both about once a second."""
        return cls(max(round(hz), 1), max(round(hz), 1))


@dataclass(slots=True)
class Sums:
    """What the processes of a role have taken since the start, and how many there are now."""

    cpu_ns: int = 0
    wait_ns: int = 0
    slices: int = 0
    processes: int = 0
    threads: int = 0
    running: int = 0
    rss_bytes: int = 0
    cores: dict[int, int] = field(default_factory=dict)  # how often a process was seen on each

    def add(self, other: "Sums") -> None:
        """Add another role's."""
        self.cpu_ns += other.cpu_ns
        self.wait_ns += other.wait_ns
        self.slices += other.slices
        self.processes += other.processes
        self.threads += other.threads
        self.running += other.running
        self.rss_bytes += other.rss_bytes
