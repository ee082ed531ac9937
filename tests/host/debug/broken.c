/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A check that finds nothing may look at nothing. So each thing that xen/debug/ says must hold is
 * broken here, on a machine with dom0 and a guest that have all of it: the check says so, and says
 * nothing any more once it is mended.
 */
#include "core/scene.h"
#include "fuzz.h"
#include "host.h"
#include "machine.h"

#include <arch/mm.h>
#include <public/debug.h>
#include <public/event_channel.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>
#include <stdio.h>
#include <stdlib.h>
#include <xen/cpu.h>
#include <xen/cpupool.h>
#include <xen/debug.h>
#include <xen/domain.h>
#include <xen/errno.h>
#include <xen/evtchn_port.h>
#include <xen/grant_table.h>
#include <xen/page.h>
#include <xen/page_alloc.h>
#include <xen/page_domain.h>
#include <xen/string.h>
#include <xen/vmid.h>

#define GUEST 1u
#define GFN   (SCENE_GUEST >> PAGE_SHIFT) /* 16 pages of the guest; the first is for arguments */
#define SHARED_GFN (GFN + 32u)
#define NEW_GFN    (GFN + 33u) /* nothing is there */
#define FOREIGN    0x8000000ul /* addresses of dom0 that show pages of the guest */
#define GRANTED    0x8001000ul
#define REF        5u /* the grant that dom0 has mapped */

#define CHECK(condition, value) \
    do { \
        if (!(condition)) { \
            fprintf(stderr, "line %d: %s (%ld)\n%s", __LINE__, #condition, (long)(value), \
                    host_log()); \
            abort(); \
        } \
    } while (0)

static struct domain *dom0, *d;
static struct vcpu *v;

static void is_sound(void)
{
    int found;

    host_log_clear();
    found = debug_check();
    CHECK(found == 0, found);
}

static void is_found(const char *words)
{
    int found;

    host_log_clear();
    found = debug_check();
    CHECK(found > 0, found);
    if (strstr(host_log(), words) == NULL) {
        fprintf(stderr, "\"%s\" is not said:\n%s", words, host_log());
        abort();
    }
}

/* Gives a variable a wrong value for one check, which says these words. */
#define BROKEN(place, value, words) \
    do { \
        __typeof__(place) before = (place); \
        (place) = (value); \
        is_found(words); \
        (place) = before; \
        is_sound(); \
    } while (0)

static int64_t call(unsigned int cpu, uint64_t nr, uint64_t a0, uint64_t a1, uint64_t a2)
{
    uint64_t arg[5] = {a0, a1, a2};
    int64_t result = 0;

    for (unsigned int i = 0; i < 100 && host_running(cpu) < 0; i++) {
        host_advance(1000000);
    }
    CHECK(host_hypercall(cpu, nr, arg, &result) == HOST_GUEST, nr);
    return result;
}

/* A command on a structure, by dom0 (CPU 0) or the guest (CPU 1). */
static int64_t op(unsigned int cpu, uint64_t nr, uint64_t command, void *value, size_t size)
{
    uint64_t at = cpu == 0 ? scene_scratch : SCENE_GUEST;
    uint64_t third = nr == __HYPERVISOR_grant_table_op ? 1 : nr == __HYPERVISOR_vcpu_op ? at : 0;
    int64_t rc;

    CHECK(host_guest_write((uint16_t)cpu, at, value, size), nr);
    rc = call(cpu, nr, command, nr == __HYPERVISOR_vcpu_op ? 0 : at, third);
    CHECK(rc == 0, rc);
    CHECK(host_guest_read((uint16_t)cpu, at, value, size), nr);
    return rc;
}

