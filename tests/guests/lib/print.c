/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A small printf over the console.
 */
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/port.h>
#include <guest/print.h>
#include <stdarg.h>

enum {
    LINE = 240
};

struct line {
    char text[LINE];
    size_t used;
};

void console_write(const char *text, size_t length)
{
    if (port_event_irq() == 0) {
        port_uart_write(text, length);
    } else {
        char copy[LINE];
        size_t size = length < LINE ? length : LINE;
        memcpy(copy, text, size);
        console_io(CONSOLEIO_write, size, copy);
    }
}

static void line_put(struct line *line, char c)
{
    if (line->used < LINE - 1) {
        line->text[line->used++] = c;
    }
}

static void line_number(struct line *line, uint64_t value, unsigned int base, unsigned int width,
                        char fill)
{
    char digits[20];
    unsigned int count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    for (unsigned int i = count; i < width; i++) {
        line_put(line, fill);
    }
    while (count > 0) {
        line_put(line, digits[--count]);
    }
}

static void line_string(struct line *line, const char *text, unsigned int width)
{
    unsigned int count = 0;
    for (; text[count] != 0; count++) {
        line_put(line, text[count]);
    }
    for (; count < width; count++) {
        line_put(line, ' ');
    }
}

/* One conversion; `format` is behind the `%`. Returns what follows it. */
static const char *line_convert(struct line *line, const char *format, va_list *arguments)
{
    char fill = *format == '0' ? '0' : ' ';
    unsigned int width = 0;
    for (; *format >= '0' && *format <= '9'; format++) {
        width = width * 10 + (unsigned int)(*format - '0');
    }
    bool wide = *format == 'l';
    format += wide ? 1 : 0;
    if (*format == 's') {
        line_string(line, va_arg(*arguments, const char *), width);
    } else if (*format == 'c') {
        line_put(line, (char)va_arg(*arguments, int));
    } else if (*format == 'd') {
        long value = wide ? va_arg(*arguments, long) : va_arg(*arguments, int);
        uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
        if (value < 0) {
            line_put(line, '-');
        }
        line_number(line, size, 10, width, fill);
    } else {
        uint64_t value =
            wide ? va_arg(*arguments, unsigned long) : va_arg(*arguments, unsigned int);
        line_number(line, value, *format == 'x' ? 16 : 10, width, fill);
    }
    return format + 1;
}

static void line_format(struct line *line, const char *format, va_list *arguments)
{
    while (*format != 0) {
        if (*format == '%') {
            format = line_convert(line, format + 1, arguments);
        } else {
            line_put(line, *format++);
        }
    }
}

void print(const char *format, ...)
{
    struct line line = {.used = 0};
    va_list arguments;
    va_start(arguments, format);
    line_format(&line, format, &arguments);
    va_end(arguments);
    console_write(line.text, line.used);
}

void print_to(char *text, size_t size, const char *format, ...)
{
    struct line line = {.used = 0};
    va_list arguments;
    va_start(arguments, format);
    line_format(&line, format, &arguments);
    va_end(arguments);
    size_t length = line.used < size ? line.used : size - 1;
    memcpy(text, line.text, length);
    text[length] = 0;
}
