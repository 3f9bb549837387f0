"""Scanners over the bytes of a text: tokens between blanks, and the numbers they hold.

A text is a uint8 array that ends with a newline, so that no scanner can run past its end. Blanks are the space, the
tab and the carriage return. `state` is the int64 array through which a parser is told where it is and tells what it
met.
"""

import numpy as np

from traces.formats.compiled import Truth, Whole, inner

LINE, FAULT, START, STOP, COUNT, STATE = range(6)  # places in `state`; a parser's own begin at STATE
NEWLINE = 10
_TOP = np.uint64(2**64 - 1)
_STEP = np.uintp(
    1
)  # indices are unsigned in the loops over bytes: numba lets signed ones count from the end, at a cost
_NOUGHT, _FOUR = np.uint64(0), np.uint64(4)


@inner
def _digit(byte: Whole) -> Whole:
    """Return the value of a hexadecimal digit, 16 for any other byte."""
    if 48 <= byte <= 57:
        return byte - 48
    low = byte | 32
    return low - 87 if 97 <= low <= 102 else 16


@inner
def _is_blank(byte: Whole) -> Truth:
    return byte <= 32 and byte in (32, 9, 13)


@inner
def token(text: np.ndarray, at: Whole) -> tuple[Whole, Whole]:
    """Return where the next token of the line starts and stops; it is empty at the line's end."""
    begin = np.uintp(at)
    while _is_blank(text[begin]):
        begin += _STEP
    end = begin
    while text[end] > 32 or not (text[end] == NEWLINE or _is_blank(text[end])):
        end += _STEP
    return np.int64(begin), np.int64(end)


@inner
def next_line(text: np.ndarray, at: Whole) -> Whole:
    """Return where the line after this one begins."""
    end = np.uintp(at)
    while text[end] != NEWLINE:
        end += _STEP
    return np.int64(end) + 1


@inner
def hexadecimal(text: np.ndarray, start: Whole, stop: Whole) -> tuple[np.uint64, Truth]:
    """Return the number that a token is, 0x before it or not, and whether it is one below 2**64."""
    value = _NOUGHT
    if stop - start > 2 and text[start] == 48 and (text[start + 1] | 32) == 120:
        start += 2
    if stop == start:
        return value, False
    for i in range(np.uintp(start), np.uintp(stop)):
        digit = _digit(np.int64(text[i]))
        if digit > 15 or value >> np.uint64(60) != _NOUGHT:
            return value, False
        value = (value << _FOUR) | np.uint64(digit)
    return value, True


@inner
def decimal(text: np.ndarray, start: Whole, stop: Whole) -> tuple[np.int64, Truth]:
    """Return the number that a token is, a minus before it or not, and whether it is one within +-10**17."""
    value = np.int64(0)
    minus = stop > start and text[start] == 45
    if minus:
        start += 1
    if stop == start:
        return value, False
    for i in range(np.uintp(start), np.uintp(stop)):
        digit = np.int64(text[i]) - 48
        if digit < 0 or digit > 9 or value > 10**16:
            return value, False
        value = value * 10 + digit
    return (-value if minus else value), value <= 10**17


@inner
def is_word(text: np.ndarray, start: Whole, stop: Whole, word: np.ndarray) -> Truth:
    """Return whether a token is that word."""
    return stop - start == len(word) and begins(text, start, stop, word)


@inner
def begins(text: np.ndarray, start: Whole, stop: Whole, word: np.ndarray) -> Truth:
    """Return whether a token begins with that word."""
    if stop - start < len(word):
        return False
    for i in range(len(word)):  # noqa: SIM110  (numba has no generators)
        if text[start + i] != word[i]:
            return False
    return True


@inner
def fits(base: np.uint64, width: np.uint64) -> Truth:
    """Return whether `width` bytes from `base` on, at least one, end by 2**64."""
    return base <= _TOP - (width - np.uint64(1))


@inner
def moved(base: np.uint64, step: np.int64) -> tuple[np.uint64, Truth]:
    """Return an address moved by a signed step, and whether it is still one."""
    if step < 0:
        down = np.uint64(-step)
        return base - down, base >= down
    up = np.uint64(step)
    return base + up, base <= _TOP - up


@inner
def refuse(state: np.ndarray, fault: Whole, start: Whole, stop: Whole) -> None:
    """Note what is wrong with the token from `start` to `stop`."""
    state[FAULT], state[START], state[STOP] = fault, start, stop
