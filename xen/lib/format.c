/* SPDX-License-Identifier: Apache-2.0 */
/*
 * printf formatting into a bounded buffer, see <xen/format.h> for what is understood. Where text
 * goes (console, ring) is the console's matter.
 */
#include <xen/format.h>
#include <xen/string.h>

#include <stdbool.h>
#include <stdint.h>

struct format_out {
    char *buffer;
    size_t size;
    size_t length; /* of the whole text, also what did not fit */
};

enum format_length {
    LENGTH_HH,
    LENGTH_H,
    LENGTH_INT,
    LENGTH_LONG
};

/* A conversion between '%' and its letter. */
struct format_spec {
    bool left, zero, alternate, plus, space;
    bool negative, upper;
    int width;
    int precision; /* negative: none */
    enum format_length length;
    unsigned int base;
};

/* long long, size_t, intmax_t and ptrdiff_t are as wide as long on every port. */
_Static_assert(sizeof(long) == sizeof(long long) && sizeof(long) == sizeof(size_t), "LP64");

static void format_put(struct format_out *out, char c)
{
    if (out->length + 1 < out->size) {
        out->buffer[out->length] = c;
    }
    out->length++;
}

static void format_pad(struct format_out *out, char c, int count)
{
    for (; count > 0; count--) {
        format_put(out, c);
    }
}

static void format_text(struct format_out *out, const struct format_spec *s, const char *text)
{
    if (text == NULL) {
        text = "(null)";
    }
    size_t length = s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision);
    int pad = length < (size_t)s->width ? s->width - (int)length : 0;

    format_pad(out, ' ', s->left ? 0 : pad);
    for (size_t i = 0; i < length; i++) {
        format_put(out, text[i]);
    }
    format_pad(out, ' ', s->left ? pad : 0);
}

/* What stands before the digits: a sign or 0x. */
static const char *format_prefix(const struct format_spec *s, uint64_t value)
{
    if (s->negative) {
        return "-";
    }
    if (s->plus) {
        return "+";
    }
    if (s->space) {
        return " ";
    }
    if (s->alternate && s->base == 16 && value != 0) {
        return s->upper ? "0X" : "0x";
    }
    return s->alternate && s->base == 8 && value != 0 ? "0" : "";
}

static void format_number(struct format_out *out, const struct format_spec *s, uint64_t value)
{
    const char *prefix = format_prefix(s, value);
    char digits[22]; /* 2^64 - 1 in octal */
    int count = 0;

    while (value != 0) {
        unsigned int digit = (unsigned int)(value % s->base);

        digits[count++] = (char)(digit < 10 ? '0' + digit : (s->upper ? 'A' : 'a') + digit - 10);
        value /= s->base;
    }

    int least = s->precision < 0 ? 1 : s->precision;
    int zeros = count < least ? least - count : 0;
    int pad = s->width - (int)strlen(prefix) - zeros - count;

    if (pad > 0 && s->zero && !s->left && s->precision < 0) {
        zeros += pad;
        pad = 0;
    }
    format_pad(out, ' ', s->left ? 0 : pad);
    while (*prefix != '\0') {
        format_put(out, *prefix++);
    }
    format_pad(out, '0', zeros);
    while (count > 0) {
        format_put(out, digits[--count]);
    }
    format_pad(out, ' ', s->left ? pad : 0);
}

static const char *format_flags(struct format_spec *s, const char *f)
{
    for (;; f++) {
        switch (*f) {
        case '-': s->left = true; break;
        case '0': s->zero = true; break;
        case '#': s->alternate = true; break;
        case '+': s->plus = true; break;
        case ' ': s->space = true; break;
        default: return f;
        }
    }
}

/* Bounded, so that hostile text cannot overflow an int; nobody prints fields wider than this. */
static const char *format_decimal(int *value, const char *f)
{
    *value = 0;
    for (; *f >= '0' && *f <= '9'; f++) {
        *value = *value < 4096 ? *value * 10 + (*f - '0') : *value;
    }
    return f;
}

