/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unprivileged domain that makes hypercalls for another; see port_agent in <guest/port.h>.
 * Position independent, paging off: addresses in its calls are physical.
 */
#define SCHED_OP  29         /* SCHEDOP_yield is 0 */
#define HYPERCALL 0x0a000007 /* XEN_SBI_EXT_HYPERCALL */

/* In: a1 the page. */
    .text
    .balign 4
    .globl port_agent, port_agent_end
port_agent:
    mv s1, a1
1:  ld a1, 0(s1)
    beqz a1, 2f
    fence rw, rw /* the question is read after the word that says it is there */
    ld a6, 8(s1)
    ld a1, 16(s1)
    ld a2, 24(s1)
    ld a3, 32(s1)
    ld a4, 40(s1)
    ld a5, 48(s1)
    li a7, HYPERCALL
    ecall
    sd a0, 56(s1)
    fence rw, rw /* the answer is there before the word that says so */
    sd zero, 0(s1)
    j 1b
2:  li a6, SCHED_OP
    li a2, 0
    li a7, HYPERCALL
    ecall
    j 1b
port_agent_end:
