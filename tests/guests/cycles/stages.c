/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a domain is made, step by step, with what it then has of ours and we of it.
 */
#include <guest/agent.h>
#include <guest/domain.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/test.h>
#include <public/domctl.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/sched.h>
#include <public/vcpu.h>

#include "stages.h"

enum {
    VCPUS = 4,
    PAGES = 64,
    HELD = 6,       /* pages of the domain that dom0 maps, ports that it binds */
    FIRST_REF = 8,  /* grants */
    BLOCK_GFN = 512 /* where the domain's large extents begin, above its RAM's first frame */
};

domid_t made;
static uint32_t vcpus; /* of it */
uint64_t random_state;
static uint64_t frames[PAGES];
static uint64_t slot[HELD]; /* dom0's frames for mappings, of its own pages */
static struct grant_entry_v1 *our_table;
static void *shared; /* a page of ours that domains map */
static struct agent agent;
static struct agent_page *agent_page;
static uint64_t code_frame;

static const uint64_t ram = GUEST_RAM0_BASE >> PAGE_SHIFT;

void must(bool holds, const char *what)
{
    if (!holds) {
        give_up(what);
    }
}

/* xorshift64 */
uint64_t random_below(uint64_t n)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (random_state >> 11) % n;
}

static void create(void)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    vcpus = 1 + (uint32_t)random_below(VCPUS);
    config->max_vcpus = vcpus;
    config->max_evtchn_port = 1023;
    config->max_grant_frames = 4;
    config->max_maptrack_frames = 4;
    config->grant_opts = 1;
    must(domain_op(XEN_DOMCTL_createdomain, 0) == 0, "createdomain");
    made = domain_call.domain;
}

static void make_vcpus(void)
{
    domain_call.u.max_vcpus.max = vcpus;
    must(domain_op(XEN_DOMCTL_max_vcpus, made) == 0, "max_vcpus");
    domain_call.u.address_size.size = 64;
    must(domain_op(XEN_DOMCTL_set_address_size, made) == 0, "set_address_size");
    domain_call.u.max_mem.max_memkb = 16 << 10;
    must(domain_op(XEN_DOMCTL_max_mem, made) == 0, "max_mem");
    domain_call.u.paging_mempool.size = 1 << 20;
    must(domain_op(XEN_DOMCTL_set_paging_mempool_size, made) == 0, "set_paging_mempool_size");
}

int64_t reservation(uint64_t cmd, domid_t domain, uint64_t *list, uint64_t first, uint64_t nr,
                    unsigned int order)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(list),
                                         .nr_extents = nr,
                                         .extent_order = order,
                                         .domid = domain};
    for (uint64_t i = 0; i < nr; i++) {
        list[i] = first + (i << order);
    }
    return memory_op(cmd, &arg);
}

static void populate(uint64_t nr)
{
    must(reservation(XENMEM_populate_physmap, made, frames, ram, nr, 0) == (int64_t)nr,
         "populate_physmap");
}

static void populate_blocks(void)
{
    (void)reservation(XENMEM_populate_physmap, made, frames, ram + BLOCK_GFN, 2, 9);
    if (random_below(2) != 0) {
        (void)reservation(XENMEM_decrease_reservation, made, frames,
                          ram + BLOCK_GFN + random_below(512), 1, 0);
    }
}

/* Maps a frame of the domain in place of one of ours. */
static void map_foreign(uint64_t frame, uint64_t to)
{
    int32_t error = -1;
    struct xen_add_to_physmap_batch arg = {.domid = DOMID_SELF,
                                           .space = XENMAPSPACE_gmfn_foreign,
                                           .size = 1,
                                           .u.foreign_domid = made,
                                           .idxs = hypercall_pointer(&frame),
                                           .gpfns = hypercall_pointer(&to),
                                           .errs = hypercall_pointer(&error)};
    must(memory_op(XENMEM_add_to_physmap_batch, &arg) == 0 && error == 0, "gmfn_foreign");
}

