"""The slow, obvious writer of Accel-Sim's .tracez: of the text of a .traceg, block by block and warp by warp."""

import re
from struct import pack

from traces.formats.source import zstd


def tracez(head: bytes, body: bytes, dictionary: bytes = b"", piece: int = 2048, size: int | None = None) -> bytes:
    """Return the file that holds what a .traceg of that head and thread blocks does.

    Args:
        head: up to the first thread block.
        body: the thread blocks.
        dictionary: what every piece is compressed with; of zstd's training, or any bytes.
        piece: instructions of a piece.
        size: what to say of the dictionary's bytes; None for the truth.
    """
    trained = dictionary.startswith(b"\x37\xa4\x30\xec")
    used = zstd.ZstdDict(dictionary, is_raw=not trained) if dictionary else None
    out = bytearray(head + b"\0" + pack("<II", len(dictionary) if size is None else size, piece) + dictionary)
    index = b""
    blocks = re.split(rb"#BEGIN_TB\n", body)[1:]
    for block in blocks:
        x, y, z = map(int, re.search(rb"thread block = (\d+),(\d+),(\d+)", block).groups())
        warps = re.split(rb"warp = \d+\n", block.replace(b"#END_TB", b""))[1:]
        index += pack("<11I", x, y, z, *[0] * 7, len(warps))
        for warp in warps:
            lines = [one for one in warp.split(b"\n")[1:] if one]
            pieces = [lines[at : at + piece] for at in range(0, len(lines), piece)]
            index += pack("<IIQ", len(lines), len(pieces), len(out))
            out += pack("<II", len(lines), len(pieces))
            for one in pieces:
                index += pack("<I", len(one))
                data = zstd.compress(b"\n".join(one), zstd_dict=used)
                out += pack("<I", len(data)) + data
    return bytes(out) + pack("<I", len(blocks)) + index + pack("<Q", len(out))
