/* SPDX-License-Identifier: MIT */
/* Sockets; see socket.h, and socket_inside.h for how the parts of this library go together. */
#include "lib/socket_inside.h"
#include "lib/sys.h"
#include <string.h>

#define REPORT_BYTES (WIRE_RING / 4) /* received: tell the service, so that the window opens */

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

/* ---- requests ---- */

static int64_t ask(uint32_t label, int s, uint64_t number)
{
    struct message m = {.tag = TAG(label, 2, 0), .w = {(uint64_t)s, number}};
    return session_ask(&m);
}

static int64_t ask_address(uint32_t label, int s, const struct socket_address *a)
{
    struct message m = {.tag = TAG(label, 4, 0), .w = {(uint64_t)s}};
    m.w[1] = a->family | (uint64_t)a->port << 32;
    memcpy(&m.w[2], a->ip, sizeof a->ip);
    return session_ask(&m);
}

static void address_take(const struct message *m, struct socket_address *a)
{
    a->family = (uint32_t)m->w[1];
    a->port = (uint32_t)(m->w[1] >> 32);
    memcpy(a->ip, &m->w[2], sizeof a->ip);
}

int socket_open(enum socket_type type)
{
    int64_t status = -SOCKET_RESTARTED;
    int n = 0;
    for (int tries = 0; tries < 2 && status == -SOCKET_RESTARTED; tries++) {
        n = session_slot_take(type);
        if (n < 0)
            return n;
        status = ask(NET_OPEN, n, type);
        struct socket *s = socket_at(n);
        if (status != 0 && s != NULL)
            s->use = SOCKET_UNUSED;
    }
    return status == 0 ? n : (int)status;
}

int64_t socket_bind(int n, const struct socket_address *local)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    int64_t status = ask_address(NET_BIND, n, local);
    if (status == 0) {
        s->bound = 1;
        s->local = *local;
    }
    return status;
}

int64_t socket_listen(int n, uint32_t backlog)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    int64_t status = ask(NET_LISTEN, n, backlog);
    if (status == 0) {
        s->listens = 1;
        s->backlog = backlog;
        socket_activate(n);
    }
    return status;
}

static int64_t ask_for_address(int n, uint64_t peer, struct socket_address *a)
{
    struct message m = {.tag = TAG(NET_ADDRESS, 2, 0), .w = {(uint64_t)n, peer}};
    if (socket_at(n) == NULL)
        return -SOCKET_BAD;
    int64_t status = session_ask(&m);
    if (status == 0)
        address_take(&m, a);
    return status;
}

int64_t socket_local(int n, struct socket_address *a) { return ask_for_address(n, 0, a); }
int64_t socket_peer(int n, struct socket_address *a) { return ask_for_address(n, 1, a); }

/* ---- state ---- */

int64_t socket_status(int n)
{
    const struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->status != 0)
        return -(int64_t)s->status;
    const struct wire_slot *slot = socket_slot(n);
    uint32_t state = load(&slot->state);
    if ((state & WIRE_DEAD) != 0) {
        uint32_t error = load(&slot->error);
        return error != 0 ? -(int64_t)error : -SOCKET_CLOSED;
    }
    if (s->type != SOCKET_TCP || s->listens || (state & WIRE_CONNECTED) != 0)
        return 0;
    return s->connecting ? -ERR_WOULD_BLOCK : -SOCKET_STATE;
}

/* Bytes in the receive ring, -error when the service writes nonsense. */
static uint32_t received(int n, const struct socket *s)
{
    uint32_t bytes = load(&socket_slot(n)->rx_put) - s->rx_taken;
    return bytes <= WIRE_RING ? bytes : 0;
}

size_t socket_received(int n)
{
    const struct socket *s = socket_at(n);
    return s != NULL && !s->listens ? received(n, s) : 0;
}

size_t socket_unsent(int n)
{
    const struct socket *s = socket_at(n);
    if (s == NULL || s->status != 0 || (load(&socket_slot(n)->state) & WIRE_DEAD) != 0)
        return 0;
    return s->tx_put - load(&socket_slot(n)->tx_taken);
}

