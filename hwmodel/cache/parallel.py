"""One stream through caches by several threads; counts are those of one thread, to the bit.

The stream is cut into chunks of records, which lie in a ring. A thread takes all chunks, in order, for its own share
of the work: some of the caches. A thread that has no chunk left to take makes the next one, if the slowest has left
room in the ring. So nobody waits while there is anything to do, whoever is held up.

Caches that cannot be dealt out evenly are settled: who makes a chunk also finds out where in each of these its records
fall, and sorts them by sets into parts, each taken by one thread. Sets do not know of each other: all that matters is
the order of the records within each.
"""

from typing import NamedTuple

import numpy as np

from hwmodel.cache.block import INTERVAL, Block
from hwmodel.cache.compiled import Whole, kernel
from hwmodel.cache.gather import gather
from hwmodel.cache.index import locate, pack, spread
from hwmodel.cache.records import INDEX, SETS, SLICES, WIDE, Caches, apply, top_of, use
from hwmodel.cache.signals import STEP, claim, hear, tell
from hwmodel.cache.unroll import unroll
from hwmodel.cache.vectors import match, ones
from hwmodel.cache.words import SLACK, sift

RING = 8  # chunks that are kept
# Rows of words by which threads tell each other how far they are: chunks taken, by thread; how many were begun, and
# whether one is being unrolled; how many chunks there are; and the number of the chunk in each place of the ring, + 1.
TAKEN, BEGUN, UNROLLING, TOTAL, MADE, WORDS = range(6)
RECORDS, RUNS, READS, WRITES, COUNTED = range(5)  # of a chunk
TOOK, DONE, IDLE = range(3)
ENDLESS = 1 << 62
_LOOKS = 1 << 14
_LANES = 16
_ZERO, _ONE, _SIXTEEN = np.uint32(0), np.uint32(1), np.uint32(16)
_MIXER, _LOW = np.uint32(40503), np.uint32(0xFFFF)


class Ring(NamedTuple):
    """Chunks, and, for caches that are settled, where in each their records fall, part by part."""

    line: np.ndarray  # uint64 (chunk, record)
    what: np.ndarray  # uint32 (chunk, record)
    ends: np.ndarray  # int64 (chunk, run), past the last record of each run
    rows: np.ndarray  # int64 (chunk, run), the row that a run counts in
    counts: np.ndarray  # int64 (chunk, COUNTED); reads and writes where `unroll` has not counted them
    places: np.ndarray  # uint32 (chunk, cache, part, record)
    wanted: np.ndarray  # uint32, the same, of packed caches
    quotients: np.ndarray  # uint64, the same, of wide caches
    whats: np.ndarray  # uint32, the same, where there are parts
    lasts: np.ndarray  # int64 (chunk, cache, part, run), past the last record of each run, where there are parts

    @classmethod
    def empty(cls, caches: int, parts: int, wide: bool, records: int) -> "Ring":
        """Return room for chunks of so many records, and for so many caches that are settled."""
        one = RING, records + SLACK
        full = (RING, caches, parts, records + SLACK) if caches else (1, 1, 1, 1)
        kinds = (np.uint32, np.uint32, np.uint64, np.uint32, np.int64)
        needed = (True, True, wide, parts > 1, parts > 1)
        located = [np.empty(full if there else (1, 1, 1, 1), kind) for kind, there in zip(kinds, needed, strict=True)]
        chunks = [np.empty(one, kind) for kind in (np.uint64, np.uint32, np.int64, np.int64)]
        return cls(*[*chunks, np.zeros((RING, COUNTED), np.int64), *located])


@kernel
def _settle(block: Block, chunk: Whole, settled: np.ndarray, caches: Caches, ring: Ring) -> None:
    """Find where a chunk's records fall in each of some caches, and sort them into parts where there are several."""
    count, parts = ring.counts[chunk, RECORDS], ring.places.shape[2]
    for number in range(settled.size):
        shape, table = caches.shape[settled[number]], caches.tables[settled[number]]
        wide = shape[WIDE] != 0
        places, wanted, quotients = block.places, block.wanted, block.quotients
        if parts == 1:
            places, wanted = ring.places[chunk, number, 0], ring.wanted[chunk, number, 0]
            quotients = ring.quotients[chunk, number, 0] if wide else quotients
        locate(block.line, count, shape[SETS], shape[SLICES], shape[INDEX], not wide, table, places, quotients)
        spread(places, count)
        if not wide:
            pack(quotients, block.what, count, wanted)
        if parts > 1:
            for i in range(count):
                block.seen[i] = (((places[i] * _MIXER) & _LOW) * np.uint32(parts)) >> _SIXTEEN
            for part in range(parts):
                _sort(block, chunk, number, part, wide, ring)


