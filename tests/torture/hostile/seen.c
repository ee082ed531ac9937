/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results of calls: which errors each hypercall gave, and the table of a sweep in short lines.
 */
#include <torture/hostile.h>

void seen_note(uint64_t nr, int64_t result)
{
    uint64_t error = result >= 0 ? 0 : (uint64_t)-result;
    uint64_t bit = error < SEEN_ODD ? error : SEEN_ODD;
    __atomic_fetch_or(&control->seen[nr % CALLS][bit / 64], 1UL << bit % 64, __ATOMIC_RELAXED);
}

int64_t seen_call(unsigned int nr, const uint64_t arg[5])
{
    int64_t result = port_hypercall(nr, arg[0], arg[1], arg[2], arg[3], arg[4]);
    seen_note(nr, result);
    return result;
}

void seen_print(const char *row, const struct clone *clone)
{
    for (unsigned int nr = 0; nr < CALLS; nr++) {
        const uint64_t *seen = clone->control->seen[nr];
        if ((seen[0] | seen[1] | seen[2]) != 0) {
            print("SEEN %s %u %lx %lx %lx\n", row, nr, seen[0], seen[1], seen[2]);
        }
    }
}

void table_print(const char *row, unsigned int nr, int16_t (*table)[256], unsigned int first)
{
    for (unsigned int shape = first; shape < SHAPES; shape++) {
        for (unsigned int from = 0, to; from < 256; from = to) {
            int16_t code = table[shape][from];
            for (to = from; to < 256 && table[shape][to] == code; to++) {
            }
            print("RC %s %u %s %u %u %d\n", row, nr, hostile_shape_names[shape], from, to - 1,
                  code);
        }
    }
}
