/* SPDX-License-Identifier: Apache-2.0 */
/* Emulated devices: a table of regions per domain, and a three-valued result. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

struct domain;
struct vcpu;

enum mmio_result {
    MMIO_HANDLED,   /* done: data is valid for a read */
    MMIO_UNHANDLED, /* nobody's address */
    MMIO_ERROR,     /* a device's address, but an access that it refuses: the guest gets an abort */
};

struct mmio_access {
    paddr_t gpa;
    uint64_t data; /* in: value written, zero extended; out: value read */
    uint8_t size;  /* bytes: 1, 2, 4, 8; the address is aligned to it */
    bool write;
};

/* An access that the second stage refused, for people. */
struct mmio_fault {
    uint64_t gva;
    paddr_t gpa;
    bool write;
};

typedef enum mmio_result mmio_fn(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                                 void *data);

struct mmio_region {
    paddr_t start, end; /* end exclusive */
    mmio_fn *fn;
    void *data;
};

#define MMIO_MAX_REGIONS 16u

struct mmio_table {
    struct mmio_region region[MMIO_MAX_REGIONS]; /* sorted by start */
    uint32_t count;
};

enum mmio_result mmio_dispatch(struct vcpu *v, struct mmio_access *a);
/*
 * For ports: v makes an access of `size` bytes, at any address and alignment. What is written may
 * have bits above its size. Inline: a guest's most frequent exit but hypercalls and interrupts.
 */
static inline enum mmio_result mmio_write(struct vcpu *v, paddr_t gpa, unsigned int size,
                                          uint64_t value)
{
    struct mmio_access a = {.gpa = gpa, .size = (uint8_t)size, .write = true};

    if ((gpa & (size - 1u)) != 0) {
        return MMIO_UNHANDLED; /* a device is accessed aligned or not at all */
    }
    a.data = value & ~UINT64_C(0) >> (64u - 8u * size);
    return mmio_dispatch(v, &a);
}

/* The same; *value, if it is handled: what was read, in its low bytes (mmio_extend). */
static inline enum mmio_result mmio_read(struct vcpu *v, paddr_t gpa, unsigned int size,
                                         uint64_t *value)
{
    struct mmio_access a = {.gpa = gpa, .size = (uint8_t)size};
    enum mmio_result result;

    if ((gpa & (size - 1u)) != 0) {
        return MMIO_UNHANDLED;
    }
    result = mmio_dispatch(v, &a);
    *value = a.data;
    return result;
}

/* `size` bytes as a register has them, by their sign or not. */
static inline uint64_t mmio_extend(uint64_t value, unsigned int size, bool sign)
{
    unsigned int unused = 64u - 8u * size;

    return sign ? (uint64_t)((int64_t)(value << unused) >> unused) : value << unused >> unused;
}

/* For ports: v gets an abort for this, at the instruction at pc. `result` of its emulation, if it
 * was decoded. */
void mmio_report(const struct vcpu *v, const struct mmio_fault *f, bool decoded,
                 enum mmio_result result, uint64_t pc);

/* -ENOSPC, -EEXIST (overlap). Only while d does not run. */
int __must_check mmio_register(struct domain *d, paddr_t start, paddr_t end, mmio_fn *fn,
                               void *data);
