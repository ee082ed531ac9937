/*
 * The SBI that guests see [RVSBI]: one file per extension in vsbi/. The table in vsbi.c has a row
 * for each.
 */
#pragma once

#include <asm/sbi.h>
#include <xen/compiler.h>
#include <xen/types.h>

struct vcpu;

/* One ecall of v (from VS-mode), fast path: a0-a7 are in v->arch.regs; sepc already points behind
 * it. */
void vsbi_call(struct vcpu *v);

/* A call of an extension: `args` are a0..a5 of the guest. The result is SBI_SUCCESS or SBI_ERR_*;
 * *value, which is 0, may get a value. */
typedef long vsbi_fn(struct vcpu *v, uint64_t function, const uint64_t *args, uint64_t *value);

struct vsbi_extension {
    uint64_t id;
    vsbi_fn *call;
    bool privileged; /* for the domain that has the console only */
};

/* Does v have this extension? As probe_extension answers. */
bool vsbi_has(const struct vcpu *v, uint64_t extension);

/* base.c: the answers to the first functions of the base extension. */
#define VSBI_IDENTITIES 3u
extern const uint64_t vsbi_identity[VSBI_IDENTITIES];

vsbi_fn vsbi_base, vsbi_time, vsbi_ipi, vsbi_rfence, vsbi_hsm, vsbi_srst, vsbi_dbcn;

/* The calls of SBI 0.1, an extension each: they answer in a0 only and leave a1 alone. */
void vsbi_legacy(struct vcpu *v, uint64_t extension);

/* What several files share. */

/*
 * The vCPUs, bit per id, of a hart mask and its base [RVSBI 3.1]; base -1: all. false: one of them
 * is no hart of the domain. Slots without a vCPU count as harts that are stopped.
 */
bool __must_check vsbi_harts(const struct vcpu *v, uint64_t mask, uint64_t base, uint64_t *harts);

/* One character to the console, however full the device is. */
void vsbi_put(struct vcpu *v, char c);

/* A software interrupt to these vCPUs. */
void vsbi_ipi_send(struct vcpu *v, uint64_t harts);

/* Fences on these vCPUs, complete on return: of instruction fetch; of translations of [start, start
 * + size), all of them if `size` is -1 or both are 0; with `asid` only those of that ASID. */
#define VSBI_ASID_ALL UINT64_MAX
void vsbi_fence_i(struct vcpu *v, uint64_t harts);
void vsbi_sfence(struct vcpu *v, uint64_t harts, uint64_t start, uint64_t size, uint64_t asid);
