/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T12: operations that mean something, at random, by the vCPUs of two domains on each other's
 * grants, events and pages at once.
 */
#include <guest/event.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <torture/hostile.h>

enum {
    GRANTS = CLONE_SPARE - 16, /* frame: the grant table */
    MAPPED = 0x10000,          /* frames: where grants are mapped */
    LIST = 1024,               /* bytes into the page: what the structure points at */
    OPERATIONS = 6000,
    LIVES = 5
};

static uint32_t handles[64]; /* of what was mapped last at each place */

/* An operation: its structure is at `page`, which is zeros. */
typedef void operation(struct chance *chance, uint8_t *page);

static uint64_t base_frame(void)
{
    return GUEST_RAM0_BASE >> PAGE_SHIFT;
}

static void call(unsigned int nr, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t arg[5] = {a, b, c};
    (void)seen_call(nr, arg);
}

static uint16_t someone(struct chance *chance)
{
    return (uint16_t)(chance_below(chance, 2) != 0 && control->peer != 0 ? control->peer
                                                                         : control->self);
}

static void reservation(struct chance *chance, uint8_t *page)
{
    struct xen_memory_reservation *arg = (void *)page;
    uint64_t *frames = (void *)(page + LIST);
    uint64_t pick = chance_next(chance);
    *arg = (struct xen_memory_reservation){.extent_start = hypercall_pointer(frames),
                                           .nr_extents = 1 + (pick >> 8) % 8,
                                           .extent_order = (pick & 3) != 0 ? pick >> 4 & 1
                                                                           : (pick >> 4 & 15) % 10,
                                           .domid = DOMID_SELF};
    for (unsigned int i = 0; i < 8; i++) {
        uint64_t frame = chance_frame(chance);
        frames[i] = arg->extent_order == 9 ? frame & ~511UL : frame;
    }
    call(__HYPERVISOR_memory_op,
         (pick >> 16 & 1) != 0 ? XENMEM_populate_physmap : XENMEM_decrease_reservation,
         hypercall_pointer(page), 0);
}

static void physmap(struct chance *chance, uint8_t *page)
{
    uint64_t pick = chance_next(chance);
    if ((pick & 1) != 0) {
        struct xen_remove_from_physmap *gone = (void *)page;
        *gone = (struct xen_remove_from_physmap){.domid = DOMID_SELF, .gpfn = chance_frame(chance)};
        call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, hypercall_pointer(page), 0);
        return;
    }
    struct xen_add_to_physmap *arg = (void *)page;
    *arg = (struct xen_add_to_physmap){.domid = DOMID_SELF,
                                       .space = (pick & 2) != 0 ? XENMAPSPACE_shared_info
                                                                : XENMAPSPACE_grant_table,
                                       .idx = (pick & 2) != 0 ? 0 : 1 + (pick >> 8) % 8,
                                       .gpfn = chance_frame(chance)};
    call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, hypercall_pointer(page), 0);
}

static void grant_give(struct chance *chance, uint8_t *page)
{
    volatile struct grant_entry_v1 *entry =
        (void *)(uintptr_t)((base_frame() + GRANTS) << PAGE_SHIFT);
    uint64_t pick = chance_next(chance);
    (void)page;
    entry += pick % 64;
    entry->frame = (uint32_t)chance_frame(chance);
    entry->domid = someone(chance);
    /* A read-only one now and then, and one that ends. */
    entry->flags = (uint16_t)((pick >> 8 & 7) == 0 ? 0 : GTF_permit_access | (pick >> 11 & 4));
}

static void grant_map(struct chance *chance, uint8_t *page)
{
    struct gnttab_map_grant_ref *arg = (void *)page;
    uint64_t pick = chance_next(chance);
    *arg = (struct gnttab_map_grant_ref){
        .host_addr = (base_frame() + MAPPED + pick % 64) << PAGE_SHIFT,
        .flags = GNTMAP_host_map | ((pick >> 6 & 3) == 0 ? GNTMAP_readonly : 0),
        .ref = (uint32_t)(pick >> 12) % 64,
        .dom = someone(chance)};
    call(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, hypercall_pointer(page), 1);
    if (arg->status == GNTST_okay) {
        handles[pick % 64] = arg->handle;
    }
}

