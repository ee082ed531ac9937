/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Instructions that a guest may not execute by itself: waiting, and CSRs. What is not emulated here
 * does not exist for guests: they run without the hypervisor extension, and what their ISA string
 * lists needs no trap.
 */
#include <arch/vcpu.h>
#include <asm/csr.h>
#include <asm/inject.h>
#include <asm/isa.h>
#include <asm/traps.h>
#include <xen/domain.h>
#include <xen/lib.h>

#define INSN_WFI     0x10500073u
#define INSN_WRS_NTO 0x00d00073u /* [RVUNPRIV Zawrs] */

#define OPCODE_SYSTEM  0x73u
#define INSN_OPCODE(i) ((i) & 0x7fu)
#define INSN_RD(i)     ((i) >> 7 & 31u)
#define INSN_FUNCT3(i) ((i) >> 12 & 7u)
#define INSN_RS1(i)    ((i) >> 15 & 31u)
#define INSN_CSR(i)    ((i) >> 20)

/* The forms of a CSR instruction: funct3, bit 2: the operand is rs1's number itself. */
#define CSR_RW 1u
#define CSR_RS 2u
#define CSR_RC 3u

struct csr_row {
    uint16_t csr;
    bool (*exists)(void);
    uint64_t (*read)(void);
    void (*write)(uint64_t value); /* NULL: it can be read only */
};

#define SISELECT_PRIO_FIRST 0x30u /* priorities of local interrupts [RVAIA 5.1, 6.3.3] */
#define SISELECT_PRIO_LAST  0x3fu

/* Priorities have no bits: all interrupts of a guest have the default one. */
static bool insn_sireg_exists(void)
{
    uint64_t select = isa_has(ISA_SSAIA) ? csr_read(CSR_VSISELECT) : 0;

    return select >= SISELECT_PRIO_FIRST && select <= SISELECT_PRIO_LAST && (select & 1u) == 0;
}

static uint64_t insn_sireg_read(void)
{
    return 0;
}

static void insn_sireg_write(uint64_t value __unused)
{
}

static bool insn_counter_exists(void)
{
    return true;
}

/* The hart's cycles and instructions count other guests, too. A guest's run as its time does: Linux
 * without an SBI PMU reads them, and programs wait for them. */
static uint64_t insn_counter_read(void)
{
    return csr_read(CSR_TIME) + csr_read(CSR_HTIMEDELTA);
}

static const struct csr_row rows[] = {
    {CSR_SIREG, insn_sireg_exists, insn_sireg_read, insn_sireg_write},
    {CSR_CYCLE, insn_counter_exists, insn_counter_read, NULL},
    {CSR_INSTRET, insn_counter_exists, insn_counter_read, NULL},
};

static const struct csr_row *csr_find(unsigned int csr)
{
    for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
        if (rows[i].csr == csr && rows[i].exists()) {
            return &rows[i];
        }
    }
    return NULL;
}

/* One CSR instruction [RVUNPRIV 7.1]; false: the guest may not. */
static bool csr_access(struct vcpu *v, uint32_t insn)
{
    const struct csr_row *row = csr_find(INSN_CSR(insn));
    unsigned int form = INSN_FUNCT3(insn) & 3u, rs1 = INSN_RS1(insn), rd = INSN_RD(insn);
    uint64_t operand = (INSN_FUNCT3(insn) & 4u) != 0 ? rs1 : v->arch.regs.x[rs1], old;
    bool writes = form == CSR_RW || rs1 != 0;

    if (row == NULL || form == 0 || (writes && row->write == NULL)) {
        return false;
    }
    old = row->read();
    if (writes) {
        row->write(form == CSR_RW ? operand : form == CSR_RS ? old | operand : old & ~operand);
    }
    if (rd != 0) {
        v->arch.regs.x[rd] = old;
    }
    return true;
}

/* What a guest's kernel lets its programs read [RVPRIV 12.1.5]. */
static bool csr_for_programs(unsigned int csr)
{
    return csr >= CSR_CYCLE && csr <= CSR_INSTRET &&
           (csr_read(CSR_SCOUNTEREN) >> (csr - CSR_CYCLE) & 1u) != 0;
}

/* Was it the guest's kernel that trapped? */
static bool from_kernel(const struct vcpu *v)
{
    return (v->arch.sstatus & SSTATUS_SPP) != 0;
}

/* false: an illegal instruction. v->arch.regs.pc is at the instruction still. */
static bool insn_execute(struct vcpu *v, uint32_t insn)
{
    if (INSN_OPCODE(insn) != OPCODE_SYSTEM ||
        (!from_kernel(v) && !csr_for_programs(INSN_CSR(insn)))) {
        return false;
    }
    switch (insn) {
    case INSN_WFI: vcpu_block(v); return true;
    case INSN_WRS_NTO: sched_yield(v); return true;
    default: return csr_access(v, insn);
    }
}

/* stval has the instruction or 0 [RVPRIV 12.1.9]. */
void trap_virtual_instruction(struct vcpu *v, uint64_t cause __unused)
{
    uint32_t insn = (uint32_t)csr_read(CSR_STVAL);

    if (insn == 0 && !guest_fetch(v, &insn)) {
        return; /* changed meanwhile: the guest tries again and gets its own fault */
    }
    if (insn_execute(v, insn)) {
        v->arch.regs.pc += 4;
    } else {
        inject_exception(v, EXC_ILLEGAL_INSTRUCTION, insn);
    }
}
