/* SPDX-License-Identifier: MIT */
/*
 * Client of the console server.
 */
#include "lib/console.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <string.h>

static uint64_t console_handle(void)
{
    static uint64_t handle;
    if (handle == 0)
        handle = startup_handle("console");
    return handle;
}

/* Without a console: lines into the kernel's log. */
static int64_t log_write(const char *text, size_t bytes)
{
    while (bytes > 0) {
        size_t line = 0;
        while (line < bytes && line < LOG_MAX && text[line] != '\n')
            line++;
        struct atm_result r = atm_log((uintptr_t)text, line);
        if (r.status < 0)
            return r.status;
        line += line < bytes && text[line] == '\n';
        text += line;
        bytes -= line;
    }
    return 0;
}

int64_t console_write(const char *text, size_t bytes)
{
    uint64_t handle = console_handle();
    if (handle == 0)
        return log_write(text, bytes);
    while (bytes > 0) {
        size_t piece = bytes < CONSOLE_TEXT_MAX ? bytes : CONSOLE_TEXT_MAX;
        struct message m = {0};
        m.tag = TAG(CONSOLE_WRITE, message_put(m.w, text, piece), 0);
        m.w[0] = piece;
        int64_t status = message_call(handle, &m);
        if (status < 0)
            return status;
        text += piece;
        bytes -= piece;
    }
    return 0;
}

static int64_t console_take(uint32_t label, char *to, size_t bytes)
{
    uint64_t most = bytes < CONSOLE_TEXT_MAX ? bytes : CONSOLE_TEXT_MAX;
    struct message m = {.tag = TAG(label, 1, 0), .w = {most}};
    if (console_handle() == 0)
        return 0;
    int64_t status = message_call(console_handle(), &m);
    if (status < 0)
        return status;
    return (int64_t)message_get(&m, to, m.w[0] < most ? m.w[0] : most);
}

int64_t console_read(char *to, size_t bytes) { return console_take(CONSOLE_READ, to, bytes); }

int64_t console_read_until(char *to, size_t bytes, uint64_t deadline)
{
    uint64_t most = bytes < CONSOLE_TEXT_MAX ? bytes : CONSOLE_TEXT_MAX;
    uint64_t w[REGISTER_WORDS] = {most};
    struct atm_result r = atm_call_until(console_handle(), TAG(CONSOLE_READ, 1, 0), w, deadline);
    if (r.status < 0)
        return r.status;
    struct message m = {r.r[0], r.r[1], {r.r[2], r.r[3], r.r[4], r.r[5]}};
    return (int64_t)message_get(&m, to, m.w[0] < most ? m.w[0] : most);
}

int64_t console_line(char *to, size_t bytes) { return console_take(CONSOLE_LINE, to, bytes); }

int64_t console_log_read(uint64_t *at, char *to, size_t bytes)
{
    struct {
        uint64_t next;
        char text[CONSOLE_TEXT_MAX - 8];
    } answer;
    struct message m = {.tag = TAG(CONSOLE_LOG_READ, 1, 0), .w = {*at}};
    int64_t status = message_call(console_handle(), &m);
    if (status < 0)
        return status;
    message_get(&m, &answer, sizeof answer);
    size_t most = bytes < sizeof answer.text ? bytes : sizeof answer.text;
    size_t n = m.w[0] < most ? (size_t)m.w[0] : most;
    memcpy(to, answer.text, n);
    *at = answer.next;
    return (int64_t)n;
}

int64_t console_watch(uint64_t endpoint)
{
    struct message m = {.tag = TAG(CONSOLE_WATCH, 0, endpoint != 0)};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SIGNAL | RIGHT_COPY, 0};
    return message_call(console_handle(), &m);
}
