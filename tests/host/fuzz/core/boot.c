/*
 * Random boot input: a kernel module, or the whole device tree. The machine may stop, but says why
 * first.
 */
#include "../fuzz.h"

#include "host.h"
#include "machine.h"
#include "scene.h"

#include <xen/console.h>
#include <xen/lib.h>
#include <xen/string.h>

#define INPUT_MAX  8192
#define RING_MAX   (256u << 10)
#define EVERYWHERE (UINT64_C(1) << 40) /* as far as the core uses RAM */

/* Does the ring hold a panic? Empties it. A UART of the tree takes what else would be in the log.
 */
static bool ring_has_panic(void)
{
    static char text[RING_MAX + 1];
    uint32_t index = 0;

    text[console_ring_read(text, RING_MAX, &index, false, true)] = '\0';
    return strstr(text, "Panic on CPU") != NULL;
}

static void try_boot(void)
{
    enum host_state state;

    host_clock_step(HOST_HZ); /* a panic waits some seconds */
    host_log_clear();
    (void)ring_has_panic();
    state = host_boot(SCENE_FDT);
    if (state == HOST_DEADLOCK ||
        (state > HOST_IDLE && !ring_has_panic() && strstr(host_log(), "Panic on CPU") == NULL)) {
        __builtin_trap();
    }
}

void fuzz_image(const uint8_t *data, size_t size)
{
    size = min_size(size, INPUT_MAX);
    host_machine(SCENE_RAM);
    scene_tree(size, 2, SCENE_LINE);
    memcpy(host_ram(SCENE_KERNEL), data, size);
    try_boot();
}

void fuzz_boot(const uint8_t *data, size_t size)
{
    static const uint64_t kernel[2] = {0x0054534f484e4558, MIB(2)}; /* "XENHOST" */

    /* There is RAM everywhere: a tree that invents RAM cannot be found out. */
    host_machine_at(0, EVERYWHERE, HOST_IMAGE);
    memcpy(host_ram(SCENE_FDT), data, min_size(size, INPUT_MAX));
    memcpy(host_ram(SCENE_KERNEL), kernel, sizeof(kernel));
    try_boot();
}
