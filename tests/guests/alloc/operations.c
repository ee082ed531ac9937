/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations that allocate, what must be there before, and how they are undone.
 */
#include <guest/domain.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/domctl.h>
#include <public/errno.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>

#include "operations.h"

enum {
    VCPUS = 4,
    PAGES = 16,
    CHUNK = 512,
    CHUNKS = 2,
    PORTS = 70, /* more than a page of ports has */
    HANDLES = 3,
    PLACE = 0x90000, /* a guest frame where nothing is */
    BLOCK = 32       /* of dom0's memory, in which it maps pages of the domain: as far from us */
};

static domid_t made;
static uint64_t frames[CHUNK];
static uint64_t grant_frame; /* dom0's frame that is the first one of the domain's grant table */
static uint64_t block;       /* dom0's frames, of one leaf */

void must(bool holds, const char *what)
{
    if (!holds) {
        give_up(what);
    }
}

/* Operations. Each answers 0 when all of it is done, -ENOMEM when it found no memory, or what the
 * hypervisor said. */

static int64_t create(void)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config->max_vcpus = VCPUS;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 8;
    config->max_maptrack_frames = 8;
    config->grant_opts = 1;
    int64_t rc = domain_op(XEN_DOMCTL_createdomain, 0);
    made = domain_call.domain;
    return rc;
}

static void destroy(void)
{
    must(domain_op(XEN_DOMCTL_destroydomain, made) == 0, "destroydomain");
}

static int64_t make_vcpus(void)
{
    domain_call.u.max_vcpus.max = VCPUS;
    return domain_op(XEN_DOMCTL_max_vcpus, made);
}

static int64_t set_pool(void)
{
    domain_call.u.paging_mempool.size = 1 << 20;
    return domain_op(XEN_DOMCTL_set_paging_mempool_size, made);
}

static void begin(void)
{
    must(create() == 0, "createdomain");
}

static void begin_with_vcpus(void)
{
    begin();
    must(make_vcpus() == 0, "max_vcpus");
    domain_call.u.address_size.size = 64;
    must(domain_op(XEN_DOMCTL_set_address_size, made) == 0, "set_address_size");
}

static void begin_with_room(void)
{
    begin_with_vcpus();
    domain_call.u.max_mem.max_memkb = 16 << 10;
    must(domain_op(XEN_DOMCTL_max_mem, made) == 0, "max_mem");
    must(set_pool() == 0, "set_paging_mempool_size");
}

/* memory_op on a list answers how many of it are done: less is for lack of memory here. */
static int64_t reservation(uint64_t cmd, uint64_t first, uint64_t nr, unsigned int order)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = nr,
                                         .extent_order = order,
                                         .domid = made};
    for (uint64_t i = 0; i < nr; i++) {
        frames[i] = first + (i << order);
    }
    int64_t done = memory_op(cmd, &arg);
    return done == (int64_t)nr ? 0 : done >= 0 ? -XEN_ENOMEM : done;
}

static const uint64_t ram = GUEST_RAM0_BASE >> PAGE_SHIFT;

static int64_t populate(void)
{
    return reservation(XENMEM_populate_physmap, ram + CHUNK - PAGES / 2, PAGES, 0);
}

static int64_t populate_blocks(void)
{
    return reservation(XENMEM_populate_physmap, ram, CHUNKS, 9);
}

static int64_t increase(void)
{
    return reservation(XENMEM_increase_reservation, 0, PAGES, 0);
}

static void begin_with_block(void)
{
    begin_with_room();
    must(populate_blocks() == 0, "populate_physmap");
}

/* A page out of a block, which is split. */
static int64_t decrease(void)
{
    return reservation(XENMEM_decrease_reservation, ram + 5, 1, 0);
}

static int64_t add_to_physmap(domid_t domain, unsigned int space, uint64_t index, uint64_t frame)
{
    struct xen_add_to_physmap arg = {.domid = domain, .space = space, .idx = index, .gpfn = frame};
    return memory_op(XENMEM_add_to_physmap, &arg);
}

static int64_t add_shared_info(void)
{
    return add_to_physmap(made, XENMAPSPACE_shared_info, 0, PLACE);
}

static int64_t remove_from_physmap(domid_t domain, uint64_t frame)
{
    struct xen_remove_from_physmap arg = {.domid = domain, .gpfn = frame};
    return memory_op(XENMEM_remove_from_physmap, &arg);
}

