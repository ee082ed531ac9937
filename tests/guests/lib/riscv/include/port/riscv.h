/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What kernels for RISC-V alone may use of the port.
 */
#pragma once

#include <guest/port.h>
#include <stdint.h>

/* Exceptions [RVPRIV 10.1.8]: port_fault.cause. */
enum {
    CAUSE_FETCH_MISALIGNED = 0,
    CAUSE_FETCH_ACCESS = 1,
    CAUSE_ILLEGAL = 2,
    CAUSE_BREAKPOINT = 3,
    CAUSE_LOAD_MISALIGNED = 4,
    CAUSE_LOAD_ACCESS = 5,
    CAUSE_STORE_MISALIGNED = 6,
    CAUSE_STORE_ACCESS = 7,
    CAUSE_USER_ECALL = 8,
    CAUSE_FETCH_PAGE = 12,
    CAUSE_LOAD_PAGE = 13,
    CAUSE_STORE_PAGE = 15
};

/* Numbers for port_irq_handle: 0..15 are IPIs; local interrupts from 16 on have their own number,
 * those below have it plus IRQ_STANDARD. */
enum {
    IRQ_STANDARD = 64,
    IRQ_TIMER = IRQ_STANDARD + 5,
    IRQ_EXTERNAL = IRQ_STANDARD + 9,
    IRQ_COUNT = 80
};

/* Registers of the interrupted code; x[0] is not used. Layout of start.S. */
struct trap_frame {
    uint64_t x[32];
    uint64_t pc;
    uint64_t status;
};

/* `time` at the first instruction. */
extern uint64_t guest_first_time;

/* True on the machine's own harts, without this hypervisor or Xen below. */
bool cpu_native(void);

/* The hart that ran first, and whether a word is in its ISA string. */
uint64_t cpu_boot_hart(void);
bool cpu_has(const char *extension);

/* Result of an SBI call [RVSBI 3]. */
struct sbi_result {
    int64_t error;
    uint64_t value;
};

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1,
                           uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* Enables a local interrupt (its own number, as in scause) on this CPU or disables it. */
void trap_enable(unsigned int code, bool enable);

/* Runs code in user mode until it makes an `ecall`; its a0 begins as `value` and is the result. The
 * page comes from user_map. */
uint64_t user_run(uint64_t address, uint64_t value);

/* The clock's alarm: finds it, returns its interrupt source, 0 without one; its line up, down. */
unsigned int rtc_find(void);
void rtc_raise(void);
void rtc_lower(void);

/* One instruction on registers of its own: step.S. */
struct step {
    uint64_t x[32];
    uint64_t stack;
};

void step_run(struct step *step, uint32_t instruction);

/* Maps a page for user mode at slot 0..15 of the user window; code may run there. */
void *user_map(unsigned int slot, uint64_t physical);

/* Makes a second-level page table at `physical`; returns the first address that goes through it. */
uint64_t table_map(uint64_t physical);

static inline uint32_t read32(uint64_t address)
{
    uint32_t value;
    __asm__ volatile("lwu %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");
    return value;
}

static inline void write32(uint64_t address, uint32_t value)
{
    __asm__ volatile("sw %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
}

static inline uint8_t read8(uint64_t address)
{
    uint64_t value;
    __asm__ volatile("lbu %0, 0(%1)" : "=r"(value) : "r"(address) : "memory");
    return (uint8_t)value;
}

static inline void write8(uint64_t address, uint8_t value)
{
    __asm__ volatile("sb %0, 0(%1)" : : "r"(value), "r"(address) : "memory");
}

#define CSR_READ(name) \
    ({ \
        uint64_t value_; \
        __asm__ volatile("csrr %0, " #name : "=r"(value_) : : "memory"); \
        value_; \
    })

#define CSR_WRITE(name, value) \
    __asm__ volatile("csrw " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define CSR_SET(name, value) \
    __asm__ volatile("csrs " #name ", %0" : : "r"((uint64_t)(value)) : "memory")

#define CSR_CLEAR(name, value) \
    __asm__ volatile("csrc " #name ", %0" : : "r"((uint64_t)(value)) : "memory")
