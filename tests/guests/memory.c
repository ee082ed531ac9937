/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory_op of a 1:1 domain: reservations, shared page, grant frames, removal, ballooning, batches,
 * and bad arguments.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/memory.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static int64_t reservation(uint64_t cmd, void *frames, uint64_t count, unsigned int order,
                           domid_t domain)
{
    struct xen_memory_reservation arg = {.extent_start = hypercall_pointer(frames),
                                         .nr_extents = count,
                                         .extent_order = order,
                                         .domid = domain};
    return memory_op(cmd, &arg);
}

static int64_t pages_now(void)
{
    struct xen_memory_domain self = {.domid = DOMID_SELF};
    return memory_op(XENMEM_current_reservation, &self);
}

static void test_numbers(void)
{
    struct xen_memory_domain self = {.domid = DOMID_SELF};
    struct xen_memory_domain zero = {.domid = 0};
    struct xen_memory_domain nobody = {.domid = 77};
    int64_t pages = pages_now();
    check_eq("current_reservation of 128 MiB", pages, 32768);
    check_eq("current_reservation by number", memory_op(XENMEM_current_reservation, &zero), pages);
    check_range("maximum_reservation", memory_op(XENMEM_maximum_reservation, &self), pages,
                1L << 32);
    check_range("maximum_gpfn", memory_op(XENMEM_maximum_gpfn, &self), 32767, 1L << 36);
    check_eq("current_reservation of nobody", memory_op(XENMEM_current_reservation, &nobody),
             -XEN_ESRCH);
    check_eq("current_reservation, unmapped", memory_op(XENMEM_current_reservation, bad),
             -XEN_EFAULT);
    check_range("maximum_ram_page", memory_op(XENMEM_maximum_ram_page, NULL), 0x40000, 1L << 36);
    check_range("get_sharing_freed_pages", memory_op(XENMEM_get_sharing_freed_pages, NULL), 0, 0);
    check_range("get_sharing_shared_pages", memory_op(XENMEM_get_sharing_shared_pages, NULL), 0, 0);
}

static void test_absent(void)
{
    static uint64_t arg[32];
    static const struct {
        const char *name;
        uint64_t cmd;
        int64_t want;
    } calls[] = {
        {"machphys_mfn_list", XENMEM_machphys_mfn_list, -XEN_ENOSYS},
        {"memory_map", XENMEM_memory_map, -XEN_ENOSYS},
        {"machine_memory_map", XENMEM_machine_memory_map, -XEN_ENOSYS},
        {"machphys_mapping", XENMEM_machphys_mapping, -XEN_ENOSYS},
        {"set_memory_map", XENMEM_set_memory_map, -XEN_ENOSYS},
        {"set_pod_target", XENMEM_set_pod_target, -XEN_ENOSYS},
        {"get_pod_target", XENMEM_get_pod_target, -XEN_ENOSYS},
        {"paging_op", XENMEM_paging_op, -XEN_ENOSYS},
        {"access_op", XENMEM_access_op, -XEN_ENOSYS},
        {"sharing_op", XENMEM_sharing_op, -XEN_ENOSYS},
        {"machphys_compat", XENMEM_machphys_compat_mfn_list, -XEN_ENOSYS},
        {"get_vnumainfo", XENMEM_get_vnumainfo, -XEN_EOPNOTSUPP},
        {"reserved_device_memory_map", XENMEM_reserved_device_memory_map, 0},
        {"command 8", 8, -XEN_ENOSYS},
        {"command 29", 29, -XEN_ENOSYS},
        {"command 63", 63, -XEN_ENOSYS},
    };
    for (unsigned int i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        memset(arg, 0, sizeof(arg));
        check_eq(calls[i].name, memory_op(calls[i].cmd, arg), calls[i].want);
    }
}

static int64_t physmap(unsigned int space, uint64_t index, uint64_t frame, domid_t domain)
{
    struct xen_add_to_physmap arg = {.domid = domain, .space = space, .idx = index, .gpfn = frame};
    return memory_op(XENMEM_add_to_physmap, &arg);
}

