/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs on arm64: instructions made at run time, the pages of devices, and ways to die.
 */
#include <port/arm64.h>
#include <public/arch.h>
#include <torture/hostile.h>

#define RET 0xd65f03c0U
#define SVC 0xd4000001U

/* No memory, but our tables have it: so each fault is the hypervisor's. One that is ours alone, at
 * the vector, stops QEMU's clock of instructions. */
#define NOWHERE (GUEST_RAM0_BASE + (1UL << 28))

enum {
    EC_SHIFT = 26,
    EC_SVC = 0x15
};

static uint32_t machine_code[CLONE_CPUS][PAGE_SIZE / 4] __attribute__((aligned(4096)));

uint64_t machine_device(void)
{
    return gic_distributor();
}

uint64_t machine_pc(const struct vcpu_guest_context *context)
{
    return context->user_regs.pc64;
}

bool machine_run(uint32_t instruction, bool user, uint64_t *value, uint64_t address)
{
    static void *mapped[CLONE_CPUS];
    unsigned int cpu = port_cpu();
    uint32_t *code = machine_code[cpu];
    uint64_t before = port_fault[cpu].count;
    code[0] = instruction;
    code[1] = user ? SVC : RET;
    /* To where instructions are fetched from [Arm ARM B2.4.4]. */
    __asm__ volatile("dc cvau, %0\n\tdsb ish\n\tic iallu\n\tdsb ish\n\tisb"
                     :
                     : "r"(code)
                     : "memory");
    if (user) {
        if (!mapped[cpu]) {
            mapped[cpu] = user_map(cpu, port_physical(code));
        }
        struct user_result result = user_run((uint64_t)(uintptr_t)mapped[cpu], *value, address);
        *value = result.x0;
        return result.syndrome >> EC_SHIFT == EC_SVC;
    }
    trap_expect(true);
    *value = ((uint64_t (*)(uint64_t, uint64_t))(uintptr_t)code)(*value, address);
    return port_fault[cpu].count == before;
}

/* Loads and stores of w0, x0, v0 at x1: with and without a syndrome that says which; then what is
 * no access of data. */
const uint32_t machine_forms[] = {
    0x39400020, 0x79400020, 0xb9400020, 0xf9400020, /* ldrb ldrh ldr ldr */
    0x39800020, 0x79800020, 0xb9800020,             /* ldrsb ldrsh ldrsw */
    0x39000020, 0x79000020, 0xb9000020, 0xf9000020, /* strb strh str str */
    0xb8404420, 0xb8404c20, 0xb8004420,             /* ldr post, ldr pre, str post */
    0x29400820, 0xa9400820, 0x29000820, 0xa9000820, /* ldp ldp stp stp */
    0x885f7c20, 0x88027c20, 0x88dffc20, 0x889ffc20, /* ldxr stxr ldar stlr */
    0xc85ffc20, 0x3dc00020, 0x3d800020, 0xbd400020, /* ldaxr, q0, q0, s0 */
    0x4c407820, 0x4c007820, 0xb8400820,             /* ld1 st1 ldtr */
    0xd50b7421, 0xd50b7e21, 0xd5087621,             /* dc zva, dc civac, dc ivac */
    0xd50b7b21, 0xd50b7521, 0xd5087801, 0xf9800020, /* dc cvau, ic ivau, at s1e1r, prfm */
    0,
};

const struct machine_page machine_pages[] = {
    {GUEST_GICD_BASE, PAGE_SIZE},
    {GUEST_GICC_BASE, 2 * PAGE_SIZE},
    {GUEST_GICD_BASE - PAGE_SIZE, PAGE_SIZE},
    {GUEST_GICC_BASE + 2 * PAGE_SIZE, PAGE_SIZE},
    {GUEST_PL011_BASE, PAGE_SIZE},
    {GUEST_VIRTIO_MMIO_BASE, PAGE_SIZE},
    {GUEST_MAGIC_BASE, PAGE_SIZE},
    {0, 0},
};

/* Each does not return, or leaves the machine to the caller. */
void machine_die(unsigned int kind)
{
    static const uint32_t off[] = {0x84000008, 0x84000009};
    struct smccc_result result;
    switch (kind) {
    case 0: /* vectors nowhere, then an exception */
        WRITE_SYSREG(vbar_el1, NOWHERE);
        __asm__ volatile("udf #0");
        return;
    case 1: /* tables in a device */
        WRITE_SYSREG(ttbr0_el1, GUEST_GICD_BASE);
        __asm__ volatile("tlbi vmalle1\n\tdsb sy\n\tisb\n\tldr x0, [sp]" ::: "x0", "memory");
        return;
    case 2: /* the stack nowhere */
        __asm__ volatile("mov sp, %0\n\tstr x0, [sp]" : : "r"(NOWHERE + (1UL << 27)) : "memory");
        return;
    case 3: /* undefined instructions for ever */
        trap_expect(true);
        for (;;) {
            __asm__ volatile("udf #0");
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 4: /* SMC for ever */
        trap_expect(true);
        for (;;) {
            smccc_smc(0x84000000, 0, 0, 0, &result);
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 5: /* interrupts to ourselves for ever */
        for (;;) {
            write32(gic_distributor() + 0xf00, 2U << 24);
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 6: /* TLB maintenance for ever */
        for (;;) {
            __asm__ volatile("tlbi vmalle1is\n\tdsb sy" ::: "memory");
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 7: port_cpu_stop();
    case 8: /* sleep with nothing to wake us */
        for (;;) {
            port_wait();
        }
    default: smccc_hvc(off[kind & 1], 0, 0, 0, &result);
    }
}
