"""DineroIV's rules for one data cache, as its manual pages and comments state them; words and code are ours.

Sources: dineroIV(1), options -l1-dbsize, -l1-dsbsize, -l1-drepl, -l1-dwalloc and -l1-dwback; dineroIV(3), the policies
`walloc_always`, `walloc_never`, `walloc_nofetch`, `wback_always`, `wback_never`; and what `d4ref` in ref.c of release
d4-7 asks for:

- a reference misses where its block is absent or any sub-block it touches is not valid;
- a write whose block is absent changes the cache only where write allocation says so: always, never, or where it
  covers its sub-blocks whole; one whose block is there always does, and makes all sub-blocks it touches valid;
- a write is written on where it changes nothing or where the policy is write-through; else its sub-blocks are dirty;
- what a read misses is fetched, in the sub-blocks it touches; so is what a write misses that allocates always and
  does not cover its sub-blocks whole;
- of a block that goes, its dirty sub-blocks are written.
"""

from collections import Counter


class Dinero:
    def __init__(self, block: int, sub_block: int, sets: int, ways: int, repl: str, walloc: str, wback: str) -> None:
        self.block, self.sub_block, self.sets, self.ways = block, sub_block, sets, ways
        self.repl, self.walloc, self.wback = repl, walloc, wback
        self.stacks: list[list[list]] = [[] for _ in range(sets)]  # of [block, valid, dirty], the top first
        self.misses: Counter[str] = Counter()
        self.bytes_read = self.bytes_written = 0

    def reference(self, kind: str, address: int, size: int) -> None:
        """A read ("r") or write ("w") within a block; what is written on is counted in whole sectors of 32 B."""
        block, offset = divmod(address, self.block)
        touched = set(range(offset // self.sub_block, (offset + size - 1) // self.sub_block + 1))
        covers = size == len(touched) * self.sub_block
        stack = self.stacks[block % self.sets]
        entry = next((entry for entry in stack if entry[0] == block), None)
        missed = entry is None or not touched <= entry[1]
        allocates = self.walloc == "a" or (self.walloc == "f" and covers)
        self.misses[kind] += missed
        written_back = False
        if kind == "r" or entry is not None or allocates:
            if entry is None:
                entry = [block, set(), set()]
                stack.insert(0, entry)
                if len(stack) > self.ways:
                    self.bytes_written += len(stack.pop()[2]) * self.sub_block
            elif self.repl == "lru":
                stack.remove(entry)
                stack.insert(0, entry)
            entry[1] |= touched
            written_back = kind == "w" and self.wback == "a"
            if written_back:
                entry[2] |= touched
        if kind == "w" and not written_back:
            self.bytes_written += 32
        if missed and (kind == "r" or (allocates and not covers)):
            self.bytes_read += len(touched) * self.sub_block
