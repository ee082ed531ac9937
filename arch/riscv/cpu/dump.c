/* SPDX-License-Identifier: Apache-2.0 */
/* What a CPU or vCPU looks like when something went wrong: registers, call stack; and the end of a
 * fault inside the hypervisor. */
#include <arch/cpu.h>
#include <asm/csr.h>
#include <asm/layout.h>
#include <xen/cpu.h>
#include <xen/domain.h>
#include <xen/printk.h>
#include <xen/trap.h>

extern char _start_image[], _end_text[];

#define MAX_CALLS 24u

static bool dump_is_code(uint64_t a)
{
    return a >= (uint64_t)(uintptr_t)_start_image && a < (uint64_t)(uintptr_t)_end_text;
}

static uint16_t dump_code_half(uint64_t a)
{
    return dump_is_code(a) ? *(const uint16_t *)(uintptr_t)a : 0;
}

/* Does a call end at `a`: JAL or JALR that links to ra, or C.JALR [RVUNPRIV 2.5, 27.4]? */
static bool dump_follows_call(uint64_t a)
{
    uint16_t last = dump_code_half(a - 2), first = dump_code_half(a - 4);

    return (first & 0xfffu) == 0x0efu || (first & 0xfffu) == 0x0e7u ||
           ((last & 0xf07fu) == 0x9002u && (last >> 7) != 0x120u);
}

/* Code keeps no frame pointer, so every word of the stack that can be a return address is shown: a
 * few of them may be left over from earlier calls. */
static void dump_backtrace(uint64_t pc, uint64_t sp)
{
    uint64_t top = (uint64_t)(uintptr_t)this_cpu()->stack_top;
    unsigned int calls = 0;

    if (sp < top - (PAGE_SIZE << CPU_STACK_ORDER) || sp >= top || (sp & 7u) != 0) {
        sp = top; /* corrupt, or the panic stack, which has nothing to tell */
    }
    if (pc != 0 || sp < top) {
        printk(XENLOG_ERR "Xen call trace:\n");
    }
    if (pc != 0) {
        printk(XENLOG_ERR "   [<%016lx>] (PC)\n", pc);
    }
    for (; sp < top && calls < MAX_CALLS; sp += sizeof(uint64_t)) {
        uint64_t a = *(const uint64_t *)(uintptr_t)sp;

        if (dump_is_code(a) && (a & 1u) == 0 && dump_follows_call(a)) {
            printk(XENLOG_ERR "   [<%016lx>]\n", a);
            calls++;
        }
    }
}

void arch_dump_stack(void)
{
    uint64_t sp;

    __asm__ volatile("mv %0, sp" : "=r"(sp));
    dump_backtrace(0, sp);
}

static void dump_regs(const struct cpu_regs *r)
{
    static const char names[32][4] = {"pc", "ra", "sp",  "gp",  "tp", "t0", "t1", "t2",
                                      "s0", "s1", "a0",  "a1",  "a2", "a3", "a4", "a5",
                                      "a6", "a7", "s2",  "s3",  "s4", "s5", "s6", "s7",
                                      "s8", "s9", "s10", "s11", "t3", "t4", "t5", "t6"};

    for (unsigned int i = 0; i < 32; i += 4) {
        printk("%3s %016lx %3s %016lx %3s %016lx %3s %016lx\n", names[i], i == 0 ? r->pc : r->x[i],
               names[i + 1], r->x[i + 1], names[i + 2], r->x[i + 2], names[i + 3], r->x[i + 3]);
    }
}

void arch_dump_vcpu(struct vcpu *v)
{
    const struct vcpu_csrs *c = &v->arch.csrs;

    printk("d%uv%u: registers\n", v->d->id, v->id);
    dump_regs(&v->arch.regs);
    printk("sstatus %016lx hstatus %016lx vsstatus %016lx vsatp %016lx\n", v->arch.sstatus,
           v->arch.hstatus, c->vsstatus, c->vsatp);
    printk("vstvec %016lx vsepc %016lx vscause %016lx vstval %016lx\n", c->vstvec, c->vsepc,
           c->vscause, c->vstval);
    printk("vsie %016lx hvip %016lx\n", c->vsie, v->arch.virq.hvip);
}

void __noreturn trap_hyp(const struct cpu_regs *regs)
{
    uint64_t cause = csr_read(CSR_SCAUSE), address = csr_read(CSR_STVAL);
    const char *what = (cause & SCAUSE_INTERRUPT) != 0 ? "unexpected interrupt" : "exception";

    hyp_fault_begin();
    printk(XENLOG_ERR "*** %s inside the hypervisor ***\n", what);
    dump_regs(regs);
    printk("scause %016lx stval %016lx htval %016lx CPU%u\n", cause, address, csr_read(CSR_HTVAL),
           this_cpu()->id);
    if ((cause == EXC_LOAD_ACCESS || cause == EXC_STORE_ACCESS) && address >= DIRECTMAP_START &&
        address - DIRECTMAP_START < DIRECTMAP_SIZE) {
        printk("Nothing answers at %#lx, or the firmware keeps it for itself: the device tree must "
               "say so in /memory or /reserved-memory. Boot with the tree that the firmware hands "
               "over\n",
               address - DIRECTMAP_START);
    }
    dump_backtrace(regs->pc, regs->x[2]);
    hyp_fault(what, cause, address, regs->pc);
}
