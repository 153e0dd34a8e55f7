/* SPDX-License-Identifier: MIT */
/*
 * printf's formats. A conversion is read into struct spec, its text made in a small buffer, then
 * padded.
 */
#include "lib/format.h"
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* One conversion, "%-08.3lx" say, as read. */
struct spec {
    int left, plus, space, alternate, zero; /* flags */
    size_t width;
    long precision; /* -1: none given */
    int length;     /* 'H' for hh, 'h', 0, 'l' for l, ll, z, j and t */
    char kind;
};

struct output {
    format_sink *sink;
    void *context;
    size_t bytes;
};

static void emit(struct output *o, const char *text, size_t bytes)
{
    if (bytes > 0)
        o->sink(o->context, text, bytes);
    o->bytes += bytes;
}

static void emit_repeat(struct output *o, char c, size_t count)
{
    char run[32];
    memset(run, c, sizeof run);
    while (count > 0) {
        size_t n = count < sizeof run ? count : sizeof run;
        emit(o, run, n);
        count -= n;
    }
}

static const char *read_flags(const char *f, struct spec *s)
{
    for (;; f++) {
        if (*f == '-')
            s->left = 1;
        else if (*f == '+')
            s->plus = 1;
        else if (*f == ' ')
            s->space = 1;
        else if (*f == '#')
            s->alternate = 1;
        else if (*f == '0')
            s->zero = 1;
        else
            return f;
    }
}

static const char *read_count(const char *f, long *count)
{
    *count = 0;
    for (; isdigit(*f); f++)
        if (*count < 100000)
            *count = *count * 10 + (*f - '0');
    return f;
}

static const char *read_length(const char *f, struct spec *s)
{
    for (;; f++) {
        if (*f == 'h')
            s->length = s->length == 'h' ? 'H' : 'h';
        else if (*f == 'l' || *f == 'z' || *f == 'j' || *f == 't')
            s->length = 'l';
        else
            return f;
    }
}

/* Digits of value, written so that they end at end; gives the first. */
static char *digits_make(char *end, uint64_t value, unsigned base, int upper)
{
    const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
    do {
        *--end = digits[value % base];
        value /= base;
    } while (value != 0);
    return end;
}

/* prefix (sign or 0x), zeros up to precision or width, then the digits, padded with blanks. */
static void emit_number(struct output *o, const struct spec *s, const char *prefix, uint64_t value,
                        unsigned base)
{
    char buffer[24];
    char *end = buffer + sizeof buffer;
    char *text = digits_make(end, value, base, s->kind == 'X');
    size_t digits = (size_t)(end - text), head = strlen(prefix), zeros = 0;
    if (s->precision == 0 && value == 0)
        digits = 0;
    if (s->precision >= 0 && (size_t)s->precision > digits)
        zeros = (size_t)s->precision - digits;
    if (s->precision < 0 && s->zero && !s->left && head + digits < s->width)
        zeros = s->width - head - digits;
    size_t all = head + zeros + digits;
    size_t pad = s->width > all ? s->width - all : 0;
    if (!s->left)
        emit_repeat(o, ' ', pad);
    emit(o, prefix, head);
    emit_repeat(o, '0', zeros);
    emit(o, text, digits);
    if (s->left)
        emit_repeat(o, ' ', pad);
}

static void emit_signed(struct output *o, const struct spec *s, int64_t n)
{
    const char *prefix = n < 0 ? "-" : s->plus ? "+" : s->space ? " " : "";
    emit_number(o, s, prefix, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 10);
}

static void emit_unsigned(struct output *o, const struct spec *s, uint64_t n)
{
    unsigned base = s->kind == 'o' ? 8 : s->kind == 'u' ? 10 : 16;
    const char *prefix = "";
    if (s->alternate && base == 16 && n != 0)
        prefix = s->kind == 'X' ? "0X" : "0x";
    if (s->alternate && base == 8 && n != 0)
        prefix = "0";
    emit_number(o, s, prefix, n, base);
}

