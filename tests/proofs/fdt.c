/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The cursor in a device tree (xen/dt/fdt.c): whatever stands in a blob of up to MOST bytes that
 * comes from a boot loader, if its blocks are inside (fdt_open sees to that, which is not proved
 * here), then from any place in the structure block the next token lies whole in it, the place
 * behind it is one again, further on, and no byte outside of the blob is read. So a walk stays
 * inside, however long it is, and ends.
 */
#include "proof.h"

#include <xen/fdt.h>

#define HEADER 40u
#define MOST   (HEADER + 32u)
#define STRUCT 24u /* most bytes of a structure block */

void *malloc(size_t size);

static bool blocks_are_inside(const struct fdt *f, size_t size)
{
    return f->size <= size && f->structs >= HEADER && f->structs <= f->structs_end &&
           f->structs_end <= f->size && (f->structs & 3u) == 0 && (f->structs_end & 3u) == 0 &&
           f->strings >= HEADER && f->strings <= f->strings_end && f->strings_end <= f->size;
}

void prove_token(void)
{
    size_t size = nondet_u32();
    uint32_t at = nondet_u32(), from, next, token;
    struct fdt f = {.size = nondet_u32(),
                    .structs = nondet_u32(),
                    .structs_end = nondet_u32(),
                    .strings = nondet_u32(),
                    .strings_end = nondet_u32()};

    ASSUME(size <= MOST);
    f.base = malloc(size);
    ASSUME(f.base != NULL && blocks_are_inside(&f, size) && f.structs_end - f.structs <= STRUCT);
    ASSUME(at >= f.structs && at <= f.structs_end && (at & 3u) == 0);
    from = at;
    token = fdt_token(&f, &at, &next);
    if (token != FDT_DAMAGED) {
        CHECK(at >= from && next > at && next <= f.structs_end && (next & 3u) == 0);
        REACHED("a token");
    }
    if (token == FDT_PROP) {
        CHECK(next - at >= 12u && fdt_at(&f, at + 4u) <= next - at - 12u);
        CHECK(fdt_at(&f, at + 8u) < f.strings_end - f.strings);
        REACHED("a property");
    } else if (token == FDT_BEGIN_NODE) {
        REACHED("a node");
    }
}
