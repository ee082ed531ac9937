/* SPDX-License-Identifier: Apache-2.0 */
/* Putting a kernel (flat or gzip) and an initrd where the domain expects them. Modules are hostile
 * input. */
#include <arch/domain.h>
#include <arch/mm.h>
#include <xen/errno.h>
#include <xen/inflate.h>
#include <xen/lib.h>
#include <xen/modules.h>
#include <xen/printk.h>
#include <xen/string.h>

#include "construct.h"

#define INITRD_ALIGN MIB(2)

/* Where the tree has the kernel, for messages. Kept for the only one, which does not return. */
static const char *image_kernel_path(const struct build *b)
{
    static char path[128];

    return modules_path(&dt_host, b->kernel, path, sizeof(path));
}

static const char *image_probe_error(int rc)
{
    return rc == -ENOEXEC ? "it is no kernel image that this machine can start (wanted: a Linux "
                            "Image for this architecture, or"
                            " that compressed by gzip)"
                          : "its header is damaged or was cut";
}

/* Make the first bank with room for everything bank 0; without one it stays as it is. */
static void image_choose_bank(struct build *b, uint64_t kernel)
{
    uint64_t need =
        kernel + 2 * INITRD_ALIGN + FDT_ROOM + (b->initrd != NULL ? b->initrd->size : 0);

    for (unsigned int i = 0; i < b->nr_banks; i++) {
        struct range bank = b->bank[i];

        if (bank.end - bank.start >= need) {
            b->bank[i] = b->bank[0];
            b->bank[0] = bank;
            return;
        }
    }
}

/* Where does an image go that begins with these bytes? Panics if it is none. */
static paddr_t image_place(struct build *b, const void *head, uint64_t size,
                           struct kernel_info *info)
{
    int rc = arch_kernel_probe(head, size, info);
    paddr_t base, end;

    if (rc != 0) {
        panic("dom0 kernel: %s; module %s\n", image_probe_error(rc), image_kernel_path(b));
    }
    image_choose_bank(b, info->align + info->text_offset + max_u64(info->image_size, size));
    base = round_up(b->bank[0].start, info->align) + info->text_offset;
    if (__builtin_add_overflow(base, max_u64(info->image_size, size), &end) ||
        end > b->bank[0].end) {
        panic("dom0 kernel needs %lu MiB at %#lx, but the memory there ends at %#lx: raise "
              "dom0_mem=\n",
              max_u64(info->image_size, size) >> 20, base, b->bank[0].end);
    }
    b->entry = base + info->entry;
    b->next = end;
    return base;
}

/* Decompress in two steps: the header decides where the rest goes. */
static void image_load_gzip(struct build *b)
{
    const struct boot_module *m = b->kernel;
    const void *from = arch_pa_to_va(m->start);
    static uint8_t head[256];
    struct kernel_info info;
    size_t got = 0;
    paddr_t to;
    int rc;

    rc = gunzip(head, sizeof(head), from, m->size, &got);
    if (rc != 0 && rc != -ENOSPC) {
        panic("dom0 kernel: gzip data is damaged (%d): load the module %s again\n", rc,
              image_kernel_path(b));
    }
    to = image_place(b, head, got, &info);
    rc = gunzip(arch_pa_to_va(to), b->bank[0].end - to, from, m->size, &got);
    if (rc != 0) {
        panic("dom0 kernel: %s (%d); module %s\n",
              rc == -ENOSPC ? "larger than its memory, raise dom0_mem=" : "gzip data is damaged",
              rc, image_kernel_path(b));
    }
    b->next = max_u64(b->next, to + got);
    arch_icache_sync(arch_pa_to_va(to), got);
    printk("Loading d0 kernel (gzip, %lu KiB) from %#lx to %#lx-%#lx\n", m->size >> 10, m->start,
           to, b->next);
}

static void image_load_flat(struct build *b)
{
    const struct boot_module *m = b->kernel;
    const void *from = arch_pa_to_va(m->start);
    struct kernel_info info;
    paddr_t to = image_place(b, from, m->size, &info);

    if (info.file_size > m->size) {
        panic("dom0 kernel: the image has %lu bytes, its module only %lu: load all of the file and "
              "write its size into reg of %s\n",
              info.file_size, m->size, image_kernel_path(b));
    }
    memcpy(arch_pa_to_va(to), from, m->size);
    arch_icache_sync(arch_pa_to_va(to), m->size);
    printk("Loading d0 kernel (%lu KiB) from %#lx to %#lx-%#lx\n", m->size >> 10, m->start, to,
           b->next);
}

static void image_load_initrd(struct build *b, const struct boot_module *m)
{
    paddr_t to = round_up(b->next, INITRD_ALIGN);

    if (to >= b->bank[0].end || m->size > b->bank[0].end - to) {
        panic("dom0 initrd (%lu MiB) does not fit behind the kernel at %#lx, memory ends at %#lx: "
              "raise dom0_mem=\n",
              m->size >> 20, to, b->bank[0].end);
    }
    memcpy(arch_pa_to_va(to), arch_pa_to_va(m->start), m->size);
    arch_cache_clean(arch_pa_to_va(to), m->size);
    b->initrd_start = to;
    b->initrd_end = to + m->size;
    b->next = b->initrd_end;
    printk("Loading d0 initrd (%lu KiB) from %#lx to %#lx-%#lx\n", m->size >> 10, m->start, to,
           b->initrd_end);
}

void image_load(struct build *b)
{
    if (gzip_recognise(arch_pa_to_va(b->kernel->start), b->kernel->size)) {
        image_load_gzip(b);
    } else {
        image_load_flat(b);
    }
    if (b->initrd != NULL) {
        image_load_initrd(b, b->initrd);
    }
}
