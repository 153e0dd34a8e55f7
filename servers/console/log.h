/* SPDX-License-Identifier: MIT */
/*
 * What the system's programs reported, the newest of it: a ring of text, each line with the time it
 * came. No system calls: plain data.
 */
#ifndef CONSOLE_LOG_H
#define CONSOLE_LOG_H

#include <stddef.h>
#include <stdint.h>

#define LOG_BYTES 32768u

struct log {
    char text[LOG_BYTES];
    uint64_t end; /* bytes ever put */
    int in_line;  /* 1: the last line has no end yet */
};

/* Keeps text that came at a time in ns since boot. */
void log_put(struct log *log, uint64_t time, const char *text, size_t bytes);

/* Takes up to room bytes from *at on, or from the oldest there is; moves *at behind them. */
size_t log_get(const struct log *log, uint64_t *at, char *to, size_t room);

#endif
