/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hypfs_op as dom0: the tree of values and the options in it, as Xen answers. What is set is set
 * back.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/test.h>
#include <public/errno.h>
#include <public/hypfs.h>

#define ROOM 1024

static struct {
    struct xen_hypfs_direntry head;
    char content[ROOM];
} entry;

static uint64_t size_of(const char *text)
{
    uint64_t n = 0;

    while (text[n++] != '\0') {
    }
    return n;
}

static int64_t call(unsigned int command, const char *path, void *buffer, uint64_t size)
{
    return port_hypercall(__HYPERVISOR_hypfs_op, command, hypercall_pointer(path), size_of(path),
                          hypercall_pointer(buffer), size);
}

static int64_t read(const char *path)
{
    memset(&entry, 0xff, sizeof(entry));
    return call(XEN_HYPFS_OP_read, path, &entry, sizeof(entry));
}

static int64_t write(const char *path, const char *value)
{
    return call(XEN_HYPFS_OP_write_contents, path, (void *)(uintptr_t)value, size_of(value));
}

static bool same(const char *a, const char *b)
{
    return size_of(a) == size_of(b) && memcmp(a, b, size_of(a)) == 0;
}

static void test_version(void)
{
    check_eq("version", port_hypercall(__HYPERVISOR_hypfs_op, 0, 0, 0, 0, 0), XEN_HYPFS_VERSION);
    check_eq("version of a path", call(XEN_HYPFS_OP_get_version, "/", NULL, 0), -XEN_EINVAL);
}

static void test_tree(void)
{
    const struct xen_hypfs_dirlistentry *first = (void *)entry.content;
    check_eq("the root", read("/"), 0);
    check_eq("is a directory", entry.head.type, XEN_HYPFS_TYPE_DIR);
    check_eq("that cannot be written", entry.head.max_write_len, 0);
    check("begins with buildinfo", same(first->name, "buildinfo"));
    check_eq("a directory", first->e.type, XEN_HYPFS_TYPE_DIR);
    check_eq("the next one", first->off_next, 26);
    check_eq("version", read("/buildinfo/version/major"), 0);
    check_eq("is a number", entry.head.type, XEN_HYPFS_TYPE_UINT);
    check_eq("of 4 bytes", entry.head.content_len, 4);
    check_eq("4", entry.content[0], 4);
    check_eq("versions", read("/buildinfo/version"), 0);
    check_eq("their size", entry.head.content_len, 22 + 22 + 22);
    check_eq("trailing /", read("/params/"), 0);
    check_eq("nothing", read("/nothing"), -XEN_ENOENT);
    check_eq("in a leaf", read("/params/loglvl/x"), -XEN_ENOENT);
    check_eq("behind a leaf", read("/params/loglvl/"), -XEN_ENOENT);
    check_eq("//", read("//"), -XEN_ENOENT);
    check_eq("no path", read("params"), -XEN_EINVAL);
    check_eq("an empty one", read(""), -XEN_EINVAL);
    check_eq("little room", call(XEN_HYPFS_OP_read, "/", &entry, 12), -XEN_ENOBUFS);
    check_eq("less", call(XEN_HYPFS_OP_read, "/", &entry, 11), -XEN_EINVAL);
    check_eq("another operation", call(3, "/", &entry, 12), -XEN_EOPNOTSUPP);
    check_eq("of nothing", call(3, "/nothing", &entry, 12), -XEN_ENOENT);
}

static void test_options(void)
{
    check_eq("gnttab_max_frames", read("/params/gnttab_max_frames"), 0);
    check_eq("is text", entry.head.type, XEN_HYPFS_TYPE_STRING);
    check("64", same(entry.content, "64"));
    check_range("can be written", entry.head.max_write_len, 8, 16);
    check_eq("set", write("/params/gnttab_max_frames", "48"), 0);
    check_eq("read", read("/params/gnttab_max_frames"), 0);
    check("48", same(entry.content, "48"));
    check_eq("set back", write("/params/gnttab_max_frames", "64"), 0);
    check_eq("guest_loglvl", write("/params/guest_loglvl", "error/all"), 0);
    check_eq("read", read("/params/guest_loglvl"), 0);
    check("error/all", same(entry.content, "error/all"));
    check_eq("junk", write("/params/gnttab_max_frames", "junk"), -XEN_EINVAL);
    check_eq("without an end",
             call(XEN_HYPFS_OP_write_contents, "/params/loglvl", (void *)(uintptr_t)"all", 3),
             -XEN_EDOM);
    check_eq("a version", write("/buildinfo/version/major", "5"), -XEN_EACCES);
    check_eq("a directory", write("/params", "5"), -XEN_EACCES);
    check_eq("nothing", write("/params/nothing", "5"), -XEN_ENOENT);
}

static void test_pointers(void)
{
    uint64_t bad = port_unmapped;
    check_eq("path unmapped", port_hypercall(__HYPERVISOR_hypfs_op, 1, bad, 8, bad, 64),
             -XEN_EFAULT);
    check_eq("path too long", port_hypercall(__HYPERVISOR_hypfs_op, 1, bad, 1025, bad, 64),
             -XEN_EINVAL);
    check_eq("read to nowhere", call(XEN_HYPFS_OP_read, "/params", (void *)(uintptr_t)bad, 640),
             -XEN_EFAULT);
    check_eq("write from nowhere",
             call(XEN_HYPFS_OP_write_contents, "/params/loglvl", (void *)(uintptr_t)bad, 4),
             -XEN_EFAULT);
}

void guest_main(void)
{
    test_version();
    test_tree();
    test_options();
    test_pointers();
}
