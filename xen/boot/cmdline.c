/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xen's command line: a table of options, the syntax of their values, and a list of remarks about
 * words that were not understood. What an option does is its reader's business. Names and values
 * are those of Xen's xen-command-line page, for the options that mean something on these machines.
 */
#include <xen/cmdline.h>
#include <xen/lib.h>
#include <xen/printk.h>
#include <xen/string.h>

#define WORD_MAX (CMDLINE_VALUE + 40)

struct cmdline cmdline;

enum option_kind {
    OPTION_BOOL,
    OPTION_UINT,
    OPTION_SIZE,
    OPTION_TEXT,
    OPTION_CUSTOM,
    OPTION_IGNORED
};

struct option {
    const char *name;
    enum option_kind kind;
    uint16_t room;                    /* of a text, with its NUL */
    void *target;                     /* bool, uint32_t, uint64_t or char[room] by kind */
    bool (*parse)(const char *value); /* custom; NULL value: no '=' */
};

/* dom0_mem=[<size>][,min:<size>][,max:<size>] in any order. */
static bool cmdline_dom0_mem(const char *value)
{
    uint64_t fixed = 0, least = 0, most = UINT64_MAX;

    while (value != NULL) {
        uint64_t *part = cmdline_skip(&value, "min:")   ? &least
                         : cmdline_skip(&value, "max:") ? &most
                                                        : &fixed;

        if (!cmdline_size(value, &value, part) || (*value != ',' && *value != '\0')) {
            return false;
        }
        if (*value == '\0') {
            opt.dom0_mem = fixed;
            opt.dom0_mem_min = least;
            opt.dom0_mem_max = most;
            return true;
        }
        value++;
    }
    return false;
}

/* dom0_max_vcpus=N, MIN-MAX, MIN- or -MAX. */
static bool cmdline_dom0_max_vcpus(const char *value)
{
    uint64_t least = 0, most;

    if (value == NULL || strcmp(value, "-") == 0 ||
        (*value != '-' && !cmdline_number(value, &value, &least))) {
        return false;
    }
    most = least;
    if (*value == '-') {
        value++;
        most = UINT32_MAX;
        if (*value != '\0' && !cmdline_number(value, &value, &most)) {
            return false;
        }
    }
    if (*value != '\0' || least > most || most == 0 || most > UINT32_MAX) {
        return false;
    }
    opt.dom0_max_vcpus_min = (uint32_t)least;
    opt.dom0_max_vcpus_max = (uint32_t)most;
    return true;
}

static bool cmdline_loglvl(const char *value)
{
    return cmdline_threshold(value, &opt.loglvl);
}

static bool cmdline_guest_loglvl(const char *value)
{
    return cmdline_threshold(value, &opt.guest_loglvl);
}

static bool cmdline_timestamps(const char *value)
{
    static const char *const names[] = {
        [TIMESTAMPS_NONE] = "none", [TIMESTAMPS_DATE] = "date", [TIMESTAMPS_DATE_MS] = "datems",
        [TIMESTAMPS_BOOT] = "boot", [TIMESTAMPS_RAW] = "raw",
    };
    int on = value == NULL ? 1 : cmdline_bool(value);

    if (on >= 0) {
        opt.console_timestamps = on == 1 ? TIMESTAMPS_DATE : TIMESTAMPS_NONE;
        return true;
    }
    for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
        if (strcmp(value, names[i]) == 0) {
            opt.console_timestamps = (enum console_timestamps)i;
            return true;
        }
    }
    return false;
}

static bool cmdline_vwfi(const char *value)
{
    if (value == NULL || (strcmp(value, "native") != 0 && strcmp(value, "trap") != 0)) {
        return false;
    }
    opt.vwfi_native = value[0] == 'n';
    return true;
}

static bool cmdline_xsm(const char *value)
{
    if (value == NULL || (strcmp(value, "silo") != 0 && strcmp(value, "dummy") != 0)) {
        return false;
    }
    opt.silo = value[0] == 's';
    return true;
}

