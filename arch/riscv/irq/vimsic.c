/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A vCPU's interrupt file: which guest file of a hart is its home, its registers while they are in
 * none, messages that do not reach it by themselves. The design is in <asm/aia.h>.
 *
 * A guest file below the visitor's is in one of three states. Its messages are dropped, taken by
 * vimsic_collect, or the guest's at once:
 *
 *                vimsic_create               vimsic_load at home
 *          FREE ---------------> AWAY ------------------------------> IN USE
 *     (no owner) <------------- (owner) <--------------------------- (selected)
 *                vimsic_destroy              vimsic_save
 *
 * FREE and AWAY: open for all identities, each interrupts the hart (SGEI). IN USE: the guest's own
 * eie and eithreshold, no SGEI.
 *
 * A sender may be faster than the hart: after COLLECT_MAX interrupts within COLLECT_TIME a file is
 * held, until the hart's settle timer lets it interrupt again. What comes meanwhile stays in the
 * file, for vimsic_load at home or for that next interrupt. Each file has a budget of its own: no
 * guest uses up another one's.
 *
 * A message for a vCPU that does not run at home waits in `incoming` until VIRQ_FILE, raised for
 * that vCPU, makes its CPU merge it (vimsic_merge). The same way go all that are emulated.
 */
#include <arch/vcpu.h>
#include <asm/aia.h>
#include <asm/virq.h>
#include <public/arch-riscv.h>
#include <xen/bitops.h>
#include <xen/errno.h>
#include <xen/heap.h>
#include <xen/nospec.h>
#include <xen/p2m.h>
#include <xen/printk.h>
#include <xen/time.h>

#define COLLECT_MAX  8u /* interrupts, some microseconds each */
#define COLLECT_TIME MILLISECS(1)

static bool vimsic_at_home(const struct vimsic *f)
{
    return f->home == this_cpu();
}

static void vimsic_use(struct vcpu *v, uint32_t file)
{
    imsic_select_file(file);
    v->arch.hstatus = (v->arch.hstatus & ~HSTATUS_VGEIN) | (uint64_t)file << HSTATUS_VGEIN_SHIFT;
}

/* Of word w: the identities that a threshold lets through [RVAIA 3.8.2]. */
static uint64_t vimsic_passing(uint64_t threshold, uint32_t w)
{
    uint64_t first = 64ul * w;

    if (threshold == 0 || threshold >= first + 64u) {
        return UINT64_MAX;
    }
    return threshold > first ? (1ul << (threshold - first)) - 1u : 0;
}

/* vsiselect is lost here and in vimsic_load. A home is left open. eip before eie: what comes later
 * stays in the file, and is there at the next load or interrupts. What came since v has looked,
 * before it went to sleep, wakes it: the file has told nobody but v's registers. */
void vimsic_save(struct vcpu *v)
{
    struct vimsic *f = v->arch.virq.file;
    bool home = vimsic_at_home(f), wanted = false;

    f->threshold = imsic_swap(IMSIC_EITHRESHOLD, 0);
    for (uint32_t w = 0; w < imsic.words; w++) {
        f->eip[w] = imsic_swap(IMSIC_EIP0 + 2u * w, 0);
        f->eie[w] = imsic_swap(IMSIC_EIE0 + 2u * w, home ? UINT64_MAX : 0);
        wanted |= (f->eip[w] & f->eie[w] & vimsic_passing(f->threshold, w)) != 0;
    }
    f->delivery = imsic_swap(IMSIC_EIDELIVERY, home);
    if (home) {
        csr_set(CSR_HGEIE, 1ul << f->home_file);
    }
    vimsic_use(v, 0);
    if (wanted && f->delivery != 0 && (csr_read(CSR_VSIE) >> IRQ_S_EXTERNAL & 1u) != 0) {
        vcpu_kick(v);
    }
}

void vimsic_load(struct vcpu *v)
{
    const struct vimsic *f = v->arch.virq.file;
    uint32_t file = imsic.visitor;

    if (vimsic_at_home(f)) {
        file = f->home_file;
        csr_clear(CSR_HGEIE, 1ul << file);
        imsic_harts[f->home->id].held &= ~(1ul << file);
    }
    vimsic_use(v, file);
    for (uint32_t w = 0; w < imsic.words; w++) {
        imsic_set(IMSIC_EIP0 + 2u * w, f->eip[w]); /* besides what is in it */
        imsic_swap(IMSIC_EIE0 + 2u * w, f->eie[w]);
    }
    imsic_swap(IMSIC_EITHRESHOLD, f->threshold);
    imsic_swap(IMSIC_EIDELIVERY, f->delivery);
}

