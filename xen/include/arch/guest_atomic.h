/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contract: one attempt at an atomic operation on a word that a guest may write to meanwhile.
 * false: not done, perhaps for no reason. True at once where the hardware has such an instruction.
 */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

static inline bool __must_check arch_try_or64(uint64_t *p, uint64_t bits, uint64_t *old);
static inline bool __must_check arch_try_and64(uint64_t *p, uint64_t mask, uint64_t *old);
static inline bool __must_check arch_try_or32(uint32_t *p, uint32_t bits, uint32_t *old);
static inline bool __must_check arch_try_and32(uint32_t *p, uint32_t mask, uint32_t *old);
/* *old is what was found there. */
static inline bool __must_check arch_try_cas32(uint32_t *p, uint32_t *old, uint32_t new);
static inline bool __must_check arch_try_cas64(uint64_t *p, uint64_t *old, uint64_t new);

#include <asm/guest_atomic.h>
