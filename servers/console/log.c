/* SPDX-License-Identifier: MIT */
/* The ring of reports; see log.h. */
#include "log.h"
#include <stdio.h>
#include <string.h>

static void byte_put(struct log *log, char byte) { log->text[log->end++ % LOG_BYTES] = byte; }

void log_put(struct log *log, uint64_t time, const char *text, size_t bytes)
{
    char stamp[40];
    for (size_t i = 0; i < bytes; i++) {
        if (!log->in_line) {
            snprintf(stamp, sizeof stamp, "[%5lu.%06lu] ", time / 1000000000, time / 1000 % 1000000);
            for (const char *s = stamp; *s != 0; s++)
                byte_put(log, *s);
        }
        byte_put(log, text[i]);
        log->in_line = text[i] != '\n';
    }
}

/* The beginning of the oldest whole line. */
static uint64_t oldest(const struct log *log)
{
    if (log->end <= LOG_BYTES)
        return 0;
    uint64_t at = log->end - LOG_BYTES;
    while (at < log->end && log->text[at % LOG_BYTES] != '\n')
        at++;
    return at < log->end ? at + 1 : at;
}

size_t log_get(const struct log *log, uint64_t *at, char *to, size_t room)
{
    size_t n = 0;
    if (log->end > LOG_BYTES && *at < log->end - LOG_BYTES)
        *at = oldest(log);
    for (; n < room && *at < log->end; n++)
        to[n] = log->text[(*at)++ % LOG_BYTES];
    return n;
}