@kernel
def _sort(block: Block, chunk: Whole, number: Whole, part: Whole, wide: bool, ring: Ring) -> None:
    """Copy to a part the records that `seen` says are its own."""
    places, whats = ring.places[chunk, number, part], ring.whats[chunk, number, part]
    held, begin = np.intp(0), 0
    for run in range(ring.counts[chunk, RUNS]):
        end = block.ends[run]
        for i in range(begin, end, _LANES):
            mine = match(block.seen, i, np.uint32(part), _ONE) & ((_ONE << np.uint32(min(end - i, _LANES))) - _ONE)
            sift(block.places, i, mine, places, held)
            sift(block.what, i, mine, whats, held)
            if wide:
                sift(block.quotients, i, mine, ring.quotients[chunk, number, part], held)
            else:
                sift(block.wanted, i, mine, ring.wanted[chunk, number, part], held)
            held += np.intp(ones(mine))
        begin = end
        ring.lasts[chunk, number, part, run] = held


@kernel
def _place_for(words: np.ndarray, number: Whole, threads: Whole) -> bool:
    """Return whether all threads have taken the chunk whose place a new one would take."""
    free = True
    for thread in range(threads):
        free &= hear(words[TAKEN], thread * STEP) > number - RING
    return free


@kernel
def _take(
    thread: Whole, number: Whole, settled: np.ndarray, whole: np.ndarray, share: np.ndarray, block: Block, ring: Ring,
    caches: Caches, misses: np.ndarray, accesses: np.ndarray, threads: Whole,
) -> None:  # fmt: skip
    """Do a thread's share of a chunk: its caches, and its parts of those that are settled."""
    chunk = number % RING
    counts, parts = ring.counts[chunk], ring.places.shape[2]
    count, runs = counts[RECORDS], counts[RUNS]
    if runs > 0:
        apply(_view(block, ring, chunk), count, runs, whole, caches, misses)
        for one in share:
            at, part = one // parts, one % parts
            what, lasts, quotients = ring.what[chunk], ring.ends[chunk], block.quotients
            if parts > 1:
                what, lasts = ring.whats[chunk, at, part], ring.lasts[chunk, at, part]
                count = lasts[runs - 1]
            if ring.quotients.size > 1:
                quotients = ring.quotients[chunk, at, part]
            use(ring.places[chunk, at, part], ring.wanted[chunk, at, part], quotients, what, count, runs, lasts,
                ring.rows[chunk], np.int64(settled[at]), caches, block.seen, misses)  # fmt: skip
    if number % threads == thread:
        accesses[0, 0] += np.uint64(counts[READS])
        accesses[0, 1] += np.uint64(counts[WRITES])


@kernel
def _view(block: Block, ring: Ring, chunk: Whole) -> Block:
    """Return a thread's block with a chunk's records in it."""
    return Block(
        ring.line[chunk], ring.what[chunk], block.places, block.seen, block.quotients, block.wanted, ring.ends[chunk],
        ring.rows[chunk], block.at, block.rest, block.rest_writes,
    )  # fmt: skip


@kernel
def _publish(block: Block, number: Whole, counts: tuple[Whole, Whole, Whole, Whole], settled: np.ndarray,
             caches: Caches, ring: Ring, words: np.ndarray) -> None:  # fmt: skip
    """Let all take a chunk that was made: records, runs, reads and writes of it are `counts`."""
    chunk = number % RING
    for which in range(COUNTED):
        ring.counts[chunk, which] = counts[which]
    _settle(block, chunk, settled, caches, ring)
    tell(words[MADE], chunk * STEP, number + 1)


