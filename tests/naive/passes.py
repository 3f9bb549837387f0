"""Passes over whole tensors and steps over lists of tensors, element by element."""

from collections.abc import Iterator

from tests.naive.lowering import SECTOR, Access, chunks, load, store


def touch(operand, elements) -> list[Access]:
    """What the named elements of a dense operand (tensor, address, item, count, written) ask for."""
    tensor, address, item, _, written = operand
    at = [address + e * item for e in elements]
    return store([at], item, tensor) if written else load([(0, one) for one in at], item, tensor)


def stream(elements: int, block: int, resident: int, operands: list, sms: int = 0, merged: int = 1) -> Iterator[Access]:
    """A kernel's blocks, `resident` a wave: all of a wave touches one operand, then the next.

    An operand is (tensor, address, item, count, written, how): `step` walks it with the elements, in proportion where
    it has fewer, whole sectors at a time; `alone` is the same, each element touched by itself; `again` is a vector that
    repeats along them, read anew by each block. With the L1s of `sms`, a short one is read by the first block of each,
    and L2 is asked once for `merged` of these.
    """
    for first in range(0, elements, block * resident):
        last = min(elements, first + block * resident)
        for *operand, how in operands:
            count, item = operand[3], operand[2]
            if how == "step":
                low, high = (reached(count, item, elements, e) for e in (first, last))
                yield from touch(operand, range(low // item, high // item))
            elif how == "alone":
                low, high = (reached(count, item, elements, e) for e in (first, last))
                for e in range(low // item, high // item):
                    yield from touch(operand, [e])
            elif sms and count * sms <= block * resident:
                readers = range(0, elements if first == 0 else 0, max(block, count))
                for _ in chunks(list(readers)[:sms], merged):
                    yield from touch(operand, range(count))
            elif count <= block:
                for _ in range(first, last, block):
                    yield from touch(operand, range(count))
            else:
                done = first
                while done < last:
                    stop = min(count, done % count + last - done)
                    yield from touch(operand, range(done % count, stop))
                    done += stop - done % count


def reached(count: int, item: int, elements: int, done: int) -> int:
    """Bytes of an operand that are walked when `done` of the elements are."""
    if done == elements or count == elements:
        return min(done, count) * item
    return count * done // elements * item // SECTOR * SECTOR


def lists(sets: list[list], chunk: int, step: int, resident: int) -> Iterator[Access]:
    """Blocks of a multi-tensor kernel, `chunk` elements each; each set is a tensor's operands, as for `touch`.

    Step by step, neighbouring blocks of a tensor touch one operand, then the next. A single number is read by each
    block as it begins, and written by the first block.
    """
    blocks = [(one, at) for one in sets for at in range(0, length(one), chunk)]
    for wave in chunks(blocks, resident):
        for start in range(0, chunk, step):
            for operands, mine in runs(wave):
                count = length(operands)
                going = [at + start for at in mine if at + start < count]
                for operand in operands:
                    if operand[3] < count:
                        if start == 0 and (mine[0] == 0 or not operand[4]):
                            for _ in range(1 if operand[4] else len(mine)):
                                yield from touch(operand, range(operand[3]))
                    else:
                        for at in going:
                            yield from touch(operand, range(at, min(count, at + step)))


def length(operands: list) -> int:
    return max(operand[3] for operand in operands)


def runs(wave: list) -> list[tuple[list, list[int]]]:
    """Blocks of a wave gathered by tensor, in order."""
    found: list[tuple[list, list[int]]] = []
    for operands, at in wave:
        if found and found[-1][0] is operands:
            found[-1][1].append(at)
        else:
            found.append((operands, [at]))
    return found


def chain(elements: int, block: int, resident: int, launches: list, later: set[int]) -> Iterator[Access]:
    """Kernels that follow one another as one: each thread does its element's part of all of them.

    A launch is its operands, as for `stream`, reads first. A thread loads what its registers do not hold, and at the
    end stores what it computed, but for tensors that it has used itself since and nobody uses `later`.
    """
    held: set[tuple] = set()  # what a thread has in registers: by place in memory
    loads, computed, unused = [], {}, set()
    for operands in launches:
        for operand in operands:
            tensor, address, _, count, written, _ = operand
            if written:
                computed[tensor] = operand
                unused.add(tensor)
            elif tensor in computed:
                unused.discard(tensor)
            elif (address, count) not in held:
                loads.append(operand)
            held.add((address, count))
    stores = [operand for tensor, operand in computed.items() if tensor in later or tensor in unused]
    return stream(elements, block, resident, loads + stores)
