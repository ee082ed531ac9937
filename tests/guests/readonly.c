/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hypercalls whose result goes to memory that the guest may only read: a page mapped by a read-only
 * grant, and one that its own page table maps read-only. Real Xen is not asked: it makes AT check
 * the write through both stages, and QEMU 10 ends with an assertion.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/grant_table.h>
#include <public/memory.h>
#include <public/vcpu.h>
#include <public/version.h>

enum {
    REF = 9,
    PATTERN = 0x5a
};

static struct gnttab_map_grant_ref map;

static void grant_to_self(uint64_t frame)
{
    struct xen_add_to_physmap table = {
        .domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .gpfn = frame_of(page_alloc())};
    check_eq("the grant table", memory_op(XENMEM_add_to_physmap, &table), 0);
    struct grant_entry_v1 *entry = port_map(0, table.gpfn << PAGE_SHIFT, true);
    entry[REF].frame = (uint32_t)frame;
    __atomic_store_n(&entry[REF].flags, GTF_permit_access, __ATOMIC_RELEASE);
}

/* `at` is to be the page of the grant. */
static void map_grant(const void *at, uint32_t flags)
{
    map = (struct gnttab_map_grant_ref){
        .host_addr = frame_of(at) << PAGE_SHIFT, .flags = GNTMAP_host_map | flags, .ref = REF};
    check_eq("map", grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    check_eq("map: status", map.status, GNTST_okay);
}

static void unmap_grant(void)
{
    struct gnttab_unmap_grant_ref unmap = {.host_addr = map.host_addr, .handle = map.handle};
    check_eq("unmap", grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    check_eq("unmap: status", unmap.status, GNTST_okay);
}

static bool is_pattern(const uint8_t *page)
{
    for (unsigned int i = 0; i < PAGE_SIZE; i++) {
        if (page[i] != PATTERN) {
            return false;
        }
    }
    return true;
}

/* Results of one word, of several, of bytes; and an address that is only kept. */
static void check_refused(uint8_t *at)
{
    struct vcpu_register_runstate_memory_area area = {.addr.p = (uint64_t)(uintptr_t)at};
    struct gnttab_query_size *size = (void *)at;
    check_eq("capabilities", xen_version(XENVER_capabilities, at), -XEN_EFAULT);
    check_eq("extra version, to an odd address", xen_version(XENVER_extraversion, at + 1),
             -XEN_EFAULT);
    check_eq("run state area", vcpu_op(VCPUOP_register_runstate_memory_area, 0, &area),
             -XEN_EFAULT);
    check_eq("size of the grant table", grant_table_op(GNTTABOP_query_size, size, 1), -XEN_EFAULT);
}

void guest_main(void)
{
    uint8_t *page = page_alloc(), *at = page_alloc(), *below = at;
    at = page_alloc();
    memset(page, PATTERN, PAGE_SIZE);
    uint8_t *read_only = port_map(1, frame_of(page) << PAGE_SHIFT, false);
    print("# read-only by the guest's own table, before there is such a grant\n");
    check_refused(read_only);
    check("the page is as it was", is_pattern(page));

    grant_to_self(frame_of(page));
    map_grant(at, GNTMAP_readonly);
    print("# read-only by the second stage\n");
    check("the guest reads it", is_pattern(at));
    check_refused(at);
    check_eq("capabilities, from the page below", xen_version(XENVER_capabilities, at - 8),
             below + PAGE_SIZE == at ? -XEN_EFAULT : 0);
    check("the page is as it was", is_pattern(page));
    print("# read-only by the guest's own table\n");
    check_refused(read_only);
    check("the page is as it was", is_pattern(page));
    check_eq("an address without a page", xen_version(XENVER_capabilities, (void *)port_unmapped),
             -XEN_EFAULT);
    check_eq("memory that may be written", xen_version(XENVER_capabilities, below), 0);
    check("the result is there", memcmp(below, "xen-3.0-", 8) == 0);
    unmap_grant();

    map_grant(at, 0);
    check_eq("mapped for writing", xen_version(XENVER_capabilities, at), 0);
    check("the result is in the page", memcmp(page, "xen-3.0-", 8) == 0);
    unmap_grant();
}
