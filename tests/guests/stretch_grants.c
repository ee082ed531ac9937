/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long a grant table that grows keeps interrupts waiting.
 */
#include <guest/domain.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/stretch.h>
#include <guest/test.h>
#include <public/grant_table.h>
#include <public/memory.h>

enum {
    FRAMES = 64
};

static domid_t made;

static void make_domain(void)
{
    memset(&domain_call, 0, sizeof(domain_call));
    struct xen_domctl_createdomain *config = &domain_call.u.createdomain;
    config->flags = XEN_DOMCTL_CDF_hvm | XEN_DOMCTL_CDF_hap;
    config->max_vcpus = 1;
    config->max_grant_frames = FRAMES;
    config->grant_opts = 1;
    if (domain_op(XEN_DOMCTL_createdomain, 0) != 0) {
        give_up("createdomain");
    }
    made = domain_call.domain;
    domain_call.u.max_mem.max_memkb = 64;
    domain_op(XEN_DOMCTL_max_mem, made);
    domain_call.u.paging_mempool.size = 1 << 20;
    domain_op(XEN_DOMCTL_set_paging_mempool_size, made);
}

static int64_t setup(void)
{
    static uint64_t list[FRAMES];
    struct gnttab_setup_table arg = {
        .dom = made, .nr_frames = FRAMES, .frame_list = hypercall_pointer(list)};
    int64_t rc = grant_table_op(GNTTABOP_setup_table, &arg, 1);
    return rc != 0 ? rc : arg.status;
}

static int64_t add_last(void)
{
    struct xen_add_to_physmap arg = {
        .domid = made, .space = XENMAPSPACE_grant_table, .idx = FRAMES - 1, .gpfn = 1 << 18};
    return memory_op(XENMEM_add_to_physmap, &arg);
}

void guest_main(void)
{
    if (on_xen()) {
        check("no limits there", true);
        return;
    }
    static const struct stretch calls[] = {
        {.name = "setup_table of 64 frames",
         .prepare = make_domain,
         .call = setup,
         .limit = STRETCH_GUEST},
        {.name = "add_to_physmap of the last frame of a grant table",
         .prepare = make_domain,
         .call = add_last,
         .limit = STRETCH_GUEST},
    };
    stretch_begin();
    stretch_measure(&calls[0]);
    stretch_measure(&calls[1]);
}