uint32_t socket_ring_room(int n)
{
    const struct socket *s = socket_at(n);
    uint32_t taken = load(&socket_slot(n)->tx_taken);
    uint32_t used = s->tx_put - taken;
    if (used > WIRE_RING)
        return 0;
    return taken - taken % WIRE_CHUNK + WIRE_RING - s->tx_put;
}

void socket_reclaim(int n)
{
    struct socket *s = socket_at(n);
    const struct wire_slot *slot = socket_slot(n);
    uint32_t taken = load(&slot->tx_taken);
    if (s->tx_put - taken > WIRE_RING)
        return;
    for (; taken - s->tx_freed >= WIRE_CHUNK && s->tx_freed != s->tx_end; s->tx_freed += WIRE_CHUNK)
        session_send_chunk_put(slot->tx_chunk[s->tx_freed / WIRE_CHUNK % WIRE_RING_CHUNKS]);
}

static void want(int n, struct socket *s, uint32_t flags)
{
    s->want = flags;
    store(&socket_slot(n)->want, flags);
}

uint32_t socket_events(int n)
{
    struct socket *s = socket_at(n);
    const struct wire_slot *slot = socket_slot(n);
    int64_t status = socket_status(n);
    if (s->listens)
        return status != 0 ? SOCKET_HAS_ENDED : load(&slot->rx_put) != 0 ? SOCKET_CAN_READ : 0;
    uint32_t state = load(&slot->state);
    uint32_t events = 0;
    if (received(n, s) > 0 || (state & WIRE_END) != 0)
        events |= SOCKET_CAN_READ;
    if (status == 0 && !s->hungry && socket_ring_room(n) > 0)
        events |= SOCKET_CAN_WRITE;
    if (status != 0 && status != -ERR_WOULD_BLOCK && status != -SOCKET_STATE)
        events |= SOCKET_HAS_ENDED | SOCKET_CAN_READ | SOCKET_CAN_WRITE;
    return events;
}

/* Waits until one of the events is so: 0 or -error. */
static int64_t wait_for(int n, uint32_t events, uint64_t deadline)
{
    for (;;) {
        session_collect();
        struct socket *s = socket_at(n);
        if (s == NULL)
            return -SOCKET_BAD;
        uint32_t now = socket_events(n);
        if ((now & (events | SOCKET_HAS_ENDED)) != 0)
            return 0;
        if (deadline == SOCKET_NOW)
            return -ERR_WOULD_BLOCK;
        if ((events & SOCKET_CAN_WRITE) != 0 && (s->want & WIRE_WANT_ROOM) == 0) {
            want(n, s, s->want | WIRE_WANT_ROOM);
            __atomic_thread_fence(__ATOMIC_SEQ_CST);
            continue;
        }
        int64_t status = session_wait(deadline);
        if (status != 0)
            return status == -ERR_TIMEOUT ? -SOCKET_TIMED_OUT : status;
    }
}

/* ---- connections ---- */

int socket_accept(int n, struct socket_address *peer, uint64_t deadline)
{
    struct socket *s = socket_at(n);
    if (s == NULL || !s->listens)
        return s == NULL ? -SOCKET_BAD : -SOCKET_STATE;
    int64_t status = wait_for(n, SOCKET_CAN_READ, deadline);
    if (status == 0)
        status = socket_status(n);
    if (status != 0)
        return (int)status;
    int taken = session_slot_take(SOCKET_TCP);
    if (taken < 0)
        return taken;
    struct message m = {.tag = TAG(NET_ACCEPT, 2, 0), .w = {(uint64_t)n, (uint64_t)taken}};
    status = session_ask(&m);
    s = socket_at(taken);
    if (status != 0) {
        if (s != NULL)
            s->use = SOCKET_UNUSED;
        return status == -SOCKET_STATE ? -ERR_WOULD_BLOCK : (int)status;
    }
    if (peer != NULL)
        address_take(&m, peer);
    socket_activate(taken);
    return taken;
}