static void grant_unmap(struct chance *chance, uint8_t *page)
{
    struct gnttab_unmap_grant_ref *arg = (void *)page;
    uint64_t pick = chance_next(chance);
    *arg = (struct gnttab_unmap_grant_ref){
        .host_addr = (base_frame() + MAPPED + pick % 64) << PAGE_SHIFT,
        .handle = (pick >> 6 & 3) != 0 ? handles[pick % 64] : (uint32_t)(pick >> 12) % 64};
    call(__HYPERVISOR_grant_table_op, GNTTABOP_unmap_grant_ref, hypercall_pointer(page), 1);
}

static void grant_copy(struct chance *chance, uint8_t *page)
{
    struct gnttab_copy *arg = (void *)page;
    uint64_t pick = chance_next(chance);
    *arg = (struct gnttab_copy){.flags = (uint16_t)(pick & 3), .len = (uint16_t)(pick >> 8 & 4095)};
    arg->source.domid = (pick & 1) != 0 ? someone(chance) : DOMID_SELF;
    arg->dest.domid = (pick & 2) != 0 ? someone(chance) : DOMID_SELF;
    arg->source.u.gmfn = (pick & 1) != 0 ? pick >> 20 & 63 : chance_frame(chance);
    arg->dest.u.gmfn = (pick & 2) != 0 ? pick >> 26 & 63 : chance_frame(chance);
    call(__HYPERVISOR_grant_table_op, GNTTABOP_copy, hypercall_pointer(page), 1);
}

/* Numbers small enough to be somebody's port or vCPU, and to be nobody's. */
static void event_port(struct chance *chance, uint8_t *page)
{
    static const uint8_t kinds[] = {EVTCHNOP_send,   EVTCHNOP_send,      EVTCHNOP_send,
                                    EVTCHNOP_close,  EVTCHNOP_bind_vcpu, EVTCHNOP_unmask,
                                    EVTCHNOP_status, EVTCHNOP_bind_ipi,  EVTCHNOP_bind_virq};
    uint32_t *word = (void *)page;
    uint64_t pick = chance_next(chance);
    uint8_t kind = kinds[pick % sizeof(kinds)];
    word[0] = (uint32_t)(pick >> 8) % (kind == EVTCHNOP_bind_ipi ? 5 : 48);
    word[1] = (uint32_t)(pick >> 16) % 5;
    if (kind == EVTCHNOP_status) {
        word[1] = word[0];
        word[0] = DOMID_SELF;
    }
    call(__HYPERVISOR_event_channel_op, kind, hypercall_pointer(page), 0);
}

static void event_domain(struct chance *chance, uint8_t *page)
{
    uint64_t pick = chance_next(chance);
    if ((pick & 3) != 0) {
        struct evtchn_bind_interdomain *bind = (void *)page;
        *bind = (struct evtchn_bind_interdomain){.remote_dom = someone(chance),
                                                 .remote_port = (uint32_t)(pick >> 8) % 48};
        call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_interdomain, hypercall_pointer(page), 0);
        return;
    }
    struct evtchn_alloc_unbound *unbound = (void *)page;
    *unbound = (struct evtchn_alloc_unbound){.dom = DOMID_SELF, .remote_dom = someone(chance)};
    call(__HYPERVISOR_event_channel_op,
         (pick >> 8 & 255) == 0 ? EVTCHNOP_reset : EVTCHNOP_alloc_unbound, hypercall_pointer(page),
         0);
}

static void event_fifo(struct chance *chance, uint8_t *page)
{
    uint64_t pick = chance_next(chance);
    if ((pick & 1) != 0) {
        struct evtchn_expand_array *more = (void *)page;
        *more = (struct evtchn_expand_array){.array_gfn = chance_frame(chance)};
        call(__HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, hypercall_pointer(page), 0);
        return;
    }
    struct evtchn_init_control *arg = (void *)page;
    *arg = (struct evtchn_init_control){.control_gfn = chance_frame(chance),
                                        .offset = (uint32_t)(pick >> 8) & 0xff8,
                                        .vcpu = (uint32_t)(pick >> 24) % CLONE_CPUS};
    call(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, hypercall_pointer(page), 0);
}

static void vcpu_area(struct chance *chance, uint8_t *page)
{
    uint64_t pick = chance_next(chance);
    if ((pick >> 20 & 7) == 0) {
        struct vcpu_register_vcpu_info *info = (void *)page;
        *info = (struct vcpu_register_vcpu_info){.mfn = chance_frame(chance),
                                                 .offset = (uint32_t)pick & 0xfc0};
        call(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, pick >> 16 & 3,
             hypercall_pointer(page));
        return;
    }
    *(uint64_t *)(void *)page = (chance_frame(chance) << PAGE_SHIFT) + (pick & 0xff8);
    call(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, pick >> 16 & 3,
         hypercall_pointer(page));
}

