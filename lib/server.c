/* SPDX-License-Identifier: MIT */
/*
 * The server loop. An answer that cannot be delivered (the client died, or has no room for what it
 * asked for) must not stop the server: it is replaced by an empty one with the error as its label,
 * and then dropped.
 */
#include "lib/server.h"

static struct message message_from(const struct atm_result *r)
{
    return (struct message){r->r[0], r->r[1], {r->r[2], r->r[3], r->r[4], r->r[5]}};
}

uint64_t server_save(void)
{
    struct atm_result r = atm_reply_save();
    return r.status == 0 ? r.r[0] : 0;
}

static uint64_t held; /* handle to the call in hand; 0: it is the kernel's */

int server_hold(void)
{
    if (held == 0)
        held = server_save();
    return held != 0;
}

/* When idle is to be called, ns since boot; 0: nothing was done since the last time. */
static uint64_t idle_at;
static unsigned idle_messages;

static int is_answered(int64_t status)
{
    return status == 0 || status == -ERR_AGAIN || status == -ERR_PEER || status == -ERR_TIMEOUT;
}

/* The deadline of the next wait, and the flag that says there is one. */
static uint64_t wait_flag(void) { return idle_at != 0 ? TAG_DEADLINE : 0; }

static struct atm_result wait_next(uint64_t endpoint)
{
    return atm_enter(SYS_receive, endpoint, wait_flag(), 0, 0, 0, 0, idle_at);
}

/* Answers a call that was held, and receives. */
static struct atm_result answer_held(uint64_t endpoint, const struct message *m)
{
    struct atm_result r = atm_reply(held, m->tag, m->w[0], m->w[1], m->w[2], m->w[3]);
    if (r.status != 0 && atm_reply(held, TAG(-r.status, 0, 0), 0, 0, 0, 0).status != 0)
        atm_handle_close(held);
    held = 0;
    return wait_next(endpoint);
}

/* Answers and receives; falls back on a smaller answer, then on none. */
static struct atm_result answer(uint64_t endpoint, const struct message *m)
{
    struct atm_result r = atm_enter(SYS_reply_receive, endpoint, m->tag | wait_flag(), m->w[0],
                                    m->w[1], m->w[2], m->w[3], idle_at);
    if (is_answered(r.status))
        return r;
    (void)atm_reply(0, TAG(-r.status, 0, 0), 0, 0, 0, 0);
    return wait_next(endpoint);
}

/* Something was done: idle is to be called some time after the first such. */
static void idle_begin(const struct server *s)
{
    if (s->idle == 0)
        return;
    if (idle_at == 0)
        idle_at = atm_clock().r[0] + s->idle_ns;
    idle_messages++;
}

static void idle_call(const struct server *s)
{
    idle_at = 0;
    idle_messages = 0;
    s->idle();
}

/* Handles what was received; 1 if m holds an answer to send. */
static int dispatch(const struct server *s, struct message *m)
{
    uint64_t tag = m->tag;
    if ((tag & TAG_EVENT) != 0) {
        if (s->event != 0)
            s->event(m->w[0]);
        return 0;
    }
    if ((tag & TAG_FAULT) != 0) {
        m->tag = TAG(s->fault != 0 ? s->fault(m) : FAULT_RESUME + 1, 0, 0);
        return 1;
    }
    uint64_t reply = s->message != 0 ? s->message(m) : TAG(ERR_CALL, 0, 0);
    m->tag = reply;
    return reply != SERVER_LATER && (tag & TAG_CALL) != 0;
}

int64_t server_run(const struct server *server)
{
    struct atm_result r = atm_receive(server->endpoint, 0);
    for (;;) {
        if (r.status == -ERR_TIMEOUT || idle_messages >= SERVER_IDLE_MESSAGES)
            idle_call(server);
        if (r.status == -ERR_AGAIN || r.status == -ERR_PEER || r.status == -ERR_TIMEOUT) {
            r = wait_next(server->endpoint);
            continue;
        }
        if (r.status < 0)
            return r.status;
        struct message m = message_from(&r);
        int answers = dispatch(server, &m);
        idle_begin(server);
        if (answers && held != 0)
            r = answer_held(server->endpoint, &m);
        else
            r = answers ? answer(server->endpoint, &m) : wait_next(server->endpoint);
    }
}
