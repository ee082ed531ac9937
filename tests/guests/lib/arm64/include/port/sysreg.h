/* SPDX-License-Identifier: Apache-2.0 */
/*
 * System registers by number, as instructions made at run time.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define SYSREG(op0, op1, n, m, op2) \
    ((uint32_t)((op0) & 1) << 19 | (uint32_t)(op1) << 16 | (uint32_t)(n) << 12 | \
     (uint32_t)(m) << 8 | (uint32_t)(op2) << 5)

/* False: undefined. On one CPU at a time. */
bool sysreg_read(uint32_t encoding, uint64_t *value);
bool sysreg_write(uint32_t encoding, uint64_t value);