#define BOOL(field)         {#field, OPTION_BOOL, 0, &opt.field, NULL}
#define UINT(field)         {#field, OPTION_UINT, 0, &opt.field, NULL}
#define SIZE(field)         {#field, OPTION_SIZE, 0, &opt.field, NULL}
#define TEXT(field)         {#field, OPTION_TEXT, sizeof(opt.field), opt.field, NULL}
#define CUSTOM(name, parse) {name, OPTION_CUSTOM, 0, NULL, parse}
#define IGNORED(name)       {name, OPTION_IGNORED, 0, NULL, NULL}

static const struct option options[] = {
    TEXT(console),
    TEXT(dtuart),
    BOOL(console_to_ring),
    SIZE(conring_size),
    TEXT(conswitch),
    CUSTOM("console_timestamps", cmdline_timestamps),
    CUSTOM("loglvl", cmdline_loglvl),
    CUSTOM("guest_loglvl", cmdline_guest_loglvl),
    CUSTOM("dom0_mem", cmdline_dom0_mem),
    CUSTOM("dom0_max_vcpus", cmdline_dom0_max_vcpus),
    BOOL(dom0_vcpus_pin),
    UINT(maxcpus),
    TEXT(sched),
    UINT(sched_ratelimit_us),
    CUSTOM("vwfi", cmdline_vwfi),
    CUSTOM("xsm", cmdline_xsm),
    BOOL(noreboot),
    BOOL(ext_regions),
    UINT(gnttab_max_frames),
    UINT(gnttab_max_maptrack_frames),

    /*
     * Real options of Xen that change nothing here. Output always waits for the UART
     * (sync_console); idle CPUs scrub what is free, and nobody gets memory before it is zeroed
     * (bootscrub).
     */
    IGNORED("bootscrub"),
    IGNORED("buddy-alloc-size"),
    IGNORED("com1"),
    IGNORED("cpufreq"),
    IGNORED("dom0-llc-colors"),
    IGNORED("dom0_nodes"),
    IGNORED("flask"),
    IGNORED("gnttab"),
    IGNORED("hmp-unsafe"),
    IGNORED("iommu"),
    IGNORED("llc-coloring"),
    IGNORED("llc-nr-ways"),
    IGNORED("llc-size"),
    IGNORED("pdx-compress"),
    IGNORED("reboot"),
    IGNORED("sched_credit_tslice_ms"),
    IGNORED("serrors"),
    IGNORED("spec-ctrl"),
    IGNORED("sync_console"),
    IGNORED("tbuf_size"),
    IGNORED("vmid"),
    IGNORED("watchdog"),
    IGNORED("watchdog_timeout"),
    IGNORED("xen-llc-colors"),
};

/* Names are compared with '-' and '_' as the same letter: people and pages mix them. */
static bool cmdline_same_name(const char *a, const char *b)
{
    for (; *a != '\0' || *b != '\0'; a++, b++) {
        char x = *a == '-' ? '_' : *a, y = *b == '-' ? '_' : *b;

        if (x != y) {
            return false;
        }
    }
    return true;
}

static const struct option *cmdline_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_SIZE(options); i++) {
        if (cmdline_same_name(options[i].name, name)) {
            return &options[i];
        }
    }
    return NULL;
}

/* Applies one option; false when the value is not usable. */
static bool cmdline_apply(const struct option *o, const char *value)
{
    uint64_t number;
    const char *end;
    int on;

    switch (o->kind) {
    case OPTION_BOOL:
        on = value == NULL ? 1 : cmdline_bool(value);
        if (on >= 0) {
            *(bool *)o->target = on == 1;
        }
        return on >= 0;
    case OPTION_UINT:
        if (value == NULL || !cmdline_number(value, &end, &number) || *end != '\0' ||
            number > UINT32_MAX) {
            return false;
        }
        *(uint32_t *)o->target = (uint32_t)number;
        return true;
    case OPTION_SIZE:
        if (value == NULL || !cmdline_size(value, &end, &number) || *end != '\0') {
            return false;
        }
        *(uint64_t *)o->target = number;
        return true;
    case OPTION_TEXT:
        if (value == NULL || strlen(value) >= o->room) {
            return false;
        }
        strlcpy(o->target, value, o->room);
        return true;
    case OPTION_CUSTOM: return o->parse(value);
    default: return true;
    }
}

