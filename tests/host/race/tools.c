/* SPDX-License-Identifier: Apache-2.0 */
/* What the tools do besides random calls: make and destroy the guests. */
#include <public/arch.h>
#include <public/domctl.h>
#include <public/memory.h>

#include "../fuzz/core/scene.h"
#include "race.h"

#include <xen/cpu.h>
#include <xen/errno.h>
#include <xen/guest_copy.h>

uint32_t guest_ids[GUESTS];

long domctl(const struct actor *a, uint32_t command, domid_t id, struct xen_domctl *op)
{
    op->cmd = command;
    op->interface_version = XEN_DOMCTL_INTERFACE_VERSION;
    op->domain = id;
    if (!put(a->args, op, sizeof(*op))) {
        return -EFAULT;
    }
    long rc = call(a, __HYPERVISOR_domctl, a->args, 0, 0);

    CHECK(guest_copy_from(op, a->args, sizeof(*op)) == 0, command, id);
    return rc;
}

static void must(const struct actor *a, uint32_t command, domid_t id, struct xen_domctl *op)
{
    long rc = domctl(a, command, id, op);

    CHECK(rc == 0, command, rc);
}

static void populate(const struct actor *a, domid_t id)
{
    uint64_t list[FRAMES_BEGUN];
    struct xen_memory_reservation in = {
        .extent_start = a->args + 1024, .nr_extents = FRAMES_BEGUN, .domid = id};

    for (unsigned int i = 0; i < FRAMES_BEGUN; i++) {
        list[i] = GUEST_GFN + i;
    }
    CHECK(put(a->args + 1024, list, sizeof(list)), id, 0);
    CHECK(call_with(a, __HYPERVISOR_memory_op, XENMEM_populate_physmap, &in, sizeof(in)) ==
              FRAMES_BEGUN,
          id, 0);
}

/* Its grant table and its shared page, where its vCPUs expect them. */
static void share(const struct actor *a, domid_t id)
{
    struct xen_add_to_physmap in = {.domid = id};

    in.space = XENMAPSPACE_grant_table;
    in.gpfn = GUEST_GFN + FRAME_GRANTS;
    CHECK(call_with(a, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &in, sizeof(in)) == 0, id, 1);
    in.space = XENMAPSPACE_shared_info;
    in.gpfn = GUEST_GFN + FRAME_SHARED;
    CHECK(call_with(a, __HYPERVISOR_memory_op, XENMEM_add_to_physmap, &in, sizeof(in)) == 0, id, 2);
}

/* vCPUs on the CPUs that the tools do not have; the first one runs, others may. */
static void vcpus(const struct actor *a, domid_t id)
{
    uint8_t map = (uint8_t)(((1u << CPUS) - 1u) & ~((1u << TOOLS) - 1u));
    struct vcpu_guest_context context = {.user_regs.pc64 = SCENE_GUEST, .flags = 1};

    for (uint32_t i = 0; i < VCPUS; i++) {
        struct xen_domctl op = {.u.vcpuaffinity = {.vcpu = i, .flags = XEN_VCPUAFFINITY_HARD}};

        op.u.vcpuaffinity.cpumap_hard.bitmap = a->args + 1024;
        op.u.vcpuaffinity.cpumap_hard.nr_bits = 8;
        CHECK(put(a->args + 1024, &map, sizeof(map)), id, i);
        must(a, XEN_DOMCTL_setvcpuaffinity, id, &op);
        op.u.vcpucontext = (struct xen_domctl_vcpucontext){.vcpu = i, .ctxt = a->args + 1024};
        CHECK(put(a->args + 1024, &context, sizeof(context)), id, i);
        must(a, XEN_DOMCTL_setvcpucontext, id, &op);
    }
}

void guest_create(const struct actor *a, unsigned int slot, unsigned int tables)
{
    struct xen_domctl op = {.u.createdomain = {
                                .flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap,
                                .max_vcpus = VCPUS,
                                .max_evtchn_port = 1023,
                                .max_grant_frames = 4,
                                .max_maptrack_frames = 4,
                                .grant_opts = 1,
                            }};
    domid_t id;

    must(a, XEN_DOMCTL_createdomain, 0, &op);
    id = op.domain;
    op.u.max_vcpus.max = VCPUS;
    must(a, XEN_DOMCTL_max_vcpus, id, &op);
    op.u.max_mem.max_memkb = (FRAMES_BEGUN + FRAMES_SPARE) * 4u;
    must(a, XEN_DOMCTL_max_mem, id, &op);
    op.u.paging_mempool.size = tables * PAGE_SIZE;
    must(a, XEN_DOMCTL_set_paging_mempool_size, id, &op);
    populate(a, id);
    share(a, id);
    vcpus(a, id);
    __atomic_store_n(&guest_ids[slot], id, __ATOMIC_RELEASE);
    must(a, XEN_DOMCTL_unpausedomain, id, &op);
}

void guest_gone(const struct actor *a, domid_t id)
{
    uint64_t end = host_seconds() + HOST_WAIT_MAX;
    struct xen_domctl op;

    while (domctl(a, XEN_DOMCTL_getdomaininfo, id, &op) != -ESRCH) {
        CHECK(host_seconds() < end, id, op.u.getdomaininfo.tot_pages);
        pass_gate(a->cpu);
    }
}

void guest_destroy(const struct actor *a, unsigned int slot)
{
    domid_t id = (domid_t)guest_ids[slot];
    struct xen_domctl op = {0};

    if (id != 0) {
        must(a, XEN_DOMCTL_destroydomain, id, &op);
        __atomic_store_n(&guest_ids[slot], 0u, __ATOMIC_RELEASE);
    }
}

void tool_forget(const struct actor *a)
{
    struct evtchn_reset reset = {.dom = DOMID_SELF};

    grants_forget(a);
    memory_forget(a);
    if (a->cpu == 0) {
        CHECK(call_with(a, __HYPERVISOR_event_channel_op, EVTCHNOP_reset, &reset, sizeof(reset)) ==
                  0,
              0, 0);
    }
}
