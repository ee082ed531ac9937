/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chance from a seed, and the values at whose edges mistakes are made.
 */
#include <public/xen.h>
#include <torture/hostile.h>

static const uint64_t lattice[] = {
    0,           1,          2,          3,          7,
    8,           15,         63,         64,         255,
    256,         511,        1023,       1024,       4095,
    4096,        DOMID_SELF, 0x7ff1,     0x7ff2, /* DOMID_XEN */
    0x7ff3,      0x7ff4,     0x7fff,     0x8000,     0xffff,
    0x10000,     0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff,
    1UL << 32,   1UL << 36,  1UL << 40,  1UL << 47,  1UL << 52,
    ~0UL >> 13,  ~0UL >> 12, ~0UL >> 1,  1UL << 63,  (1UL << 63) + 1,
    ~0UL - 4095, ~0UL - 7,   ~0UL,
};

void chance_seed(struct chance *chance, uint64_t seed, uint64_t stream)
{
    chance->state = (seed + 1) * 0x9e3779b97f4a7c15UL ^ (stream + 1) * 0xbf58476d1ce4e5b9UL;
    if (chance->state == 0) {
        chance->state = 1;
    }
}

uint64_t chance_next(struct chance *chance)
{
    chance->state ^= chance->state >> 12;
    chance->state ^= chance->state << 25;
    chance->state ^= chance->state >> 27;
    return chance->state * 0x2545f4914f6cdd1dUL >> 8;
}

uint64_t chance_below(struct chance *chance, uint64_t limit)
{
    return chance_next(chance) % limit;
}

uint64_t chance_value(struct chance *chance)
{
    uint64_t pick = chance_next(chance);
    if (pick % 8 == 0) {
        return chance_frame(chance);
    }
    if (pick % 8 == 1) {
        return pick >> 8 & ((2UL << (pick >> 3 & 31)) - 1);
    }
    return lattice[(pick >> 8) % (sizeof(lattice) / sizeof(lattice[0]))];
}

uint64_t chance_frame(struct chance *chance)
{
    uint64_t base = GUEST_RAM0_BASE >> PAGE_SHIFT;
    uint64_t pick = chance_next(chance);
    uint64_t r = pick >> 8;
    switch (pick & 7) {
    case 0:
    case 1:
    case 2: return base + CLONE_SPARE + r % 64;
    case 3: return base + CLONE_SPARE + r % 512;
    case 4: return base + CLONE_PAGES - 8 + r % 16;
    case 5: return base + CLONE_PAGES + r % 8 * 512;
    case 6: return base + 0x10000 + r % 64;
    default: return base + 0x40000 + r % 96 * 512 + (r >> 16 & 1) * 511;
    }
}
