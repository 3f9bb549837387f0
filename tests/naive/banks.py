"""A slow, obvious twin of hwmodel.cache.banks: events in a heap, queues in lists, nothing known before its time."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from heapq import heappop, heappush
from itertools import count

from tests.naive.cache import mix

# What happens first among what happens at one time: what ends, what comes from DRAM, what is issued, what banks begin.
ENDS, COMES, ISSUED, BEGINS = range(4)


@dataclass(frozen=True)
class Machine:
    """Times are whole numbers of any unit."""

    banks: int
    read: int
    read_cycle: int
    write: int
    write_cycle: int
    outstanding: int
    depth: int = 0
    interval: int = 0
    tag: int = 0
    dram: int = 0
    dram_sector: int = 0
    forwards: bool = False


@dataclass(frozen=True)
class Access:
    line: int
    unit: int  # what a fetch for it brings
    write: bool
    fetched: int = 0
    written: int = 0
    given: int = 0


class Clock:
    """Does things at their times."""

    def __init__(self) -> None:
        self.heap: list[tuple[int, int, int, Callable[[int], None]]] = []
        self.number = count()
        self.last = 0

    def at(self, time: int, order: int, what: Callable[[int], None]) -> None:
        heappush(self.heap, (time, order, next(self.number), what))

    def run(self) -> None:
        while self.heap:
            time, _, _, what = heappop(self.heap)
            self.last = max(self.last, time)
            what(time)


@dataclass
class Job:
    """A turn at a bank: a read, or, where nothing is buffered, a write; or the promise to write the oldest buffered."""

    cycle: int
    latency: int = 0
    then: Callable[[int], None] | None = None
    buffered: bool = False


@dataclass
class Bank:
    clock: Clock
    machine: Machine
    line: deque[Job] = field(default_factory=deque)
    buffered: int = 0  # entries of the buffer whose write has not begun
    writing: bool = False  # an entry of the buffer
    waiting: deque[Callable[[int], None]] = field(default_factory=deque)  # writes without an entry
    serving: bool = False
    busy: int = 0
    unwritten: deque[int] = field(default_factory=deque)  # units whose write has come and not ended, where buffered

    def read(self, now: int, then: Callable[[int], None] | None) -> None:
        self.line.append(Job(self.machine.read_cycle, self.machine.read, then))
        self.wake(now)

    def write(self, now: int, unit: int, then: Callable[[int], None]) -> None:
        machine = self.machine
        if machine.depth:
            self.unwritten.append(unit)
        if machine.depth == 0:
            self.line.append(Job(machine.write_cycle, machine.write, then))
        elif not self.waiting and self.buffered + self.writing < machine.depth:
            self.buffered += 1
            self.clock.at(now, ISSUED, then)
        else:
            self.waiting.append(then)
            if len(self.waiting) > self.writing + sum(job.buffered for job in self.line):
                self.line.append(Job(machine.write_cycle, buffered=True))
        self.wake(now)

    def wake(self, now: int) -> None:
        if not self.serving:
            self.serving = True
            self.clock.at(now, BEGINS, self.begin)

    def begin(self, now: int) -> None:
        if self.line:
            job = self.line.popleft()
        elif self.buffered:
            job = Job(self.machine.write_cycle, buffered=True)
        else:
            self.serving = False
            return
        if job.buffered:
            self.buffered -= 1
            self.writing = True
            self.clock.at(now + job.cycle, ENDS, self.written)
        elif job.then is not None:
            self.clock.at(now + job.latency, ISSUED, job.then)
        self.busy += job.cycle
        self.clock.at(now + job.cycle, BEGINS, self.begin)

    def written(self, now: int) -> None:
        self.writing = False
        self.unwritten.popleft()
        if self.waiting:
            self.buffered += 1
            self.clock.at(now, ISSUED, self.waiting.popleft())


@dataclass
class Pipe:
    """DRAM: one transfer after another, each then under way for the latency."""

    clock: Clock
    machine: Machine
    line: deque[tuple[int, Callable[[int], None] | None]] = field(default_factory=deque)
    moving: bool = False

    def ask(self, now: int, sectors: int, then: Callable[[int], None] | None) -> None:
        self.line.append((sectors, then))
        if not self.moving:
            self.move(now)

    def move(self, now: int) -> None:
        self.moving = bool(self.line)
        if self.line:
            sectors, then = self.line.popleft()
            end = now + sectors * self.machine.dram_sector
            if then is not None:
                self.clock.at(end + self.machine.dram, COMES, then)
            self.clock.at(end, ENDS, self.move)


class Fill:
    """A line or sector under way, and the accesses that wait for it."""

    def __init__(self, unit: int, bank: Bank) -> None:
        self.unit, self.bank = unit, bank
        self.waiting: list[int] = []


class Simulation:
    """Accesses through banks; `issued` and `done` say when, `banks` what each did, `end` when all was over."""

    def __init__(self, machine: Machine, accesses: list[Access]) -> None:
        self.machine, self.accesses = machine, accesses
        self.clock = Clock()
        self.banks = [Bank(self.clock, machine) for _ in range(machine.banks)]
        self.pipe = Pipe(self.clock, machine)
        self.under_way: dict[int, Fill] = {}
        self.issued: list[int] = []
        self.done: dict[int, int] = {}
        self.merged = self.forwarded = 0
        if accesses:
            self.clock.at(accesses[0].given, ISSUED, self.issue)
        self.clock.run()
        self.end = self.clock.last

    def issue(self, now: int) -> None:
        """Issue the next access, unless it is too early, or one too many would be outstanding."""
        number = len(self.issued)
        if number == len(self.accesses):
            return
        access, before = self.accesses[number], number - self.machine.outstanding
        earliest = max(access.given, self.issued[-1] + self.machine.interval) if self.issued else access.given
        if now < earliest or (before >= 0 and before not in self.done):
            return  # a later event comes back to it
        self.issued.append(now)
        self.serve(number, access, now)
        if number + 1 < len(self.accesses):
            self.clock.at(max(now + self.machine.interval, self.accesses[number + 1].given), ISSUED, self.issue)

    def serve(self, number: int, access: Access, now: int) -> None:
        group, lane = divmod(access.line, self.machine.banks)
        bank = self.banks[(lane + mix(group, self.machine.banks)) % self.machine.banks]
        if access.written:
            bank.read(now, None)
        if access.fetched:
            fill = self.under_way[access.unit] = Fill(access.unit, bank)
            self.clock.at(now + self.machine.tag, ENDS, lambda time: self.ask(time, access.fetched, fill))
        if access.written:
            self.clock.at(now + self.machine.tag, ENDS, lambda time: self.ask(time, access.written, None))
        if access.unit in self.under_way:
            self.merged += access.fetched == 0
            self.under_way[access.unit].waiting.append(number)
        elif access.write:
            bank.write(now, access.unit, lambda time: self.finish(number, time))
        elif self.machine.forwards and access.unit in bank.unwritten:
            self.forwarded += 1
            self.clock.at(now, ISSUED, lambda time: self.finish(number, time))
        else:
            bank.read(now, lambda time: self.finish(number, time))

    def ask(self, now: int, sectors: int, fill: Fill | None) -> None:
        self.pipe.ask(now, sectors, None if fill is None else lambda time: self.come(fill, time))

    def come(self, fill: Fill, now: int) -> None:
        for number in fill.waiting:
            self.clock.at(now, ISSUED, lambda time, number=number: self.finish(number, time))
        if self.under_way.get(fill.unit) is fill:
            del self.under_way[fill.unit]
        fill.bank.write(now, fill.unit, lambda time: None)

    def finish(self, number: int, now: int) -> None:
        self.done[number] = now
        self.issue(now)
