/* SPDX-License-Identifier: MIT */
/*
 * What both protocols share: taking, giving, and a value on its way in either direction.
 */
#include "engine.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void engine_start(struct engine *e)
{
    e->state = STATE_COMMAND;
    e->protocol = PROTOCOL_UNKNOWN;
    e->ended = 0;
    e->turns = 0;
    e->item = e->sending = 0;
    e->out_at = e->out_end = e->line_used = 0;
}

void engine_update_drop(struct engine *e)
{
    if (e->item != 0)
        item_unpin(e->item);
    e->item = 0;
}

static void sending_done(struct engine *e)
{
    item_unpin(e->sending);
    e->sending = 0;
    if (e->protocol == PROTOCOL_ASCII)
        engine_put(e, "\r\n", 2);
}

void engine_end(struct engine *e)
{
    engine_update_drop(e);
    if (e->sending != 0)
        item_unpin(e->sending);
    e->sending = 0;
    e->ended = 1;
}

int engine_has_more(const struct engine *e) { return e->out_at < e->out_end || e->sending != 0; }

int engine_is_idle(const struct engine *e)
{
    return e->state == STATE_COMMAND && e->line_used == 0;
}

int engine_keep(struct engine *e, const char *from, size_t bytes)
{
    if (bytes > LINE_MAX - e->line_used)
        return 0;
    memcpy(e->line + e->line_used, from, bytes);
    e->line_used += bytes;
    return 1;
}

void engine_put(struct engine *e, const void *from, size_t bytes)
{
    if (bytes > OUT_BYTES - e->out_end) /* commands are begun with room for all they answer */
        return;
    memcpy(e->out + e->out_end, from, bytes);
    e->out_end += bytes;
}

void engine_format(struct engine *e, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int n = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    engine_put(e, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}

void engine_put_value(struct engine *e, uint32_t item)
{
    uint32_t bytes = item_bytes(item);
    struct item_place place = item_begin(item);
    if (bytes + 2 <= OUT_BYTES - e->out_end) {
        e->out_end += item_read(&place, e->out + e->out_end, bytes);
        if (e->protocol == PROTOCOL_ASCII)
            engine_put(e, "\r\n", 2);
        return;
    }
    item_pin(item);
    e->sending = item;
    e->place = place;
}

static int is_blocked(const struct engine *e)
{
    return e->ended || e->sending != 0 || OUT_BYTES - e->out_end < ANSWER_MAX;
}

static size_t skip_take(struct engine *e, size_t bytes)
{
    size_t n = bytes < e->left ? bytes : e->left;
    e->left -= (uint32_t)n;
    if (e->left == 0)
        e->state = STATE_COMMAND;
    return n;
}

size_t engine_take(struct engine *e, const void *from, size_t bytes)
{
    const char *text = from;
    size_t done = 0;
    while (done < bytes && !is_blocked(e)) {
        if (e->protocol == PROTOCOL_UNKNOWN)
            e->protocol = (unsigned char)text[done] == 0x80 ? PROTOCOL_BINARY : PROTOCOL_ASCII;
        if (e->state == STATE_SKIP)
            done += skip_take(e, bytes - done);
        else if (e->protocol == PROTOCOL_BINARY)
            done += binary_take(e, text + done, bytes - done);
        else
            done += ascii_take(e, text + done, bytes - done);
    }
    command_count.bytes_read += done;
    return done;
}

size_t engine_give(struct engine *e, void *to, size_t room)
{
    size_t done = 0;
    while (done < room && engine_has_more(e)) {
        if (e->out_at < e->out_end) {
            size_t have = e->out_end - e->out_at;
            size_t n = have < room - done ? have : room - done;
            memcpy((char *)to + done, e->out + e->out_at, n);
            e->out_at += n;
            done += n;
            if (e->out_at == e->out_end)
                e->out_at = e->out_end = 0;
        } else {
            size_t n = item_read(&e->place, (char *)to + done, room - done);
            done += n;
            if (e->place.left == 0)
                sending_done(e);
        }
    }
    command_count.bytes_written += done;
    return done;
}
