/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels for arm64 alone may use of the port.
 */
#pragma once

#include <guest/port.h>
#include <stdint.h>

/* CNTPCT and CNTVCT at the first instruction. */
extern uint64_t guest_first_count[2];

/* Registers of the interrupted code; `stamp` is CNTVCT at the vector. Layout of start.S. */
struct trap_frame {
    uint64_t x[31];
    uint64_t unused;
    uint64_t elr;
    uint64_t spsr;
    uint64_t more[2];
    uint64_t stamp;
    uint64_t end;
};

/* Base of the distributor and of the CPU interface, from the device tree. */
uint64_t gic_distributor(void);
uint64_t gic_cpu_interface(void);

/* Called instead of the handlers of port_irq_handle, with the counter at the vector; null: none. */
extern void (*gic_fast_handler)(uint64_t stamp);

/* Value and result of an SMCCC call. */
struct smccc_result {
    uint64_t x[4];
};

void smccc_hvc(uint64_t function, uint64_t a, uint64_t b, uint64_t c, struct smccc_result *result);
void smccc_smc(uint64_t function, uint64_t a, uint64_t b, uint64_t c, struct smccc_result *result);

/* What user mode left. */
struct user_result {
    uint64_t x0;
    uint64_t syndrome; /* ESR_EL1 */
};

/* Runs code at EL0, with x0 and x1, until it makes an exception. The page comes from user_map. */
struct user_result user_run(uint64_t address, uint64_t x0, uint64_t x1);

/* Maps a page for user mode, which may read and run it, at slot 0..15 of the user window. */
void *user_map(unsigned int slot, uint64_t physical);

static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldr %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("str %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline void write8(uint64_t address, uint8_t value)
{
    __asm__ volatile("strb %w0, [%1]" : : "r"(value), "r"(address) : "memory");
}

static inline uint8_t read8(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(address) : "memory");
    return (uint8_t)value;
}

#define READ_SYSREG(name) \
    ({ \
        uint64_t value_; \
        __asm__ volatile("mrs %0, " #name : "=r"(value_)); \
        value_; \
    })

#define WRITE_SYSREG(name, value) \
    __asm__ volatile("msr " #name ", %0\n\tisb" : : "r"((uint64_t)(value)) : "memory")
