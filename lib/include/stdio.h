/* SPDX-License-Identifier: MIT */
/*
 * Formatted text, and the two output streams: stdout goes to the console a line at a time, stderr
 * too, at once. Formats: %d i u x X o c s p % with flags "-+ #0", width, precision (also *),
 * lengths hh h l ll z j t. No floating point.
 */
#ifndef LIBC_STDIO_H
#define LIBC_STDIO_H

#include <stdarg.h>
#include <stddef.h>

#define EOF (-1)
#define BUFSIZ 504

typedef struct atm_stream FILE;
extern FILE *const stdout;
extern FILE *const stderr;

#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

int vsnprintf(char *restrict to, size_t bytes, const char *restrict format, va_list args)
    PRINTF_LIKE(3, 0);
int snprintf(char *restrict to, size_t bytes, const char *restrict format, ...) PRINTF_LIKE(3, 4);
int vfprintf(FILE *restrict to, const char *restrict format, va_list args) PRINTF_LIKE(2, 0);
int fprintf(FILE *restrict to, const char *restrict format, ...) PRINTF_LIKE(2, 3);
int vprintf(const char *restrict format, va_list args) PRINTF_LIKE(1, 0);
int printf(const char *restrict format, ...) PRINTF_LIKE(1, 2);
size_t fwrite(const void *restrict from, size_t bytes, size_t count, FILE *restrict to);
int fputs(const char *restrict s, FILE *restrict to);
int fputc(int c, FILE *to);
int putchar(int c);
int puts(const char *s);
int fflush(FILE *to); /* NULL: all streams */
int getchar(void);    /* from the console, EOF at the end of input */

#endif