static const char *format_length_modifier(struct format_spec *s, const char *f)
{
    s->length = LENGTH_INT;
    if (*f == 'h') {
        f++;
        s->length = LENGTH_H;
        if (*f == 'h') {
            f++;
            s->length = LENGTH_HH;
        }
        return f;
    }
    for (; *f == 'l' || *f == 'z' || *f == 'j' || *f == 't'; f++) {
        s->length = LENGTH_LONG;
    }
    return f;
}

static void format_signed(struct format_out *out, struct format_spec *s, int64_t value)
{
    if (s->length == LENGTH_HH) {
        value = (signed char)value;
    } else if (s->length == LENGTH_H) {
        value = (short)value;
    }
    s->base = 10;
    s->alternate = false;
    s->negative = value < 0;
    format_number(out, s, s->negative ? 0 - (uint64_t)value : (uint64_t)value);
}

static void format_unsigned(struct format_out *out, struct format_spec *s, char letter,
                            uint64_t value)
{
    if (s->length == LENGTH_HH) {
        value = (unsigned char)value;
    } else if (s->length == LENGTH_H) {
        value = (unsigned short)value;
    }
    s->plus = false;
    s->space = false;
    s->upper = letter == 'X';
    s->base = letter == 'u' ? 10 : letter == 'o' ? 8 : 16;
    format_number(out, s, value);
}

/*
 * A va_list that can be passed on by address: an array type on some machines, a pointer on others.
 */
struct format_args {
    va_list list;
};

/* The text of one conversion; false when the letter is not known. */
static bool format_conversion(struct format_out *out, struct format_spec *s, char letter,
                              struct format_args *args)
{
    switch (letter) {
    case '%': format_put(out, '%'); return true;
    case 'c': {
        char text[2] = {(char)va_arg(args->list, int), '\0'};

        s->precision = text[0] == '\0' ? 0 : 1;
        format_text(out, s, text);
        return true;
    }
    case 's': format_text(out, s, va_arg(args->list, const char *)); return true;
    case 'p':
        s->precision = 16;
        s->length = LENGTH_LONG;
        format_unsigned(out, s, 'x', (uintptr_t)va_arg(args->list, void *));
        return true;
    case 'd':
    case 'i':
        format_signed(
            out, s, s->length == LENGTH_LONG ? va_arg(args->list, long) : va_arg(args->list, int));
        return true;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        format_unsigned(out, s, letter,
                        s->length == LENGTH_LONG ? va_arg(args->list, unsigned long)
                                                 : va_arg(args->list, unsigned int));
        return true;
    default: return false;
    }
}

static const char *format_width(struct format_spec *s, const char *f, struct format_args *args)
{
    if (*f == '*') {
        s->width = va_arg(args->list, int);
        if (s->width < 0) {
            s->left = true;
            s->width = s->width < -4096 ? 4096 : -s->width;
        }
        f++;
    } else {
        f = format_decimal(&s->width, f);
    }
    s->precision = -1;
    if (*f == '.') {
        f++;
        if (*f == '*') {
            s->precision = va_arg(args->list, int);
            f++;
        } else {
            f = format_decimal(&s->precision, f);
        }
    }
    return f;
}

size_t vsnprintf(char *buffer, size_t size, const char *format, va_list list)
{
    struct format_out out = {buffer, size, 0};
    struct format_args args;

    va_copy(args.list, list);
    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            format_put(&out, *f);
            continue;
        }

        struct format_spec s = {.base = 10};
        const char *start = f;

        f = format_flags(&s, f + 1);
        f = format_width(&s, f, &args);
        f = format_length_modifier(&s, f);
        if (!format_conversion(&out, &s, *f, &args)) {
            while (start < f) {
                format_put(&out, *start++);
            }
            f--; /* the letter is ordinary text: perhaps the end */
        }
    }
    va_end(args.list);
    if (size != 0) {
        buffer[out.length < size ? out.length : size - 1] = '\0';
    }
    return out.length;
}

size_t snprintf(char *buffer, size_t size, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    size_t length = vsnprintf(buffer, size, format, args);

    va_end(args);
    return length;
}
