/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Clones: domains that run this image. Their device tree is dom0's own with the addresses that a
 * domain's devices have; dom0 sees their first pages beyond its own RAM.
 */
#include <guest/dt.h>
#include <public/arch.h>
#include <public/memory.h>
#include <public/sched.h>
#include <torture/hostile.h>

enum {
    WINDOW = 0x200000, /* frame: where dom0 sees pages of clones */
    SEEN_PAGES = 16,   /* of a clone, always */
    WINDOW_EACH = 128, /* frames of a slot; its last 16 are clone_window's */
    COPY = 64,         /* pages at a time */
    STUCK_NS = 300000000,
    BLOCKED_SECONDS = 1
};

extern char guest_image[], guest_bss[];

static void must(bool holds, const char *what)
{
    if (!holds) {
        give_up(what);
    }
}

static void *window(uint64_t frame)
{
    return (void *)(uintptr_t)(frame << PAGE_SHIFT);
}

static void see(domid_t domain, uint64_t from, uint64_t to, unsigned int count)
{
    uint64_t idx[COPY];
    uint64_t gpfn[COPY];
    int32_t error[COPY];
    for (unsigned int i = 0; i < count; i++) {
        idx[i] = from + i;
        gpfn[i] = to + i;
        error[i] = -1;
    }
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = (uint16_t)count,
                                           .u.foreign_domid = domain,
                                           .idxs = hypercall_pointer(idx),
                                           .gpfns = hypercall_pointer(gpfn),
                                           .errs = hypercall_pointer(error)};
    must(memory_op(XENMEM_add_to_physmap_batch, &arg) == 0, "gmfn_foreign");
    must(error[0] == 0 && error[count - 1] == 0, "gmfn_foreign of a page");
}

static void unsee(uint64_t to, unsigned int count)
{
    for (unsigned int i = 0; i < count; i++) {
        struct xen_remove_from_physmap arg = {.domid = DOMID_SELF, .gpfn = to + i};
        must(memory_op(XENMEM_remove_from_physmap, &arg) == 0, "remove_from_physmap");
    }
}

static void create(struct clone *clone, uint32_t nr_spis)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config->max_vcpus = CLONE_CPUS;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 8;
    config->max_maptrack_frames = 8;
    config->grant_opts = 1;
#ifdef GUEST_PL011_BASE
    config->arch.nr_spis = nr_spis;
#else
    (void)nr_spis;
#endif
    must(domain_op(XEN_DOMCTL_createdomain, 0) == 0, "createdomain");
    clone->domain = domain_call.domain;
    domain_call.u.max_vcpus.max = CLONE_CPUS;
    must(domain_op(XEN_DOMCTL_max_vcpus, clone->domain) == 0, "max_vcpus");
    domain_call.u.address_size.size = 64;
    must(domain_op(XEN_DOMCTL_set_address_size, clone->domain) == 0, "set_address_size");
    domain_call.u.max_mem.max_memkb = CLONE_PAGES * 4 + 1024;
    must(domain_op(XEN_DOMCTL_max_mem, clone->domain) == 0, "max_mem");
    domain_call.u.paging_mempool.size = 512 << 10;
    must(domain_op(XEN_DOMCTL_set_paging_mempool_size, clone->domain) == 0, "paging_mempool");
}

static void populate(const struct clone *clone)
{
    uint64_t base = GUEST_RAM0_BASE >> PAGE_SHIFT;
    uint64_t frames[CLONE_PAGES / 512];
    for (unsigned int i = 0; i < CLONE_PAGES / 512; i++) {
        frames[i] = base + i * 512UL;
    }
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = CLONE_PAGES / 512,
                                         .extent_order = 9,
                                         .domid = clone->domain};
    must(memory_op(XENMEM_populate_physmap, &arg) == CLONE_PAGES / 512, "populate_physmap");
}