int64_t socket_connect(int n, const struct socket_address *peer, uint64_t deadline)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    int64_t status = s->connecting ? 0 : ask_address(NET_CONNECT, n, peer);
    if (status != 0)
        return status;
    if (s->type != SOCKET_TCP) {
        s->peer = *peer;
        return 0;
    }
    s->connecting = 1;
    status = wait_for(n, SOCKET_CAN_WRITE, deadline);
    return status == 0 ? socket_status(n) : status;
}

static int64_t end(int n, uint32_t how)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    s->watch = 0;
    s->hungry = 0;
    if (s->status != 0) { /* the service knows nothing of it */
        s->use = SOCKET_UNUSED;
        return 0;
    }
    want(n, s, s->want | how);
    s->use = SOCKET_CLOSING;
    session_work(n);
    if (!session_has_endpoint())
        session_bell();
    return 0;
}

int64_t socket_close(int n) { return end(n, WIRE_CLOSE); }
int64_t socket_abort(int n) { return end(n, WIRE_ABORT); }

int64_t socket_shutdown(int n)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->type != SOCKET_TCP || s->listens)
        return -SOCKET_TYPE;
    want(n, s, s->want | WIRE_SHUTDOWN);
    session_work(n);
    session_bell();
    return 0;
}

int64_t socket_no_delay(int n, int on)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    want(n, s, on ? s->want & ~WIRE_NAGLE : s->want | WIRE_NAGLE);
    session_work(n);
    return 0;
}

/* ---- bytes out ---- */

/* The place of byte at in the send ring, with a chunk in it; NULL: no chunk is free. */
static unsigned char *send_place(int n, struct socket *s, uint32_t at)
{
    uint16_t *place = &socket_slot(n)->tx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS];
    if (at == s->tx_end) {
        int chunk = session_send_chunk_get();
        if (chunk < 0)
            return NULL;
        __atomic_store_n(place, (uint16_t)chunk, __ATOMIC_RELAXED);
        s->tx_end += WIRE_CHUNK;
    }
    return session_chunk_at(*place) + at % WIRE_CHUNK;
}

int64_t socket_send_room(int n, void **to)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->type != SOCKET_TCP || s->listens)
        return -SOCKET_TYPE;
    int64_t status = socket_status(n);
    if (status != 0)
        return status == -ERR_WOULD_BLOCK ? 0 : status;
    if ((s->want & (WIRE_SHUTDOWN | WIRE_CLOSE)) != 0)
        return -SOCKET_CLOSED;
    uint32_t room = socket_ring_room(n);
    if (room == 0)
        return 0;
    socket_reclaim(n);
    unsigned char *place = send_place(n, s, s->tx_put);
    if (place == NULL) {
        session_hungry(n);
        return 0;
    }
    uint32_t here = WIRE_CHUNK - s->tx_put % WIRE_CHUNK;
    *to = place;
    return room < here ? room : here;
}

int64_t socket_send_commit(int n, size_t bytes)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (bytes > s->tx_end - s->tx_put)
        return -ERR_ARGUMENT;
    s->tx_put += (uint32_t)bytes;
    store(&socket_slot(n)->tx_put, s->tx_put);
    session_work(n);
    return 0;
}

int64_t socket_send_later(int n, const void *from, size_t bytes)
{
    size_t done = 0;
    while (done < bytes) {
        void *to = NULL;
        int64_t room = socket_send_room(n, &to);
        if (room < 0 && done == 0)
            return room;
        if (room <= 0 || to == NULL)
            break;
        size_t piece = bytes - done < (size_t)room ? bytes - done : (size_t)room;
        memcpy(to, (const char *)from + done, piece);
        struct socket *s = socket_at(n);
        s->tx_put += (uint32_t)piece;
        done += piece;
    }
    if (done > 0) {
        store(&socket_slot(n)->tx_put, socket_at(n)->tx_put);
        session_work(n);
    }
    return (int64_t)done;
}