#define OP(cpu, name, command, value) \
    (void)op((cpu), __HYPERVISOR_##name, (command), &(value), sizeof(value))

static evtchn_port_t paired, of_virq;

static void make_ports(void)
{
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = 0};
    struct evtchn_bind_virq virq = {.virq = VIRQ_TIMER};
    struct evtchn_init_control control = {.control_gfn = GFN + 3u};
    struct evtchn_expand_array expand = {.array_gfn = GFN + 4u};

    for (unsigned int i = 0; i < 2; i++) { /* the first two are freed again */
        struct evtchn_alloc_unbound one = unbound;
        struct evtchn_close close;

        OP(GUEST, event_channel_op, EVTCHNOP_alloc_unbound, one);
        OP(GUEST, event_channel_op, EVTCHNOP_alloc_unbound, unbound);
        close.port = one.port;
        OP(GUEST, event_channel_op, EVTCHNOP_close, close);
    }
    struct evtchn_bind_interdomain join = {.remote_dom = GUEST, .remote_port = unbound.port};
    OP(0, event_channel_op, EVTCHNOP_bind_interdomain, join);
    OP(GUEST, event_channel_op, EVTCHNOP_bind_virq, virq);
    OP(GUEST, event_channel_op, EVTCHNOP_init_control, control);
    OP(GUEST, event_channel_op, EVTCHNOP_expand_array, expand);
    paired = unbound.port;
    of_virq = virq.port;
}

static void make_mappings(void)
{
    struct xen_add_to_physmap shared = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = SHARED_GFN};
    struct xen_add_to_physmap_batch batch = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_gmfn_foreign, .size = 1};
    struct gnttab_map_grant_ref map = {
        .host_addr = GRANTED, .flags = GNTMAP_host_map, .ref = REF, .dom = GUEST};
    uint64_t list[3] = {GFN + 1u, FOREIGN >> PAGE_SHIFT};

    batch.u.foreign_domid = GUEST;
    batch.idxs = scene_scratch + 1024;
    batch.gpfns = scene_scratch + 1032;
    batch.errs = scene_scratch + 1040;
    memcpy(host_ram(scene_scratch + 1024), list, sizeof(list));
    OP(GUEST, memory_op, XENMEM_add_to_physmap, shared);
    OP(0, memory_op, XENMEM_add_to_physmap_batch, batch);
    *grant_entry(d->grants, REF) =
        (struct grant_entry_v1){.flags = GTF_permit_access, .domid = 0, .frame = GFN + 2u};
    OP(0, grant_table_op, GNTTABOP_map_grant_ref, map);
    CHECK(map.status == GNTST_okay, map.status);
}

static void make_areas(void)
{
    struct vcpu_register_vcpu_info info = {.mfn = GFN + 5u};
    struct vcpu_register_runstate_memory_area area = {.addr.h = SCENE_GUEST + 6u * PAGE_SIZE};
    struct sched_watchdog watchdog = {.timeout = 1000};

    OP(GUEST, vcpu_op, VCPUOP_register_vcpu_info, info);
    OP(GUEST, vcpu_op, VCPUOP_register_runstate_memory_area, area);
    CHECK(host_guest_write(GUEST, SCENE_GUEST, &watchdog, sizeof(watchdog)), 0);
    CHECK(call(GUEST, __HYPERVISOR_sched_op, SCHEDOP_watchdog, SCENE_GUEST, 0) == 1, 0);
}

static struct page *page_of_guest(unsigned int i)
{
    struct p2m_leaf leaf;

    CHECK(p2m_lookup(d, (gfn_t){GFN + i}, &leaf, NULL), i);
    return page_peek(leaf.mfn);
}

static void break_domains(void)
{
    BROKEN(d->ref.count, d->ref.count + 1u, "d1 is kept by");
    BROKEN(d->is_dead, true, "d1 is dead and did not die");
    BROKEN(d->id, 0, "d0 comes behind d0");
    BROKEN(d->id, 7, "d7 is not found by its number");
    BROKEN(v->id, 1, "d1: vCPU 0 is not its own");
    BROKEN(d->p2m.arch.vmid, vmid_generation, "d1: VMID 0 is another's, too");
}

