"""What the parser of a .traceg's thread blocks knows from line to line, and what it may refuse."""

from traces.formats.scan import STATE

# Places of `state`: does every line begin with a source line's number, is a block open, instructions left of the warp,
# the number of the next, blocks ended, blocks to end before the parser stops, and the last instruction if an LDGSTS:
# its PC, its lanes (0: none) and where its accesses begin.
NUMBERED, OPEN, LEFT, TICK, ENDED, ENOUGH, PC, ACTIVE, BEGUN, WARPS = range(STATE, STATE + 10)
# What may be wrong, and what would be right.
(_RIGHT, STRUCTURE, OUTSIDE, WITHIN, INSTS, SOURCE_LINE, COUNTER, MASK, REGISTERS, OPCODE, WIDTH, MODE, ADDRESS, STEP,
 GAPS, BEYOND, COUNTED, FIELD) = range(18)  # fmt: skip
FAULTS = (
    "",
    "where #BEGIN_TB, thread block, warp, insts or #END_TB should stand",
    "outside a thread block; give #BEGIN_TB before it",
    "within a thread block; give #END_TB before it",
    "not a number of instructions from 0 to 2**32 - 1 after insts =",
    "not a source line's number",
    "not an instruction's hexadecimal PC (insts = says that there are more)",
    "not a mask of 32 lanes, in hexadecimal",
    "not a number of registers from 0 to 255",
    "not an opcode",
    "not a memory width from 0 to 2**31 - 1",
    "not a way to list addresses; give 0, 1 or 2 (3 or 4 of a tensor access)",
    "not a hexadecimal address below 2**64",
    "not a stride or step of addresses, in decimal",
    "a stride, but the active lanes are not neighbours",
    "an access that reaches below 0 or beyond 2**64 - 1",
    "not a number of addresses that one instruction may have",
    "not a field of a tensor access",
)