static void vcpu_timer(struct chance *chance, uint8_t *page)
{
    uint64_t *word = (void *)page;
    uint64_t pick = chance_next(chance);
    word[0] = (pick & 1) != 0 ? 1000000 + (pick >> 8 & 0xffff) : chance_value(chance);
    call(__HYPERVISOR_vcpu_op, VCPUOP_set_periodic_timer + pick % 4, pick >> 16 & 3,
         hypercall_pointer(page));
}

static void sched(struct chance *chance, uint8_t *page)
{
    /* Where nobody scribbles: with another time it would sleep for ever. */
    struct sched_poll *poll = (void *)(page + 2 * LIST);
    uint64_t pick = chance_next(chance);
    if ((pick & 1) != 0) {
        hostile_yield();
        return;
    }
    *(uint32_t *)(void *)(page + LIST) = (uint32_t)(pick >> 8) % 48;
    *poll = (struct sched_poll){hypercall_pointer(page + LIST), 1, 1};
    call(__HYPERVISOR_sched_op, SCHEDOP_poll, hypercall_pointer(poll), 0);
}

/* A word of a page that may be gone, or another's. */
static void touch(struct chance *chance, uint8_t *page)
{
    uint64_t pick = chance_next(chance);
    uint64_t frame =
        (pick & 1) != 0 ? chance_frame(chance) : base_frame() + MAPPED + (pick >> 8) % 64;
    uint64_t value;
    (void)page;
    if ((pick & 2) != 0) {
        (void)port_try_write((frame << PAGE_SHIFT) + (pick >> 16 & 0xff8), 8, pick);
    } else {
        (void)port_try_read((frame << PAGE_SHIFT) + (pick >> 16 & 0xff8), 8, &value);
    }
    trap_expect(true);
}

void mix_step(struct chance *chance, unsigned int cpu, void *page)
{
    static operation *const operations[] = {
        reservation, reservation, reservation, physmap,    grant_give, grant_map,
        grant_map,   grant_unmap, grant_copy,  event_port, event_port, event_domain,
        event_fifo,  vcpu_area,   vcpu_timer,  sched,      touch,      grant_give};
    uint64_t pick = chance_below(chance, sizeof(operations) / sizeof(operations[0]));
    memset(page, 0, 64);
    operations[pick](chance, page);
    control->beat[cpu]++;
}

void mix_begin(void)
{
    struct xen_add_to_physmap arg = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = base_frame() + GRANTS};
    (void)memory_op(XENMEM_add_to_physmap, &arg);
}

static void mix_run(void)
{
    struct chance chance;
    unsigned int cpu = port_cpu();
    chance_seed(&chance, control->seed, cpu);
    trap_expect(true);
    while (!control->done && control->beat[cpu] < control->budget) {
        mix_step(&chance, cpu, clone_page(cpu));
    }
    while (cpu != 0 || control->ready == 0) {
        hostile_yield();
    }
}

void mix_clone(void)
{
    mix_begin();
    clone_cpus(mix_run);
}

void mix_dom0(void)
{
    struct clone clones[2];
    uint64_t calls = 0;
    for (uint64_t life = 0; life < hostile_scaled(LIVES); life++) {
        struct control order = {.vcpus = 2, .budget = OPERATIONS, .seed = 2 * life};
        clone_make(&clones[0], 0, &order);
        order.seed++;
        clone_make(&clones[1], 1, &order);
        clones[0].control->peer = clones[1].domain;
        clones[1].control->peer = clones[0].domain;
        clone_start(&clones[0]);
        clone_start(&clones[1]);
        /* The first dies in the middle of what the second does with it, or when all is done. */
        clone_watch_until(&clones[0], OPERATIONS * (1 + life % 2));
        calls += clone_beats(&clones[0]);
        seen_print("T12", &clones[0]);
        clone_destroy(&clones[0]);
        clone_watch_until(&clones[1], 2 * OPERATIONS);
        calls += clone_beats(&clones[1]);
        seen_print("T12", &clones[1]);
        clone_destroy(&clones[1]);
    }
    print("CALLS T12 %lu\n", calls);
}
