/* SPDX-License-Identifier: Apache-2.0 */
/* What the port's source stands on in model.c: types, harts with guest files, others' messages. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HARTS   3u
#define VCPUS   4u /* homes of the first three on hart 0, of the last one on hart 1 */
#define VISITOR 4u
#define WORDS   2u
#define IDS     (64u * WORDS)
#define LATE    1200u /* us: the settle time, and what else happens at that moment */

#define IMSIC_EIDELIVERY    0x70u
#define IMSIC_EITHRESHOLD   0x72u
#define IMSIC_EIP0          0x80u
#define IMSIC_EIE0          0xc0u
#define CSR_HGEIE           0
#define CSR_HGEIP           1
#define CSR_HSTATUS         2
#define CSR_VSISELECT       3
#define CSR_VSIE            4
#define IRQ_S_EXTERNAL      9
#define HSTATUS_VGEIN       (0x3ful << HSTATUS_VGEIN_SHIFT)
#define HSTATUS_VGEIN_SHIFT 12
#define VIRQ_FILE           (1ul << 63)
#define MILLISECS(n)        ((s_time_t)(n) * 1000)

#define atomic_load(p)        (*(p))
#define atomic_fetch_or(p, v) (*(p) |= (v))
#define atomic_exchange(p, v) atomic_swap64(p, v)
#define spin_lock(lock)       ((void)(lock))
#define spin_unlock(lock)     ((void)(lock))
#define ctz64                 (unsigned int)__builtin_ctzl

typedef int64_t s_time_t; /* us here */

struct cpu {
    unsigned int id;
};

struct vcpu {
    struct {
        uint64_t hstatus;
        struct {
            struct vimsic *file;
            bool raise;         /* VIRQ_FILE was raised, and is not merged yet */
            struct cpu *loaded; /* NULL: off or on its way */
        } virq;
    } arch;
    unsigned int id;
    bool kicked; /* since it was loaded last */
};

struct vimsic {
    const struct cpu *home;
    uint32_t home_file;
    uint64_t delivery, threshold;
    uint64_t *eie, *eip, *incoming;
    uint64_t storage[3 * WORDS];
};

struct imsic_hart {
    int lock;
    struct vcpu *owner[VISITOR + 1u];
    uint64_t held;
    struct {
        uint32_t collected;
        s_time_t since;
    } budget[VISITOR + 1u];
};

static struct {
    uint32_t words, visitor;
} imsic = {WORDS, VISITOR};
static struct imsic_hart imsic_harts[HARTS];
static struct cpu cpus[HARTS];
static struct cpu *self = &cpus[0];
static s_time_t now, settle_at[HARTS];

/* The hardware. */
static struct hart {
    uint64_t csr[5];
    struct guest_file {
        uint64_t eip[WORDS], eie[WORDS], delivery, threshold;
    } file[VISITOR + 1u];
    unsigned int interrupts; /* in this millisecond */
} harts[HARTS];

static struct vcpu vcpus[VCPUS];
static struct vimsic files[VCPUS];
static s_time_t sent[VCPUS][IDS]; /* when it was sent and has not been taken since; 0: not */
static unsigned int flooded;      /* messages that still come of a flood */
static bool quiet;                /* nothing happens by chance */

static void fail(const char *what, unsigned int a, unsigned int b)
{
    printf("at %ld us: %s (%u, %u)\n", (long)now, what, a, b);
    exit(1);
}

static void message(unsigned int v, unsigned int id)
{
    struct guest_file *f = &harts[files[v].home->id].file[files[v].home_file];

    f->eip[id / 64] |= 1ul << id % 64;
    if (sent[v][id] == 0) {
        sent[v][id] = now;
    }
}

/* Between any two accesses of a hart others may write to files. */
static void other_harts(void)
{
    if (quiet) {
        return;
    }
    if (rand() % 16 == 0 || (flooded != 0 && rand() % 2 == 0)) {
        flooded -= flooded != 0;
        message((unsigned int)rand() % VCPUS, 1u + (unsigned int)rand() % (IDS - 1u));
    }
}

static struct cpu *this_cpu(void)
{
    return self;
}

static s_time_t time_now(void)
{
    return now;
}

static uint64_t pending_files(const struct hart *h)
{
    uint64_t files_pending = 0;

    for (unsigned int i = 1; i <= VISITOR; i++) {
        const struct guest_file *f = &h->file[i];

        for (unsigned int w = 0; w < WORDS; w++) {
            files_pending |= (uint64_t)(f->delivery != 0 && (f->eip[w] & f->eie[w]) != 0) << i;
        }
    }
    return files_pending;
}

static uint64_t csr_read(unsigned int number)
{
    other_harts();
    return number == CSR_HGEIP ? pending_files(&harts[self->id]) : harts[self->id].csr[number];
}

static void csr_write(unsigned int number, uint64_t value)
{
    other_harts();
    harts[self->id].csr[number] = value;
}

static void csr_set(unsigned int number, uint64_t bits)
{
    csr_write(number, harts[self->id].csr[number] | bits);
}

static void csr_clear(unsigned int number, uint64_t bits)
{
    csr_write(number, harts[self->id].csr[number] & ~bits);
}

static uint64_t atomic_swap64(uint64_t *p, uint64_t value)
{
    uint64_t old = *p;

    *p = value;
    return old;
}

static uint64_t *file_register(uint32_t reg)
{
    struct hart *h = &harts[self->id];
    uint64_t file = (h->csr[CSR_HSTATUS] & HSTATUS_VGEIN) >> HSTATUS_VGEIN_SHIFT;

    other_harts();
    if (file == 0 || file > VISITOR) {
        fail("a register of no file", (unsigned int)file, reg);
    }
    switch (reg) {
    case IMSIC_EIDELIVERY: return &h->file[file].delivery;
    case IMSIC_EITHRESHOLD: return &h->file[file].threshold;
    default:
        return reg >= IMSIC_EIE0 ? &h->file[file].eie[(reg - IMSIC_EIE0) / 2]
                                 : &h->file[file].eip[(reg - IMSIC_EIP0) / 2];
    }
}

static uint64_t imsic_swap(uint32_t reg, uint64_t value)
{
    harts[self->id].csr[CSR_VSISELECT] = reg;
    return atomic_swap64(file_register(reg), value);
}

static void imsic_set(uint32_t reg, uint64_t bits)
{
    harts[self->id].csr[CSR_VSISELECT] = reg;
    *file_register(reg) |= bits;
}

static uint64_t imsic_select_file(uint32_t file)
{
    uint64_t old = harts[self->id].csr[CSR_HSTATUS];

    harts[self->id].csr[CSR_HSTATUS] = (old & ~HSTATUS_VGEIN) | (uint64_t)file
                                                                    << HSTATUS_VGEIN_SHIFT;
    return old;
}
