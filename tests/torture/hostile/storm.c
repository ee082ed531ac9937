/* SPDX-License-Identifier: Apache-2.0 */
/*
 * T1, the second part: random calls of a domain without privileges on two vCPUs, while two others
 * rewrite the structures under them. What a domain does to itself is its own affair: dom0 makes the
 * next one when it has ended.
 */
#include <public/xen.h>
#include <torture/hostile.h>

enum {
    CALLS_EACH = 4000, /* of a life */
    LIVES = 10
};

/* Those with something behind them more often than those without. */
static const uint8_t numbers[] = {
    __HYPERVISOR_memory_op,      __HYPERVISOR_memory_op,        __HYPERVISOR_memory_op,
    __HYPERVISOR_grant_table_op, __HYPERVISOR_event_channel_op, __HYPERVISOR_event_channel_op,
    __HYPERVISOR_grant_table_op, __HYPERVISOR_grant_table_op,   __HYPERVISOR_vcpu_op,
    __HYPERVISOR_sched_op,       __HYPERVISOR_hvm_op,           __HYPERVISOR_multicall,
    __HYPERVISOR_domctl,         __HYPERVISOR_sysctl,           __HYPERVISOR_platform_op,
    __HYPERVISOR_xen_version,    __HYPERVISOR_physdev_op,       __HYPERVISOR_console_io,
    __HYPERVISOR_vm_assist,      __HYPERVISOR_xsm_op,
};

/* Words of 2, 4 and 8 bytes, where structures have theirs. */
static void scribble(struct chance *chance, uint8_t *page, unsigned int words)
{
    for (unsigned int i = 0; i < words; i++) {
        uint64_t pick = chance_next(chance);
        uint64_t value = chance_value(chance);
        unsigned int at = (unsigned int)(pick >> 4) % 16 * 8;
        if ((pick & 3) == 0) {
            *(volatile uint16_t *)(page + at + 2 * (pick >> 2 & 3)) = (uint16_t)value;
        } else if ((pick & 3) == 1) {
            *(volatile uint32_t *)(page + at + 4 * (pick >> 2 & 1)) = (uint32_t)value;
        } else {
            bool pointer = (pick >> 12 & 7) == 0;
            *(volatile uint64_t *)(page + at) =
                pointer ? hypercall_pointer(page) + (pick >> 16 & 0xff8) : value;
        }
    }
}

static void storm_call(struct chance *chance, unsigned int cpu, uint8_t *page)
{
    uint64_t arg[5];
    uint64_t pick = chance_next(chance);
    unsigned int nr = (pick & 63) == 0 ? (unsigned int)chance_value(chance) % CALLS
                                       : numbers[(pick >> 8) % sizeof(numbers)];
    unsigned int sub = (unsigned int)(pick >> 16) % ((pick >> 24 & 15) == 0 ? 256 : 48);
    unsigned int shape = (pick >> 28 & 7) == 0 ? (unsigned int)(pick >> 32) % SHAPES : 0;
    if (!shape_call(nr, sub, shape, page, arg) || nr == __HYPERVISOR_console_io) {
        return;
    }
    if (shape == 0) {
        scribble(chance, page + (arg[0] == hypercall_pointer(page) ? 8 : 0), 8);
    }
    for (unsigned int i = 1; i < 5; i++) {
        if ((pick >> (40 + i) & 3) == 0 && arg[i] != hypercall_pointer(page)) {
            arg[i] = chance_value(chance);
        }
    }
    /* Longer lists would run over the caller's own memory. */
    arg[1] %= nr == __HYPERVISOR_multicall ? 64 : ~0UL;
    arg[2] %= nr == __HYPERVISOR_grant_table_op ? 64 : ~0UL;
    (void)seen_call(nr, arg);
    control->beat[cpu]++;
}

static void storm_run(void)
{
    struct chance chance;
    unsigned int cpu = port_cpu();
    chance_seed(&chance, control->seed, cpu);
    trap_expect(true);
    while (!control->done) {
        if ((cpu & 1) != 0) {
            /* Only mutates: what it takes from the other's time is nothing. */
            scribble(&chance, clone_page(cpu - 1), 1);
        } else if (chance_below(&chance, 4) == 0) {
            mix_step(&chance, cpu, clone_page(cpu));
        } else {
            storm_call(&chance, cpu, clone_page(cpu));
        }
        if (cpu == 0 && control->beat[0] >= control->budget) {
            return;
        }
    }
}

void storm_clone(void)
{
    shape_begin();
    mix_begin();
    clone_cpus(storm_run);
}

void storm_dom0(void)
{
    uint64_t lives = hostile_scaled(LIVES);
    uint64_t calls = 0;
    unsigned int ended = 0;
    struct clone clone;
    for (uint64_t life = 0; life < lives; life++) {
        struct control order = {.mode = 1, .vcpus = CLONE_CPUS, .budget = CALLS_EACH, .seed = life};
        clone_make(&clone, 0, &order);
        clone_start(&clone);
        ended += !clone_watch(&clone);
        calls += clone_beats(&clone);
        seen_print("T1", &clone);
        clone_destroy(&clone);
    }
    print("CALLS T1 %lu\n", calls);
    print("# T1: %lu lives, %u ended before their time\n", lives, ended);
}
