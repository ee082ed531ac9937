/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores that the hypervisor emulates: every form that accesses a word of its interrupt
 * controller, with every register as address, destination and source, sign extension, and what is
 * no access of a word as an exception that changes nothing.
 */
#include <guest/dt.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/test.h>
#include <port/riscv.h>

#define PATTERN(n) (0x0123456789abcdefUL * ((n) + 1))
#define C_NOP      (1U << 16)

enum {
    LOAD = 0x03,
    STORE = 0x23,
    BYTE = 0,
    HALF = 1,
    WORD = 2,
    DOUBLE = 3,
    UNSIGNED = 4,
    PLIC_ENABLE = 0x2000,
    APLIC_IE = 0x100 /* of domaincfg [RVAIA 4.5.1] */
};

/* A register of the device: `mask` is kept as written, the rest reads as `fixed`. */
static struct {
    uint64_t address;
    uint32_t mask;
    uint32_t fixed;
} device;

static struct step step;
static unsigned int wrong;

static uint32_t load(unsigned int kind, unsigned int rd, unsigned int rs1, int imm)
{
    return (uint32_t)imm << 20 | rs1 << 15 | kind << 12 | rd << 7 | LOAD;
}

static uint32_t store(unsigned int kind, unsigned int rs2, unsigned int rs1, int imm)
{
    uint32_t bits = (uint32_t)imm;
    return (bits >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | kind << 12 | (bits & 0x1f) << 7 |
           STORE;
}

/* c.lw, c.sw (registers 8 to 15) and c.ld, c.sd by their `base` [RVUNPRIV 27.3.2]. */
static uint32_t compressed(uint32_t base, unsigned int reg, unsigned int rs1, uint32_t offset)
{
    return C_NOP | base | (offset >> 3 & 7) << 10 | (rs1 - 8) << 7 | (offset >> 2 & 1) << 6 |
           (offset >> 6 & 1) << 5 | (reg - 8) << 2;
}

static uint32_t c_lwsp(unsigned int rd, uint32_t offset)
{
    return C_NOP | 0x4002 | (offset >> 5 & 1) << 12 | rd << 7 | (offset >> 2 & 7) << 4 |
           (offset >> 6 & 3) << 2;
}

static uint32_t c_swsp(unsigned int rs2, uint32_t offset)
{
    return C_NOP | 0xc002 | (offset >> 2 & 0xf) << 9 | (offset >> 6 & 3) << 7 | rs2 << 2;
}

/* Runs with the device's address less `imm` in rs1 and another value in every other register. */
static void run(uint32_t instruction, unsigned int rs1, int64_t imm)
{
    for (unsigned int i = 0; i < 32; i++) {
        step.x[i] = PATTERN(i);
    }
    step.x[rs1] = device.address - (uint64_t)imm;
    step_run(&step, instruction);
}

static void complain(uint32_t instruction, unsigned int reg, uint64_t got, uint64_t want)
{
    if (wrong++ < 10) {
        print("# instruction 0x%x: x%u 0x%lx, not 0x%lx\n", instruction, reg, got, want);
    }
}

/* All but `changed` are as `run` made them. */
static void compare(uint32_t instruction, unsigned int rs1, int64_t imm, unsigned int changed,
                    uint64_t value)
{
    for (unsigned int i = 1; i < 32; i++) {
        uint64_t want = i == rs1 ? device.address - (uint64_t)imm : PATTERN(i);
        want = i == changed ? value : want;
        if (step.x[i] != want) {
            complain(instruction, i, step.x[i], want);
        }
    }
}

static void try_load(uint32_t instruction, unsigned int rd, unsigned int rs1, int64_t imm,
                     bool sign)
{
    uint32_t written = (uint32_t)PATTERN(rd + 40);
    write32(device.address, written);
    uint32_t word = (written & device.mask) | device.fixed;
    uint64_t want = sign ? (uint64_t)(int64_t)(int32_t)word : word;
    run(instruction, rs1, imm);
    compare(instruction, rs1, imm, rd, want);
}

static void try_store(uint32_t instruction, unsigned int rs2, unsigned int rs1, int64_t imm)
{
    uint64_t value = rs2 == rs1 ? device.address - (uint64_t)imm : rs2 == 0 ? 0 : PATTERN(rs2);
    uint32_t want = ((uint32_t)value & device.mask) | device.fixed;
    write32(device.address, ~(uint32_t)value);
    run(instruction, rs1, imm);
    compare(instruction, rs1, imm, 0, 0);
    uint32_t got = read32(device.address);
    if (got != want) {
        complain(instruction, rs2, got, want);
    }
}

static void none_wrong(const char *what)
{
    check_eq(what, wrong, 0);
    wrong = 0;
}

static void test_words(void)
{
    static const int offsets[] = {0, 4, -4, 2047, -2048, 1, -1};
    for (unsigned int rs1 = 1; rs1 < 32; rs1++) {
        for (unsigned int reg = 0; reg < 32; reg++) {
            int imm = offsets[(rs1 + reg) % 7];
            try_load(load(WORD, reg, rs1, imm), reg, rs1, imm, true);
            try_load(load(WORD | UNSIGNED, reg, rs1, imm), reg, rs1, imm, false);
            try_store(store(WORD, reg, rs1, imm), reg, rs1, imm);
        }
    }
    none_wrong("lw, lwu and sw with all registers");
}

static void test_compressed(void)
{
    for (unsigned int rs1 = 8; rs1 < 16; rs1++) {
        for (unsigned int reg = 8; reg < 16; reg++) {
            uint32_t offset = (rs1 * 8 + reg) % 32 * 4;
            try_load(compressed(0x4000, reg, rs1, offset), reg, rs1, offset, true);
            try_store(compressed(0xc000, reg, rs1, offset), reg, rs1, offset);
        }
    }
    none_wrong("c.lw and c.sw with all registers");
    for (unsigned int reg = 0; reg < 32; reg++) {
        for (uint32_t offset = 0; offset < 256; offset += 4) {
            if (reg != 0) {
                try_load(c_lwsp(reg, offset), reg, 2, offset, true);
            }
            try_store(c_swsp(reg, offset), reg, 2, offset);
        }
    }
    none_wrong("c.lwsp and c.swsp with all registers");
}

/* No access of a word: an access fault [RVPLIC 3], and no register or device changes. */
static void refused(const char *name, uint32_t instruction, uint64_t cause)
{
    static uint32_t code[3] __attribute__((aligned(8)));
    const volatile struct port_fault *fault = &port_fault[port_cpu()];
    uint64_t before = fault->count;
    code[0] = instruction;
    code[1] = 0x00058513; /* mv a0, a1 */
    code[2] = 0x00008067; /* ret */
    write32(device.address, ~0U);
    uint32_t kept = read32(device.address);
    /* The instructions are fetched as they were written. */
    __asm__ volatile("fence.i" ::: "memory");
    trap_expect(true);
    uint64_t a1 = ((uint64_t (*)(uint64_t, uint64_t))(uintptr_t)code)(device.address, 0x55);
    trap_expect(false);
    print("# %s\n", name);
    check_eq("one exception", (int64_t)(fault->count - before), 1);
    check_eq("its cause", (int64_t)fault->cause, (int64_t)cause);
    check_eq("its address", (int64_t)fault->address, (int64_t)device.address);
    check_eq("no register changes", (int64_t)a1, 0x55);
    check_eq("nor does the device", read32(device.address), kept);
}

/* In all of them a0 is the address and a1 the other register. */
static void test_refused(void)
{
    static const struct {
        const char *name;
        uint32_t instruction;
        uint64_t cause;
    } forms[] = {
        {"lb", 0x00050583, CAUSE_LOAD_ACCESS},         {"lh", 0x00051583, CAUSE_LOAD_ACCESS},
        {"ld", 0x00053583, CAUSE_LOAD_ACCESS},         {"lbu", 0x00054583, CAUSE_LOAD_ACCESS},
        {"lhu", 0x00055583, CAUSE_LOAD_ACCESS},        {"sb", 0x00b50023, CAUSE_STORE_ACCESS},
        {"sh", 0x00b51023, CAUSE_STORE_ACCESS},        {"sd", 0x00b53023, CAUSE_STORE_ACCESS},
        {"c.ld", C_NOP | 0x610c, CAUSE_LOAD_ACCESS},   {"c.sd", C_NOP | 0xe10c, CAUSE_STORE_ACCESS},
        {"flw", 0x00052587, CAUSE_LOAD_ACCESS},        {"fld", 0x00053587, CAUSE_LOAD_ACCESS},
        {"fsw", 0x00b52027, CAUSE_STORE_ACCESS},       {"fsd", 0x00b53027, CAUSE_STORE_ACCESS},
        {"lr.w", 0x100525af, CAUSE_LOAD_ACCESS},       {"amoadd.w", 0x00b525af, CAUSE_STORE_ACCESS},
        {"amoswap.d", 0x08b535af, CAUSE_STORE_ACCESS},
    };
    for (unsigned int i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        refused(forms[i].name, forms[i].instruction, forms[i].cause);
    }
}

static bool find_device(void)
{
    uint64_t size;
    dt_node node = dt_compatible(NULL, "riscv,plic0");
    if (node && dt_reg(node, 0, &device.address, &size)) {
        device.address += PLIC_ENABLE;
        write32(device.address, ~0U);
        device.mask = read32(device.address);
        check("enable bits can be set", (device.mask | 1) == ~0U);
        return true;
    }
    node = dt_compatible(NULL, "riscv,aplic");
    if (node && dt_reg(node, 0, &device.address, &size)) {
        device.mask = APLIC_IE;
        device.fixed = read32(device.address) & ~device.mask;
        return true;
    }
    return false;
}

void guest_main(void)
{
    if (!find_device()) {
        give_up("no interrupt controller in the device tree");
    }
    test_words();
    test_compressed();
    write32(device.address, 0);
    if (!cpu_native()) {
        test_refused();
    }
    write32(device.address, 0);
}
