/* SPDX-License-Identifier: MIT */
/*
 * Waiting for many sockets and an endpoint. Sockets that have, or may have, something to tell are in
 * a list (active); a socket leaves it when it has nothing, and enters it when the service says so or
 * when what it is watched for changes. So a call looks at the sockets that have something, and at no other.
 */
#include "lib/socket_inside.h"
#include "lib/supervision.h"
#include "lib/sys.h"

#define CALLS_A_LOOK 16u

int64_t socket_watch(int n, uint32_t events, uint64_t cookie)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    s->watch = events & (SOCKET_CAN_READ | SOCKET_CAN_WRITE);
    s->watch |= s->watch != 0 ? SOCKET_HAS_ENDED : 0;
    s->cookie = cookie;
    uint32_t want =
        (events & SOCKET_CAN_WRITE) != 0 ? s->want | WIRE_WANT_ROOM : s->want & ~WIRE_WANT_ROOM;
    if (want != s->want) {
        s->want = want;
        __atomic_store_n(&socket_slot(n)->want, want, __ATOMIC_SEQ_CST);
    }
    socket_activate(n);
    return 0;
}

/* What it is watched for and is so. */
static uint32_t watched(int n)
{
    const struct socket *s = socket_at(n);
    return s != NULL && s->watch != 0 ? socket_events(n) & s->watch : 0;
}

struct list {
    int first, last; /* -1: empty */
};

static void list_add(struct list *l, int n)
{
    socket_any(n)->active = 1;
    socket_any(n)->next_active = -1;
    if (l->last < 0)
        l->first = n;
    else
        socket_any(l->last)->next_active = n;
    l->last = n;
}

/* Looks at the active ones; those with nothing leave the list, those reported go to its end. */
static int active_report(struct socket_event *event, int most)
{
    int count = 0;
    struct list reported = {-1, -1}, others = {-1, -1};
    for (int n = socket_active_first(), next; n >= 0; n = next) {
        const struct socket *s = socket_any(n);
        next = s->next_active;
        if (count == most) {
            list_add(&others, n);
            continue;
        }
        uint32_t events = watched(n);
        socket_any(n)->active = 0;
        if (events != 0) {
            event[count++] = (struct socket_event){n, events, s->cookie};
            list_add(&reported, n);
        }
    }
    if (others.last >= 0)
        socket_any(others.last)->next_active = reported.first;
    socket_active_list(others.first >= 0 ? others.first : reported.first);
    return count;
}

/* What came to the program's own endpoint: 1: event is filled; 0: nothing for the program; -1: the
   time is up. */
static int endpoint_event(const struct atm_result *r, struct socket_event *event,
                          struct message *message)
{
    if (r->status == -ERR_TIMEOUT)
        return -1;
    if (r->status != 0)
        return 0;
    if ((r->r[1] & TAG_EVENT) == 0 && message != NULL) {
        *message = (struct message){r->r[0], r->r[1], {r->r[2], r->r[3], r->r[4], r->r[5]}};
        *event = (struct socket_event){-1, SOCKET_MESSAGE, 0};
        return 1;
    }
    if ((r->r[2] & EVENT_RESTARTED) != 0)
        session_check();
    *event = (struct socket_event){-1, SOCKET_SIGNALS, r->r[2] & ~SOCKET_WAKE};
    return event->cookie != 0;
}

static int endpoint_wait(struct socket_event *event, struct message *message, uint64_t deadline)
{
    if (!session_sleep())
        return 0;
    struct atm_result r = deadline == SOCKET_FOREVER
                              ? atm_receive(session_endpoint(), 0)
                              : atm_receive_until(session_endpoint(), deadline);
    return endpoint_event(&r, event, message);
}

/* Busy sockets do not keep messages waiting for ever. */
static int endpoint_look(struct socket_event *event, struct message *message)
{
    static unsigned calls;
    if (++calls % CALLS_A_LOOK != 0)
        return 0;
    struct atm_result r = atm_receive(session_endpoint(), TAG_NONBLOCK);
    return endpoint_event(&r, event, message) > 0;
}

int socket_poll(struct socket_event *event, int most, struct message *message, uint64_t deadline)
{
    int64_t status = session_get();
    if (most <= 0 || (message == NULL && session_has_endpoint()))
        return -ERR_ARGUMENT;
    if (status != 0 && !session_has_endpoint())
        return (int)status;
    if (session_has_endpoint() && endpoint_look(event, message))
        return 1;
    for (;;) {
        int waited = 0;
        session_collect();
        int count = active_report(event, most);
        if (count > 0) {
            session_bell();
            return count;
        }
        if (session_has_endpoint())
            waited = endpoint_wait(event, message, deadline);
        else if (session_wait(deadline) == -ERR_TIMEOUT)
            waited = -1;
        if (waited != 0)
            return waited > 0 ? 1 : 0;
    }
}
