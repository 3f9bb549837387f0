"""NVSim's `.cell` files: `-Key (unit): value` a line; other lines are remarks."""

import math
import re
from pathlib import Path

from circuits.array.element import Element, Pulse
from circuits.errors import InputError

MAX_BYTES = 1 << 16
_LINE = re.compile(r"-([A-Za-z0-9]+)\s*(?:\(([^)]*)\))?\s*:\s*(\S+)")
_UNITS = {"ohm": 1.0, "v": 1.0, "mv": 1e-3, "ua": 1e-6, "uw": 1e-6, "ns": 1e-9, "pj": 1e-12, "f": 1.0, "f^2": 1.0}
_KINDS = ("SRAM", "MRAM", "PCRAM", "memristor")
_SENSE_V = 0.08  # the smallest sense voltage where a file gives none
_PULL_DOWN, _PULL_UP = 2.08, 1.23  # F, the widths in an SRAM cell where a file gives none (CACTI)


def read_lines(path: Path) -> dict[str, tuple[str, str]]:
    """Return the values of a file of `-Key (unit): value` lines, each with its unit; the last of a key counts.

    Raises:
        InputError: the file cannot be read, or holds no such line.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InputError(f"{path}: larger than 64 KiB; not a file of -Key: value lines")
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text file") from None
    found = {m[1]: (m[3], (m[2] or "").strip()) for m in map(_LINE.match, text.splitlines()) if m}
    if not found:
        raise InputError(f"{path}: holds no line such as -Key (unit): value")
    return found


class _Values:
    """The values of a file, by key."""

    def __init__(self, path: Path) -> None:
        self.path, self.found = path, read_lines(path)

    def number(self, key: str, default: float = 0.0) -> float:
        if key not in self.found:
            return default
        text, unit = self.found[key]
        scale = _UNITS.get(unit.lower(), 1.0)
        try:
            value = float(text) * scale
        except ValueError:
            raise InputError(f"{self.path}: {key} {text!r}: not a number") from None
        if not math.isfinite(value):
            raise InputError(f"{self.path}: {key} {text!r}: not a finite number")
        return value

    def needed(self, key: str) -> float:
        value = self.number(key)
        if value <= 0:
            raise InputError(f"{self.path}: {key}: missing or not positive")
        return value

    def word(self, key: str, default: str = "") -> str:
        return self.found.get(key, (default, ""))[0]

    def pulse(self, what: str) -> Pulse:
        numbers = (self.number(what + part) for part in ("Voltage", "Current", "Pulse", "Energy"))
        return Pulse(self.word(what + "Mode", "voltage") == "voltage", *numbers)


def read_cell(path: Path) -> Element:
    """Return the cell of a `.cell` file: SRAM, MRAM, PCRAM or memristor, with or without an access transistor.

    Raises:
        InputError: the file is no cell, or lacks what its kind needs.
    """
    values = _Values(path)
    kind, access = values.word("MemCellType"), values.word("AccessType", "CMOS")
    if kind not in _KINDS:
        raise InputError(f"{path}: MemCellType {kind!r}: known are {', '.join(_KINDS)}")
    if access == "BJT":
        raise InputError(f"{path}: AccessType BJT: not modelled; give CMOS, diode or None")
    area, ratio = values.needed("CellArea"), values.needed("CellAspectRatio")
    on = values.number("ResistanceOnAtReadVoltage", values.number("ResistanceOn"))
    off = values.number("ResistanceOffAtReadVoltage", values.number("ResistanceOff"))
    if kind != "SRAM" and not 0 < on < off:
        raise InputError(f"{path}: ResistanceOn, ResistanceOff: give 0 < on < off")
    write, half = values.number("ResistanceOnAtResetVoltage"), values.number("ResistanceOnAtHalfResetVoltage")
    if access == "CMOS":
        values.needed("AccessCMOSWidth")
    elif access == "None" and not (write > 0 and half > 0):
        raise InputError(
            f"{path}: ResistanceOnAtResetVoltage, ResistanceOnAtHalfResetVoltage: a cross-point needs both"
        )
    return Element(
        kind, math.sqrt(area / ratio), math.sqrt(area * ratio), "CMOS" if access == "CMOS" else access.lower(),
        values.number("AccessCMOSWidth"), values.number("SRAMCellNMOSWidth", _PULL_DOWN),
        values.number("SRAMCellPMOSWidth", _PULL_UP), on, off, write or on, half or on,
        max(values.number("CapacitanceOn"), values.number("CapacitanceOff")),
        values.number("VoltageDropAccessDevice"), values.number("LeakageCurrentAccessDevice"),
        values.word("ReadMode", "voltage") == "voltage", values.number("ReadVoltage"), values.number("ReadCurrent"),
        values.number("ReadPower"), values.number("MinSenseVoltage", _SENSE_V), values.pulse("Reset"),
        values.pulse("Set"),
    )  # fmt: skip
