/* SPDX-License-Identifier: Apache-2.0 */
/* System registers and barriers of AArch64, as the manual names them [Arm ARM D17]. */
#pragma once

#include <xen/types.h>

#define READ_SYSREG(name) \
    ({ \
        uint64_t _value; \
        __asm__ volatile("mrs %0, " #name : "=r"(_value)); \
        _value; \
    })
#define WRITE_SYSREG(value, name) __asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(value)))

/* The caller's comment says what each one orders. */
#define isb()      __asm__ volatile("isb" ::: "memory")
#define dsb(scope) __asm__ volatile("dsb " #scope::: "memory")
#define dmb(scope) __asm__ volatile("dmb " #scope::: "memory")

/* TCR_EL1: no walk of TTBR0_EL1's, TTBR1_EL1's tables */
#define TCR_EPD0 (1ul << 7)
#define TCR_EPD1 (1ul << 23)

/* HCR_EL2 [Arm ARM D17.2.48] */
#define HCR_VM        (1ul << 0)
#define HCR_SWIO      (1ul << 1)
#define HCR_PTW       (1ul << 2)
#define HCR_FMO       (1ul << 3)
#define HCR_IMO       (1ul << 4)
#define HCR_AMO       (1ul << 5)
#define HCR_VI        (1ul << 7)
#define HCR_VSE       (1ul << 8)
#define ISR_A         (1ul << 8)
#define HCR_FB        (1ul << 9)
#define HCR_BSU_INNER (1ul << 10)
#define HCR_TWI       (1ul << 13)
#define HCR_TWE       (1ul << 14)
#define HCR_TID1      (1ul << 16)
#define HCR_TID3      (1ul << 18)
#define HCR_TSC       (1ul << 19)
#define HCR_TIDCP     (1ul << 20)
#define HCR_TACR      (1ul << 21)
#define HCR_TSW       (1ul << 22)
#define HCR_RW        (1ul << 31)
#define HCR_TLOR      (1ul << 35)
#define HCR_TERR      (1ul << 36)

/* SCTLR_EL2 */
#define SCTLR_M        (1ul << 0)
#define SCTLR_A        (1ul << 1)
#define SCTLR_C        (1ul << 2)
#define SCTLR_SA       (1ul << 3)
#define SCTLR_I        (1ul << 12)
#define SCTLR_WXN      (1ul << 19)
#define SCTLR_EL2_RES1 0x30c50830ul

/* SPSR and DAIF */
#define PSR_MODE_MASK    0x1ful
#define PSR_MODE_EL0T    0x0ul
#define PSR_MODE_EL1T    0x4ul
#define PSR_MODE_EL1H    0x5ul
#define PSR_MODE_AARCH32 0x10ul
#define PSR_DAIF         0x3c0ul

/* MPIDR_EL1: the affinity fields, which name a CPU. */
#define MPIDR_AFFINITY 0xff00fffffful
