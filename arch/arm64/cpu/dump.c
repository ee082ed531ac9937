/* SPDX-License-Identifier: Apache-2.0 */
/* What a CPU or vCPU looks like when something went wrong: registers, call stack; and the end of a
 * fault inside EL2. */
#include <arch/cpu.h>
#include <asm/sysregs.h>
#include <asm/traps.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/trap.h>

extern char _start_image[], _end_text[];

#define MAX_FRAMES 16u

/* Follow the frame records [AAPCS64 6.4.6], staying inside this CPU's stack. */
static void dump_backtrace(uint64_t pc, uint64_t fp)
{
    uint64_t top = (uint64_t)(uintptr_t)this_cpu()->stack_top;
    uint64_t bottom = top - (PAGE_SIZE << CPU_STACK_ORDER);

    printk(XENLOG_ERR "Xen call trace:\n");
    printk(XENLOG_ERR "   [<%016lx>] (PC)\n", pc);
    for (unsigned int i = 0; i < MAX_FRAMES && fp >= bottom && fp <= top - 16u && (fp & 15u) == 0;
         i++) {
        const uint64_t *record = (const uint64_t *)(uintptr_t)fp;

        if (record[1] < (uint64_t)(uintptr_t)_start_image ||
            record[1] >= (uint64_t)(uintptr_t)_end_text) {
            break;
        }
        printk(XENLOG_ERR "   [<%016lx>]\n", record[1]);
        if (record[0] <= fp) {
            break;
        }
        fp = record[0];
    }
}

void arch_dump_stack(void)
{
    /* The caller's record, read here: a tail call may give up this function's own. */
    const uint64_t *record = __builtin_frame_address(0);

    dump_backtrace((uint64_t)(uintptr_t)__builtin_return_address(0), record[0]);
}

static void dump_regs(const struct cpu_regs *r)
{
    for (unsigned int i = 0; i < 30; i += 3) {
        printk("X%-2u %016lx  X%-2u %016lx  X%-2u %016lx\n", i, r->x[i], i + 1, r->x[i + 1], i + 2,
               r->x[i + 2]);
    }
    printk("LR  %016lx  PC  %016lx  SPSR %08lx\n", r->x[30], r->pc, r->spsr);
}

void arch_dump_vcpu(struct vcpu *v)
{
    printk("d%uv%u: registers\n", v->d->id, v->id);
    dump_regs(&v->arch.regs);
    printk("SP_EL0 %016lx  SP_EL1 %016lx  TTBR0 %016lx  TTBR1 %016lx\n", v->arch.sys.sp_el0,
           v->arch.sys.sp_el1, v->arch.sys.ttbr0, v->arch.sys.ttbr1);
    printk("SCTLR %08lx  TCR %016lx  ESR %08lx  FAR %016lx  HCR %08lx\n", v->arch.sys.sctlr,
           v->arch.sys.tcr, v->arch.sys.esr, v->arch.sys.far, v->arch.hcr);
}

void __noreturn trap_hyp(const struct cpu_regs *regs, uint64_t kind, uint64_t sp)
{
    static const char *const what[] = {"synchronous exception", "unexpected interrupt", "SError"};

    hyp_fault_begin();
    printk(XENLOG_ERR "*** %s inside the hypervisor ***\n", what[kind % ARRAY_SIZE(what)]);
    dump_regs(regs);
    printk("SP  %016lx  CPU%u\n", sp, this_cpu()->id);
    dump_backtrace(regs->pc, regs->x[29]);
    hyp_fault(what[kind % ARRAY_SIZE(what)], READ_SYSREG(esr_el2), READ_SYSREG(far_el2), regs->pc);
}
