/* SPDX-License-Identifier: Apache-2.0 */
/* Integer loads and stores: RV64I, C, Zcb [RVUNPRIV 2.6, 4.3, C 26.3, Zcb]. */
#include <asm/decode.h>

#define FIELD(insn, shift, bits) ((insn) >> (shift) & ((1u << (bits)) - 1u))

#define OPCODE_LOAD  0x03u
#define OPCODE_STORE 0x23u

/* funct3 of loads: size by its low two bits, bit 2: zero extension; 7 is none. */
static bool decode_load(uint32_t insn, struct decoded_access *out)
{
    unsigned int kind = FIELD(insn, 12, 3);

    *out = (struct decoded_access){.size = (uint8_t)(1u << (kind & 3u)),
                                   .reg = (uint8_t)FIELD(insn, 7, 5),
                                   .length = 4,
                                   .sign = (kind & 4u) == 0};
    return kind != 7;
}

static bool decode_store(uint32_t insn, struct decoded_access *out)
{
    unsigned int kind = FIELD(insn, 12, 3);

    *out = (struct decoded_access){.size = (uint8_t)(1u << (kind & 3u)),
                                   .reg = (uint8_t)FIELD(insn, 20, 5),
                                   .length = 4,
                                   .write = true};
    return kind < 4;
}

static struct decoded_access decode_compressed(unsigned int size, unsigned int reg, bool write,
                                               bool sign)
{
    return (struct decoded_access){
        .size = (uint8_t)size, .reg = (uint8_t)reg, .length = 2, .write = write, .sign = sign};
}

/* c.lbu, c.lhu, c.lh, c.sb, c.sh: funct6 100000 to 100011; bit 6 tells c.lh from c.lhu. */
static bool decode_zcb(uint32_t insn, struct decoded_access *out)
{
    unsigned int reg = 8u + FIELD(insn, 2, 3), bit6 = FIELD(insn, 6, 1);

    switch (FIELD(insn, 10, 3)) {
    case 0: *out = decode_compressed(1, reg, false, false); return true;
    case 1: *out = decode_compressed(2, reg, false, bit6 != 0); return true;
    case 2: *out = decode_compressed(1, reg, true, false); return true;
    case 3: *out = decode_compressed(2, reg, true, false); return bit6 == 0;
    default: return false;
    }
}

/* Quadrant 0: registers x8 to x15. */
static bool decode_registers(uint32_t insn, struct decoded_access *out)
{
    unsigned int reg = 8u + FIELD(insn, 2, 3);

    switch (FIELD(insn, 13, 3)) {
    case 2: *out = decode_compressed(4, reg, false, true); return true; /* c.lw */
    case 3: *out = decode_compressed(8, reg, false, true); return true; /* c.ld */
    case 4: return decode_zcb(insn, out);
    case 6: *out = decode_compressed(4, reg, true, false); return true; /* c.sw */
    case 7: *out = decode_compressed(8, reg, true, false); return true; /* c.sd */
    default: return false;
    }
}

/* Quadrant 2: relative to sp, any register. A load to x0 is reserved. */
static bool decode_stack(uint32_t insn, struct decoded_access *out)
{
    unsigned int to = FIELD(insn, 7, 5), from = FIELD(insn, 2, 5);

    switch (FIELD(insn, 13, 3)) {
    case 2: *out = decode_compressed(4, to, false, true); return to != 0; /* c.lwsp */
    case 3: *out = decode_compressed(8, to, false, true); return to != 0; /* c.ldsp */
    case 6: *out = decode_compressed(4, from, true, false); return true;  /* c.swsp */
    case 7: *out = decode_compressed(8, from, true, false); return true;  /* c.sdsp */
    default: return false;
    }
}

bool decode_access(uint32_t insn, struct decoded_access *out)
{
    switch (insn & 3u) {
    case 0: return decode_registers(insn, out);
    case 2: return decode_stack(insn, out);
    case 3: break;
    default: return false;
    }
    switch (insn & 0x7fu) {
    case OPCODE_LOAD: return decode_load(insn, out);
    case OPCODE_STORE: return decode_store(insn, out);
    default: return false;
    }
}

/*
 * A transformed load or store is the 32-bit form with bit 1 clear if the guest's was compressed;
 * where its base register was, it has how far behind the access's start the fault is: only what
 * starts at the address known can be emulated.
 */
bool decode_htinst(uint64_t htinst, struct decoded_access *out)
{
    uint32_t insn = (uint32_t)htinst;

    if ((htinst & 1u) == 0 || FIELD(insn, 15, 5) != 0 || !decode_access(insn | 2u, out)) {
        return false;
    }
    if ((htinst & 2u) == 0) {
        out->length = 2;
    }
    return true;
}
