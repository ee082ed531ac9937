/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Control and status registers by number, so that no assembler needs to know their names; their
 * bits; access from C. Numbers and bits: [RVPRIV 2.2, 18.2], [RVAIA 2.1].
 */
#pragma once

#ifdef __ASSEMBLER__
#define CSR_BIT(n) (1 << (n)) /* n below 31 */
#else
#include <xen/types.h>
#define CSR_BIT(n) (1ul << (n))
#endif

/* Counters that a lower mode may read */
#define CSR_CYCLE   0xc00
#define CSR_TIME    0xc01
#define CSR_INSTRET 0xc02

/* Vector unit, user level of V [RVUNPRIV] */
#define CSR_FCSR   0x003
#define CSR_VSTART 0x008
#define CSR_VXSAT  0x009
#define CSR_VXRM   0x00a
#define CSR_VCSR   0x00f
#define CSR_VL     0xc20
#define CSR_VTYPE  0xc21
#define CSR_VLENB  0xc22

/* Supervisor */
#define CSR_SSTATUS    0x100
#define CSR_SIE        0x104
#define CSR_STVEC      0x105
#define CSR_SCOUNTEREN 0x106
#define CSR_SENVCFG    0x10a
#define CSR_SSTATEEN0  0x10c
#define CSR_SSCRATCH   0x140
#define CSR_SEPC       0x141
#define CSR_SCAUSE     0x142
#define CSR_STVAL      0x143
#define CSR_SIP        0x144
#define CSR_STIMECMP   0x14d
#define CSR_SISELECT   0x150
#define CSR_SIREG      0x151
#define CSR_STOPEI     0x15c
#define CSR_SATP       0x180
#define CSR_SCONTEXT   0x5a8
#define CSR_STOPI      0xdb0
#define CSR_SCOUNTOVF  0xda0

/* Hypervisor */
#define CSR_HSTATUS    0x600
#define CSR_HEDELEG    0x602
#define CSR_HIDELEG    0x603
#define CSR_HIE        0x604
#define CSR_HTIMEDELTA 0x605
#define CSR_HCOUNTEREN 0x606
#define CSR_HGEIE      0x607
#define CSR_HVIEN      0x608
#define CSR_HVICTL     0x609
#define CSR_HENVCFG    0x60a
#define CSR_HSTATEEN0  0x60c
#define CSR_HTVAL      0x643
#define CSR_HIP        0x644
#define CSR_HVIP       0x645
#define CSR_HVIPRIO1   0x646
#define CSR_HVIPRIO2   0x647
#define CSR_HTINST     0x64a
#define CSR_HGATP      0x680
#define CSR_HGEIP      0xe12

/* Virtual supervisor: what the guest sees as its s* */
#define CSR_VSSTATUS  0x200
#define CSR_VSIE      0x204
#define CSR_VSTVEC    0x205
#define CSR_VSSCRATCH 0x240
#define CSR_VSEPC     0x241
#define CSR_VSCAUSE   0x242
#define CSR_VSTVAL    0x243
#define CSR_VSIP      0x244
#define CSR_VSTIMECMP 0x24d
#define CSR_VSISELECT 0x250
#define CSR_VSIREG    0x251
#define CSR_VSATP     0x280
#define CSR_VSTOPI    0xeb0

/* sstatus, vsstatus */
#define SSTATUS_SIE     CSR_BIT(1)
#define SSTATUS_SPIE    CSR_BIT(5)
#define SSTATUS_UBE     CSR_BIT(6)
#define SSTATUS_SPP     CSR_BIT(8)
#define SSTATUS_VS      (3 * CSR_BIT(9))
#define SSTATUS_VS_INIT CSR_BIT(9)
#define SSTATUS_VS_DIRT (3 * CSR_BIT(9))
#define SSTATUS_FS      (3 * CSR_BIT(13))
#define SSTATUS_FS_INIT CSR_BIT(13)
#define SSTATUS_FS_DIRT (3 * CSR_BIT(13))
#define SSTATUS_XS      (3 * CSR_BIT(15))
#define SSTATUS_SUM     CSR_BIT(18)
#define SSTATUS_MXR     CSR_BIT(19)

/* hstatus [RVPRIV 18.2.1] */
#define HSTATUS_VSBE        CSR_BIT(5)
#define HSTATUS_GVA         CSR_BIT(6)
#define HSTATUS_SPV         CSR_BIT(7)
#define HSTATUS_SPVP        CSR_BIT(8)
#define HSTATUS_HU          CSR_BIT(9)
#define HSTATUS_VGEIN_SHIFT 12
#define HSTATUS_VGEIN       (0x3f * CSR_BIT(12))
#define HSTATUS_VTVM        CSR_BIT(20)
#define HSTATUS_VTW         CSR_BIT(21)
#define HSTATUS_VTSR        CSR_BIT(22)

/* Interrupt numbers: bits of sie, sip, hie, hip, hvip, hideleg, codes of scause */
#define IRQ_S_SOFT       1
#define IRQ_VS_SOFT      2
#define IRQ_S_TIMER      5
#define IRQ_VS_TIMER     6
#define IRQ_S_EXTERNAL   9
#define IRQ_VS_EXTERNAL  10
#define IRQ_S_GUEST      12 /* SGEI: a guest interrupt file has something for a guest */
#define IRQ_LOCAL_COUNT  13
#define SCAUSE_INTERRUPT (1ul << 63)

