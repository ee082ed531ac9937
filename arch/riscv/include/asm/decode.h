/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores as instructions: what an emulated access has to do. Pure functions. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct decoded_access {
    uint8_t size;   /* bytes: 1, 2, 4, 8 */
    uint8_t reg;    /* general register read by a store or written by a load */
    uint8_t length; /* of the instruction: 2 or 4 */
    bool write;
    bool sign; /* a load extends the sign */
};

/*
 * An integer load or store of RV64I, C or Zcb; a compressed one stands in the low half, the high
 * half is not looked at. false: something else (floating point, vector, atomic, no access).
 */
bool __must_check decode_access(uint32_t insn, struct decoded_access *out);
/* The same from htinst, which has a transformed instruction or not [RVPRIV 18.6.3]. */
bool __must_check decode_htinst(uint64_t htinst, struct decoded_access *out);
