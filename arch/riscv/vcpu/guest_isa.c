/*
 * Which of the harts' extensions guests are told of. Instructions without state and without an
 * enable bit of the hypervisor's work in a guest by themselves, so unprivileged extensions pass
 * unless named here; of the privileged ones only those pass that the hypervisor has made usable.
 */
#include <asm/guest_dt.h>
#include <asm/isa.h>
#include <asm/virq.h>
#include <xen/cmdline.h>
#include <xen/dt.h>
#include <xen/fdt_build.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

#define ISA_TEXT     1024u /* bytes of all names, each with its NUL */
#define ISA_NAME_MAX 24u
#define SINGLE       "imafdcbv" /* in the order of an ISA string [RVUNPRIV 27.11] */

static char names[ISA_TEXT]; /* NUL after each: what riscv,isa-extensions holds */
static uint32_t names_len;

/* Unprivileged extensions that need state moved or a bit set that this hypervisor does not. */
static const char *const denied[] = {
    "zcmt",    /* jvt */
    "zicfilp", /* ELP, landing pad state */
    "zicfiss", /* ssp */
    "zihpm",   /* counters belong to the host */
    "zkr",     /* seed traps */
    "zfinx",   /* would share state with F as we move it */
    "zdinx",   "zhinx", "zhinxmin", NULL,
};

/* Supervisor extensions without an enable bit. */
static const char *const allowed[] = {"svinval",      "svnapot", "ssccptr", "sstvala", "sstvecd",
                                      "sscounterenw", "ssu64xl", "svvptc",  NULL};

/* Usable when every hart has it and cpu/ and vcpu/ have enabled it for guests. */
static const struct {
    const char *name;
    enum isa_extension extension;
} enabled[] = {
    {"f", ISA_F},           {"d", ISA_D},         {"v", ISA_V},           {"sstc", ISA_SSTC},
    {"svpbmt", ISA_SVPBMT}, {"svadu", ISA_SVADU}, {"zicbom", ISA_ZICBOM}, {"zicboz", ISA_ZICBOZ},
};

static bool isa_listed(const char *const *list, const char *name)
{
    while (*list != NULL && strcmp(*list, name) != 0) {
        list++;
    }
    return *list != NULL;
}

/* Ssaia only with interrupt files: stopi of a guest that has VSEIP from hvip alone may leave that
 * out, as QEMU's does (target/riscv/csr.c, 10.0). */
static bool isa_usable(const char *name)
{
    if (strcmp(name, "ssaia") == 0) {
        return virq_guest_aia();
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
    if (name[1] == '\0') {
        return strchr(SINGLE, name[0]) != NULL;
    }
    if (name[0] == 'z') {
        return !isa_listed(denied, name) && (name[1] != 'v' || isa_has(ISA_V));
    }
    return isa_listed(allowed, name);
}

bool guest_isa_has(const char *name)
{
    for (uint32_t at = 0; at < names_len; at += (uint32_t)strlen(names + at) + 1u) {
        if (strcmp(names + at, name) == 0) {
            return true;
        }
    }
    return false;
}

static void isa_add(const char *name, size_t len)
{
    char one[ISA_NAME_MAX];

    if (len == 0 || len >= sizeof(one)) {
        return;
    }
    memcpy(one, name, len);
    one[len] = '\0';
    if (!isa_usable(one) || guest_isa_has(one) || names_len + len + 1u > sizeof(names)) {
        return;
    }
    memcpy(names + names_len, one, len + 1u);
    names_len += (uint32_t)len + 1u;
}

static size_t isa_digits(const char *s)
{
    size_t n = 0;

    while (s[n] >= '0' && s[n] <= '9') {
        n++;
    }
    return n;
}

/* A version, "2" or "2p1", behind the name of an extension [RVUNPRIV 27.8]. */
static size_t isa_version(const char *s)
{
    size_t n = isa_digits(s);

    return n != 0 && s[n] == 'p' ? n + 1u + isa_digits(s + n + 1u) : n;
}

/* The old form: rv64imac_zba_zbb. Letters stand alone up to the first of a longer name. */
static void isa_read_string(const char *s)
{
    s += strncmp(s, "rv64", 4) == 0 ? 4u : 0u;
    while (*s != '\0') {
        if (*s == '_') {
            s++;
        } else if (strchr("szx", *s) == NULL) {
            isa_add(s, 1);
            s += 1u + isa_version(s + 1);
        } else {
            const char *end = strchr(s, '_');
            size_t len = end != NULL ? (size_t)(end - s) : strlen(s);

            isa_add(s, len);
            s += len;
        }
    }
}

static void isa_read_list(const struct fdt_prop *p)
{
    const char *list = (const char *)p->data;
    uint32_t at = 0;

    while (at < p->len) {
        size_t len = strnlen(list + at, p->len - at);

        isa_add(list + at, len);
        at += (uint32_t)len + 1u;
    }
}

/* From the first hart: isa.c has seen to it that what needs more than instructions is in all. */
static void isa_read(void)
{
    struct dt_cpu host;
    struct fdt_prop p;
    const char *string;

    if (names_len != 0 || dt_cpu(&dt_host, 0, &host) != 0) {
        return;
    }
    string = dt_string(&dt_host, host.node, "riscv,isa");
    if (dt_prop(&dt_host, host.node, "riscv,isa-extensions", &p)) {
        isa_read_list(&p);
    } else if (string != NULL) {
        isa_read_string(string);
    }
    if (!guest_isa_has("i")) {
        panic("The first hart's node in /cpus names no ISA that a guest can have\n");
    }
}

/* The same as one string, single letters in their order. */
static void isa_write_string(struct fdt_builder *out)
{
    static char text[ISA_TEXT + 8];
    size_t len = strlcpy(text, "rv64", sizeof(text));

    for (const char *s = SINGLE; *s != '\0'; s++) {
        const char one[2] = {*s, '\0'};

        if (guest_isa_has(one)) {
            len = strlcat(text, one, sizeof(text));
        }
    }
    for (uint32_t at = 0; at < names_len; at += (uint32_t)strlen(names + at) + 1u) {
        if (names[at + 1u] != '\0') {
            (void)strlcat(text, "_", sizeof(text));
            len = strlcat(text, names + at, sizeof(text));
        }
    }
    if (len < sizeof(text)) {
        fdt_build_string(out, "riscv,isa", text);
    }
}

void guest_isa_write(struct fdt_builder *out)
{
    isa_read();
    isa_write_string(out);
    fdt_build_string(out, "riscv,isa-base", "rv64i");
    fdt_build_prop(out, "riscv,isa-extensions", names, names_len);
}