/* Exception codes of scause [RVPRIV 18.6.1] */
#define EXC_FETCH_MISALIGNED    0
#define EXC_FETCH_ACCESS        1
#define EXC_ILLEGAL_INSTRUCTION 2
#define EXC_BREAKPOINT          3
#define EXC_LOAD_MISALIGNED     4
#define EXC_LOAD_ACCESS         5
#define EXC_STORE_MISALIGNED    6
#define EXC_STORE_ACCESS        7
#define EXC_ECALL_U             8
#define EXC_ECALL_S             9
#define EXC_ECALL_VS            10
#define EXC_FETCH_PAGE          12
#define EXC_LOAD_PAGE           13
#define EXC_STORE_PAGE          15
#define EXC_FETCH_GUEST_PAGE    20
#define EXC_LOAD_GUEST_PAGE     21
#define EXC_VIRTUAL_INSTRUCTION 22
#define EXC_STORE_GUEST_PAGE    23

/* henvcfg, senvcfg (low bits) */
#define ENVCFG_FIOM       CSR_BIT(0)
#define ENVCFG_CBIE_FLUSH CSR_BIT(4) /* cbo.inval flushes: a guest cannot uncover older data */
#define ENVCFG_CBCFE      CSR_BIT(6)
#define ENVCFG_CBZE       CSR_BIT(7)
#define ENVCFG_ADUE       (1ul << 61)
#define ENVCFG_PBMTE      (1ul << 62)
#define ENVCFG_STCE       (1ul << 63)

/* hstateen0, sstateen0 */
#define STATEEN0_C       CSR_BIT(0)
#define STATEEN0_FCSR    CSR_BIT(1)
#define STATEEN0_JVT     CSR_BIT(2)
#define STATEEN0_CONTEXT (1ul << 57)
#define STATEEN0_IMSIC   (1ul << 58)
#define STATEEN0_AIA     (1ul << 59)
#define STATEEN0_CSRIND  (1ul << 60)
#define STATEEN0_ENVCFG  (1ul << 62)
#define STATEEN0_SE0     (1ul << 63)

/* hcounteren, scounteren */
#define COUNTEREN_CY    CSR_BIT(0)
#define COUNTEREN_TM    CSR_BIT(1)
#define COUNTEREN_IR    CSR_BIT(2)
/* What a hart that starts gives its user mode, as OpenSBI does it: Linux's programs read time
 * without asking. */
#define COUNTEREN_GUEST (COUNTEREN_CY | COUNTEREN_TM | COUNTEREN_IR)

/* satp, vsatp, hgatp: mode in the top four bits */
#define ATP_MODE_SHIFT   60
#define ATP_MODE_BARE    0
#define ATP_MODE_39      8
#define ATP_MODE_48      9
#define ATP_MODE_57      10
#define ATP_PPN          ((1ul << 44) - 1)
#define HGATP_VMID_SHIFT 44
#define HGATP_VMID(atp)  ((atp) >> HGATP_VMID_SHIFT & 0x3fff)

#ifndef __ASSEMBLER__

/* `csr` is a constant. Accesses are not moved or merged, and memory accesses stay on their side. */
#define csr_read(csr) \
    ({ \
        uint64_t _value; \
        __asm__ volatile("csrr %0, %1" : "=r"(_value) : "i"(csr) : "memory"); \
        _value; \
    })

#define csr_write(csr, value) \
    __asm__ volatile("csrw %0, %1" ::"i"(csr), "rK"((uint64_t)(value)) : "memory")

#define csr_set(csr, bits) \
    __asm__ volatile("csrs %0, %1" ::"i"(csr), "rK"((uint64_t)(bits)) : "memory")

#define csr_clear(csr, bits) \
    __asm__ volatile("csrc %0, %1" ::"i"(csr), "rK"((uint64_t)(bits)) : "memory")

/* Write and return what was there before. */
#define csr_swap(csr, value) \
    ({ \
        uint64_t _old; \
        __asm__ volatile("csrrw %0, %1, %2" \
                         : "=r"(_old) \
                         : "i"(csr), "rK"((uint64_t)(value)) \
                         : "memory"); \
        _old; \
    })

/*
 * Can the register be read here? The trap of one that cannot ends at the label. Only before any
 * guest runs: sepc, scause and hstatus.SPV are lost.
 */
#define csr_readable(csr) \
    ({ \
        uint64_t _ok, _vector; \
        __asm__ volatile("lla %1, 1f\n" \
                         "csrrw %1, stvec, %1\n" \
                         "li %0, 0\n" \
                         "csrr zero, %2\n" \
                         "li %0, 1\n" \
                         ".balign 4\n" \
                         "1: csrw stvec, %1" \
                         : "=&r"(_ok), "=&r"(_vector) \
                         : "i"(csr) \
                         : "memory"); \
        _ok != 0; \
    })

/* Orders the accesses named by `before` against those named by `after` (r, w, rw, i, o ...). The
 * caller's comment says which. */
#define fence(before, after) __asm__ volatile("fence " #before "," #after::: "memory")

#endif