static void vimsic_note(struct vcpu *v, uint32_t eiid)
{
    if (eiid != 0 && eiid < imsic.nr_guest_ids) {
        eiid = (uint32_t)index_nospec(eiid, imsic.nr_guest_ids);
        (void)atomic_test_and_set_bit(eiid, v->arch.virq.file->incoming);
    }
}

void vimsic_post(struct vcpu *v, uint32_t eiid)
{
    vimsic_note(v, eiid);
    virq_raise(v, VIRQ_FILE);
}

/* Messages in an open file of this hart: to where the vCPU whose home it is will find them. */
static void vimsic_collect_file(struct imsic_hart *h, uint32_t file)
{
    uint64_t hstatus = imsic_select_file(file), select = csr_read(CSR_VSISELECT);
    struct vcpu *v;

    spin_lock(&h->lock);
    v = h->owner[file];
    for (uint32_t w = 0; w < imsic.words; w++) {
        uint64_t bits = imsic_swap(IMSIC_EIP0 + 2u * w, 0);

        if (v != NULL && bits != 0) {
            atomic_fetch_or(&v->arch.virq.file->incoming[w], bits);
        }
    }
    if (v != NULL) {
        virq_raise(v, VIRQ_FILE);
    }
    spin_unlock(&h->lock);
    csr_write(CSR_VSISELECT, select);
    csr_write(CSR_HSTATUS, hstatus);
}

/* One more interrupt for messages in a file: are these too many? */
static bool vimsic_is_flooded(struct imsic_hart *h, uint32_t file)
{
    s_time_t now = time_now();

    if (now - h->budget[file].since >= COLLECT_TIME) {
        h->budget[file].since = now;
        h->budget[file].collected = 0;
    }
    return h->budget[file].collected++ >= COLLECT_MAX;
}

void vimsic_collect(void)
{
    struct imsic_hart *h = &imsic_harts[this_cpu()->id];
    uint64_t files = csr_read(CSR_HGEIP) & csr_read(CSR_HGEIE);

    for (; files != 0; files &= files - 1u) {
        uint32_t file = ctz64(files);

        if (vimsic_is_flooded(h, file)) {
            csr_clear(CSR_HGEIE, 1ul << file);
            h->held |= 1ul << file;
            virq_settle_later();
        } else {
            vimsic_collect_file(h, file);
        }
    }
}

void vimsic_settle(void)
{
    struct imsic_hart *h = &imsic_harts[this_cpu()->id];

    for (uint64_t files = h->held; files != 0; files &= files - 1u) {
        h->budget[ctz64(files)].collected = 0; /* or it would be held again at once */
    }
    csr_set(CSR_HGEIE, h->held); /* interrupts at once if something waits there */
    h->held = 0;
}

void vimsic_merge(struct vcpu *v)
{
    struct vimsic *f = v->arch.virq.file;
    uint64_t select = csr_read(CSR_VSISELECT);

    for (uint32_t w = 0; w < imsic.words; w++) {
        uint64_t bits = atomic_load(&f->incoming[w]) != 0 ? atomic_exchange(&f->incoming[w], 0) : 0;

        if (bits != 0) {
            imsic_set(IMSIC_EIP0 + 2u * w, bits);
        }
    }
    csr_write(CSR_VSISELECT, select);
}

static bool vimsic_is(const struct vcpu *v, uint32_t target)
{
    return v != NULL && v->arch.virq.file->target == (target & ~APLIC_TARGET_EIID);
}

struct vcpu *vimsic_find(const struct domain *d, uint32_t target)
{
    struct vcpu *v = domain_vcpu(d, target >> APLIC_TARGET_HART_SHIFT);

    if (vimsic_is(v, target)) {
        return v;
    }
    /* Only the domain that sees the machine's own numbers may have others. */
    for (uint32_t i = 0; d->is_privileged && i < d->max_vcpus; i++) {
        v = domain_vcpu(d, i);
        if (vimsic_is(v, target)) {
            return v;
        }
    }
    return NULL;
}

static struct vcpu *vimsic_at(const struct domain *d, paddr_t gpa)
{
    for (uint32_t i = 0; i < d->max_vcpus; i++) {
        struct vcpu *v = domain_vcpu(d, i);

        if (v != NULL && v->arch.virq.file->gpa == gpa) {
            return v;
        }
    }
    return NULL;
}