static void remove_mapping(uint64_t frame)
{
    struct xen_remove_from_physmap arg = {.domid = DOMID_SELF, .gpfn = frame};
    must(memory_op(XENMEM_remove_from_physmap, &arg) == 0, "remove_from_physmap");
}

/* What dom0 has of the domain. */
static struct {
    bool table, foreign, agent;
    unsigned int grants, ports;
    grant_handle_t handle[HELD];
    evtchn_port_t port[HELD];
} held;

static void hold_grants(void)
{
    struct xen_mem_acquire_resource arg = {.domid = made,
                                           .type = XENMEM_resource_grant_table,
                                           .nr_frames = 1,
                                           .frame_list = hypercall_pointer(&slot[0])};
    must(memory_op(XENMEM_acquire_resource, &arg) == 0, "acquire_resource");
    held.table = true;
    struct grant_entry_v1 *table = port_map(0, slot[0] << PAGE_SHIFT, true);
    for (unsigned int i = 2; i < HELD; i++) {
        struct gnttab_map_grant_ref map = {.host_addr = slot[i] << PAGE_SHIFT,
                                           .flags = GNTMAP_host_map,
                                           .ref = FIRST_REF + i,
                                           .dom = made};
        table[FIRST_REF + i] =
            (struct grant_entry_v1){.frame = (uint32_t)(ram + i), .flags = GTF_permit_access};
        must(grant_table_op(GNTTABOP_map_grant_ref, &map, 1) == 0 && map.status == GNTST_okay,
             "map_grant_ref");
        held.handle[held.grants++] = map.handle;
    }
}

static void hold_ports(void)
{
    for (unsigned int i = 0; i < HELD; i++) {
        int64_t port = event_alloc_unbound(made, 0);
        struct evtchn_bind_interdomain bind = {.remote_dom = made,
                                               .remote_port = (evtchn_port_t)port};
        must(port > 0 && event_channel_op(EVTCHNOP_bind_interdomain, &bind) == 0,
             "bind_interdomain");
        held.port[held.ports++] = bind.local_port;
    }
}

static void hold(void)
{
    hold_grants();
    map_foreign(ram + 1, slot[1]);
    held.foreign = true;
    hold_ports();
}

void let_go(void)
{
    for (unsigned int i = 0; i < held.grants; i++) {
        struct gnttab_unmap_grant_ref unmap = {.host_addr = slot[2 + i] << PAGE_SHIFT,
                                               .handle = held.handle[i]};
        must(grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1) == 0 && unmap.status == GNTST_okay,
             "unmap_grant_ref");
    }
    for (unsigned int i = 0; i < held.ports; i++) {
        must(event_close(held.port[i]) == 0, "close");
    }
    if (held.table) {
        remove_mapping(slot[0]);
    }
    if (held.foreign) {
        remove_mapping(slot[1]);
    }
    if (held.agent) {
        remove_mapping(frame_of(agent_page));
        remove_mapping(code_frame);
    }
    our_table[FIRST_REF].flags = 0;
    memset(&held, 0, sizeof(held));
}

/* Its vCPU asks us for calls: code in its first page, questions in the second one. */
static void run(void)
{
    struct vcpu_guest_context context = {0};
    uint64_t size = (uint64_t)(port_agent_end - port_agent);
    map_foreign(ram, code_frame);
    map_foreign(ram + 1, frame_of(agent_page));
    held.agent = true;
    memcpy(port_map(1, code_frame << PAGE_SHIFT, true), port_agent, size);
    memset(agent_page, 0, PAGE_SIZE);
    agent = (struct agent){made, agent_page};
    port_first_context(&context, GUEST_RAM0_BASE, GUEST_RAM0_BASE + PAGE_SIZE);
    must(domain_set_context(made, 0, &context) == 0, "setvcpucontext");
    must(domain_op(XEN_DOMCTL_unpausedomain, made) == 0, "unpausedomain");
}