static void add_uart(const struct clone *clone)
{
#ifdef GUEST_PL011_BASE
    domain_call.u.vuart_op =
        (struct xen_domctl_vuart_op){.cmd = XEN_DOMCTL_VUART_OP_INIT,
                                     .type = XEN_DOMCTL_VUART_TYPE_VPL011,
                                     .gfn = (GUEST_RAM0_BASE >> PAGE_SHIFT) + CLONE_UART};
    must(domain_op(XEN_DOMCTL_vuart_op, clone->domain) == 0, "vuart_op");
#else
    (void)clone;
#endif
}

/* Cells of a property of the tree in the clone. */
#ifdef GUEST_GICD_BASE
static void patch(dt_node node, const char *name, unsigned int cell, uint32_t value)
{
    uint32_t length = 0;
    uint8_t *at = node ? (uint8_t *)(uintptr_t)dt_property(node, name, &length) : NULL;
    if (at && length >= 4 * (cell + 1)) {
        for (unsigned int i = 0; i < 4; i++) {
            at[4 * cell + i] = (uint8_t)(value >> (24 - 8 * i));
        }
    }
}

#endif

static void copy_tree(void *to)
{
    const uint8_t *tree = dt_used();
    uint32_t size =
        (uint32_t)tree[4] << 24 | (uint32_t)tree[5] << 16 | (uint32_t)tree[6] << 8 | tree[7];
    uint32_t length = 0;
    must(size <= (SEEN_PAGES - CLONE_TREE) * PAGE_SIZE, "the tree fits");
    memcpy(to, tree, size);
    dt_use(to);
    char *line = (char *)(uintptr_t)dt_property(dt_child("chosen"), "bootargs", &length);
    must(line && length > 7 && memcmp(line, "role=0", 6) == 0, "role=0 comes first");
    line[5] = '1';
#ifdef GUEST_GICD_BASE
    dt_node gic = dt_compatible(NULL, "arm,cortex-a15-gic");
    patch(gic, "reg", 0, 0);
    patch(gic, "reg", 1, GUEST_GICD_BASE);
    patch(gic, "reg", 4, 0);
    patch(gic, "reg", 5, GUEST_GICC_BASE);
    patch(dt_compatible(NULL, "xen,xen"), "interrupts", 1, GUEST_EVTCHN_PPI - 16);
#endif
    dt_use(tree);
}

static void copy_image(const struct clone *clone)
{
    uint64_t base = (GUEST_RAM0_BASE >> PAGE_SHIFT) + CLONE_IMAGE;
    uint64_t pages = ((uint64_t)(guest_bss - guest_image) + PAGE_SIZE - 1) >> PAGE_SHIFT;
    uint64_t to = WINDOW + 4 * WINDOW_EACH;
    for (uint64_t done = 0; done < pages; done += COPY) {
        unsigned int count = (unsigned int)(pages - done < COPY ? pages - done : COPY);
        see(clone->domain, base + done, to, count);
        const uint64_t *source = (const uint64_t *)(const void *)(guest_image + done * PAGE_SIZE);
        volatile uint64_t *words = window(to);
        for (uint64_t i = 0; i < count * PAGE_SIZE / 8; i++) {
            words[i] = source[i];
        }
        unsee(to, count);
    }
}

static void make(struct clone *clone, unsigned int slot, const struct control *order,
                 uint32_t nr_spis)
{
    struct vcpu_guest_context context = {0};
    uint64_t base = GUEST_RAM0_BASE >> PAGE_SHIFT;
    clone->slot = slot;
    create(clone, nr_spis);
    populate(clone);
    copy_image(clone);
    if (nr_spis != 0) {
        add_uart(clone);
    }
    uint64_t at = WINDOW + slot * WINDOW_EACH;
    see(clone->domain, base, at, SEEN_PAGES);
    clone->control = window(at);
    clone->table = (int16_t (*)[256])window(at + CLONE_TABLE);
    *clone->control = *order;
    clone->control->row = hostile_index;
    clone->control->self = clone->domain;
    clone->control->seed = hostile_seed + order->seed;
    copy_tree(window(at + CLONE_TREE));
    port_first_context(&context, GUEST_RAM0_BASE + (uint64_t)CLONE_IMAGE * PAGE_SIZE,
                       GUEST_RAM0_BASE + (uint64_t)CLONE_TREE * PAGE_SIZE);
    must(domain_set_context(clone->domain, 0, &context) == 0, "setvcpucontext");
}

