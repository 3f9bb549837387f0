"""What a SASS opcode says of its memory access: whether it reads, whether it writes, and how many bytes a lane.

Opcodes are known by prefix: LD* reads, ST* writes, ATOM* and RED* read and write; all others access nothing. Accesses
to shared memory (LDS, LDSM, STS, STSM, ATOMS), to constants (LDC), to tensor memory (LDT, STT) and REDUX, a reduction
among a warp's lanes, never reach the last-level cache. The width is the first suffix that is a number of bits, with
U, S or nothing before it (LDG.E.128, STG.E.U16), else 4 bytes.

Source: CUDA Binary Utilities, instruction set reference; the width rule is Accel-Sim's trace parser's.
"""

import numpy as np

from traces.formats.compiled import Truth, Whole, inner

DOT = 46


@inner
def _name(text: np.ndarray, start: Whole, stop: Whole) -> Whole:
    """Return the opcode's first four letters as one number; fewer, up to the first dot, padded with zeros."""
    name = 0
    for i in range(4):
        letter = np.int64(text[start + i]) if start + i < stop and text[start + i] != DOT else 0
        name = (name << 8) | letter
        if letter == 0:
            return name << (8 * (3 - i))
    return name


@inner
def classify(text: np.ndarray, start: Whole, stop: Whole) -> tuple[Truth, Truth]:
    """Return whether an opcode reads global or local memory, and whether it writes it."""
    name = _name(text, start, stop)
    two, three = name >> 16, name >> 8
    if two == 0x4C44:  # LD, but for LDS, LDC, LDT
        return three not in (0x4C4453, 0x4C4443, 0x4C4454), False
    if two == 0x5354:  # ST, but for STS, STT
        return False, three not in (0x535453, 0x535454)
    if name == 0x41544F4D:  # ATOM, but for ATOMS
        shared = start + 4 < stop and text[start + 4] == 83
        return not shared, not shared
    if three == 0x524544:  # RED, but for REDU(X) and REDS
        reaches = name not in (0x52454455, 0x52454453)
        return reaches, reaches
    return False, False


@inner
def width_of(text: np.ndarray, start: Whole, stop: Whole) -> Whole:
    """Return the bytes of a lane's access."""
    at = start
    while at < stop:
        while at < stop and text[at] != DOT:
            at += 1
        at += 1
        if at < stop and (text[at] in (85, 83)):  # U S
            at += 1
        bits, end = 0, at
        while end < stop and 48 <= text[end] <= 57 and bits < 1000:
            bits = bits * 10 + np.int64(text[end]) - 48
            end += 1
        if (end == stop or text[end] == DOT) and (bits in (8, 16, 32, 64, 128, 256)):
            return bits // 8
    return 4
