"""A machine with a GPU, as far as its commands go: stand-ins for nvidia-smi and ncu at the head of PATH."""

import os
import sys
from pathlib import Path

FAKE = Path(__file__).with_name("fake_ncu.py")
SMI = "NVIDIA H100 80GB HBM3, 580.65.06, 1980 MHz, 2619 MHz"


def install(folder: Path, monkeypatch, gpu: str = SMI, ncu: bool = True) -> None:
    """Put both commands into a folder and on PATH; what nvidia-smi prints is `gpu`, an error where it is blank."""
    folder.mkdir()
    told = f"echo '{gpu}'" if gpu else "echo 'NVIDIA-SMI has failed: no driver' >&2; exit 9"
    _put(
        folder / "nvidia-smi", f'#!/bin/sh\ncase "$*" in *name,driver_version*csv,noheader) {told};; *) exit 6;; esac\n'
    )
    if ncu:
        _put(folder / "ncu", f"#!{sys.executable}\n{FAKE.read_text(encoding='utf-8')}")
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin")


def _put(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
