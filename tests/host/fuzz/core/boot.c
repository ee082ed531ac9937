/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random boot input: a kernel module, or the whole device tree. The machine may stop, but says why
 * first, and names what must be changed. What boots is safe: dom0 has no memory that anybody else
 * may have, and a device tree that can be read.
 */
#include "../fuzz.h"

#include "host.h"
#include "machine.h"
#include "scene.h"

#include <arch/mm.h>
#include <xen/domain.h>
#include <xen/dt.h>
#include <xen/lib.h>
#include <xen/memmap.h>
#include <xen/ring.h>
#include <xen/string.h>

#define INPUT_MAX  (256u << 10)
#define RING_MAX   (256u << 10)
#define EVERYWHERE (UINT64_C(1) << 40) /* as far as the core uses RAM */
#define RANGES     2048u

extern long write(int fd, const void *data, size_t size);

static char text[RING_MAX + 1];

/* Stops the test with what was said before. */
static void __noreturn fail(const char *why)
{
    (void)!write(2, host_log(), strlen(host_log()));
    (void)!write(2, text, strlen(text));
    (void)!write(2, why, strlen(why));
    __builtin_trap();
}

/* What the ring holds, which is then empty. A UART of the tree takes what else would be in the
 * log. */
static const char *read_ring(void)
{
    uint32_t index = 0;

    text[ring_read(text, RING_MAX, &index, false, true)] = '\0';
    return text;
}

/* A node's path (names are any bytes), an option, or the tree's address: what one can look for and
 * change. */
static bool names_something(const char *message)
{
    const char *end = strstr(message, "build-id"), *hint = strstr(message, "Stopped while reading");

    end = hint != NULL && hint < end ? hint : end;
    if (strstr(message, "see above") != NULL) {
        message = text; /* what stands there */
    }
    for (; message < end; message++) {
        if (*message == '=' || (*message == '/' && strchr(" \n", message[1]) == NULL) ||
            strncmp(message, "device tree at 0x", 17) == 0) {
            return true;
        }
    }
    return false;
}

/* A line of the panic's own, which no name of the tree can begin. */
static bool is_bug(const char *panic)
{
    return strstr(panic, "\n(XEN) BUG at ") != NULL;
}

static void check_panic(void)
{
    const char *panic = strstr(read_ring(), "Panic on CPU");

    if (panic == NULL) {
        panic = strstr(host_log(), "Panic on CPU");
    }
    if (panic == NULL || is_bug(panic) || !names_something(panic)) {
        fail("\nThe panic is missing, is a BUG, or names nothing to change\n");
    }
}

/* RAM that dom0 has as registers or as firmware's memory, from `pa` to `end`, is nobody else's. */
static void check_leaf(const struct rangeset *free, uint64_t pa, uint64_t end)
{
    if (rangeset_overlaps(free, pa, end) ||
        ranges_overlap(pa, end, arch_image_start(), arch_image_end())) {
        fail("\nMemory of others is in dom0's p2m\n");
    }
}

static void check_p2m(const struct rangeset *free)
{
    struct domain *d = domain_get_by_id(0);

    for (uint32_t i = 0; i < host_memmap.ram.count; i++) {
        const struct range *bank = &host_memmap.ram.ranges[i];
        unsigned int order;

        for (uint64_t pa = bank->start, next; pa < bank->end; pa = next) {
            struct p2m_leaf leaf;
            bool there = p2m_lookup(d, gfn(pa >> PAGE_SHIFT), &leaf, &order);

            next = round_down(pa, PAGE_SIZE << order) + (PAGE_SIZE << order);
            if (there && leaf.kind == P2M_MMIO) {
                check_leaf(free, pa, min_u64(next, bank->end));
            }
        }
    }
    domain_put(d);
}

static void check_dom0(void)
{
    static struct dt made;
    static struct range free_storage[RANGES], direct_storage[RANGES];
    struct rangeset free = RANGESET_INIT(free_storage), direct = RANGESET_INIT(direct_storage);
    uint64_t tree;

    if (memmap_free(&free) != 0) {
        fail("\nThe allocator has too many ranges\n");
    }
    memmap_direct(&direct);
    for (uint32_t i = 0; i < free.count; i++) {
        if (!rangeset_contains(&direct, free.ranges[i].start, free.ranges[i].end)) {
            fail("\nFree memory is not in the direct map\n");
        }
    }
    check_p2m(&free);
    (void)host_entry(0, 0, &tree);
    if (dt_open(&made, host_ram(tree), MIB(1)) != 0 || dt_path(&made, "/chosen") == NULL) {
        fail("\nThe device tree of dom0 is damaged\n");
    }
}

static enum host_state try_boot(void)
{
    enum host_state state;

    host_clock_step(HOST_HZ); /* a panic waits some seconds */
    host_log_clear();
    (void)read_ring();
    state = host_boot(SCENE_FDT);
    if (state == HOST_DEADLOCK || state == HOST_IDLE) {
        fail("\nThe boot does not end\n");
    }
    if (state > HOST_IDLE) {
        check_panic();
    }
    return state;
}

void fuzz_image(const uint8_t *data, size_t size)
{
    size = min_size(size, INPUT_MAX);
    host_machine(SCENE_RAM);
    scene_tree(SCENE_RAM, size, 2, SCENE_LINE);
    memcpy(host_ram(SCENE_KERNEL), data, size);
    (void)try_boot();
}

void fuzz_boot(const uint8_t *data, size_t size)
{
    static const uint64_t kernel[2] = {0x0054534f484e4558, MIB(2)}; /* "XENHOST" */

    /* There is RAM everywhere: a tree that invents RAM cannot be found out. */
    host_machine_at(0, EVERYWHERE, HOST_IMAGE);
    memcpy(host_ram(SCENE_FDT), data, min_size(size, INPUT_MAX));
    memcpy(host_ram(SCENE_KERNEL), kernel, sizeof(kernel));
    if (try_boot() == HOST_GUEST) {
        check_dom0();
    }
}
