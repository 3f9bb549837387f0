/* pycachesim's C core on a trace: one write-back, write-allocate LRU cache of 16 ways and 128 B lines.
   BACKEND is its own backend.c, compiled here without Python; one call a trace, counts as in move_to_front.c. */
#include <stdint.h>

#define NO_PYTHON
#define USE_PIN /* leaves out its printing */
#include BACKEND

int replay(const uint64_t *address, const uint8_t *is_write, uint64_t length, uint64_t sets, uint64_t counts[5])
{
    enum { WAYS = 16, LINE = 128, LINE_BITS = 7, SECTOR = 32 };
    Cache cache = {.name = "L2", .sets = (long)sets, .ways = WAYS, .cl_size = LINE, .cl_bits = LINE_BITS,
                   .subblock_size = LINE, .subblock_bits = 1, .replacement_policy_id = 1, .write_back = 1,
                   .write_allocate = 1};
    cache.placement = malloc(sets * WAYS * sizeof *cache.placement);
    if (!cache.placement)
        return 1;
    for (uint64_t i = 0; i < sets * WAYS; i++)
        cache.placement[i] = (cache_entry){.invalid = 1};
    for (uint64_t i = 0; i < length; i++) {
        addr_range range = {.addr = (long)address[i], .length = SECTOR};
        if (is_write[i])
            Cache__store(&cache, range, 0);
        else
            Cache__load(&cache, range);
    }
    counts[0] = (uint64_t)cache.HIT.count;
    counts[1] = (uint64_t)cache.MISS.count;
    counts[4] = (uint64_t)cache.EVICT.count;
    free(cache.placement);
    return 0;
}
