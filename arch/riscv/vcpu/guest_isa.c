/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of the harts' extensions guests are told of: what is named here, is usable, and is in every
 * hart, since a vCPU may run on any. The list is of what is known to work: an extension that nobody
 * has looked at may have state, or need a bit, that this hypervisor does not know.
 */
#include <asm/guest_dt.h>
#include <asm/isa.h>
#include <xen/dt.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/opt.h>
#include <xen/printk.h>
#include <xen/string.h>

#define ISA_TEXT 1024u /* bytes of all names, each with its NUL */

/*
 * In the order of an ISA string [RVUNPRIV 27.11]. Unprivileged ones work in a guest by themselves
 * when they are only instructions, or promises. Not here for what else they need: zcmt (jvt),
 * zicfilp (landing pad state), zicfiss (ssp), zihpm (the host's counters), zkr (seed traps), q
 * (wider registers), zfinx and its kin (F's state in x registers). Of the supervisor's, those
 * without an enable bit, and those that the hypervisor enables.
 */
static const char *const known[] = {
    "i",        "m",         "a",           "f",
    "d",        "c",         "b",           "v",
    "zic64b",   "zicbom",    "zicbop",      "zicboz",
    "ziccamoa", "ziccamoc",  "ziccif",      "zicclsm",
    "ziccrse",  "zicntr",    "zicond",      "zicsr",
    "zifencei", "zihintntl", "zihintpause", "zimop",
    "zmmul",    "za128rs",   "za64rs",      "zaamo",
    "zabha",    "zacas",     "zalrsc",      "zama16b",
    "zawrs",    "zfa",       "zfbfmin",     "zfh",
    "zfhmin",   "zca",       "zcb",         "zcd",
    "zcmop",    "zcmp",      "zba",         "zbb",
    "zbc",      "zbkb",      "zbkc",        "zbkx",
    "zbs",      "zkn",       "zknd",        "zkne",
    "zknh",     "zks",       "zksed",       "zksh",
    "zkt",      "ztso",      "zvbb",        "zvbc",
    "zve32f",   "zve32x",    "zve64d",      "zve64f",
    "zve64x",   "zvfbfmin",  "zvfbfwma",    "zvfh",
    "zvfhmin",  "zvkb",      "zvkg",        "zvkn",
    "zvknc",    "zvkned",    "zvkng",       "zvknha",
    "zvknhb",   "zvks",      "zvksc",       "zvksed",
    "zvksg",    "zvksh",     "zvkt",        "zvl1024b",
    "zvl128b",  "zvl256b",   "zvl32b",      "zvl512b",
    "zvl64b",   "ssaia",     "ssccptr",     "sscounterenw",
    "sstc",     "sstvala",   "sstvecd",     "ssu64xl",
    "svadu",    "svinval",   "svnapot",     "svpbmt",
    "svvptc",
};

/* Names for several at once: each member counts by itself, and the name only where it is known,
 * too, so not where a member is denied. */
static const struct {
    const char *name;
    const char *members;
} bundles[] = {
    {"g", "i_m_a_f_d_zicsr_zifencei"},
    {"b", "zba_zbb_zbs"},
    {"zce", "zca_zcb_zcmp"},                         /* and zcmt */
    {"zk", "zkn_zbkb_zbkc_zbkx_zknd_zkne_zknh_zkt"}, /* and zkr */
    {"zkn", "zbkb_zbkc_zbkx_zknd_zkne_zknh"},
    {"zks", "zbkb_zbkc_zbkx_zksed_zksh"},
    {"zvkn", "zvkned_zvknhb_zvkb_zvkt"},
    {"zvknc", "zvkn_zvkned_zvknhb_zvkb_zvkt_zvbc"},
    {"zvkng", "zvkn_zvkned_zvknhb_zvkb_zvkt_zvkg"},
    {"zvks", "zvksed_zvksh_zvkb_zvkt"},
    {"zvksc", "zvks_zvksed_zvksh_zvkb_zvkt_zvbc"},
    {"zvksg", "zvks_zvksed_zvksh_zvkb_zvkt_zvkg"},
};

/* Usable when every hart has it and cpu/ and vcpu/ have enabled it for guests; all of zv* needs
 * V. */
static const struct {
    const char *name;
    enum isa_extension extension;
} enabled[] = {
    {"f", ISA_F},           {"zfa", ISA_F},         {"zfbfmin", ISA_F},   {"zfh", ISA_F},
    {"zfhmin", ISA_F},      {"d", ISA_D},           {"zcd", ISA_D},       {"v", ISA_V},
    {"sstc", ISA_SSTC},     {"svpbmt", ISA_SVPBMT}, {"svadu", ISA_SVADU}, {"zicbom", ISA_ZICBOM},
    {"zicboz", ISA_ZICBOZ},
};

static bool told[ARRAY_SIZE(known)];

/* Ssaia only with interrupt files: stopi of a guest that has VSEIP from hvip alone may leave that
 * out, as QEMU's does (target/riscv/csr.c, 10.0). */
