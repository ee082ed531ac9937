/* SPDX-License-Identifier: Apache-2.0 */
/*
 * grant_table_op: table, versions, frames, cache maintenance, and the errors of the rest.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/grant_table.h>
#include <public/memory.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

static void test_arguments(void)
{
    static uint64_t zero[64];
    for (unsigned int cmd = 0; cmd <= GNTTABOP_cache_flush; cmd++) {
        memset(zero, 0, sizeof(zero));
        print("# command %u\n", cmd);
        check_eq("count -1", grant_table_op(cmd, zero, ~0U), -XEN_EINVAL);
        check_eq("unmapped list", grant_table_op(cmd, bad, 1),
                 cmd == GNTTABOP_dump_table ? -XEN_ENOSYS
                 : cmd == GNTTABOP_transfer ? -XEN_EOPNOTSUPP
                                            : -XEN_EFAULT);
    }
    check_eq("command 13", grant_table_op(13, zero, 0), -XEN_ENOSYS);
    check_eq("command -1", grant_table_op(~0U, zero, 0), -XEN_EINVAL);
}

static void test_size(void)
{
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    check_eq("query_size", grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    check_eq("query_size status", size.status, GNTST_okay);
    check_eq("frames at first", size.nr_frames, 1);
    check_eq("frames at most", size.max_nr_frames, 64);
    size = (struct gnttab_query_size){.dom = 77};
    check_eq("query_size of nobody", grant_table_op(GNTTABOP_query_size, &size, 1), 0);
    check_eq("query_size of nobody: status", size.status, GNTST_bad_domain);
    check_eq("query_size, count 2", grant_table_op(GNTTABOP_query_size, &size, 2), -XEN_EINVAL);
    check_eq("query_size, count 0", grant_table_op(GNTTABOP_query_size, &size, 0), -XEN_EINVAL);
}

static void test_version(void)
{
    struct gnttab_set_version set = {.version = 1};
    struct gnttab_get_version get = {.dom = DOMID_SELF};
    check_eq("set_version 1", grant_table_op(GNTTABOP_set_version, &set, 1), 0);
    check_eq("get_version", grant_table_op(GNTTABOP_get_version, &get, 1), 0);
    check_eq("get_version says", get.version, 1);
    set.version = 2;
    check_eq("set_version 2", grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_ENOSYS);
    set.version = 0;
    check_eq("set_version 0", grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
    set.version = 3;
    check_eq("set_version 3", grant_table_op(GNTTABOP_set_version, &set, 1), -XEN_EINVAL);
    get = (struct gnttab_get_version){.dom = 77};
    check_eq("get_version of nobody", grant_table_op(GNTTABOP_get_version, &get, 1), -XEN_ESRCH);
}

static int64_t add_frame(uint64_t index, const void *page)
{
    struct xen_add_to_physmap arg = {.domid = DOMID_SELF,
                                     .space = XENMAPSPACE_grant_table,
                                     .idx = index,
                                     .gpfn = frame_of(page)};
    return memory_op(XENMEM_add_to_physmap, &arg);
}

static void test_frames(void)
{
    volatile struct grant_entry_v1 *table = page_alloc();
    table[3].flags = 0x1234;
    check_eq("map frame 0", add_frame(0, (const void *)(uintptr_t)table), 0);
    check_eq("it is the table", table[3].flags, 0);
    table[8].frame = 5;
    check_eq("it can be written", table[8].frame, 5);
    table[8].frame = 0;
    check_eq("map frame 5: the table grows", add_frame(5, page_alloc()), 0);
    struct gnttab_query_size size = {.dom = DOMID_SELF};
    grant_table_op(GNTTABOP_query_size, &size, 1);
    check_eq("frames now", size.nr_frames, 6);
    check_eq("map frame 63", add_frame(63, page_alloc()), 0);
    check_eq("map frame 64", add_frame(64, page_alloc()), -XEN_EINVAL);
    check_eq("map frame -1", add_frame(~0UL >> 1, page_alloc()), -XEN_EINVAL);
}

static void test_setup(void)
{
    uint64_t frames[64];
    struct gnttab_setup_table setup = {
        .dom = DOMID_SELF, .nr_frames = 2, .frame_list = hypercall_pointer(frames)};
    check_eq("setup_table", grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    check_eq("setup_table status", setup.status, GNTST_okay);
    setup.nr_frames = 65;
    check_eq("setup_table of 65", grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    check_eq("setup_table of 65: status", setup.status, GNTST_general_error);
    setup = (struct gnttab_setup_table){
        .dom = 77, .nr_frames = 1, .frame_list = hypercall_pointer(frames)};
    check_eq("setup_table of nobody", grant_table_op(GNTTABOP_setup_table, &setup, 1), 0);
    check_eq("setup_table of nobody: status", setup.status, GNTST_bad_domain);
    check_eq("setup_table, count 2", grant_table_op(GNTTABOP_setup_table, &setup, 2), -XEN_EINVAL);
}

static int64_t flush(uint64_t address, unsigned int offset, unsigned int length, uint32_t op)
{
    struct gnttab_cache_flush arg = {.a.dev_bus_addr = address,
                                     .offset = (uint16_t)offset,
                                     .length = (uint16_t)length,
                                     .op = op};
    return grant_table_op(GNTTABOP_cache_flush, &arg, 1);
}

static void test_cache(void)
{
    uint64_t page = port_physical(page_alloc());
    check_eq("clean our own page", flush(page, 0, 4096, GNTTAB_CACHE_CLEAN), 0);
    check_eq("invalidate our own page", flush(page, 64, 64, GNTTAB_CACHE_INVAL), 0);
    check_eq("clean both", flush(page, 1, 3, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_INVAL), 0);
    check_eq("clean nothing", flush(page, 0, 0, GNTTAB_CACHE_CLEAN), 0);
    check_eq("no operation", flush(page, 0, 64, 0), 0);
    check_eq("beyond the page", flush(page, 4000, 97, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    check_eq("offset beyond", flush(page, 4097, 1, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    check_eq("unknown operation", flush(page, 0, 64, 4), -XEN_EINVAL);
    check_eq("no RAM", flush(0x9000000, 0, 64, GNTTAB_CACHE_CLEAN), -XEN_EINVAL);
    check_eq("by a reference", flush(8, 0, 64, GNTTAB_CACHE_CLEAN | GNTTAB_CACHE_SOURCE_GREF),
             -XEN_EINVAL);
}

static void test_map(void)
{
    struct gnttab_map_grant_ref map = {
        .host_addr = port_physical(page_alloc()), .flags = GNTMAP_host_map, .ref = 8, .dom = 77};
    check_eq("map from nobody", grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    check_eq("map from nobody: status", map.status, GNTST_bad_domain);
    map = (struct gnttab_map_grant_ref){.host_addr = 0, .flags = 0, .ref = 8, .dom = 0};
    check_eq("map without a place", grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    check_eq("map without a place: status", map.status, GNTST_bad_gntref);
    map = (struct gnttab_map_grant_ref){.flags = GNTMAP_host_map, .ref = 1U << 20};
    check_eq("map a reference beyond", grant_table_op(GNTTABOP_map_grant_ref, &map, 1), 0);
    check_eq("map a reference beyond: status", map.status, GNTST_bad_gntref);
    struct gnttab_unmap_grant_ref unmap = {.handle = 5};
    check_eq("unmap what is not", grant_table_op(GNTTABOP_unmap_grant_ref, &unmap, 1), 0);
    check_eq("unmap what is not: status", unmap.status, GNTST_bad_handle);
    struct gnttab_swap_grant_ref swap = {.ref_a = 1U << 20};
    check_eq("swap", grant_table_op(GNTTABOP_swap_grant_ref, &swap, 1), 0);
    check_eq("swap: status", swap.status, GNTST_bad_gntref);
    struct gnttab_copy copy = {.source = {.domid = 77}, .dest = {.domid = DOMID_SELF}, .len = 16};
    check_eq("copy from nobody", grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    check_eq("copy from nobody: status", copy.status, GNTST_bad_domain);
    copy.source.domid = 0;
    check_eq("copy from a frame by our number", grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    check_eq("copy from a frame by our number: status", copy.status, GNTST_permission_denied);
    copy.dest.domid = 77;
    check_eq("copy from that to nobody", grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    check_eq("copy from that to nobody: status", copy.status, GNTST_bad_domain);
    copy.source.domid = 77;
    copy.dest.domid = DOMID_SELF;
    copy.flags = GNTCOPY_source_gref;
    check_eq("copy a grant of nobody", grant_table_op(GNTTABOP_copy, &copy, 1), 0);
    check_eq("copy a grant of nobody: status", copy.status, GNTST_bad_domain);
    struct gnttab_transfer transfer = {.domid = 77};
    check_eq("transfer", grant_table_op(GNTTABOP_transfer, &transfer, 1), -XEN_EOPNOTSUPP);
    uint64_t frames[1];
    struct gnttab_get_status_frames status = {
        .dom = DOMID_SELF, .nr_frames = 1, .frame_list = hypercall_pointer(frames)};
    check_eq("get_status_frames", grant_table_op(GNTTABOP_get_status_frames, &status, 1), 0);
    check_eq("get_status_frames: status", status.status, GNTST_general_error);
}

void guest_main(void)
{
    test_arguments();
    test_size();
    test_version();
    test_setup();
    test_frames();
    test_cache();
    test_map();
}
