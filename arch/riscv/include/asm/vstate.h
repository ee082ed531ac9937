/* SPDX-License-Identifier: Apache-2.0 */
/* What a vCPU has of supervisor state besides general registers: VS CSRs, FP and vector registers,
 * timer. */
#pragma once

#include <xen/compiler.h>
#include <xen/timer.h>
#include <xen/types.h>

/* [RVPRIV 18.2]: the VS copies that replace s* while the guest runs. */
struct vcpu_csrs {
    uint64_t vsstatus;
    uint64_t vsie;
    uint64_t vstvec;
    uint64_t vsscratch;
    uint64_t vsepc;
    uint64_t vscause;
    uint64_t vstval;
    uint64_t vsatp;
    uint64_t scounteren;
    uint64_t senvcfg;
    uint64_t sstateen0;
};

/* F and D; the V part is allocated when the harts have V (its size is vlenb * 32). */
struct vcpu_fp {
    uint64_t f[32];
    uint32_t fcsr;
    uint32_t dirty; /* sstatus.FS when saved */
    uint64_t vstart, vl, vtype, vcsr;
    void *v;
};

struct vtimer {
    uint64_t at; /* guest time, as vstimecmp; UINT64_MAX: never */
    struct timer timer;
};
