/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What differs on RISC-V: instructions made at run time, the pages of devices, and ways to die.
 */
#include <guest/dt.h>
#include <port/riscv.h>
#include <port/sbi.h>
#include <public/arch.h>
#include <public/domctl.h>
#include <torture/hostile.h>

#define RET   0x00008067U
#define ECALL 0x00000073U

/* No memory, but our tables have it: so each fault is the hypervisor's. One that is ours alone, at
 * the vector, stops QEMU's clock of instructions. */
#define NOWHERE (GUEST_RAM0_BASE + (1UL << 28))

static uint32_t machine_code[CLONE_CPUS][PAGE_SIZE / 4] __attribute__((aligned(4096)));

uint64_t machine_device(void)
{
    return dt_compatible(NULL, "riscv,aplic") ? GUEST_APLIC_S_BASE : GUEST_PLIC_BASE;
}

uint64_t machine_pc(const struct vcpu_guest_context *context)
{
    return context->user_regs.pc;
}

bool machine_run(uint32_t instruction, bool user, uint64_t *value, uint64_t address)
{
    static void *mapped[CLONE_CPUS];
    unsigned int cpu = port_cpu();
    uint32_t *code = machine_code[cpu];
    uint64_t before = port_fault[cpu].count;
    code[0] = instruction;
    code[1] = user ? ECALL : RET;
    /* Instructions are fetched as they were written. */
    __asm__ volatile("fence.i" ::: "memory");
    if (user && !mapped[cpu]) {
        mapped[cpu] = user_map(cpu, port_physical(code));
    }
    trap_expect(true);
    *value = user ? user_run((uint64_t)(uintptr_t)mapped[cpu], *value)
                  : ((uint64_t (*)(uint64_t, uint64_t))(uintptr_t)code)(*value, address);
    return port_fault[cpu].count == before;
}

/* Of a0, fa0 at a1; with 16 bits, a c.nop follows. */
const uint32_t machine_forms[] = {
    0x00058503, 0x00059503, 0x0005a503, 0x0005b503, /* lb lh lw ld */
    0x0005c503, 0x0005d503, 0x0005e503,             /* lbu lhu lwu */
    0x00a58023, 0x00a59023, 0x00a5a023, 0x00a5b023, /* sb sh sw sd */
    0x00a5a52f, 0x08a5b52f, 0x1005a52f, 0x18a5a52f, /* amoadd.w amoswap.d lr.w sc.w */
    0x0005a507, 0x0005b507, 0x00a5a027, 0x00a5b027, /* flw fld fsw fsd */
    0x00014188, 0x0001c188, 0x00016188, 0x0001e188, /* c.lw c.sw c.ld c.sd */
    0x0045a00f, 0x0015a00f, 0x0025a00f, 0x0005a00f, /* cbo.zero clean flush inval */
    0,
};

const struct machine_page machine_pages[] = {
    {GUEST_PLIC_BASE, 3 * PAGE_SIZE},
    {GUEST_PLIC_BASE + 0x200000, 3 * PAGE_SIZE},
    {GUEST_PLIC_BASE + GUEST_PLIC_SIZE - PAGE_SIZE, PAGE_SIZE},
    {GUEST_APLIC_S_BASE, GUEST_APLIC_S_SIZE},
    {GUEST_APLIC_S_BASE + GUEST_APLIC_S_SIZE, PAGE_SIZE},
    {GUEST_IMSIC_S_BASE, 5 * PAGE_SIZE},
    {GUEST_MAGIC_BASE, PAGE_SIZE},
    {0, 0},
};

/* Each does not return, or leaves the machine to the caller. */
void machine_die(unsigned int kind)
{
    switch (kind) {
    case 0: /* the vector nowhere, then an exception */
        CSR_WRITE(stvec, NOWHERE);
        __asm__ volatile(".word 0");
        return;
    case 1: /* tables in a device */
        CSR_WRITE(satp, 8UL << 60 | machine_device() >> PAGE_SHIFT);
        __asm__ volatile("sfence.vma" ::: "memory");
        return;
    case 2: /* the stack nowhere */
        __asm__ volatile("mv sp, %0\n\tsd a0, 0(sp)" : : "r"(NOWHERE + (1UL << 27)) : "memory");
        return;
    case 3: /* illegal instructions for ever */
        trap_expect(true);
        for (;;) {
            __asm__ volatile(".word 0xffffffff");
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 4: /* calls of the firmware for ever */
        for (;;) {
            sbi_call(SBI_BASE, 0, 0, 0, 0, 0, 0, 0);
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 5: /* interrupts to ourselves for ever */
        for (;;) {
            sbi_call(SBI_IPI, 0, 0, ~0UL, 0, 0, 0, 0);
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 6: /* TLB maintenance of all for ever */
        for (;;) {
            sbi_call(SBI_RFENCE, 1, 0, ~0UL, 0, ~0UL, 0, 0);
            control->beat[port_cpu() % CLONE_CPUS]++;
        }
    case 7: port_cpu_stop();
    case 8: /* sleep with nothing to wake us */
        CSR_WRITE(sie, 0);
        for (;;) {
            port_wait();
        }
    default: sbi_call(SBI_SRST, 0, kind & 1, 0, 0, 0, 0, 0);
    }
}
