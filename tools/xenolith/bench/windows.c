/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A QEMU plugin that counts instructions by who executes them. A guest marks a window with hints,
 * which are no-ops everywhere: `slti x0, x0, 96 + k` opens window k, `slti x0, x0, 96` closes it,
 * `slti x0, x0, 127` says that the guest begins. Between them every instruction of every CPU counts
 * for the firmware or the hypervisor if its address is in the ranges given as firmware=LOW:HIGH and
 * hypervisor=LOW:HIGH (hexadecimal, repeatable), else for the guest. Each window becomes a line
 * `K GUEST HYPERVISOR FIRMWARE` of the file out=PATH; the line of 127 has all since reset.
 *
 * The prototypes are those of QEMU's plugin interface, version 4, which distributions do not
 * package.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EXPORT __attribute__((visibility("default")))

struct qemu_plugin_tb;
struct qemu_plugin_insn;
typedef uint64_t qemu_plugin_id_t;
typedef void translate_fn(qemu_plugin_id_t id, struct qemu_plugin_tb *block);
typedef void execute_fn(unsigned int cpu, void *data);

void qemu_plugin_register_vcpu_tb_trans_cb(qemu_plugin_id_t id, translate_fn *fn);
size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *block);
struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *block, size_t index);
size_t qemu_plugin_insn_data(const struct qemu_plugin_insn *insn, void *to, size_t size);
uint64_t qemu_plugin_insn_vaddr(const struct qemu_plugin_insn *insn);
void qemu_plugin_register_vcpu_insn_exec_cb(struct qemu_plugin_insn *insn, execute_fn *fn,
                                            int flags, void *data);

EXPORT int qemu_plugin_version = 4;
EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv);

enum {
    GUEST,
    HYPERVISOR,
    FIRMWARE,
    WHO,
    RANGES = 8,
    CLOSE = 96,
    BEGIN = 127
};

#define SLTI_X0      0x2013u
#define SLTI_X0_MASK 0xfffffu

static struct {
    uint64_t low, high;
    uintptr_t who;
} range[RANGES];
static unsigned int ranges;
static uint64_t count[WHO];
static uint64_t opened[WHO];
static uintptr_t window;
static FILE *out;

static void line(uintptr_t number, const uint64_t *since)
{
    fprintf(out, "%lu %lu %lu %lu\n", (unsigned long)number,
            (unsigned long)(count[GUEST] - since[GUEST]),
            (unsigned long)(count[HYPERVISOR] - since[HYPERVISOR]),
            (unsigned long)(count[FIRMWARE] - since[FIRMWARE]));
    fflush(out);
}

static void on_mark(unsigned int cpu, void *data)
{
    static const uint64_t reset[WHO];
    uintptr_t mark = (uintptr_t)data;
    (void)cpu;
    if (mark == BEGIN) {
        line(BEGIN, reset);
    } else if (mark == CLOSE) {
        if (window != 0) {
            line(window, opened);
        }
        window = 0;
    } else {
        window = mark - CLOSE;
        memcpy(opened, count, sizeof(opened));
    }
}

static void on_execute(unsigned int cpu, void *data)
{
    (void)cpu;
    count[(uintptr_t)data]++;
}

static uintptr_t who_is_at(uint64_t address)
{
    for (unsigned int i = 0; i < ranges; i++) {
        if (address >= range[i].low && address < range[i].high) {
            return range[i].who;
        }
    }
    return GUEST;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block)
{
    (void)id;
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        uint32_t word = 0;
        size_t size = qemu_plugin_insn_data(insn, &word, sizeof(word));
        uint32_t mark = word >> 20;
        if (size == 4 && (word & SLTI_X0_MASK) == SLTI_X0 && mark >= CLOSE && mark <= BEGIN) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_mark, 0, (void *)(uintptr_t)mark);
        } else {
            uintptr_t who = who_is_at(qemu_plugin_insn_vaddr(insn));
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_execute, 0, (void *)who);
        }
    }
}

static bool add_range(const char *text, uintptr_t who)
{
    char *end;
    if (ranges == RANGES) {
        return false;
    }
    range[ranges].low = strtoull(text, &end, 16);
    if (*end != ':') {
        return false;
    }
    range[ranges].high = strtoull(end + 1, &end, 16);
    range[ranges++].who = who;
    return *end == 0;
}

int qemu_plugin_install(qemu_plugin_id_t id, const void *info, int argc, char **argv)
{
    bool right = true;
    (void)info;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "firmware=", 9) == 0) {
            right &= add_range(argv[i] + 9, FIRMWARE);
        } else if (strncmp(argv[i], "hypervisor=", 11) == 0) {
            right &= add_range(argv[i] + 11, HYPERVISOR);
        } else if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else {
            right = false;
        }
    }
    if (!right || !out) {
        fprintf(stderr,
                "windows: arguments are out=FILE, firmware=LOW:HIGH, hypervisor=LOW:HIGH\n");
        return -1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
    return 0;
}