static int64_t datagram_send(int n, const void *from, size_t bytes, const struct socket_address *to);

int64_t socket_send(int n, const void *from, size_t bytes, uint64_t deadline)
{
    size_t done = 0;
    const struct socket *s = socket_at(n);
    if (s != NULL && s->type != SOCKET_TCP)
        return datagram_send(n, from, bytes, NULL);
    while (done < bytes) {
        int64_t sent = socket_send_later(n, (const char *)from + done, bytes - done);
        if (sent < 0)
            return done > 0 ? (int64_t)done : sent;
        done += (size_t)sent;
        if (done == bytes)
            break;
        session_bell();
        int64_t status = wait_for(n, SOCKET_CAN_WRITE, deadline);
        if (status != 0)
            return done > 0 ? (int64_t)done : status;
    }
    session_bell();
    return (int64_t)done;
}

/* ---- bytes in ---- */

int64_t socket_recv_view(int n, const void **from)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->type != SOCKET_TCP || s->listens)
        return -SOCKET_TYPE;
    if (s->status != 0)
        return -(int64_t)s->status;
    const struct wire_slot *slot = socket_slot(n);
    uint32_t state = load(&slot->state); /* before the bytes: the end comes after them */
    uint32_t bytes = received(n, s);
    if (bytes == 0) {
        int64_t status = socket_status(n);
        if ((state & WIRE_END) != 0 || status == -SOCKET_CLOSED)
            return 0;
        return status == 0 ? -ERR_WOULD_BLOCK : status;
    }
    uint32_t at = s->rx_taken;
    const unsigned char *chunk = session_chunk_at(
        __atomic_load_n(&slot->rx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS], __ATOMIC_RELAXED));
    if (chunk == NULL)
        return -SOCKET_PROTOCOL;
    *from = chunk + at % WIRE_CHUNK;
    uint32_t here = WIRE_CHUNK - at % WIRE_CHUNK;
    return bytes < here ? bytes : here;
}

/* So many bytes are read: their chunks are free, and the service is told now and then. */
static void receive_advance(int n, struct socket *s, uint32_t bytes)
{
    const struct wire_slot *slot = socket_slot(n);
    s->rx_taken += bytes;
    s->unreported += bytes;
    for (; s->rx_taken - s->rx_freed >= WIRE_CHUNK; s->rx_freed += WIRE_CHUNK)
        session_chunk_put(slot->rx_chunk[s->rx_freed / WIRE_CHUNK % WIRE_RING_CHUNKS]);
    store(&socket_slot(n)->rx_taken, s->rx_taken);
    if (s->unreported >= REPORT_BYTES) {
        s->unreported = 0;
        session_work(n);
    }
    session_offer();
}

int64_t socket_recv_done(int n, size_t bytes)
{
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (bytes > received(n, s))
        return -ERR_ARGUMENT;
    receive_advance(n, s, (uint32_t)bytes);
    return 0;
}

int64_t socket_recv(int n, void *to, size_t bytes, uint64_t deadline)
{
    size_t done = 0;
    while (done < bytes) {
        const void *from = NULL;
        int64_t there = socket_recv_view(n, &from);
        if (there == -ERR_WOULD_BLOCK && done == 0) {
            int64_t status = wait_for(n, SOCKET_CAN_READ, deadline);
            if (status != 0)
                return status;
            continue;
        }
        if (there < 0 && done == 0)
            return there;
        if (there <= 0 || from == NULL)
            break;
        size_t piece = bytes - done < (size_t)there ? bytes - done : (size_t)there;
        memcpy((char *)to + done, from, piece);
        receive_advance(n, socket_at(n), (uint32_t)piece);
        done += piece;
    }
    return (int64_t)done;
}

/* ---- datagrams ---- */