static void break_pages(void)
{
    struct page *pg = page_of_guest(7),
                *shared = page_peek((mfn_t){arch_va_to_pa(d->shared_info) >> PAGE_SHIFT});
    uint64_t frame = page_mfn(pg).n;
    struct chunk *c = chunk_of_pa(frame << PAGE_SHIFT);
    struct chunk *whole = chunk_of_pa((uint64_t)dom0->chunks_head << MEM_CHUNK_SHIFT);

    BROKEN(d->claim_pages, 5, "domains claim 5 of");
    BROKEN(d->scrub, ((struct buddy_scrub){.start = frame}), "is of kind");
    BROKEN(d->scrub, ((struct buddy_scrub){.start = 1ul << 50}), "is not RAM");
    BROKEN(pg->tag, pg->tag ^ 1u << PAGE_TAG_FRAME, "has the record of frame");
    BROKEN(pg->owner, NULL, "belongs to no domain");
    BROKEN(pg->owner, dom0, "which it does not own");
    BROKEN(pg->count, pg->count + 1u, "references, ");
    BROKEN(pg->prev, pg->prev + 1u, "d1: its list of pages is wrong");
    BROKEN(c->used, (uint16_t)(c->used + 1u), "pages in use, ");
    BROKEN(whole->owner, NULL, "belongs to no domain");
    BROKEN(whole->prev, 1u, "d0: its list of chunks is wrong");
    BROKEN(d->pages_head, 0, "is on no list of its owner's");
    BROKEN(d->tot_pages, 1, "pages, 1 are counted");
    BROKEN(page_held, page_held + 1u, "are the hypervisor's, ");
    BROKEN(shared->user, 1, "which says that it is at");
}

/* One leaf more, which goes again. */
static void break_leaf(enum p2m_kind kind, struct page *pg, const char *words)
{
    struct p2m_leaf leaf = {.mfn = page_mfn(pg), .kind = kind, .flags = P2M_WRITE};
    int rc = p2m_map(d, (gfn_t){NEW_GFN}, 1, leaf);

    CHECK(rc == 0, rc);
    is_found(words);
    rc = p2m_unmap(d, (gfn_t){NEW_GFN}, 1);
    CHECK(rc == 0, rc);
    is_sound();
}

static void break_p2m(void)
{
    struct page *pg = page_of_guest(7);

    break_leaf(P2M_RAM, pg, "which is mapped elsewhere, too");
    break_leaf(P2M_MMIO, pg, "is no device, but frame");
    break_leaf(P2M_GRANT, pg, "d1 maps 1 pages by grants for which it has no handle");
    CHECK(page_get(pg, d), 0);
    break_leaf(P2M_FOREIGN, pg, "which is no other domain's");
    BROKEN(d->p2m.max_mapped.n, GFN + 1u, "is out of what its teardown walks");
    BROKEN(d->p2m.table_pages, d->p2m.table_pages + 1u, "second-stage tables, ");
}

static void break_events(void)
{
    struct evtchn *e = evtchn_get(d, paired), *other = e->u.peer;

    BROKEN(e->u.peer, e, "the other end of port");
    BROKEN(other->state, EVTCHN_UNBOUND, "d1: the other end of port");
    BROKEN(v->event.virq_port[VIRQ_TIMER], 0, "is not that of virq");
    BROKEN(v->event.virq_port[VIRQ_TIMER + 1], paired, "which is another's");
    BROKEN(d->events.free_first, of_virq, "the queue of freed ports is wrong at");
    BROKEN(e->vcpu, 99, "is not sound");
    BROKEN(d->events.active, 0, "ports are bound, 0 are counted");
    BROKEN(e->state, EVTCHN_TO_OWN, "the other end of port");
}

static void break_grants(void)
{
    struct grant_active *a = grant_active(d->grants, REF), *unused = grant_active(d->grants, 9);
    struct page *frame = page_peek((mfn_t){arch_va_to_pa(d->grants->frame[0]) >> PAGE_SHIFT});

    BROKEN(unused->pg, a->pg, "grant 9 is not used and has a page");
    BROKEN(a->pg, NULL, "grant 5 is used and has no page");
    BROKEN(a->by, 9, "which is not pinned for it");
    BROKEN(a->readers, 1, "d1: its grants have 1 readers and 1 writers, for 0 and 1 handles");
    BROKEN(dom0->grants->map[0][0].flags, 0, "d0 maps 1 pages by grants");
    BROKEN(dom0->grants->free_map, GRANT_NO_HANDLE, "handles 1 are used and 0 are free");
    BROKEN(frame->owner, NULL, "of its grant table is not shared with it");
}