static bool cmdline_set(const char *name, const char *value)
{
    const struct option *o = cmdline_find(name);

    return o != NULL && cmdline_apply(o, value);
}

static void cmdline_note(size_t start, size_t length, enum cmdline_remark remark)
{
    if (cmdline.note_count == CMDLINE_NOTES) {
        cmdline.notes_lost++;
        return;
    }
    cmdline.notes[cmdline.note_count++] =
        (struct cmdline_note){(uint16_t)start, (uint16_t)length, (uint8_t)remark};
}

/*
 * Splits a word into name and value and applies it. "no-x" is "x=no", for options that understand
 * that.
 */
static void cmdline_word(size_t start, size_t length)
{
    char word[WORD_MAX];

    if (length >= sizeof(word)) {
        cmdline_note(start, length, CMDLINE_BAD_VALUE);
        return;
    }
    memcpy(word, opt.line + start, length);
    word[length] = '\0';

    char *equals = strchr(word, '=');
    const char *name = word, *value = NULL;

    if (equals != NULL) {
        *equals = '\0';
        value = equals + 1;
    }

    const struct option *o = cmdline_find(name);

    if (o == NULL && value == NULL && cmdline_skip(&name, "no-")) {
        o = cmdline_find(name);
        value = "no";
        if (o != NULL && o->kind != OPTION_BOOL && o->kind != OPTION_CUSTOM &&
            o->kind != OPTION_IGNORED) {
            o = NULL;
        }
    }
    if (o == NULL) {
        cmdline_note(start, length, CMDLINE_UNKNOWN);
    } else if (!cmdline_apply(o, value)) {
        cmdline_note(start, length, CMDLINE_BAD_VALUE);
    } else if (o->kind == OPTION_IGNORED) {
        cmdline_note(start, length, CMDLINE_IGNORED);
    }
}

static void cmdline_defaults(void)
{
    opt = (struct xen_options){
        .console = "dtuart",
        .conring_size = KIB(16),
        .conswitch = "a",
        .console_timestamps = TIMESTAMPS_NONE,
        .loglvl = {3, 3},
        .guest_loglvl = {0, 2},
        .dom0_mem_max = UINT64_MAX,
        .sched_ratelimit_us = 1000,
        .silo = true,
        .ext_regions = true,
        .gnttab_max_frames = 64,
        .gnttab_max_maptrack_frames = 1024,
    };
}

static bool cmdline_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void cmdline_parse(const char *line)
{
    opt_set = cmdline_set;
    cmdline_defaults();
    memset(&cmdline, 0, sizeof(cmdline));
    if (line == NULL) {
        return;
    }
    cmdline.cut = strlcpy(opt.line, line, sizeof(opt.line)) >= sizeof(opt.line);

    for (size_t at = 0; opt.line[at] != '\0';) {
        size_t start = at;

        while (opt.line[at] != '\0' && !cmdline_is_space(opt.line[at])) {
            at++;
        }
        if (at != start) {
            cmdline_word(start, at - start);
        } else {
            at++;
        }
    }
}

void cmdline_report(void)
{
    static const char *const remarks[] = {
        [CMDLINE_UNKNOWN] = "is not known",
        [CMDLINE_BAD_VALUE] = "has a value that is not understood",
        [CMDLINE_IGNORED] = "has no effect on this hypervisor",
    };

    for (uint32_t i = 0; i < cmdline.note_count; i++) {
        const struct cmdline_note *note = &cmdline.notes[i];

        printk(XENLOG_WARNING "Command line: \"%.*s\" %s: ignored\n", note->length,
               opt.line + note->start, remarks[note->remark]);
    }
    if (cmdline.notes_lost != 0) {
        printk(XENLOG_WARNING "Command line: %u more words ignored\n", cmdline.notes_lost);
    }
    if (cmdline.cut) {
        printk(XENLOG_WARNING "Command line: cut after %u characters\n", CMDLINE_MAX - 1);
    }
}