/* Puts bytes behind at; 0: no chunk. */
static int record_put(int n, struct socket *s, uint32_t *at, const void *from, size_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        unsigned char *to = send_place(n, s, *at);
        if (to == NULL)
            return 0;
        size_t here = WIRE_CHUNK - *at % WIRE_CHUNK;
        size_t piece = bytes - done < here ? bytes - done : here;
        memcpy(to, (const char *)from + done, piece);
        done += piece;
        *at += (uint32_t)piece;
    }
    return 1;
}

static int64_t datagram_send(int n, const void *from, size_t bytes, const struct socket_address *to)
{
    static const char zeros[8];
    struct socket *s = socket_at(n);
    struct wire_record record = {.bytes = (uint32_t)bytes};
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->type == SOCKET_TCP)
        return -SOCKET_TYPE;
    if (s->status != 0)
        return -(int64_t)s->status;
    if (bytes > SOCKET_DATAGRAM_MAX)
        return -SOCKET_TOO_LONG;
    if (to == NULL && s->peer.family == 0)
        return -SOCKET_STATE;
    const struct socket_address *peer = to != NULL ? to : &s->peer;
    record.family = peer->family;
    record.port = peer->port;
    memcpy(record.ip, peer->ip, sizeof record.ip);
    socket_reclaim(n);
    uint32_t at = s->tx_put;
    if (socket_ring_room(n) < WIRE_RECORD_BYTES(bytes) ||
        !record_put(n, s, &at, &record, sizeof record) || !record_put(n, s, &at, from, bytes) ||
        !record_put(n, s, &at, zeros, -bytes & 7u))
        return -ERR_WOULD_BLOCK;
    s->tx_put = at;
    store(&socket_slot(n)->tx_put, at);
    session_work(n);
    session_bell();
    return (int64_t)bytes;
}

int64_t socket_sendto(int n, const void *from, size_t bytes, const struct socket_address *to)
{
    return datagram_send(n, from, bytes, to);
}

/* Takes bytes out of the receive ring, most of them into to, and moves on. */
static int record_get(int n, struct socket *s, void *to, size_t most, uint32_t bytes)
{
    for (size_t done = 0; done < bytes;) {
        const struct wire_slot *slot = socket_slot(n);
        const unsigned char *chunk =
            session_chunk_at(slot->rx_chunk[s->rx_taken / WIRE_CHUNK % WIRE_RING_CHUNKS]);
        size_t here = WIRE_CHUNK - s->rx_taken % WIRE_CHUNK;
        size_t piece = bytes - done < here ? bytes - done : here;
        if (chunk == NULL)
            return 0;
        if (done < most)
            memcpy((char *)to + done, chunk + s->rx_taken % WIRE_CHUNK,
                   piece < most - done ? piece : most - done);
        receive_advance(n, s, (uint32_t)piece);
        done += piece;
    }
    return 1;
}

int64_t socket_recvfrom(int n, void *to, size_t bytes, struct socket_address *from,
                        uint64_t deadline)
{
    struct wire_record record;
    struct socket *s = socket_at(n);
    if (s == NULL)
        return -SOCKET_BAD;
    if (s->type == SOCKET_TCP)
        return -SOCKET_TYPE;
    int64_t status = wait_for(n, SOCKET_CAN_READ, deadline);
    if (status != 0 || (status = socket_status(n)) != 0)
        return status;
    uint32_t there = received(n, s);
    if (there < sizeof record || !record_get(n, s, &record, sizeof record, sizeof record))
        return -SOCKET_PROTOCOL;
    uint32_t padded = WIRE_RECORD_BYTES(record.bytes) - (uint32_t)sizeof record;
    size_t most = bytes < record.bytes ? bytes : record.bytes;
    if (record.bytes > SOCKET_DATAGRAM_MAX || padded > there - sizeof record ||
        !record_get(n, s, to, most, padded))
        return -SOCKET_PROTOCOL;
    if (from != NULL) {
        *from = (struct socket_address){.family = record.family, .port = record.port};
        memcpy(from->ip, record.ip, sizeof from->ip);
    }
    return record.bytes;
}