static void emit_padded(struct output *o, const struct spec *s, const char *text, size_t bytes)
{
    size_t pad = s->width > bytes ? s->width - bytes : 0;
    if (!s->left)
        emit_repeat(o, ' ', pad);
    emit(o, text, bytes);
    if (s->left)
        emit_repeat(o, ' ', pad);
}

static void emit_string(struct output *o, const struct spec *s, const char *text)
{
    if (text == NULL)
        text = "(null)";
    emit_padded(o, s, text, s->precision < 0 ? strlen(text) : strnlen(text, (size_t)s->precision));
}

static int64_t take_signed(int length, va_list *args)
{
    if (length == 'l')
        return va_arg(*args, long);
    int n = va_arg(*args, int);
    return length == 'H' ? (signed char)n : length == 'h' ? (short)n : n;
}

static uint64_t take_unsigned(int length, va_list *args)
{
    if (length == 'l')
        return va_arg(*args, unsigned long);
    unsigned n = va_arg(*args, unsigned);
    return length == 'H' ? (unsigned char)n : length == 'h' ? (unsigned short)n : n;
}

static const char *read_spec(const char *f, struct spec *s, va_list *args)
{
    long count;
    *s = (struct spec){.precision = -1};
    f = read_flags(f, s);
    if (*f == '*') {
        int width = va_arg(*args, int);
        s->left |= width < 0;
        s->width = (size_t)(width < 0 ? -(long)width : width);
        f++;
    } else {
        f = read_count(f, &count);
        s->width = (size_t)count;
    }
    if (*f == '.' && f[1] == '*') {
        s->precision = va_arg(*args, int);
        f += 2;
    } else if (*f == '.') {
        f = read_count(f + 1, &s->precision);
    }
    f = read_length(f, s);
    s->kind = *f;
    return *f == 0 ? f : f + 1;
}

static void emit_spec(struct output *o, struct spec *s, va_list *args)
{
    char c;
    switch (s->kind) {
    case 'd':
    case 'i':
        emit_signed(o, s, take_signed(s->length, args));
        return;
    case 'u':
    case 'x':
    case 'X':
    case 'o':
        emit_unsigned(o, s, take_unsigned(s->length, args));
        return;
    case 'p':
        s->alternate = 1;
        emit_unsigned(o, s, (uintptr_t)va_arg(*args, void *));
        return;
    case 's':
        emit_string(o, s, va_arg(*args, const char *));
        return;
    case 'c':
        c = (char)va_arg(*args, int);
        emit_padded(o, s, &c, 1);
        return;
    default: /* "%%", or a conversion nobody knows, shown as it is */
        if (s->kind != '%')
            emit(o, "%", 1);
        emit(o, &s->kind, s->kind != 0);
    }
}

size_t format_text(format_sink *sink, void *context, const char *format, va_list args)
{
    struct output o = {sink, context, 0};
    va_list rest;
    va_copy(rest, args);
    while (*format != 0) {
        size_t plain = strcspn(format, "%");
        emit(&o, format, plain);
        format += plain;
        if (*format == '%') {
            struct spec s;
            format = read_spec(format + 1, &s, &rest);
            emit_spec(&o, &s, &rest);
        }
    }
    va_end(rest);
    return o.bytes;
}

struct bounded {
    char *to;
    size_t bytes; /* room, with the ending 0 */
    size_t used;
};

static void bounded_sink(void *context, const char *text, size_t bytes)
{
    struct bounded *b = context;
    size_t room = b->bytes > b->used ? b->bytes - b->used - 1 : 0;
    size_t n = bytes < room ? bytes : room;
    memcpy(b->to + b->used, text, n);
    b->used += n;
}

int vsnprintf(char *restrict to, size_t bytes, const char *restrict format, va_list args)
{
    struct bounded b = {to, bytes, 0};
    size_t all = format_text(bounded_sink, &b, format, args);
    if (bytes > 0)
        to[b.used] = 0;
    return (int)all;
}

int snprintf(char *restrict to, size_t bytes, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(to, bytes, format, args);
    va_end(args);
    return n;
}
