/* SPDX-License-Identifier: Apache-2.0 */
/* What the harts can do: read from the device tree [Linux riscv/extensions.yaml], then checked by
 * what the registers of the boot hart say. */
#include <asm/csr.h>
#include <asm/isa.h>
#include <xen/dt.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

static const struct {
    const char *name;
    enum isa_extension extension;
} extensions[] = {
    /* In the order of an ISA string [RVUNPRIV 27.11]. */
    {"f", ISA_F},
    {"d", ISA_D},
    {"v", ISA_V},
    {"h", ISA_H},
    {"zicbom", ISA_ZICBOM},
    {"zicboz", ISA_ZICBOZ},
    {"zihintpause", ISA_ZIHINTPAUSE},
    {"zawrs", ISA_ZAWRS},
    {"zbb", ISA_ZBB},
    {"smstateen", ISA_SMSTATEEN},
    {"ssstateen", ISA_SMSTATEEN},
    {"ssaia", ISA_SSAIA},
    {"sscofpmf", ISA_SSCOFPMF},
    {"sstc", ISA_SSTC},
    {"svadu", ISA_SVADU},
    {"svinval", ISA_SVINVAL},
    {"svpbmt", ISA_SVPBMT},
};

uint64_t isa_bits;
uint32_t isa_cbom_size, isa_cboz_size;

static bool isa_is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The bit of a name of `n` characters, which may end with its version ("zbb1p0"); 0: not ours. */
static uint64_t isa_bit(const char *name, size_t n)
{
    if (n == 1 && *name == 'g') {
        return 1ul << ISA_F | 1ul << ISA_D;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(extensions); i++) {
        size_t length = strlen(extensions[i].name);

        if (n >= length && strncmp(name, extensions[i].name, length) == 0 &&
            (n == length || isa_is_digit(name[length]))) {
            return 1ul << extensions[i].extension;
        }
    }
    return 0;
}

/* riscv,isa: rv64, single letters, then names that begin with s, x or z, each may be followed by a
 * version; '_' between them [RVUNPRIV 27]. */
static uint64_t isa_parse(const char *s)
{
    uint64_t bits = 0;

    if (strncmp(s, "rv64", 4) != 0) {
        return 0;
    }
    for (s += 4; *s != '\0';) {
        size_t n = 1;

        if (*s == 's' || *s == 'x' || *s == 'z') {
            while (s[n] != '\0' && s[n] != '_') {
                n++;
            }
        }
        bits |= isa_bit(s, n);
        s += n;
        while (*s == '_' || isa_is_digit(*s) || (*s == 'p' && isa_is_digit(s[1]))) {
            s++;
        }
    }
    return bits;
}

static uint64_t isa_of(const struct dt_node *cpu)
{
    struct fdt_prop p;
    const char *s;
    uint64_t bits = 0;

    if (dt_prop(&dt_host, cpu, "riscv,isa-extensions", &p)) {
        fdt_for_each_string(&p, s) {
            bits |= isa_bit(s, strlen(s));
        }
        return bits;
    }
    s = dt_string(&dt_host, cpu, "riscv,isa");
    return s != NULL ? isa_parse(s) : 0;
}

/* The smallest block of all harts, 0 if one is unusable. */
static uint32_t isa_block_size(const struct dt_node *cpu, const char *name, uint32_t others)
{
    uint32_t size = 0;

    if (!dt_u32(&dt_host, cpu, name, &size) || !is_power_of_2(size) || size < 8 || size > 4096) {
        return 0;
    }
    return min_u32(size, others);
}

/* What the firmware has not opened does not count. Needs H. */
static void isa_check_registers(void)
{
    uint64_t opened;

    csr_write(CSR_HENVCFG, ENVCFG_STCE | ENVCFG_PBMTE | ENVCFG_ADUE);
    opened = csr_read(CSR_HENVCFG); /* read-only zero where menvcfg has 0 [RVPRIV 18.2.5] */
    csr_write(CSR_HENVCFG, 0);
    if ((opened & ENVCFG_STCE) == 0 || !csr_readable(CSR_STIMECMP)) {
        isa_bits &= ~(1ul << ISA_SSTC);
    }
    if ((opened & ENVCFG_PBMTE) == 0) {
        isa_bits &= ~(1ul << ISA_SVPBMT);
    }
    if ((opened & ENVCFG_ADUE) == 0) {
        isa_bits &= ~(1ul << ISA_SVADU);
    }
    if (!csr_readable(CSR_HVIEN) || !csr_readable(CSR_STOPI)) {
        isa_bits &= ~(1ul << ISA_SSAIA);
    }
    if (!csr_readable(CSR_HSTATEEN0)) {
        isa_bits &= ~(1ul << ISA_SMSTATEEN);
    }
}

static void isa_print(void)
{
    printk("ISA of all harts: rv64ima");
    for (unsigned int i = 0, seen = ISA_EXTENSIONS; i < ARRAY_SIZE(extensions); i++) {
        if (isa_has(extensions[i].extension) && extensions[i].extension != seen) {
            printk("%s%s", i < 4 ? "" : "_", extensions[i].name);
        }
        seen = extensions[i].extension;
    }
    printk("\n");
}

void isa_discover(void)
{
    struct dt_cpu cpu;

    isa_bits = UINT64_MAX;
    isa_cbom_size = isa_cboz_size = UINT32_MAX;
    if (dt_cpu(&dt_host, 0, &cpu) != 0) {
        panic("/cpus of the device tree has no usable CPU: none with device_type cpu, a reg and no "
              "status but okay\n");
    }
    for (uint32_t i = 0; dt_cpu(&dt_host, i, &cpu) == 0; i++) {
        isa_bits &= isa_of(cpu.node);
        isa_cbom_size = isa_block_size(cpu.node, "riscv,cbom-block-size", isa_cbom_size);
        isa_cboz_size = isa_block_size(cpu.node, "riscv,cboz-block-size", isa_cboz_size);
    }
    isa_bits &= (1ul << ISA_EXTENSIONS) - 1u;
    if (!isa_has(ISA_H) || !csr_readable(CSR_HSTATUS)) {
        panic(
            "the hypervisor extension (H) is missing: %s. QEMU: -cpu rv64,h=on; a board: it needs "
            "a CPU with H\n",
            csr_readable(CSR_HSTATUS) ? "a CPU of the device tree has no h in riscv,isa"
                                      : "hstatus cannot be read");
    }
    isa_check_registers();
    if (isa_cbom_size == 0) {
        isa_bits &= ~(1ul << ISA_ZICBOM);
    }
    if (isa_cboz_size == 0) {
        isa_bits &= ~(1ul << ISA_ZICBOZ);
    }
    isa_print();
    if (!isa_has(ISA_SSAIA)) {
        printk(XENLOG_WARNING
               "No Ssaia: guests get no event channel interrupt, so Xen's drivers do "
               "not work in them. QEMU: -cpu rv64,smaia=on,ssaia=on, or -machine "
               "virt,aia=aplic-imsic\n");
    }
}
