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

/* Answers and receives; falls back on a smaller answer, then on none. */
static struct atm_result answer(uint64_t endpoint, const struct message *m)
{
    struct atm_result r = atm_reply_receive(endpoint, m->tag, m->w[0], m->w[1], m->w[2], m->w[3]);
    if (r.status == 0 || r.status == -ERR_AGAIN || r.status == -ERR_PEER)
        return r;
    (void)atm_reply(0, TAG(-r.status, 0, 0), 0, 0, 0, 0);
    return atm_receive(endpoint, 0);
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
        if (r.status == -ERR_AGAIN || r.status == -ERR_PEER) {
            r = atm_receive(server->endpoint, 0);
            continue;
        }
        if (r.status < 0)
            return r.status;
        struct message m = message_from(&r);
        r = dispatch(server, &m) ? answer(server->endpoint, &m) : atm_receive(server->endpoint, 0);
    }
}
