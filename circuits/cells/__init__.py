"""Bit cells computed from a node's devices: SRAM, STT-MRAM, SOT-MRAM, found by name or read from a user's file."""
