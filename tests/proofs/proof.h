/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What harnesses share. A harness chooses a state and an operation by values that may be anything,
 * restricts them by ASSUME, calls the core, and says by CHECK what must hold then, whatever the
 * values are. REACHED says that execution can come here: a harness whose assumptions contradict
 * each other proves nothing, and fails by that.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ASSUME(condition) __CPROVER_assume(condition)
#define CHECK(condition)  __CPROVER_assert((condition), "CHECK: " #condition)

/* With a mutant it is a counterexample that is wanted, and this is none. */
#ifdef PROOF_MUTANT
#define REACHED(what) ((void)0)
#else
#define REACHED(what) __CPROVER_assert(0, "REACHED: " what)
#endif

/* Any value. CBMC knows functions without a body by this prefix. */
bool nondet_bool(void);
uint8_t nondet_u8(void);
uint16_t nondet_u16(void);
uint32_t nondet_u32(void);
uint64_t nondet_u64(void);
unsigned int nondet_uint(void);

/* Any value below n, which is not 0. */
static inline unsigned int any_below(unsigned int n)
{
    unsigned int value = nondet_uint();

    ASSUME(value < n);
    return value;
}