static bool isa_usable(const char *name, bool files)
{
    if (strcmp(name, "ssaia") == 0) {
        return files;
    }
    if (strcmp(name, "zawrs") == 0) {
        /* Where WFI traps, WRS.NTO does, too, and a spinning guest would do nothing else. */
        return isa_has(ISA_ZAWRS) && opt.vwfi_native;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(enabled); i++) {
        if (strcmp(enabled[i].name, name) == 0) {
            return isa_has(enabled[i].extension);
        }
    }
    return strncmp(name, "zv", 2) != 0 || isa_has(ISA_V);
}

bool guest_isa_has(const char *name)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        if (told[i] && strcmp(known[i], name) == 0) {
            return true;
        }
    }
    return false;
}

static bool isa_is(const char *name, const char *text, size_t len)
{
    return name[0] == text[0] && strncmp(name, text, len) == 0 && name[len] == '\0';
}

static void isa_add(bool *has, const char *name, size_t len)
{
    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        has[i] |= isa_is(known[i], name, len);
    }
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Length of a name without its version, "2" or "2p1" [RVUNPRIV 27.8]: no known name ends with a
 * digit. */
static size_t isa_unversioned(const char *name, size_t len)
{
    size_t n = len;

    while (n != 0 && is_digit(name[n - 1u])) {
        n--;
    }
    if (n < len && n > 1 && name[n - 1u] == 'p' && is_digit(name[n - 2u])) {
        n--;
        while (n != 0 && is_digit(name[n - 1u])) {
            n--;
        }
    }
    return n;
}

/* One name of the host's, with the members of what it stands for. */
static void isa_add_name(bool *has, const char *name, size_t len)
{
    len = isa_unversioned(name, len);
    isa_add(has, name, len);
    for (unsigned int i = 0; i < ARRAY_SIZE(bundles); i++) {
        const char *s = isa_is(bundles[i].name, name, len) ? bundles[i].members : NULL;

        while (s != NULL) {
            const char *end = strchr(s, '_');

            isa_add(has, s, end != NULL ? (size_t)(end - s) : strlen(s));
            s = end != NULL ? end + 1 : NULL;
        }
    }
}

/* Digits, 'p' and digits behind a single letter. */
static size_t isa_version(const char *s)
{
    size_t n = 0;

    while (is_digit(s[n]) || (s[n] == 'p' && n != 0 && is_digit(s[n + 1u]))) {
        n++;
    }
    return n;
}

/* The old form: rv64imac_zba_zbb. Letters stand alone up to the first of a longer name. */
static void isa_read_string(bool *has, const char *s)
{
    s += strncmp(s, "rv64", 4) == 0 ? 4u : 0u;
    while (*s != '\0') {
        if (*s == '_') {
            s++;
        } else if (strchr("szx", *s) == NULL) {
            isa_add_name(has, s, 1);
            s += 1u + isa_version(s + 1);
        } else {
            const char *end = strchr(s, '_');
            size_t len = end != NULL ? (size_t)(end - s) : strlen(s);

            isa_add_name(has, s, len);
            s += len;
        }
    }
}

static void isa_read_list(bool *has, const struct fdt_prop *p)
{
    const char *list = (const char *)p->data;
    uint32_t at = 0;

    while (at < p->len) {
        size_t len = strnlen(list + at, p->len - at);

        isa_add_name(has, list + at, len);
        at += (uint32_t)len + 1u;
    }
}

static void isa_read_hart(bool *has, const struct dt_node *node)
{
    const char *string = dt_string(&dt_host, node, "riscv,isa");
    struct fdt_prop p;

    if (dt_prop(&dt_host, node, "riscv,isa-extensions", &p)) {
        isa_read_list(has, &p);
    } else if (string != NULL) {
        isa_read_string(has, string);
    }
}

static void isa_read(bool files)
{
    struct dt_cpu host;

    if (guest_isa_has("i")) {
        return;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        told[i] = isa_usable(known[i], files);
    }
    for (uint32_t cpu = 0; dt_cpu(&dt_host, cpu, &host) == 0; cpu++) {
        bool has[ARRAY_SIZE(known)] = {false};

        isa_read_hart(has, host.node);
        for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
            told[i] &= has[i];
        }
    }
    if (!guest_isa_has("i")) {
        panic("A hart's node in /cpus names no ISA that a guest can have\n");
    }
}

/* The same as one string, riscv,isa. */
static void isa_write_string(struct fdt_builder *out)
{
    static char text[ISA_TEXT];

    (void)strlcpy(text, "rv64", sizeof(text));
    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        if (told[i]) {
            (void)strlcat(text, known[i][1] != '\0' ? "_" : "", sizeof(text));
            (void)strlcat(text, known[i], sizeof(text));
        }
    }
    fdt_build_string(out, "riscv,isa", text);
}

static void isa_write_list(struct fdt_builder *out)
{
    static char names[ISA_TEXT]; /* NUL after each */
    size_t len = 0;

    for (unsigned int i = 0; i < ARRAY_SIZE(known); i++) {
        size_t size = strlen(known[i]) + 1u;

        if (told[i] && len + size <= sizeof(names)) {
            memcpy(names + len, known[i], size);
            len += size;
        }
    }
    fdt_build_prop(out, "riscv,isa-extensions", names, (uint32_t)len);
}

void guest_isa_write(struct fdt_builder *out, bool files)
{
    isa_read(files);
    isa_write_string(out);
    fdt_build_string(out, "riscv,isa-base", "rv64i");
    isa_write_list(out);
}
