/* The plain loop a C programmer would write: one 16-way set at a time, tags in order of use, a hit moved to the front.
   One call a trace of sector accesses; counts are read hits, read misses, write hits, write misses, write-backs. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { WAYS = 16, LINE_BITS = 7 };

int replay(const uint64_t *address, const uint8_t *is_write, uint64_t length, uint64_t sets, uint64_t counts[5])
{
    uint64_t *tags = malloc(sets * WAYS * sizeof *tags);
    uint8_t *dirty = calloc(sets * WAYS, 1);
    if (!tags || !dirty)
        return 1;
    memset(tags, 0xff, sets * WAYS * sizeof *tags);
    for (uint64_t i = 0; i < length; i++) {
        uint64_t line = address[i] >> LINE_BITS, set = line % sets;
        uint64_t *tag = tags + set * WAYS;
        uint8_t *mark = dirty + set * WAYS;
        int way = 0;
        while (way < WAYS && tag[way] != line)
            way++;
        int hit = way < WAYS;
        if (!hit) {
            way = WAYS - 1;
            counts[4] += mark[way];
        }
        uint8_t state = (hit ? mark[way] : 0) | is_write[i];
        for (; way > 0; way--) {
            tag[way] = tag[way - 1];
            mark[way] = mark[way - 1];
        }
        tag[0] = line;
        mark[0] = state;
        counts[2 * is_write[i] + !hit]++;
    }
    free(tags);
    free(dirty);
    return 0;
}
