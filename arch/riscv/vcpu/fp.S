/* SPDX-License-Identifier: Apache-2.0 */
/*
 * void fp_save(struct vcpu_fp *fp), void fp_load(const struct vcpu_fp *fp), vector_save,
 * vector_load: the F and D and the V registers of a guest. The hypervisor itself uses none, so they
 * move only when the vCPU does.
 */
#include <asm/csr.h>
#include <asm/offsets.h>

.macro fp_all op
    .irp n, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15
    \op f\n, 8 * \n(a0)
    .endr
    .irp n, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31
    \op f\n, 8 * \n(a0)
    .endr
.endm

.section .text.fp, "ax"
.option push
.option arch, +f, +d
.global fp_save
.type fp_save, %function
fp_save:
    fp_all fsd
    csrr t0, CSR_FCSR
    sw t0, FP_FCSR(a0)
    ret
.size fp_save, . - fp_save

.global fp_load
.type fp_load, %function
fp_load:
    fp_all fld
    lw t0, FP_FCSR(a0)
    csrw CSR_FCSR, t0
    ret
.size fp_load, . - fp_load
.option pop

/*
 * Groups of eight registers, of bytes [RVUNPRIV 30.6, 30.7.9]. The CSRs come first in one direction
 * and last in the other, because moving the registers changes them; a vtype that is not allowed
 * (vill) is written back by asking for one that is not.
 */
#define VSETVLI_E8_M8 .4byte 0x0c3072d7 /* vsetvli t0, zero, e8, m8, ta, ma */
#define VSE8(v)  .4byte 0x02058027 | (v) << 7 /* vse8.v v, (a1) */
#define VLE8(v)  .4byte 0x02058007 | (v) << 7 /* vle8.v v, (a1) */

.macro vector_all direction
    ld a1, FP_V(a0)
    csrw CSR_VSTART, zero
    VSETVLI_E8_M8
    .irp v, 0, 8, 16, 24
    \direction \v
    add a1, a1, t0
    .endr
.endm

.macro vector_store v
    VSE8(\v)
.endm

.macro vector_fetch v
    VLE8(\v)
.endm

.global vector_save
.type vector_save, %function
vector_save:
    csrr t1, CSR_VSTART
    csrr t2, CSR_VL
    csrr t3, CSR_VTYPE
    csrr t4, CSR_VCSR
    sd t1, FP_VSTART(a0)
    sd t2, FP_VL(a0)
    sd t3, FP_VTYPE(a0)
    sd t4, FP_VCSR(a0)
    vector_all vector_store
    ret
.size vector_save, . - vector_save

.global vector_load
.type vector_load, %function
vector_load:
    vector_all vector_fetch
    ld t1, FP_VSTART(a0)
    ld t2, FP_VL(a0)
    ld t3, FP_VTYPE(a0)
    ld t4, FP_VCSR(a0)
    .4byte 0x81c3f057 /* vsetvl zero, t2, t3 */
    csrw CSR_VCSR, t4
    csrw CSR_VSTART, t1
    ret
.size vector_load, . - vector_load
