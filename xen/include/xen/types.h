/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The types everything else is written in: fixed-width integers, addresses, and frame numbers as
 * one-field structs so that a machine frame cannot be passed where a guest frame is meant. Page
 * geometry is not here: it belongs to <arch/types.h>.
 */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t paddr_t;  /* a physical address of the machine, or of a guest where the name says
                            * so */
typedef uintptr_t vaddr_t; /* an address of the hypervisor's own maps */

#define INVALID_PADDR UINT64_MAX

/* A frame of the machine. */
typedef struct {
    uint64_t n;
} mfn_t;

/* A frame as a guest numbers it. */
typedef struct {
    uint64_t n;
} gfn_t;

#define INVALID_MFN ((mfn_t){UINT64_MAX})
#define INVALID_GFN ((gfn_t){UINT64_MAX})

static inline mfn_t mfn(uint64_t number)
{
    return (mfn_t){number};
}

static inline uint64_t mfn_x(mfn_t m)
{
    return m.n;
}

static inline bool mfn_eq(mfn_t a, mfn_t b)
{
    return a.n == b.n;
}

static inline mfn_t mfn_add(mfn_t m, uint64_t frames)
{
    return (mfn_t){m.n + frames};
}

static inline gfn_t gfn(uint64_t number)
{
    return (gfn_t){number};
}

static inline uint64_t gfn_x(gfn_t g)
{
    return g.n;
}

static inline bool gfn_eq(gfn_t a, gfn_t b)
{
    return a.n == b.n;
}

static inline gfn_t gfn_add(gfn_t g, uint64_t frames)
{
    return (gfn_t){g.n + frames};
}
