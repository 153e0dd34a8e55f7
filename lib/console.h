/* SPDX-License-Identifier: MIT */
/*
 * The console protocol, and its client side. A message's label says what; w0 is a count of bytes;
 * text lies in the words from w1 on, eight bytes each, lowest first (so 24 bytes travel in
 * registers and up to 504 with the message page).
 */
#ifndef LIB_CONSOLE_H
#define LIB_CONSOLE_H

#include <stddef.h>
#include <stdint.h>

enum console_label {
    CONSOLE_WRITE = 1, /* w0 bytes of text; answered when all is written */
    CONSOLE_READ,      /* up to w0 bytes as typed; waits for one; 0 bytes answered: end of input */
    CONSOLE_LINE,      /* one line, edited and shown by the console, with its "\n" */
    CONSOLE_LOG,       /* as write, and the text is kept: a message of the system */
    CONSOLE_LOG_READ,  /* w0: place in the log, from 0. Answer: w0 bytes, as text: the next place (a
                          uint64_t) and so many bytes; 0: the end */
    CONSOLE_WATCH      /* a handle: CONSOLE_INTERRUPT is signalled on it at ^C; none: no more */
};
#define CONSOLE_INTERRUPT (1ul << 63)
#define CONSOLE_TEXT_MAX 504u /* bytes a message */

/* Uses the handle named "console"; without one writes go to the kernel's log. 0 or -error. A
   console that is being restarted is waited for. */
int64_t console_write(const char *text, size_t bytes);

/* Bytes read, 0 at the end of input, or -error. */
int64_t console_read(char *to, size_t bytes);
int64_t console_read_until(char *to, size_t bytes, uint64_t deadline); /* -ERR_TIMEOUT */
int64_t console_line(char *to, size_t bytes);

/* Reads what the system's programs reported, as far as it is kept, from *at (0: the oldest) on; moves
   *at. Bytes, 0 at the end, or -error. */
int64_t console_log_read(uint64_t *at, char *to, size_t bytes);

/* From now on ^C signals CONSOLE_INTERRUPT on this endpoint; 0: it is a key again. 0 or -error. */
int64_t console_watch(uint64_t endpoint);

#endif
