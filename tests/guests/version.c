/* SPDX-License-Identifier: Apache-2.0 */
/*
 * xen_version: every command, its sizes, and bad arguments.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/features.h>
#include <public/version.h>

static void *const bad = (void *)(uintptr_t)0x7000000000UL;

/* Fills a page, makes the call, and returns how far the page changed. */
static int64_t version_length(unsigned int cmd, uint8_t *page)
{
    memset(page, 0xa5, PAGE_SIZE);
    int64_t rc = xen_version(cmd, page);
    if (rc != 0) {
        return rc;
    }
    int64_t last = PAGE_SIZE;
    while (last > 0 && page[last - 1] == 0xa5) {
        last--;
    }
    return last;
}

static void test_fixed(uint8_t *page)
{
    check_eq("version", xen_version(XENVER_version, NULL), 4 << 16 | 20);
    check_eq("version ignores its argument", xen_version(XENVER_version, bad), 4 << 16 | 20);
    check_eq("extraversion size", version_length(XENVER_extraversion, page), 16);
    check("extraversion is a string", memcmp(page, ".", 1) == 0 && page[15] == 0);
    check_eq("compile_info size", version_length(XENVER_compile_info, page), 144);
    check_eq("capabilities size", version_length(XENVER_capabilities, page), 1024);
    check("capabilities", memcmp(page, "xen-3.0-", 8) == 0);
    check_eq("changeset size", version_length(XENVER_changeset, page), 64);
    check_eq("platform_parameters size", version_length(XENVER_platform_parameters, page), 8);
    check_eq("guest_handle size", version_length(XENVER_guest_handle, page), 16);
    check_eq("commandline size", version_length(XENVER_commandline, page), 1024);
    check_eq("pagesize", xen_version(XENVER_pagesize, NULL), 4096);
    check_eq("pagesize with an argument", xen_version(XENVER_pagesize, page), -XEN_EINVAL);
}

static void test_faults(void)
{
    static const unsigned int commands[] = {
        XENVER_extraversion,  XENVER_compile_info,        XENVER_capabilities,
        XENVER_changeset,     XENVER_platform_parameters, XENVER_get_features,
        XENVER_guest_handle,  XENVER_commandline,         XENVER_build_id,
        XENVER_extraversion2,
    };
    for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        check_eq("unmapped argument", xen_version(commands[i], bad), -XEN_EFAULT);
        if (commands[i] < XENVER_build_id) {
            check_eq("null argument", xen_version(commands[i], NULL), -XEN_EFAULT);
        }
    }
    check_eq("command 15", xen_version(15, NULL), -XEN_ENOSYS);
    check_eq("command -1", xen_version(~0U, NULL), -XEN_ENOSYS);
}

static void test_features(void)
{
    struct xen_feature_info info = {.submap_idx = 0};
    uint32_t want = 1U << XENFEAT_writable_page_tables | 1U << XENFEAT_auto_translated_physmap |
                    1U << XENFEAT_dom0 | 1U << XENFEAT_memory_op_vnode_supported |
                    1U << XENFEAT_direct_mapped | 1U << XENFEAT_runstate_phys_area | port_features;
    check_eq("features", xen_version(XENVER_get_features, &info), 0);
    check_eq("features of dom0", info.submap, want);
    info = (struct xen_feature_info){.submap_idx = 1};
    check_eq("features index 1", xen_version(XENVER_get_features, &info), -XEN_EINVAL);
    info = (struct xen_feature_info){.submap_idx = ~0U};
    check_eq("features index -1", xen_version(XENVER_get_features, &info), -XEN_EINVAL);
}

static void test_variable(const char *name, unsigned int cmd, uint8_t *page)
{
    struct xen_varbuf *buffer = (struct xen_varbuf *)(void *)page;
    int64_t size = xen_version(cmd, NULL);
    print("# %s: %ld bytes\n", name, size);
    check_range(name, size, 0, 1024);
    memset(page, 0xa5, PAGE_SIZE);
    buffer->len = 1024;
    check_eq("variable: size of the data", xen_version(cmd, buffer), size);
    check_eq("variable: len", buffer->len, 1024);
    check_eq("variable: not beyond the data", page[4 + size], 0xa5);
    buffer->len = 0;
    check_eq("variable: no room at all", xen_version(cmd, buffer), size == 0 ? 0 : -XEN_ENOBUFS);
    if (size > 1) {
        buffer->len = (uint32_t)size - 1;
        check_eq("variable: a byte short", xen_version(cmd, buffer), -XEN_ENOBUFS);
        buffer->len = (uint32_t)size;
        check_eq("variable: exactly", xen_version(cmd, buffer), size);
    }
}

/* Buffers that cross into what is not mapped, or may not be written. */
static void test_edges(uint8_t *page)
{
    uint8_t *last = port_map(0, port_physical(page), true);
    check_eq("ends at the end of a mapping", xen_version(XENVER_guest_handle, last + 4080), 0);
    check_eq("crosses into the unmapped", xen_version(XENVER_guest_handle, last + 4081),
             -XEN_EFAULT);
    void *next = port_map(1, port_physical(page_alloc()), true);
    check("pages of the window follow each other", next == last + PAGE_SIZE);
    check_eq("crosses pages", xen_version(XENVER_compile_info, last + 4000), 0);
    void *constant = port_map(2, port_physical(page), false);
    check_eq("read-only argument", xen_version(XENVER_extraversion, constant), -XEN_EFAULT);
    check_eq("wraps around", xen_version(XENVER_capabilities, (void *)(uintptr_t)-8L), -XEN_EFAULT);
}

void guest_main(void)
{
    uint8_t *page = page_alloc();
    test_fixed(page);
    test_faults();
    test_features();
    test_variable("extraversion2", XENVER_extraversion2, page);
    test_variable("capabilities2", XENVER_capabilities2, page);
    test_variable("changeset2", XENVER_changeset2, page);
    test_variable("commandline2", XENVER_commandline2, page);
    test_variable("build_id", XENVER_build_id, page);
    test_edges(page);
}
