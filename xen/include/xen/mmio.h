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

/* -ENOSPC, -EEXIST (overlap). Only while d does not run. */
int __must_check mmio_register(struct domain *d, paddr_t start, paddr_t end, mmio_fn *fn,
                               void *data);
