/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The syntax of values on Xen's command line: booleans, numbers, sizes, log levels. Which option
 * takes which is in the table of cmdline.c.
 */
#include <xen/cmdline.h>
#include <xen/lib.h>
#include <xen/string.h>

int cmdline_bool(const char *s)
{
    static const char *const yes[] = {"1", "on", "yes", "true", "enable"};
    static const char *const no[] = {"0", "off", "no", "false", "disable"};

    for (size_t i = 0; i < ARRAY_SIZE(yes); i++) {
        if (strcmp(s, yes[i]) == 0) {
            return 1;
        }
        if (strcmp(s, no[i]) == 0) {
            return 0;
        }
    }
    return -1;
}

static unsigned int cmdline_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned int)(c - '0');
    }
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? (unsigned int)(c - 'a') + 10 : 16;
}

bool cmdline_number(const char *s, const char **end, uint64_t *number)
{
    unsigned int base = 10;

    if (s[0] == '0' && (s[1] | 0x20) == 'x' && cmdline_digit(s[2]) < 16) {
        base = 16;
        s += 2;
    } else if (s[0] == '0') {
        base = 8;
    }

    const char *start = s;

    for (*number = 0; cmdline_digit(*s) < base; s++) {
        if (mul_overflows(*number, base, number) ||
            add_overflows(*number, cmdline_digit(*s), number)) {
            return false;
        }
    }
    *end = s;
    return s != start;
}

bool cmdline_size(const char *s, const char **end, uint64_t *size)
{
    unsigned int shift = 10; /* a bare number counts KiB */

    if (!cmdline_number(s, &s, size)) {
        return false;
    }

    static const char units[] = "bkmgt";
    const char *unit = *s == '\0' ? NULL : strchr(units, *s | 0x20);

    if (unit != NULL) {
        shift = (unsigned int)(unit - units) * 10;
        s++;
    }
    *end = s;
    return !mul_overflows(*size, UINT64_C(1) << shift, size);
}

bool cmdline_skip(const char **s, const char *prefix)
{
    size_t length = strlen(prefix);

    if (strncmp(*s, prefix, length) != 0) {
        return false;
    }
    *s += length;
    return true;
}

static bool cmdline_level(const char **s, uint8_t *threshold)
{
    static const struct {
        const char *name;
        uint8_t threshold;
    } levels[] = {{"none", 0}, {"error", 1}, {"warning", 2}, {"info", 3}, {"debug", 4}, {"all", 4}};

    for (size_t i = 0; i < ARRAY_SIZE(levels); i++) {
        if (cmdline_skip(s, levels[i].name)) {
            *threshold = levels[i].threshold;
            return true;
        }
    }
    return false;
}

bool cmdline_threshold(const char *value, struct log_threshold *to)
{
    struct log_threshold t;

    if (value == NULL || !cmdline_level(&value, &t.print)) {
        return false;
    }
    t.limit = t.print;
    if (*value == '/') {
        value++;
        if (!cmdline_level(&value, &t.limit)) {
            return false;
        }
    }
    if (*value != '\0') {
        return false;
    }
    t.limit = t.limit < t.print ? t.print : t.limit;
    *to = t;
    return true;
}
