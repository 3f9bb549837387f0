"""Ctrl-C that cannot get lost.

The exception it makes may come up where nobody can catch it, such as in a finaliser or in a library that takes any
exception at its import; then work would go on. So that it was heard is remembered, and long work asks now and then.
"""

import signal
import sys
import threading

_heard = threading.Event()


def listen() -> None:
    """Remember from now on that Ctrl-C was heard, and raise KeyboardInterrupt as Python does by itself."""
    _heard.clear()
    ours = threading.current_thread() is threading.main_thread()
    if ours and signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else somebody else decides
        signal.signal(signal.SIGINT, _hear)
        sys.unraisablehook = _tell_unraisable


def _hear(number: int, frame: object) -> None:  # noqa: ARG001
    _heard.set()
    raise KeyboardInterrupt


def _tell_unraisable(unraisable: "sys.UnraisableHookArgs") -> None:
    """Print what came up where nobody can catch it; not Ctrl-C, which is remembered and told in its own line."""
    if not (_heard.is_set() and issubclass(unraisable.exc_type, KeyboardInterrupt)):
        sys.__unraisablehook__(unraisable)


def check() -> None:
    """Raise what got lost.

    Raises:
        KeyboardInterrupt: where Ctrl-C was heard since `listen`.
    """
    if _heard.is_set():
        raise KeyboardInterrupt