/* From the first write on the guest has the page itself, if its vCPU has a home and there is memory
 * for tables. */
static void vimsic_map(const struct vcpu *v)
{
    const struct vimsic *f = v->arch.virq.file;
    struct p2m_leaf leaf = {.kind = P2M_MMIO, .flags = P2M_WRITE};

    if (f->home != NULL) {
        leaf.mfn = mfn(imsic_page(f->home, f->home_file) >> PAGE_SHIFT);
        if (p2m_map(v->d, gfn(f->gpa >> PAGE_SHIFT), 1, leaf) != 0) {
            return; /* it goes on like this */
        }
    }
}

/* seteipnum_le at 0, seteipnum_be at 4; everything reads as 0 [RVAIA 3.5]. */
enum mmio_result vimsic_access(struct vcpu *v, struct mmio_access *a, uint64_t offset,
                               void *data __unused)
{
    struct vcpu *t = vimsic_at(v->d, a->gpa & PAGE_MASK);
    uint32_t value = (uint32_t)a->data;

    if (t == NULL || a->size != 4) {
        return MMIO_ERROR;
    }
    offset &= ~PAGE_MASK;
    if (!a->write) {
        a->data = 0;
    } else if (offset <= 4) {
        vimsic_map(t);
        vimsic_post(t, offset == 0 ? value : __builtin_bswap32(value));
    }
    return MMIO_HANDLED;
}

/* A file of v's hart as its home; 0: all are in use. */
static uint32_t vimsic_claim(struct vcpu *v)
{
    struct imsic_hart *h = &imsic_harts[v->cpu->id];
    uint32_t file = 1;

    spin_lock(&h->lock);
    while (file < imsic.visitor && h->owner[file] != NULL) {
        file++;
    }
    if (file < imsic.visitor) {
        h->owner[file] = v;
    }
    spin_unlock(&h->lock);
    return file < imsic.visitor ? file : 0;
}

/* The file stays open, and what still comes is dropped. */
static void vimsic_release(const struct cpu *c, uint32_t file)
{
    struct imsic_hart *h = &imsic_harts[c->id];

    spin_lock(&h->lock);
    h->owner[file] = NULL;
    spin_unlock(&h->lock);
}

static int vimsic_find_home(struct vcpu *v, struct vimsic *f)
{
    uint32_t file = vimsic_claim(v);

    if (file == 0 && v->d->is_privileged) {
        printk(XENLOG_ERR "d%uv%u: all guest interrupt files of CPU%u are in use: give dom0 fewer "
                          "vCPUs (dom0_max_vcpus=)\n",
               (unsigned int)v->d->id, v->id, v->cpu->id);
        return -ENOSPC; /* its devices write to physical addresses, so nothing can be emulated */
    }
    f->target = v->id << APLIC_TARGET_HART_SHIFT;
    f->gpa = GUEST_IMSIC_S_BASE + v->id * PAGE_SIZE;
    if (file == 0) {
        return 0;
    }
    f->home = v->cpu;
    f->home_file = file;
    f->host_target = imsic_target(v->cpu, file);
    if (v->d->is_privileged) {
        f->target = f->host_target;
        f->gpa = imsic_page(v->cpu, file);
    }
    v->sched.soft = (cpumask_t)1 << v->cpu->id; /* where it needs nobody's help */
    return 0;
}

static size_t vimsic_bytes(void)
{
    return sizeof(struct vimsic) + 3u * imsic.words * sizeof(uint64_t);
}

int vimsic_create(struct vcpu *v)
{
    struct vimsic *f = heap_alloc(vimsic_bytes());
    int rc;

    if (f == NULL) {
        return -ENOMEM;
    }
    f->eie = f->storage;
    f->eip = f->eie + imsic.words;
    f->incoming = f->eip + imsic.words;
    v->arch.virq.file = f; /* before messages can come for it */
    rc = vimsic_find_home(v, f);
    if (rc != 0) {
        v->arch.virq.file = NULL;
        heap_free(f, vimsic_bytes());
    }
    return rc;
}

void vimsic_destroy(struct vcpu *v)
{
    struct vimsic *f = v->arch.virq.file;

    if (f->home != NULL) {
        vimsic_release(f->home, f->home_file);
    }
    v->arch.virq.file = NULL;
    heap_free(f, vimsic_bytes());
}
