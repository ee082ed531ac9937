/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T3: pages of emulated devices, and such without one: each word read and written, then all forms of
 * access, aligned or not, with and without a syndrome, from two vCPUs at once; and jumps there.
 */
#include <torture/hostile.h>

enum {
    RANDOM = 20000
};

static unsigned int forms(void)
{
    unsigned int count = 0;
    while (machine_forms[count] != 0) {
        count++;
    }
    return count;
}

static unsigned int pages(void)
{
    unsigned int count = 0;
    while (machine_pages[count].size != 0) {
        count++;
    }
    return count;
}

static void words(unsigned int cpu)
{
    for (const struct machine_page *page = machine_pages; page->size != 0; page++) {
        for (uint64_t at = 0; at < page->size && !control->done; at += 4) {
            uint64_t value;
            bool can = port_try_read(page->base + at, 4, &value);
            (void)port_try_write(page->base + at, 4, can ? value : ~0UL);
            control->beat[cpu] += 2;
        }
    }
}

static void devices_run(void)
{
    struct chance chance;
    unsigned int cpu = port_cpu();
    unsigned int form_count = forms();
    unsigned int page_count = pages();
    chance_seed(&chance, control->seed, cpu);
    words(cpu);
    for (uint64_t i = 0; (cpu != 0 || i < control->budget) && !control->done; i++) {
        uint64_t pick = chance_next(&chance);
        const struct machine_page *page = &machine_pages[pick % page_count];
        uint64_t address = page->base + chance_below(&chance, page->size);
        uint64_t value = chance_value(&chance);
        if ((pick >> 40 & 1) != 0) {
            address &= ~7UL;
        }
        if ((pick >> 41 & 255) == 0) {
            (void)port_try_call(address & ~3UL);
        } else {
            (void)machine_run(machine_forms[(pick >> 16) % form_count], false, &value, address);
        }
        control->beat[cpu]++;
    }
    while (cpu != 0) {
        hostile_yield();
    }
}

void devices_clone(void)
{
    clone_cpus(devices_run);
}

void devices_dom0(void)
{
    struct clone clone;
    struct control order = {.vcpus = 2, .budget = hostile_scaled(RANDOM)};
    clone_make_with_uart(&clone, 0, &order);
    clone_start(&clone);
    check("T3: the clone came to the end", clone_watch(&clone));
    print("CALLS T3 %lu\n", clone_beats(&clone));
    clone_destroy(&clone);
}