static void break_sched(void)
{
    struct vcpu *off = d->vcpu[1];
    struct cpupool *pool = d->pool;

    BROKEN(v->running, 0, "d1v0 runs on CPU 1, which does not run it");
    BROKEN(v->sched.state, SCHED_OFF, "d1v0 may run, and nobody knows");
    BROKEN(off->sched.state, SCHED_QUEUED, "d1v1 must not run, and waits for a CPU");
    BROKEN(off->sched.state, SCHED_PARKED, "d1v1 is parked, and nothing ends that");
    BROKEN(v->cpu, &cpus[0], "CPU 1 runs d1v0, which does not run there");
    BROKEN(v->cpu, &cpus[0], "CPU 1 has d1v0 loaded, which does not know it");
    BROKEN(pool->nr_waiting, 1, "0 vCPUs wait, 0 are in the queue, 1 are counted");
    BROKEN(pool->nr_domains, 0, "pool 0: 2 domains, 0 are counted");
    BROKEN(pool->cpus, 1, "CPU 1 is not in the pool that it knows");
    BROKEN(cpupool_free.cpus, 1, "some are in another one");
    list_add_before(&pool->queue, &off->sched.node);
    is_found("d1v1, in state 0, is wrong in the queue");
    list_del(&off->sched.node);
    is_sound();
}

static void break_timers(void)
{
    struct timer_queue *q = &d->watchdog[0].cpu->timers;

    CHECK(timer_armed(&d->watchdog[0]), 0);
    BROKEN(d->watchdog[0].slot, 1000, "is not in its place");
    BROKEN(q->capacity, 0, "no room for each of");
}

/* What dom0 may ask a debug build, and nobody else. On one CPU: nobody else stands still here. */
static void ask(void)
{
    const uint64_t nr = __HYPERVISOR_debug_op;

    CHECK(call(GUEST, nr, DEBUGOP_check, 0, 0) == -EPERM, 0);
    scene_boot_dom0(SCENE_RAM, 1, SCENE_LINE);
    d = host_domain(0);
    CHECK(call(0, nr, DEBUGOP_check, 0, 0) == 0, 0);
    d->p2m.table_pages++;
    CHECK(call(0, nr, DEBUGOP_check, 0, 0) == 1, 0);
    d->p2m.table_pages--;
    CHECK(call(0, nr, DEBUGOP_fail, 1, 2) == -EINVAL, 0);
    CHECK(call(0, nr, DEBUGOP_fail, 1000, DEBUG_FAIL_MY_CPU) == 0, 0);
    CHECK(call(0, nr, DEBUGOP_fail, 0, 0) == 1000, 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_FREE_PAGES, 0) == (int64_t)page_free_count(),
          page_free_count());
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_HEAP_BYTES, 0) > 0, 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_ALLOCATIONS, 0) > 0, 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_DOMAINS, 0) == 1, 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_TIMERS, 0) == timer_count(), 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_CLAIMED, 0) == 0, 0);
    CHECK(call(0, nr, DEBUGOP_counter, DEBUG_COUNTER_SLAB_PAGES, 0) > 0, 0);
    CHECK(call(0, nr, DEBUGOP_counter, 7, 0) == -EINVAL, 0);
    CHECK(call(0, nr, DEBUGOP_counter + 1, 0, 0) == -ENOSYS, 0);
}

int main(void)
{
    scene_boot();
    dom0 = host_domain(0);
    d = host_domain(GUEST);
    v = domain_vcpu(d, 0);
    make_ports();
    make_mappings();
    make_areas();
    is_sound();
    break_domains();
    break_pages();
    break_p2m();
    break_events();
    break_grants();
    break_sched();
    break_timers();
    ask();
    printf("ok\n");
    return 0;
}