static int64_t unmap(uint64_t frame, domid_t domain)
{
    struct xen_remove_from_physmap arg = {.domid = domain, .gpfn = frame};
    return memory_op(XENMEM_remove_from_physmap, &arg);
}

/* The shared page moves onto a page of ours, which is given up; then away again. */
static void test_shared_page(void)
{
    volatile struct shared_info *page = page_alloc();
    uint64_t frame = frame_of((const void *)(uintptr_t)page);
    int64_t before = pages_now();
    check_eq("shared_info at an impossible frame",
             physmap(XENMAPSPACE_shared_info, 0, 1UL << 52, DOMID_SELF), -XEN_EINVAL);
    page->evtchn_mask[0] = 0x1234;
    check_eq("shared_info", physmap(XENMAPSPACE_shared_info, 0, frame, DOMID_SELF), 0);
    check("shared_info replaced the page", page->evtchn_mask[0] != 0x1234);
    check_eq("the page it replaced is gone", pages_now(), before);
    check_eq("shared_info index 1", physmap(XENMAPSPACE_shared_info, 1, frame, DOMID_SELF),
             -XEN_EINVAL);
    check_eq("shared_info of nobody", physmap(XENMAPSPACE_shared_info, 0, frame, 77), -XEN_ESRCH);
    check_eq("remove the shared page", unmap(frame, DOMID_SELF), 0);
    uint64_t value;
    check("the frame is empty", !port_try_read((uint64_t)(uintptr_t)page, 8, &value));
    check_eq("remove it again", unmap(frame, DOMID_SELF), -XEN_ENOENT);
    check_eq("and back", physmap(XENMAPSPACE_shared_info, 0, frame, DOMID_SELF), 0);
    check("readable again", port_try_read((uint64_t)(uintptr_t)page, 8, &value));
    check_eq("remove from nobody", unmap(frame, 77), -XEN_ESRCH);
    check_eq("remove, unmapped argument", memory_op(XENMEM_remove_from_physmap, bad), -XEN_EFAULT);
    check_eq("add, unmapped argument", memory_op(XENMEM_add_to_physmap, bad), -XEN_EFAULT);
    check_eq("remove an impossible frame", unmap(1UL << 52, DOMID_SELF), -XEN_ENOENT);
}

static void test_spaces(void)
{
    uint64_t frame = frame_of(page_alloc());
    check_eq("space 6", physmap(6, 0, frame, DOMID_SELF), -XEN_ENOSYS);
    check_eq("space gmfn", physmap(XENMAPSPACE_gmfn, 0, frame, DOMID_SELF), -XEN_ENOSYS);
    check_eq("space gmfn_range of none", physmap(XENMAPSPACE_gmfn_range, 0, frame, DOMID_SELF), 0);
    check_eq("space gmfn_foreign, not a batch",
             physmap(XENMAPSPACE_gmfn_foreign, 0, frame, DOMID_SELF), -XEN_ENOSYS);
    /* What the domain may not touch is passed over without an error. */
    check_eq("space dev_mmio", physmap(XENMAPSPACE_dev_mmio, 0, frame, DOMID_SELF), 0);
    check_eq("grant table far too far",
             physmap(XENMAPSPACE_grant_table, 1UL << 30, frame, DOMID_SELF), -XEN_EINVAL);
    check_eq("grant table status of version 1",
             physmap(XENMAPSPACE_grant_table, XENMAPIDX_grant_table_status, frame, DOMID_SELF),
             -XEN_EINVAL);
    check_eq("shared_info in a second place",
             physmap(XENMAPSPACE_shared_info, 0, frame, DOMID_SELF), -XEN_EBUSY);
}