static int64_t remove_page(void)
{
    return remove_from_physmap(made, ram + CHUNK + 7);
}

/* -EINVAL is Xen's word for a grant frame that is not there, for whatever reason. */
static int64_t enough(int64_t rc, int64_t word)
{
    return rc == word ? -XEN_ENOMEM : rc;
}

static int64_t add_grant_frame(void)
{
    return enough(add_to_physmap(made, XENMAPSPACE_grant_table, 5, PLACE), -XEN_EINVAL);
}

static int64_t setup_table(void)
{
    struct gnttab_setup_table setup = {
        .dom = made, .nr_frames = 6, .frame_list = hypercall_pointer(frames)};
    int64_t rc = grant_table_op(GNTTABOP_setup_table, &setup, 1);
    return rc != 0                      ? rc
           : setup.status == GNTST_okay ? 0
                                        : enough(setup.status, GNTST_general_error);
}

static int64_t acquire_table(void)
{
    for (unsigned int i = 0; i < 6; i++) {
        frames[i] = block + i;
    }
    struct xen_mem_acquire_resource arg = {.domid = made,
                                           .type = XENMEM_resource_grant_table,
                                           .nr_frames = 6,
                                           .frame_list = hypercall_pointer(frames)};
    /* -EIO: some were mapped. */
    return enough(enough(memory_op(XENMEM_acquire_resource, &arg), -XEN_EINVAL), -XEN_EIO);
}

/* dom0's own frames again, in one leaf. */
static void restore_block(void)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(&block),
                                         .nr_extents = 1,
                                         .extent_order = 9,
                                         .domid = DOMID_SELF};
    must(memory_op(XENMEM_populate_physmap, &arg) == 1, "populate_physmap of our own");
}

static void restore_and_destroy(void)
{
    restore_block();
    destroy();
}

static int64_t map_foreign(void)
{
    static uint64_t indexes[PAGES];
    static int32_t errors[PAGES];
    for (unsigned int i = 0; i < PAGES; i++) {
        indexes[i] = ram + CHUNK - PAGES / 2 + i;
        frames[i] = block + i;
        errors[i] = -1;
    }
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = PAGES,
                                           .u.foreign_domid = made,
                                           .idxs = hypercall_pointer(indexes),
                                           .gpfns = hypercall_pointer(frames),
                                           .errs = hypercall_pointer(errors)};
    int64_t rc = memory_op(XENMEM_add_to_physmap_batch, &arg);
    for (unsigned int i = 0; i < PAGES && rc == 0; i++) {
        rc = errors[i];
    }
    return rc;
}

/* The domain grants its first pages to dom0. */
static void begin_with_grants(void)
{
    begin_with_block();
    frames[0] = grant_frame;
    struct xen_mem_acquire_resource arg = {.domid = made,
                                           .type = XENMEM_resource_grant_table,
                                           .nr_frames = 1,
                                           .frame_list = hypercall_pointer(frames)};
    must(memory_op(XENMEM_acquire_resource, &arg) == 0, "acquire_resource");
    struct grant_entry_v1 *table = port_map(0, grant_frame << PAGE_SHIFT, true);
    for (unsigned int i = 0; i < HANDLES; i++) {
        table[8 + i] =
            (struct grant_entry_v1){.frame = (uint32_t)(ram + i), .flags = GTF_permit_access};
    }
}

static grant_handle_t handles[HANDLES];

static int64_t map_grants(void)
{
    int64_t rc = 0;
    for (unsigned int i = 0; i < HANDLES; i++) {
        handles[i] = ~0U;
    }
    for (unsigned int i = 0; i < HANDLES && rc == 0; i++) {
        struct gnttab_map_grant_ref map = {.host_addr = (block + i) << PAGE_SHIFT,
                                           .flags = GNTMAP_host_map,
                                           .ref = 8 + i,
                                           .dom = made};
        rc = grant_table_op(GNTTABOP_map_grant_ref, &map, 1);
        if (rc == 0 && map.status == GNTST_okay) {
            handles[i] = map.handle;
        } else if (rc == 0) {
            rc = map.status == GNTST_no_space ? -XEN_ENOMEM
                                              : enough(map.status, GNTST_general_error);
        }
    }
    return rc;
}

