/* SPDX-License-Identifier: MIT */
/*
 * The loop of lib/tcp_server.h. Connections are on one list a phase, oldest first: as a phase has one
 * time limit, the first of a list is always the next whose time is up, and every step is O(1).
 */
#include "lib/tcp_server.h"
#include "lib/socket.h"
#include <stdlib.h>
#include <string.h>

#define EVENTS 64
#define BACKLOG 512u
#define RETRY_NS 100000000u /* until one is tried again that got no place */
#define ROUNDS 64u          /* of taking and giving, before the next connection has its turn */

struct connection {
    struct connection *next, *prev; /* on its phase's list; next: among the free */
    int socket;
    enum tcp_phase phase;
    int half;          /* the other side has ended sending */
    uint32_t watched;  /* SOCKET_CAN_... */
    uint64_t deadline; /* of its phase */
    uint64_t turns;
    _Alignas(16) unsigned char state[];
};

struct list {
    struct connection *first, *last;
};

static struct {
    const struct tcp_server *server;
    struct list phase[TCP_PHASES];
    struct connection *free;
    uint32_t used; /* places: connections that are open */
    int listener;
    int refusing; /* no place was left: the listener is not watched */
    uint64_t now;
} tcp;

struct tcp_count tcp_count;

uint64_t tcp_now(void) { return tcp.now; }

/* ---- lists ---- */

static void list_remove(struct connection *c)
{
    struct list *l = &tcp.phase[c->phase];
    if (c->prev != NULL)
        c->prev->next = c->next;
    else
        l->first = c->next;
    if (c->next != NULL)
        c->next->prev = c->prev;
    else
        l->last = c->prev;
}

static void list_append(struct connection *c)
{
    struct list *l = &tcp.phase[c->phase];
    c->deadline = tcp.now + tcp.server->limit[c->phase];
    c->next = NULL;
    c->prev = l->last;
    if (l->last != NULL)
        l->last->next = c;
    else
        l->first = c;
    l->last = c;
}

static void phase_begin(struct connection *c, enum tcp_phase phase)
{
    list_remove(c);
    c->phase = phase;
    list_append(c);
}

/* ---- connections ---- */

static void listener_watch(int on)
{
    tcp.refusing = !on;
    (void)socket_watch(tcp.listener, on ? SOCKET_CAN_READ : 0, 0);
}

static void connection_close(struct connection *c)
{
    list_remove(c);
    (void)socket_close(c->socket);
    c->socket = -1; /* events of it that were told already are not for the next */
    tcp.server->engine->end(c->state);
    c->next = tcp.free;
    tcp.free = c;
    tcp.used--;
    tcp_count.open--;
    if (tcp.refusing)
        listener_watch(1);
}

static void connection_watch(struct connection *c, uint32_t events)
{
    if (c->watched != events && socket_watch(c->socket, events, (uintptr_t)c) >= 0)
        c->watched = events;
}

/* Who makes room when all places are taken; NULL: all are being answered. */
static struct connection *connection_oldest(void)
{
    static const enum tcp_phase order[] = {TCP_ENDED, TCP_IDLE, TCP_READING};
    for (size_t i = 0; i < sizeof order / sizeof order[0]; i++)
        if (tcp.phase[order[i]].first != NULL)
            return tcp.phase[order[i]].first;
    return NULL;
}

/* A place for one more; NULL: no memory. */
static struct connection *connection_place(void)
{
    struct connection *c = tcp.free;
    if (c != NULL)
        tcp.free = c->next;
    else
        c = calloc(1, sizeof *c + tcp.server->engine->bytes);
    return c;
}

static void connection_new(int socket, struct connection *c)
{
    c->socket = socket;
    c->phase = TCP_IDLE;
    c->half = 0;
    c->watched = 0;
    c->turns = 0;
    tcp.server->engine->start(c->state);
    list_append(c);
    tcp.used++;
    tcp_count.open++;
    tcp_count.accepted++;
    connection_watch(c, SOCKET_CAN_READ);
}

/* Bytes from the socket to the engine; 1 if there were any. */
static int connection_take(struct connection *c)
{
    const void *from;
    enum tcp_phase phase = tcp.server->engine->phase(c->state);
    if (phase == TCP_ENDED || c->half)
        return 0;
    int64_t n = socket_recv_view(c->socket, &from);
    if (n <= 0) {
        c->half = n != -ERR_WOULD_BLOCK;
        return 0;
    }
    size_t done = tcp.server->engine->take(c->state, from, (size_t)n);
    (void)socket_recv_done(c->socket, done);
    return done > 0;
}

/* Bytes from the engine to the socket; 1 if there were any. *room: some is left. */
static int connection_give(struct connection *c, int *room)
{
    void *to = NULL;
    int64_t n = socket_send_room(c->socket, &to);
    *room = n > 0;
    if (n <= 0)
        return 0;
    size_t done = tcp.server->engine->give(c->state, to, (size_t)n);
    if (done > 0)
        (void)socket_send_commit(c->socket, done);
    return done > 0;
}

/* All is given: ends this side, and waits for the other side's end, so that nothing it still sends
   breaks off what it has not yet read. */