/* A 1:1 domain gives a page and can only have the same frame back. */
static void test_balloon(void)
{
    volatile uint64_t *page = page_alloc();
    uint64_t frame = frame_of((const void *)(uintptr_t)page);
    uint64_t list[4] = {frame};
    int64_t before = pages_now();
    uint64_t value;
    check_eq("decrease", reservation(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 1);
    /* A 1:1 domain keeps what it gives: nobody else may get these addresses. */
    check_eq("decrease does not count", pages_now(), before);
    check("the page is gone", !port_try_read((uint64_t)(uintptr_t)page, 8, &value));
    check_eq("decrease it again", reservation(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF),
             0);
    check_eq("populate", reservation(XENMEM_populate_physmap, list, 1, 0, DOMID_SELF), 1);
    check_eq("populate counts", pages_now(), before);
    check_eq("populate tells the frame", (int64_t)list[0], (int64_t)frame);
    page[0] = 0x1122334455667788UL;
    check("the page is back", page[0] == 0x1122334455667788UL);
    check_eq("decrease nothing", reservation(XENMEM_decrease_reservation, list, 0, 0, DOMID_SELF),
             0);
    check_eq("decrease of nobody", reservation(XENMEM_decrease_reservation, list, 1, 0, 77), 0);
    check_eq("decrease, list unmapped",
             reservation(XENMEM_decrease_reservation, bad, 1, 0, DOMID_SELF), 0);
    check_eq("decrease, argument unmapped", memory_op(XENMEM_decrease_reservation, bad), 0);
    check_eq("decrease 2^63",
             reservation(XENMEM_decrease_reservation, list, 1UL << 63, 0, DOMID_SELF), 0);
    check_eq("decrease order 40", reservation(XENMEM_decrease_reservation, list, 1, 40, DOMID_SELF),
             0);
    list[0] = 1UL << 52;
    check_eq("decrease an impossible frame",
             reservation(XENMEM_decrease_reservation, list, 1, 0, DOMID_SELF), 0);
    check_eq("populate an impossible frame",
             reservation(XENMEM_populate_physmap, list, 1, 0, DOMID_SELF), 0);
    check_eq("populate order 40", reservation(XENMEM_populate_physmap, list, 1, 40, DOMID_SELF), 0);
    check_eq("populate of nobody", reservation(XENMEM_populate_physmap, list, 1, 0, 77), 0);
    check_eq("increase", reservation(XENMEM_increase_reservation, NULL, 1, 0, DOMID_SELF), 0);
    check_eq(
        "continuation bits beyond the list",
        reservation(XENMEM_decrease_reservation | 5 << MEMOP_EXTENT_SHIFT, list, 1, 0, DOMID_SELF),
        5);
}

/* A frame that is not the domain's, 1:1: nobody may have it. */
static void test_foreign_ram(void)
{
    uint64_t list[1] = {port_ram_base >> PAGE_SHIFT};
    check_eq("populate what is not ours",
             reservation(XENMEM_populate_physmap, list, 1, 0, DOMID_SELF), 0);
}

static int64_t batch(domid_t domain, unsigned int space, unsigned int size, domid_t foreign,
                     void *from, void *to, void *errors)
{
    struct xen_add_to_physmap_batch arg = {.domid = domain,
                                           .space = (uint16_t)space,
                                           .size = (uint16_t)size,
                                           .u.foreign_domid = foreign,
                                           .idxs = hypercall_pointer(from),
                                           .gpfns = hypercall_pointer(to),
                                           .errs = hypercall_pointer(errors)};
    return memory_op(XENMEM_add_to_physmap_batch, &arg);
}

static void test_batch(void)
{
    uint64_t frame = frame_of(page_alloc());
    uint64_t from[2] = {0, 1};
    uint64_t to[2] = {frame, frame};
    int32_t errors[2] = {99, 99};
    check_eq("batch of none", batch(DOMID_SELF, XENMAPSPACE_grant_table, 0, 0, from, to, errors),
             0);
    check_eq("batch shared_info",
             batch(DOMID_SELF, XENMAPSPACE_shared_info, 2, 0, from, to, errors), 0);
    check_eq("batch shared_info: error 0", errors[0], -XEN_EBUSY);
    check_eq("batch shared_info: error 1", errors[1], -XEN_EINVAL);
    check_eq("batch foreign nobody",
             batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, 77, from, to, errors), 0);
    check_eq("batch foreign nobody: its error", errors[0], -XEN_ESRCH);
    check_eq("batch foreign self",
             batch(DOMID_SELF, XENMAPSPACE_gmfn_foreign, 1, 0, from, to, errors), 0);
    check_eq("batch foreign self: its error", errors[0], -XEN_EPERM);
    check_eq("batch grant table with foreign_domid",
             batch(DOMID_SELF, XENMAPSPACE_grant_table, 1, 1, from, to, errors), 0);
    check_eq("batch of nobody", batch(77, XENMAPSPACE_grant_table, 1, 0, from, to, errors),
             -XEN_ESRCH);
    check_eq("batch, lists unmapped",
             batch(DOMID_SELF, XENMAPSPACE_grant_table, 1, 0, bad, to, errors), -XEN_EFAULT);
    check_eq("batch, errors unmapped",
             batch(DOMID_SELF, XENMAPSPACE_grant_table, 1, 0, from, to, bad), -XEN_EFAULT);
    check_eq("batch, argument unmapped", memory_op(XENMEM_add_to_physmap_batch, bad), -XEN_EFAULT);
}