static int64_t ask(uint64_t number, uint64_t a, uint64_t b, uint64_t c)
{
    const uint64_t arg[5] = {a, b, c};
    uint64_t end = port_give_up();
    agent_ask(&agent, number, arg);
    while (!agent_answered(&agent)) {
        must(port_counter() < end, "no answer of a domain");
    }
    return agent_page->result;
}

static int64_t ask_with(uint64_t number, uint64_t a, uint64_t b, const void *op, size_t size,
                        bool list)
{
    memcpy(agent_page->data, op, size);
    return number == __HYPERVISOR_vcpu_op ? ask(number, a, b, AGENT_DATA)
                                          : ask(number, a, AGENT_DATA, list ? 1 : 0);
}

/* What a domain has of ours, and of the hypervisor, while it runs. */
static void let_it_hold(void)
{
    struct gnttab_map_grant_ref map = {.host_addr = (ram + 40) << PAGE_SHIFT,
                                       .flags = GNTMAP_host_map,
                                       .ref = FIRST_REF,
                                       .dom = 0};
    struct evtchn_init_control control = {.control_gfn = ram + 2};
    struct evtchn_expand_array expand = {.array_gfn = ram + 3};
    struct evtchn_alloc_unbound port = {.dom = DOMID_SELF, .remote_dom = 0};
    struct vcpu_register_vcpu_info info = {.mfn = ram + 4};
    struct vcpu_register_runstate_memory_area area = {.addr.v = ((ram + 6) << PAGE_SHIFT) -
                                                                24}; /* in two pages */
    our_table[FIRST_REF] = (struct grant_entry_v1){
        .frame = (uint32_t)frame_of(shared), .domid = made, .flags = GTF_permit_access};
    must(ask_with(__HYPERVISOR_grant_table_op, GNTTABOP_map_grant_ref, 0, &map, sizeof(map),
                  true) == 0,
         "its map_grant_ref");
    memcpy(&map, agent_page->data, sizeof(map));
    must(map.status == GNTST_okay, "its mapping");
    must(ask_with(__HYPERVISOR_event_channel_op, EVTCHNOP_init_control, 0, &control,
                  sizeof(control), false) == 0,
         "its init_control");
    must(ask_with(__HYPERVISOR_event_channel_op, EVTCHNOP_expand_array, 0, &expand, sizeof(expand),
                  false) == 0,
         "its expand_array");
    must(ask_with(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, 0, &port, sizeof(port),
                  false) == 0,
         "its alloc_unbound");
    must(ask_with(__HYPERVISOR_vcpu_op, VCPUOP_register_vcpu_info, 0, &info, sizeof(info), false) ==
             0,
         "its register_vcpu_info");
    must(ask_with(__HYPERVISOR_vcpu_op, VCPUOP_register_runstate_memory_area, 0, &area,
                  sizeof(area), false) == 0,
         "its register_runstate_memory_area");
}

void go_to(enum stage stage, void (*created)(domid_t domain))
{
    create();
    created(made);
    if (stage >= WITH_VCPUS) {
        make_vcpus();
    }
    if (stage == HALF_POPULATED) {
        populate(1 + random_below(PAGES / 2));
    } else if (stage > HALF_POPULATED) {
        populate(PAGES / 2);
    }
    if (stage == WITH_BLOCKS || (stage > WITH_BLOCKS && random_below(4) == 0)) {
        populate_blocks();
    }
    if (stage == HELD_BY_US || (stage > HELD_BY_US && random_below(2) == 0)) {
        hold();
    }
    if (stage >= RUNNING) {
        run();
        (void)ask(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    }
    if (stage == HOLDING_OURS) {
        let_it_hold();
    }
}

void prepare(void)
{
    uint64_t table_frame;
    for (unsigned int i = 0; i < HELD; i++) {
        slot[i] = frame_of(page_alloc());
    }
    shared = page_alloc();
    agent_page = page_alloc();
    code_frame = frame_of(page_alloc());
    our_table = page_alloc();
    table_frame = frame_of(our_table);
    struct xen_add_to_physmap arg = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = table_frame};
    must(memory_op(XENMEM_add_to_physmap, &arg) == 0, "grant_table");
}