static void connection_finish(struct connection *c)
{
    const void *from;
    int64_t n;
    if (c->phase != TCP_ENDED) {
        phase_begin(c, TCP_ENDED);
        (void)socket_shutdown(c->socket);
    }
    while ((n = socket_recv_view(c->socket, &from)) > 0)
        (void)socket_recv_done(c->socket, (size_t)n);
    if (n != -ERR_WOULD_BLOCK)
        connection_close(c);
    else
        connection_watch(c, SOCKET_CAN_READ);
}

/* Puts the connection on the list it belongs to. gave: something was sent. */
static void connection_settle(struct connection *c, int gave, int room)
{
    const struct tcp_engine *engine = tcp.server->engine;
    enum tcp_phase phase = engine->phase(c->state);
    uint64_t turns = engine->turns(c->state);
    if (phase == TCP_ENDED || (c->half && phase != TCP_WRITING)) {
        connection_finish(c);
        return;
    }
    if (phase != c->phase || turns != c->turns || (gave && phase == TCP_WRITING))
        phase_begin(c, phase);
    c->turns = turns;
    connection_watch(c, phase == TCP_WRITING || !room ? SOCKET_CAN_WRITE : SOCKET_CAN_READ);
}

static void connection_work(struct connection *c)
{
    int gave_any = 0, room = 1;
    if (c->phase == TCP_ENDED) {
        connection_finish(c);
        return;
    }
    for (unsigned round = 0; round < ROUNDS; round++) {
        int took = connection_take(c);
        int gave = connection_give(c, &room);
        gave_any |= gave;
        if (!took && !gave)
            break;
    }
    connection_settle(c, gave_any, room);
}

static void connection_event(const struct socket_event *e)
{
    struct connection *c = (struct connection *)(uintptr_t)e->cookie;
    if (e->socket < 0 || c->socket != e->socket) /* closed by what was told before it */
        return;
    if ((e->events & SOCKET_HAS_ENDED) != 0)
        connection_close(c);
    else
        connection_work(c);
}

/* ---- the loop ---- */

/* Closes the connection that is of least use; 0: there is none. */
static int connection_crowd_out(void)
{
    struct connection *oldest = connection_oldest();
    if (oldest == NULL)
        return 0;
    tcp_count.crowded_out++;
    connection_close(oldest);
    return 1;
}

/* A new connection got no place: those who come next wait until one is free. */
static void accept_pause(int socket)
{
    if (socket >= 0)
        (void)socket_abort(socket);
    listener_watch(0);
}

static void accept_all(void)
{
    for (unsigned n = 0; n < BACKLOG; n++) {
        int full = tcp.used == tcp.server->connections;
        if (full && connection_oldest() == NULL) {
            accept_pause(-1);
            return;
        }
        int socket = socket_accept(tcp.listener, NULL, SOCKET_NOW);
        if (socket == -ERR_WOULD_BLOCK)
            return;
        if (full)
            (void)connection_crowd_out();
        struct connection *c = socket < 0 ? NULL : connection_place();
        if (c != NULL) {
            connection_new(socket, c);
            connection_work(c);
        } else if (!connection_crowd_out()) { /* no memory, and nobody to take it from */
            accept_pause(socket);
            return;
        } else if (socket >= 0) {
            (void)socket_abort(socket);
        }
    }
}

/* What a phase's time being up means for its oldest connection. */
static void connection_late(struct connection *c)
{
    tcp_count.late += c->phase == TCP_READING;
    if (c->phase != TCP_READING) {
        connection_close(c);
        return;
    }
    tcp.server->engine->late(c->state);
    phase_begin(c, TCP_WRITING);
    connection_work(c);
}

/* Ends what is late; gives the time when the next will be. */
static uint64_t deadlines_work(void)
{
    uint64_t next = SOCKET_FOREVER;
    for (size_t i = 0; i < TCP_PHASES; i++) {
        struct connection *c;
        while ((c = tcp.phase[i].first) != NULL && c->deadline <= tcp.now)
            connection_late(c);
        if (c != NULL && c->deadline < next)
            next = c->deadline;
    }
    return next;
}

static int64_t listen_begin(void)
{
    const struct tcp_server *s = tcp.server;
    struct socket_address any = {.family = SOCKET_ANY_FAMILY, .port = s->port};
    /* A closed one keeps its number until the other side has acknowledged all. */
    int64_t status = socket_setup(s->connections + s->connections / 2 + 2, s->pages, 0);
    if (status < 0)
        return status;
    tcp.listener = socket_open(SOCKET_TCP);
    if (tcp.listener < 0)
        return tcp.listener;
    status = socket_bind(tcp.listener, &any);
    if (status >= 0)
        status = socket_listen(tcp.listener, BACKLOG);
    if (status >= 0)
        listener_watch(1);
    return status;
}

int64_t tcp_serve(const struct tcp_server *server)
{
    static struct socket_event event[EVENTS];
    tcp.server = server;
    int64_t status = listen_begin();
    tcp.now = atm_clock().r[0];
    while (status >= 0) {
        uint64_t deadline = deadlines_work();
        if (tcp.refusing && deadline > tcp.now + RETRY_NS)
            deadline = tcp.now + RETRY_NS;
        int n = socket_poll(event, EVENTS, NULL, deadline);
        tcp.now = atm_clock().r[0];
        if (n == 0 && tcp.refusing)
            listener_watch(1);
        status = n < 0 ? n : 0;
        for (int i = 0; i < n; i++) {
            if (event[i].socket == tcp.listener)
                accept_all();
            else
                connection_event(&event[i]);
        }
    }
    return status;
}