static int64_t resource(domid_t domain, unsigned int type, unsigned int id, unsigned int count,
                        void *list)
{
    struct xen_mem_acquire_resource arg = {.domid = domain,
                                           .type = (uint16_t)type,
                                           .id = id,
                                           .nr_frames = count,
                                           .frame_list = hypercall_pointer(list)};
    int64_t rc = memory_op(XENMEM_acquire_resource, &arg);
    return rc == 0 && !list ? arg.nr_frames : rc;
}

static void test_resource(void)
{
    uint64_t list[1] = {frame_of(page_alloc())};
    check_eq("resource of nobody", resource(77, XENMEM_resource_grant_table, 0, 1, list),
             -XEN_ESRCH);
    check_eq("resource of self", resource(DOMID_SELF, XENMEM_resource_grant_table, 0, 1, list),
             -XEN_ESRCH);
    check_eq("resource of our number", resource(0, XENMEM_resource_grant_table, 0, 1, list),
             -XEN_EPERM);
    check_eq("resource, unmapped", memory_op(XENMEM_acquire_resource, bad), -XEN_EFAULT);
}

static void test_exchange(void)
{
    uint64_t in[1] = {frame_of(page_alloc())};
    uint64_t out[1] = {in[0]};
    struct xen_memory_exchange arg = {
        .in = {.extent_start = hypercall_pointer(in), .nr_extents = 1, .domid = DOMID_SELF},
        .out = {.extent_start = hypercall_pointer(out), .nr_extents = 1, .domid = DOMID_SELF},
    };
    check_eq("exchange in a 1:1 domain", memory_op(XENMEM_exchange, &arg), -XEN_EOPNOTSUPP);
    check_eq("exchange, unmapped", memory_op(XENMEM_exchange, bad), -XEN_EFAULT);
}

static void test_claim(void)
{
    check_eq("claim nothing", reservation(XENMEM_claim_pages, NULL, 0, 0, 0), 0);
    check_eq("claim with order", reservation(XENMEM_claim_pages, NULL, 1, 1, 0), -XEN_EINVAL);
    check_eq("claim for nobody", reservation(XENMEM_claim_pages, NULL, 1, 0, 77), -XEN_EINVAL);
}

void guest_main(void)
{
    test_numbers();
    test_absent();
    test_shared_page();
    test_spaces();
    test_balloon();
    test_foreign_ram();
    test_batch();
    test_resource();
    test_exchange();
    test_claim();
}
