/* SPDX-License-Identifier: MIT */
/*
 * The engine of printf: hands the text, piece by piece, to a function.
 */
#ifndef LIB_FORMAT_H
#define LIB_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

typedef void format_sink(void *context, const char *text, size_t bytes);

/* Formats into sink; gives the number of bytes. Formats as in lib/include/stdio.h. */
size_t format_text(format_sink *sink, void *context, const char *format, va_list args);

#endif