static void unmap_grants(void)
{
    for (unsigned int i = 0; i < HANDLES; i++) {
        struct gnttab_unmap_grant_ref unmap = {.host_addr = (block + i) << PAGE_SHIFT,
                                               .handle = handles[i]};
        if (handles[i] != ~0U) {
            must(grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1) == 0 &&
                     unmap.status == GNTST_okay,
                 "unmap_grant_ref");
        }
    }
    must(remove_from_physmap(DOMID_SELF, grant_frame) == 0, "remove_from_physmap");
    restore_and_destroy();
}

static int64_t alloc_ports(void)
{
    int64_t port = 1;
    for (unsigned int i = 0; i < PORTS && port > 0; i++) {
        port = event_alloc_unbound(made, 0);
    }
    return port > 0 ? 0 : port;
}

static evtchn_port_t bound[PORTS];

/* dom0's ends of the domain's ports. */
static int64_t bind_ports(void)
{
    int64_t rc = 0;
    memset(bound, 0, sizeof(bound));
    for (unsigned int i = 0; i < PORTS && rc == 0; i++) {
        struct evtchn_bind_interdomain bind = {.remote_dom = made, .remote_port = 1 + i};
        rc = event_channel_op(EVTCHNOP_bind_interdomain, &bind);
        bound[i] = rc == 0 ? bind.local_port : 0;
    }
    return rc;
}

static void begin_with_ports(void)
{
    begin();
    must(alloc_ports() == 0, "alloc_unbound");
}

static void unbind_ports(void)
{
    for (unsigned int i = 0; i < PORTS; i++) {
        must(bound[i] == 0 || event_close(bound[i]) == 0, "close");
    }
    destroy();
}

static int64_t init_fifo(void)
{
    static void *page;
    page = page != NULL ? page : page_alloc();
    struct evtchn_init_control control = {.control_gfn = frame_of(page)};
    return event_channel_op(EVTCHNOP_init_control, &control);
}

static int64_t expand_fifo(void)
{
    static void *page;
    page = page != NULL ? page : page_alloc();
    struct evtchn_expand_array expand = {.array_gfn = frame_of(page)};
    return event_channel_op(EVTCHNOP_expand_array, &expand);
}

static void begin_with_fifo(void)
{
    must(init_fifo() == 0, "init_control");
}

static void reset_events(void)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    must(event_channel_op(EVTCHNOP_reset, &reset) == 0, "reset");
}

static int64_t set_context(void)
{
    static struct vcpu_guest_context context;
    port_first_context(&context, GUEST_RAM0_BASE, 0);
    return domain_set_context(made, 1, &context);
}

static void nothing(void)
{
}

const struct step steps[] = {
    {"createdomain", nothing, create, destroy, true, true},
    {"max_vcpus", begin, make_vcpus, destroy, true, false},
    {"set_paging_mempool_size", begin, set_pool, destroy, false, false},
    {"populate_physmap", begin_with_room, populate, destroy, true, false},
    {"populate_physmap of blocks", begin_with_room, populate_blocks, destroy, true, false},
    {"increase_reservation", begin_with_room, increase, destroy, true, false},
    {"decrease_reservation", begin_with_block, decrease, destroy, true, false},
    {"remove_from_physmap", begin_with_block, remove_page, destroy, true, false},
    {"add_to_physmap, shared_info", begin_with_room, add_shared_info, destroy, true, false},
    {"add_to_physmap, grant_table", begin_with_room, add_grant_frame, destroy, true, false},
    {"setup_table", begin, setup_table, destroy, true, false},
    {"acquire_resource", begin, acquire_table, restore_and_destroy, true, false},
    {"gmfn_foreign", begin_with_block, map_foreign, restore_and_destroy, true, false},
    {"map_grant_ref", begin_with_grants, map_grants, unmap_grants, true, false},
    {"alloc_unbound", begin, alloc_ports, destroy, true, false},
    {"bind_interdomain", begin_with_ports, bind_ports, unbind_ports, false, false},
    {"init_control", nothing, init_fifo, reset_events, true, false},
    {"expand_array", begin_with_fifo, expand_fifo, reset_events, false, false},
    {"setvcpucontext", begin_with_room, set_context, destroy, false, false},
};

const unsigned int nr_steps = sizeof(steps) / sizeof(steps[0]);

void operations_init(void)
{
    grant_frame = frame_of(page_alloc());
    block = (grant_frame & ~(uint64_t)(CHUNK - 1)) + BLOCK * CHUNK;
}
