/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of the firmware below [RVSBI 3]: the call itself, what the firmware has, its console, the
 * machine's end. */
#include <arch/cpu.h>
#include <asm/isa.h>
#include <asm/sbi.h>
#include <xen/printk.h>

#define SPEC_VERSION(major, minor) ((major) << 24 | (minor))

struct sbi_result sbi_call(uint64_t extension, uint64_t function, uint64_t a0, uint64_t a1,
                           uint64_t a2, uint64_t a3, uint64_t a4)
{
    register uint64_t r0 __asm__("a0") = a0;
    register uint64_t r1 __asm__("a1") = a1;
    register uint64_t r2 __asm__("a2") = a2;
    register uint64_t r3 __asm__("a3") = a3;
    register uint64_t r4 __asm__("a4") = a4;
    register uint64_t r6 __asm__("a6") = function;
    register uint64_t r7 __asm__("a7") = extension;

    /* All registers but a0 and a1 are preserved [RVSBI 3]. */
    __asm__ volatile("ecall"
                     : "+r"(r0), "+r"(r1)
                     : "r"(r2), "r"(r3), "r"(r4), "r"(r6), "r"(r7)
                     : "memory");
    return (struct sbi_result){.error = (long)r0, .value = r1};
}

static uint64_t base(uint64_t function)
{
    struct sbi_result r = sbi_call(SBI_EXT_BASE, function, 0, 0, 0, 0, 0);

    return r.error == SBI_SUCCESS ? r.value : 0;
}

static bool sbi_has(uint64_t extension)
{
    struct sbi_result r = sbi_call(SBI_EXT_BASE, SBI_BASE_PROBE, extension, 0, 0, 0, 0);

    return r.error == SBI_SUCCESS && r.value != 0;
}

static const char *implementation(uint64_t id)
{
    static const char *const names[] = {"BBL",           "OpenSBI",  "Xvisor",  "KVM",
                                        "RustSBI",       "Diosix",   "Coffer",  "Xen",
                                        "PolarFire HSS", "coreboot", "oreboot", "bhyve"};

    return id < ARRAY_SIZE(names) ? names[id] : "unknown firmware";
}

void sbi_init(void)
{
    uint64_t spec = base(SBI_BASE_SPEC_VERSION), version = base(SBI_BASE_IMPL_VERSION);

    printk("SBI v%lu.%lu: %s %lu.%lu\n", spec >> 24 & 0x7fu, spec & 0xffffffu,
           implementation(base(SBI_BASE_IMPL_ID)), version >> 16, version & 0xffffu);
    if (spec < SPEC_VERSION(0u, 2u) || !sbi_has(SBI_EXT_HSM)) {
        panic("the firmware has no SBI extension HSM (hart state management): update it, for "
              "instance to OpenSBI 1.0 or later\n");
    }
    if (!isa_has(ISA_SSTC) && !sbi_has(SBI_EXT_TIME)) {
        panic("there is no timer: neither Sstc nor the firmware's SBI extension TIME; update the "
              "firmware\n");
    }
    if (!sbi_has(SBI_EXT_RFENCE) || !sbi_has(SBI_EXT_IPI)) {
        panic("the firmware has no SBI extension RFENCE or IPI: update it, for instance to OpenSBI "
              "1.0 or later\n");
    }
}

bool sbi_console_putc(char c)
{
    struct sbi_result r = sbi_call(SBI_EXT_DBCN, SBI_DBCN_WRITE_BYTE, (uint8_t)c, 0, 0, 0, 0);

    if (r.error == SBI_ERR_NOT_SUPPORTED) {
        r = sbi_call(SBI_EXT_PUTCHAR, 0, (uint8_t)c, 0, 0, 0, 0);
    }
    return r.error == SBI_SUCCESS;
}

void arch_machine_reset(void)
{
    /* Not every firmware has both. */
    (void)sbi_call(SBI_EXT_SRST, SBI_SRST_RESET, SBI_SRST_COLD_REBOOT, 0, 0, 0, 0);
    (void)sbi_call(SBI_EXT_SRST, SBI_SRST_RESET, SBI_SRST_WARM_REBOOT, 0, 0, 0, 0);
}

void arch_machine_poweroff(void)
{
    (void)sbi_call(SBI_EXT_SRST, SBI_SRST_RESET, SBI_SRST_SHUTDOWN, 0, 0, 0, 0);
    (void)sbi_call(SBI_EXT_SHUTDOWN, 0, 0, 0, 0, 0, 0);
}
