/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The vCPUs of a clone.
 */
#include <torture/hostile.h>

void *clone_page(unsigned int cpu)
{
    return (void *)(uintptr_t)(GUEST_RAM0_BASE + ((uint64_t)CLONE_ARGS * (cpu + 1) << PAGE_SHIFT));
}

void clone_cpus(void (*run)(void))
{
    for (unsigned int cpu = 1; cpu < control->vcpus; cpu++) {
        (void)port_cpu_start(cpu, run);
    }
    run();
}