@kernel
def _next(
    thread: Whole, threads: Whole, settled: np.ndarray, whole: np.ndarray, share: np.ndarray, block: Block, ring: Ring,
    caches: Caches, misses: np.ndarray, accesses: np.ndarray, words: np.ndarray,
) -> Whole:  # fmt: skip
    """Take the next chunk if it is made: TOOK; else say whether there are no more: DONE, or IDLE."""
    number = hear(words[TAKEN], thread * STEP)
    if hear(words[MADE], number % RING * STEP) == number + 1:
        _take(thread, number, settled, whole, share, block, ring, caches, misses, accesses, threads)
        tell(words[TAKEN], thread * STEP, number + 1)
        return TOOK
    return DONE if number >= hear(words[TOTAL], 0) else IDLE


@kernel
def work_on_addresses(
    thread: Whole, threads: Whole, address: np.ndarray, is_write: np.ndarray, line_bits: int, joined: bool,
    limit: np.uint64, settled: np.ndarray, whole: np.ndarray, share: np.ndarray, block: Block, ring: Ring,
    caches: Caches, misses: np.ndarray, accesses: np.ndarray, words: np.ndarray,
) -> bool:  # fmt: skip
    """Do a thread's work; return false where for a while there has been none, else true at the end.

    As hwmodel.cache.records.feed_addresses does, but `misses` and `accesses` are this thread's own, as are the caches
    `whole` and the parts of `share`. Where an address is above `limit`, word TOTAL says in which chunk.
    """
    size, looks = np.int64(ring.line.shape[1]) - SLACK, 0
    while looks < _LOOKS:
        did = _next(thread, threads, settled, whole, share, block, ring, caches, misses, accesses, words)
        if did == DONE:
            return True
        if did == TOOK:
            looks = 0
            continue
        number = hear(words[BEGUN], 0)
        looks += 1
        if number >= hear(words[TOTAL], 0) or not _place_for(words, number, threads):
            continue
        if not claim(words[BEGUN], 0, number, number + 1):
            continue
        looks, begin, chunk = 0, number * size, number % RING
        end = min(begin + size, address.size)
        if begin >= address.size or top_of(address, begin, end) > limit:
            total = hear(words[TOTAL], 0)
            while number < total and not claim(words[TOTAL], 0, total, number):
                total = hear(words[TOTAL], 0)
            continue
        made = _view(block, ring, chunk)
        count, writes = gather(address, is_write, begin, end, line_bits, joined, made)
        made.ends[0], made.rows[0] = count, 0
        counts = count, 1, end - begin - writes, writes
        _publish(made, number, counts, settled, caches, ring, words)
    return False


@kernel
def work_on_intervals(
    thread: Whole, threads: Whole, base: np.ndarray, stride: np.ndarray, rows: np.ndarray, width: np.ndarray,
    write: np.ndarray, owner: np.ndarray, line_bits: int, settled: np.ndarray, whole: np.ndarray, share: np.ndarray,
    block: Block, ring: Ring, caches: Caches, misses: np.ndarray, accesses: np.ndarray, words: np.ndarray,
) -> bool:  # fmt: skip
    """Do a thread's work, as hwmodel.cache.records.feed_intervals does; return as `work_on_addresses` does.

    One thread at a time unrolls: only at a chunk's end is it known where the next begins. All blocks share their `at`.
    """
    looks = 0
    while looks < _LOOKS:
        did = _next(thread, threads, settled, whole, share, block, ring, caches, misses, accesses, words)
        if did == DONE:
            return True
        if did == TOOK:
            looks = 0
            continue
        looks += 1
        if hear(words[UNROLLING], 0) or not claim(words[UNROLLING], 0, 0, 1):
            continue
        number = hear(words[BEGUN], 0)
        if number >= hear(words[TOTAL], 0) or not _place_for(words, number, threads):
            tell(words[UNROLLING], 0, 0)
            continue
        looks, chunk = 0, number % RING
        made = _view(block, ring, chunk)
        if block.at[INTERVAL] >= base.size:
            tell(words[TOTAL], 0, number)
            tell(words[UNROLLING], 0, 0)
            continue
        count, runs = unroll(base, stride, rows, width, write, owner, line_bits, made, accesses)
        tell(words[BEGUN], 0, number + 1)
        tell(words[UNROLLING], 0, 0)
        _publish(made, number, (count, runs, 0, 0), settled, caches, ring, words)
    return False