void clone_make(struct clone *clone, unsigned int slot, const struct control *order)
{
    make(clone, slot, order, 0);
}

void clone_make_with_uart(struct clone *clone, unsigned int slot, const struct control *order)
{
    make(clone, slot, order, 1);
}

void clone_start(const struct clone *clone)
{
    must(domain_op(XEN_DOMCTL_unpausedomain, clone->domain) == 0, "unpausedomain");
}

bool clone_ended(const struct clone *clone)
{
    must(domain_op(XEN_DOMCTL_getdomaininfo, clone->domain) == 0, "getdomaininfo");
    return (domain_call.u.getdomaininfo.flags & XEN_DOMINF_shutdown) != 0;
}

uint64_t clone_time(const struct clone *clone)
{
    must(domain_op(XEN_DOMCTL_getdomaininfo, clone->domain) == 0, "getdomaininfo");
    return domain_call.u.getdomaininfo.cpu_time;
}

uint64_t clone_beats(const struct clone *clone)
{
    uint64_t beats = 0;
    for (unsigned int i = 0; i < CLONE_CPUS; i++) {
        beats += __atomic_load_n(&clone->control->beat[i], __ATOMIC_RELAXED);
    }
    return beats;
}

/* Why it came no further: for whoever looks for it. */
static void report(const struct clone *clone)
{
    static struct vcpu_guest_context context;
    (void)domain_op(XEN_DOMCTL_getdomaininfo, clone->domain);
    uint32_t flags = domain_call.u.getdomaininfo.flags;
    for (unsigned int i = 0; i < CLONE_CPUS; i++) {
        if (domain_get_context(clone->domain, i, &context) == 0) {
            print("# d%u v%u stands at 0x%lx, flags 0x%x, %lu operations\n", clone->domain, i,
                  machine_pc(&context), flags, clone->control->beat[i]);
        }
    }
}

/* Until it is done, has ended, has something to say, has made so many operations, or makes none for
 * a second of its own time. */
static bool watch(struct clone *clone, uint64_t wanted)
{
    uint64_t beats = ~0UL;
    uint64_t since = 0;
    uint64_t looked = port_counter();
    while (!__atomic_load_n(&clone->control->done, __ATOMIC_ACQUIRE)) {
        uint64_t now = clone_beats(clone);
        if (now >= wanted || clone->control->ready != 0) {
            return false;
        }
        if (now != beats) {
            beats = now;
            since = clone_time(clone);
            looked = port_counter();
        } else if (clone_ended(clone) || clone_time(clone) - since > STUCK_NS ||
                   port_counter() - looked > BLOCKED_SECONDS * port_frequency()) {
            if (clone->control->done == 0) {
                report(clone);
            }
            return clone->control->done != 0;
        }
        hostile_turn();
    }
    return true;
}

bool clone_watch(struct clone *clone)
{
    return watch(clone, ~0UL);
}

void clone_watch_until(struct clone *clone, uint64_t beats)
{
    (void)watch(clone, beats);
}

void clone_destroy(struct clone *clone)
{
    int64_t rc;
    unsee(WINDOW + clone->slot * WINDOW_EACH, SEEN_PAGES);
    do {
        rc = domain_op(XEN_DOMCTL_destroydomain, clone->domain);
        hostile_yield();
    } while (rc == -XEN_ERESTART || rc == -XEN_EAGAIN);
    must(rc == 0, "destroydomain");
    clone->control = NULL;
}

void *clone_window(const struct clone *clone, unsigned int to, uint64_t frame)
{
    see(clone->domain, frame, WINDOW + 5 * WINDOW_EACH + to, 1);
    return window(WINDOW + 5 * WINDOW_EACH + to);
}

void clone_unwindow(unsigned int to)
{
    unsee(WINDOW + 5 * WINDOW_EACH + to, 1);
}
