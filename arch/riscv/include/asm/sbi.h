/* SPDX-License-Identifier: Apache-2.0 */
/* The firmware below: SBI calls of the hypervisor [RVSBI]. */
#pragma once

#include <xen/compiler.h>
#include <xen/types.h>

#define SBI_EXT_SET_TIMER   0x00 /* legacy */
#define SBI_EXT_PUTCHAR     0x01
#define SBI_EXT_GETCHAR     0x02
#define SBI_EXT_CLEAR_IPI   0x03
#define SBI_EXT_SEND_IPI    0x04
#define SBI_EXT_FENCE_I     0x05
#define SBI_EXT_SFENCE      0x06
#define SBI_EXT_SFENCE_ASID 0x07
#define SBI_EXT_SHUTDOWN    0x08
#define SBI_EXT_BASE        0x10
#define SBI_EXT_TIME        0x54494D45
#define SBI_EXT_IPI         0x735049
#define SBI_EXT_RFENCE      0x52464E43
#define SBI_EXT_HSM         0x48534D
#define SBI_EXT_SRST        0x53525354
#define SBI_EXT_PMU         0x504D55
#define SBI_EXT_DBCN        0x4442434E
#define SBI_EXT_SUSP        0x53555350

#define SBI_SUCCESS               0
#define SBI_ERR_FAILED            (-1)
#define SBI_ERR_NOT_SUPPORTED     (-2)
#define SBI_ERR_INVALID_PARAM     (-3)
#define SBI_ERR_DENIED            (-4)
#define SBI_ERR_INVALID_ADDRESS   (-5)
#define SBI_ERR_ALREADY_AVAILABLE (-6)
#define SBI_ERR_ALREADY_STARTED   (-7)
#define SBI_ERR_ALREADY_STOPPED   (-8)

/* Functions */
#define SBI_BASE_SPEC_VERSION       0
#define SBI_BASE_IMPL_ID            1
#define SBI_BASE_IMPL_VERSION       2
#define SBI_BASE_PROBE              3
#define SBI_BASE_MVENDORID          4
#define SBI_BASE_MARCHID            5
#define SBI_BASE_MIMPID             6
#define SBI_TIME_SET_TIMER          0
#define SBI_HSM_HART_START          0
#define SBI_HSM_HART_STOP           1
#define SBI_HSM_HART_STATUS         2
#define SBI_HSM_HART_SUSPEND        3
#define SBI_RFENCE_FENCE_I          0
#define SBI_RFENCE_SFENCE_VMA       1
#define SBI_RFENCE_SFENCE_VMA_ASID  2
#define SBI_RFENCE_HFENCE_VVMA_ASID 5 /* with the VMID of the caller's hgatp [RVSBI 8.6] */
#define SBI_RFENCE_HFENCE_VVMA      6
#define SBI_SRST_RESET              0
#define SBI_SRST_SHUTDOWN           0 /* first argument: type; second: reason, 0 none */
#define SBI_SRST_COLD_REBOOT        1
#define SBI_SRST_WARM_REBOOT        2
#define SBI_DBCN_WRITE              0
#define SBI_DBCN_READ               1
#define SBI_DBCN_WRITE_BYTE         2

/* As base of a hart mask: every hart. */
#define SBI_ALL_HARTS UINT64_MAX

#define SBI_HSM_STARTED       0
#define SBI_HSM_STOPPED       1
#define SBI_HSM_START_PENDING 2
#define SBI_HSM_STOP_PENDING  3
#define SBI_HSM_SUSPENDED     4

struct sbi_result {
    long error; /* 0 or SBI_ERR_* */
    uint64_t value;
};

/* One call; unused arguments are 0. */
struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1,
                           uint64_t a2, uint64_t a3, uint64_t a4);

/* Boot CPU: which extensions the firmware has; panics without HSM and TIME-or-Sstc. */
void sbi_init(void);
/* One character to the firmware's console, without sbi_init; false: it has none. */
bool sbi_console_putc(char c);
