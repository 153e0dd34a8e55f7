/* SPDX-License-Identifier: MIT */
/*
 * The output streams. stdout is sent when a line is complete, stderr after each call; both go to
 * the console, so flushing one flushes the other first and their order is kept.
 */
#include "lib/console.h"
#include "lib/format.h"
#include <stdio.h>
#include <string.h>

struct atm_stream {
    size_t used; /* bytes in text that are not sent yet */
    int by_line; /* 1: hold back what does not end a line */
    int failed;  /* 1: a write failed since the last flush */
    char text[BUFSIZ];
};

static struct atm_stream out_stream = {.by_line = 1};
static struct atm_stream error_stream;
FILE *const stdout = &out_stream;
FILE *const stderr = &error_stream;

static void stream_send(FILE *f, size_t bytes)
{
    if (bytes > 0 && console_write(f->text, bytes) < 0)
        f->failed = 1;
    f->used -= bytes;
    memmove(f->text, f->text + bytes, f->used);
}

/* Sends all complete lines, or all there is when the stream does not wait for lines. */
static void stream_settle(FILE *f)
{
    size_t bytes = f->used;
    if (f->by_line)
        while (bytes > 0 && f->text[bytes - 1] != '\n')
            bytes--;
    stream_send(f, bytes);
}

static void stream_put(void *context, const char *text, size_t bytes)
{
    FILE *f = context;
    while (bytes > 0) {
        size_t room = BUFSIZ - f->used;
        size_t n = bytes < room ? bytes : room;
        memcpy(f->text + f->used, text, n);
        f->used += n;
        text += n;
        bytes -= n;
        if (f->used == BUFSIZ) {
            stream_settle(f);
            if (f->used == BUFSIZ)
                stream_send(f, BUFSIZ);
        }
    }
}

int fflush(FILE *f)
{
    if (f == NULL)
        return fflush(stdout) | fflush(stderr);
    stream_send(f, f->used);
    int failed = f->failed;
    f->failed = 0;
    return failed ? EOF : 0;
}

size_t fwrite(const void *restrict from, size_t bytes, size_t count, FILE *restrict to)
{
    if (to == stderr)
        fflush(stdout);
    stream_put(to, from, bytes * count);
    stream_settle(to);
    return count;
}

int vfprintf(FILE *restrict to, const char *restrict format, va_list args)
{
    if (to == stderr)
        fflush(stdout);
    size_t bytes = format_text(stream_put, to, format, args);
    stream_settle(to);
    return (int)bytes;
}

int fprintf(FILE *restrict to, const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfprintf(to, format, args);
    va_end(args);
    return n;
}

int vprintf(const char *restrict format, va_list args) { return vfprintf(stdout, format, args); }

int printf(const char *restrict format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vfprintf(stdout, format, args);
    va_end(args);
    return n;
}

int fputs(const char *restrict s, FILE *restrict to)
{
    fwrite(s, 1, strlen(s), to);
    return 0;
}

int fputc(int c, FILE *to)
{
    char byte = (char)c;
    fwrite(&byte, 1, 1, to);
    return (unsigned char)byte;
}

int putchar(int c) { return fputc(c, stdout); }

int puts(const char *s)
{
    stream_put(stdout, s, strlen(s));
    stream_put(stdout, "\n", 1);
    stream_settle(stdout);
    return 0;
}

int getchar(void)
{
    static char line[CONSOLE_TEXT_MAX];
    static int64_t used, have;
    if (used == have) {
        fflush(NULL);
        used = 0;
        have = console_line(line, sizeof line);
        if (have <= 0) {
            have = 0;
            return EOF;
        }
    }
    return (unsigned char)line[used++];
}
