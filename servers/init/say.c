/* SPDX-License-Identifier: MIT */
/*
 * Messages of init. Init must not hang on a console that hangs, as it is the one to notice: a call
 * has a deadline, and the kernel's log is the way out.
 */
#include "init.h"
#include "lib/console.h"
#include "lib/message.h"
#include "lib/sys.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define PATIENCE_NS 2000000000u
#define SAY_BYTES 1024u

static int console_tell(const char *text, size_t bytes)
{
    uint64_t console = init_console();
    uint64_t deadline = atm_clock().r[0] + PATIENCE_NS;
    while (console != 0 && bytes > 0) {
        uint64_t w[REGISTER_WORDS];
        size_t piece = bytes < CONSOLE_TEXT_MAX ? bytes : CONSOLE_TEXT_MAX;
        uint64_t words = message_put(w, text, piece);
        w[0] = piece;
        if (atm_call_until(console, TAG(CONSOLE_LOG, words, 0), w, deadline).status < 0)
            return 0;
        text += piece;
        bytes -= piece;
    }
    return console != 0;
}

static void log_tell(const char *text)
{
    while (*text != 0) {
        size_t line = strcspn(text, "\n");
        size_t shown = line < LOG_MAX ? line : LOG_MAX;
        atm_log((uintptr_t)text, shown);
        text += line;
        text += *text == '\n';
    }
}

void init_say(const char *format, ...)
{
    static char text[SAY_BYTES];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!console_tell(text, strlen(text)))
        log_tell(text);
}
