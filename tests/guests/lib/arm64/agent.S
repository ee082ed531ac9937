/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An unprivileged domain that makes hypercalls for another; see port_agent in <guest/port.h>.
 * Position independent, MMU off: addresses in its calls are physical.
 */
#define SCHED_OP 29 /* SCHEDOP_yield is 0 */

/* In: x0 the page. */
    .text
    .balign 4
    .globl port_agent, port_agent_end
port_agent:
    mov x19, x0
1:  ldr x0, [x19]
    cbz x0, 2f
    dmb sy /* the question is read after the word that says it is there */
    ldr x16, [x19, #8]
    ldp x0, x1, [x19, #16]
    ldp x2, x3, [x19, #32]
    ldr x4, [x19, #48]
    hvc #0xea1
    str x0, [x19, #56]
    dmb sy /* the answer is there before the word that says so */
    str xzr, [x19]
    b 1b
2:  mov x16, #SCHED_OP
    mov x1, #0
    hvc #0xea1
    b 1b
port_agent_end:
