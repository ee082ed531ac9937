/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ring of a paravirtual console: one page, `in` to the guest, `out` from it.
 */
#pragma once

#include <public/types.h>

struct xencons_interface {
    char in[1024];
    char out[2048];
    uint32_t in_cons;
    uint32_t in_prod;
    uint32_t out_cons;
    uint32_t out_prod;
};
