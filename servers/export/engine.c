/* SPDX-License-Identifier: MIT */
/*
 * Messages out of a stream. A size that no message can have ends the connection: there is no telling where the
 * next one begins.
 */
#include "engine.h"
#include <string.h>

#define SIZE_BYTES 4u

void export_start(struct export_engine *e, struct ninep_server *server)
{
    ninep_session_start(&e->session, server, NINEP_MESSAGE_MAX, EXPORT_FIDS);
    e->started = 1;
    e->ended = 0;
    e->turns = 0;
    e->in_used = e->out_at = e->out_end = 0;
}

void export_end(struct export_engine *e)
{
    if (e->started)
        ninep_session_end(&e->session);
    e->started = 0;
    e->ended = 1;
}

/* How long the message is; SIZE_BYTES as long as that is not known. */
static size_t message_bytes(const struct export_engine *e)
{
    struct ninep_reader r = {e->in, SIZE_BYTES, 0};
    return e->in_used < SIZE_BYTES ? SIZE_BYTES : (size_t)ninep_get(&r, SIZE_BYTES);
}

static void message_serve(struct export_engine *e)
{
    struct ninep_message m = {.head = e->in,
                              .head_bytes = (uint32_t)e->in_used,
                              .data = e->in + NINEP_WRITE_HEAD,
                              .bytes = (uint32_t)e->in_used};
    e->out_end = ninep_serve(&e->session, &m, e->out, sizeof e->out);
    e->in_used = 0;
    e->turns++;
    e->ended = e->out_end == 0;
}

size_t export_take(struct export_engine *e, const void *from, size_t bytes)
{
    size_t done = 0;
    while (done < bytes && !e->ended && e->out_at == e->out_end) {
        size_t want = message_bytes(e) - e->in_used;
        size_t n = bytes - done < want ? bytes - done : want;
        memcpy(e->in + e->in_used, (const unsigned char *)from + done, n);
        e->in_used += n;
        done += n;
        size_t whole = message_bytes(e);
        if (e->in_used >= SIZE_BYTES && (whole < NINEP_HEAD || whole > e->session.msize))
            e->ended = 1;
        else if (e->in_used >= SIZE_BYTES && e->in_used == whole)
            message_serve(e);
    }
    return done;
}

size_t export_give(struct export_engine *e, void *to, size_t room)
{
    size_t have = e->out_end - e->out_at, n = have < room ? have : room;
    memcpy(to, e->out + e->out_at, n);
    e->out_at += n;
    if (e->out_at == e->out_end)
        e->out_at = e->out_end = 0;
    return n;
}
