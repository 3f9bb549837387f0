"""What the order of a product's tiles is worth, in DRAM reads: `python benchmarks/traces/order.py --gpu a100_40gb`.

A product of square matrices passes the L2 of a machine. Compulsory are both factors once; the ratio says how often each
is fetched.
"""

import argparse
import json
from itertools import product

from hwmodel.cache import CacheConfig
from hwmodel.cache.run import Replay
from traces.gpus import load_gpu
from traces.lowering import Options, plan
from traces.operation import Operation, View

FLOAT = 4


def square(index: int, side: int) -> View:
    size = -(-FLOAT * side * side // 512) * 512
    return View(index, (1 << 32) + index * size, (side, side), (side, 1), FLOAT, "float32")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=4096)
    parser.add_argument("--gpu", default="gtx1080ti")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    chosen = parser.parse_args()
    gpu = load_gpu(chosen.gpu)
    a, b, c = (square(index, chosen.side) for index in range(3))
    operation = Operation("aten.mm.default", (a, b), {}, (c,), "", "forward")
    compulsory = 2 * FLOAT * chosen.side**2 // gpu.sector_bytes
    rows = []
    for raster, swizzle in product("mn", (1, 2, 4, 8)):
        cache = Replay([CacheConfig(gpu.l2_simulated_bytes, gpu.l2_ways, gpu.line_bytes, sector=gpu.sector_bytes)])
        for launch in plan(operation, gpu, None, Options(raster=raster, swizzle=swizzle)):
            for batch in launch.emit(0):
                cache.feed(batch)
        row = cache.result().to_dict("records")[0]
        counts = {"l2_sectors": int(row["accesses"]), "dram_read_sectors": int(row["read_misses"])}
        rows.append({"raster": raster, "swizzle": swizzle, **counts, "ratio": row["read_misses"] / compulsory})
    if chosen.json:
        print(
            json.dumps(
                {"gpu": gpu.name, "side": chosen.side, "compulsory_sectors": compulsory, "orders": rows}, indent=2
            )
        )
        return
    print(f"{gpu.name}, {chosen.side} x {chosen.side} x {chosen.side}, float32")
    for row in rows:
        print(f"raster {row['raster']}  swizzle {row['swizzle']}{row['dram_read_sectors']:>14,} sectors from DRAM, "
              f"{row['ratio']:.2f} x compulsory")  # fmt: skip


if __name__ == "__main__":
    main()
