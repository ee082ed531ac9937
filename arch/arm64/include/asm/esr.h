/* SPDX-License-Identifier: Apache-2.0 */
/* Exception syndrome [Arm ARM D17.2.37]. */
#pragma once

#define ESR_EC(esr) ((unsigned int)((esr) >> 26) & 0x3fu)
#define ESR_IL      (1ul << 25) /* the instruction has 32 bits */

#define EC_UNKNOWN   0x00u
#define EC_WFX       0x01u
#define EC_CP15_32   0x03u
#define EC_CP15_64   0x04u
#define EC_CP14_32   0x05u
#define EC_CP14_LS   0x06u
#define EC_FP        0x07u
#define EC_CP10_ID   0x08u
#define EC_PAUTH     0x09u
#define EC_CP14_64   0x0cu
#define EC_ILLEGAL   0x0eu
#define EC_HVC32     0x12u
#define EC_SMC32     0x13u
#define EC_HVC64     0x16u
#define EC_SMC64     0x17u
#define EC_SYSREG    0x18u
#define EC_SVE       0x19u
#define EC_IABT_LOW  0x20u
#define EC_IABT_SAME 0x21u
#define EC_DABT_LOW  0x24u
#define EC_DABT_SAME 0x25u

/* Data and instruction aborts */
#define ABT_ISV         (1ul << 24)
#define ABT_SIZE(esr)   ((unsigned int)((esr) >> 22) & 3u) /* log2 of bytes */
#define ABT_SSE         (1ul << 21)
#define ABT_SRT(esr)    ((unsigned int)((esr) >> 16) & 31u)
#define ABT_SF          (1ul << 15)
#define ABT_CM          (1ul << 8)
#define ABT_S1PTW       (1ul << 7)
#define ABT_WNR         (1ul << 6)
#define ABT_FSC(esr)    ((unsigned int)(esr) & 0x3fu)
#define FSC_TYPE_MASK   0x3cu
#define FSC_TRANSLATION 0x04u
#define FSC_ACCESS      0x08u
#define FSC_PERMISSION  0x0cu
#define FSC_EXTERNAL    0x10u

/* WFx: which one */
#define WFX_WFE 1ul

/* Trapped AArch32 instructions */
#define ESR_CV        (1ul << 24)
#define ESR_COND(esr) ((unsigned int)((esr) >> 20) & 0xfu)

/* Trapped MRS, MSR: the register as one number, the general register, the direction. */
#define SYSREG(op0, op1, crn, crm, op2) \
    ((uint32_t)(op0) << 20 | (uint32_t)(op2) << 17 | (uint32_t)(op1) << 14 | \
     (uint32_t)(crn) << 10 | (uint32_t)(crm) << 1)
#define SYSREG_OF(esr) ((uint32_t)(esr) & 0x3ffc1eu)
#define SYSREG_RT(esr) ((unsigned int)((esr) >> 5) & 31u)
#define SYSREG_IS_READ 1ul
