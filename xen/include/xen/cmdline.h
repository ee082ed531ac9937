/*
 * Xen's command line: parsing it into one structure that the rest of the core reads. Option names
 * and value syntax are Xen's. Nothing here fails: a wrong value or unknown name is remembered, the
 * default stays, and cmdline_report prints it once the console works.
 */
#pragma once

#include <xen/compiler.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CMDLINE_MAX   1024 /* bytes kept, with the NUL */
#define CMDLINE_NOTES 16
#define CMDLINE_VALUE 128 /* longest string value, with the NUL */

enum console_timestamps {
    TIMESTAMPS_NONE,
    TIMESTAMPS_DATE,
    TIMESTAMPS_DATE_MS,
    TIMESTAMPS_BOOT,
    TIMESTAMPS_RAW
};

/*
 * Messages below `print` go out, those below `limit` go out within the rate limit. 0 none, 1 error
 * ... 4 all.
 */
struct log_threshold {
    uint8_t print;
    uint8_t limit;
};

struct xen_options {
    char console[CMDLINE_VALUE]; /* "dtuart", "none", ... as given */
    char dtuart[CMDLINE_VALUE];  /* alias or path, options after ':' */
    bool console_to_ring;
    uint64_t conring_size; /* bytes */
    char conswitch[8];     /* first character: the key; then 'x': input starts with Xen */
    enum console_timestamps console_timestamps;
    struct log_threshold loglvl;
    struct log_threshold guest_loglvl;

    uint64_t dom0_mem; /* bytes; 0: not given */
    uint64_t dom0_mem_min;
    uint64_t dom0_mem_max;       /* UINT64_MAX: not given */
    uint32_t dom0_max_vcpus_min; /* 0: not given */
    uint32_t dom0_max_vcpus_max;
    bool dom0_vcpus_pin;

    uint32_t maxcpus; /* 0: not given */
    char sched[16];   /* "null", "fair", "credit2", ...; "" when not given */
    uint32_t sched_ratelimit_us;
    bool vwfi_native;
    bool silo; /* xsm=silo: see access_talk */
    bool noreboot;
    bool ext_regions;
    uint32_t gnttab_max_frames;
    uint32_t gnttab_max_maptrack_frames;
};

extern struct xen_options opt;

/* A remark for cmdline_report: which word, and why. */
enum cmdline_remark {
    CMDLINE_UNKNOWN,
    CMDLINE_BAD_VALUE,
    CMDLINE_IGNORED
};

struct cmdline_note {
    uint16_t start; /* of the word in cmdline.text */
    uint16_t length;
    uint8_t remark;
};

/* What was parsed last. */
struct cmdline {
    char text[CMDLINE_MAX]; /* as given: what XENVER_commandline answers */
    bool cut;               /* it was longer */
    uint32_t notes_lost;
    uint32_t note_count;
    struct cmdline_note notes[CMDLINE_NOTES];
};

extern struct cmdline cmdline;

/* Sets `opt` to the defaults and applies `line` (NULL: empty) to it. Later options win. */
void cmdline_parse(const char *line);

/* Prints what cmdline_parse found strange, one warning for each word. */
void cmdline_report(void);

/* The values, for other boot input in the same syntax (dom0less nodes, XEN_SYSCTL parameters). */

/* 1 or 0 for Xen's words for yes and no, -1 when the word is neither. */
int cmdline_bool(const char *s);

/*
 * A number with C's prefixes for the base, or a size with Xen's suffixes B K M G T (either case, K
 * when none). *end is the first character not used. False: no digits, or more than 64 bits.
 */
bool cmdline_number(const char *s, const char **end, uint64_t *number);
bool cmdline_size(const char *s, const char **end, uint64_t *size);

/* <always>[/<rate limited>], each none, error, warning, info, debug or all. */
bool cmdline_threshold(const char *value, struct log_threshold *to);

/* If *s begins with `prefix`, moves it behind that. */
bool cmdline_skip(const char **s, const char *prefix);
