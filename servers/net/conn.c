/* SPDX-License-Identifier: MIT */
/*
 * Connections: what all kinds of socket have in common, above all the two rings of bytes that lie
 * in the client's chunks. Positions written by the client are checked here and nowhere else.
 */
#include "servers/net/net.h"
#include "lwip/netif.h"
#include <stdlib.h>
#include <string.h>

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

uint32_t conn_error(err_t e)
{
    switch (e) {
    case ERR_OK:
        return 0;
    case ERR_MEM:
    case ERR_BUF:
        return SOCKET_MEMORY;
    case ERR_RTE:
        return SOCKET_UNREACHABLE;
    case ERR_USE:
        return SOCKET_IN_USE;
    case ERR_ALREADY:
    case ERR_ISCONN:
    case ERR_CONN:
        return SOCKET_STATE;
    case ERR_RST:
        return SOCKET_RESET;
    case ERR_ABRT:
        return SOCKET_ABORTED;
    case ERR_CLSD:
        return SOCKET_CLOSED;
    case LWIP_ERR_TIMEOUT:
        return SOCKET_TIMED_OUT;
    default:
        return SOCKET_ADDRESS;
    }
}

/* ---- addresses ---- */

void address_to_lwip(const struct socket_address *a, ip_addr_t *to)
{
    if (a->family == SOCKET_IPV4) {
        IP_ADDR4(to, a->ip[0], a->ip[1], a->ip[2], a->ip[3]);
    } else if (a->family == SOCKET_IPV6) {
        memset(to, 0, sizeof *to);
        memcpy(ip_2_ip6(to)->addr, a->ip, 16);
        IP_SET_TYPE(to, IPADDR_TYPE_V6);
        ip6_addr_clear_zone(ip_2_ip6(to));
    } else {
        *to = *IP_ANY_TYPE;
    }
}

void address_from_lwip(const ip_addr_t *a, uint32_t port, struct socket_address *to)
{
    memset(to, 0, sizeof *to);
    to->port = port;
    if (IP_IS_V6(a)) {
        to->family = SOCKET_IPV6;
        memcpy(to->ip, ip_2_ip6(a)->addr, 16);
    } else if (IP_IS_V4(a)) {
        to->family = SOCKET_IPV4;
        memcpy(to->ip, &ip_2_ip4(a)->addr, 4);
    }
}

/* ---- making and ending ---- */

struct conn *conn_new(struct session *s, uint32_t slot, uint32_t type)
{
    struct conn *c = calloc(1, sizeof *c);
    if (c == NULL)
        return NULL;
    c->session = s;
    c->slot = (uint16_t)slot;
    c->type = (uint8_t)type;
    if (slot != SLOT_NONE)
        s->conn[slot] = c;
    return c;
}

uint32_t conn_open(struct session *s, uint32_t slot, uint32_t type)
{
    if (type != SOCKET_TCP && type != SOCKET_UDP && type != SOCKET_PING)
        return SOCKET_TYPE;
    struct conn *c = conn_new(s, slot, type);
    if (c == NULL)
        return SOCKET_MEMORY;
    uint32_t error = type == SOCKET_TCP ? tcp_conn_open(c) : datagram_open(c);
    if (error != 0) {
        s->conn[slot] = NULL;
        free(c);
    }
    return error;
}

/* Takes it out of the list of those that wait for chunks. */
static void starved_remove(struct conn *c)
{
    struct conn **at = &c->session->starved;
    while (*at != NULL && *at != c)
        at = &(*at)->next;
    if (*at == c)
        *at = c->next;
    c->starved = 0;
    c->next = NULL;
}

static void later_remove(struct conn *c)
{
    struct conn **at = &c->session->later;
    while (*at != c)
        at = &(*at)->next_later;
    *at = c->next_later;
    c->later = 0;
}

void conn_later(struct conn *c)
{
    if (c->later)
        return;
    c->later = 1;
    c->next_later = c->session->later;
    c->session->later = c;
}

uint32_t conns_held;

void conn_held_add(struct session *s, int packets)
{
    s->held += (uint32_t)packets;
    conns_held += (uint32_t)packets;
}

static void held_drop(struct conn *c)
{
    if (c->held == NULL)
        return;
    conn_held_add(c->session, -(int)pbuf_clen(c->held));
    pbuf_free(c->held);
    c->held = NULL;
}

void conn_free(struct conn *c)
{
    struct session *s = c->session;
    held_drop(c);
    if (c->starved)
        starved_remove(c);
    if (c->later)
        later_remove(c);
    if (c->listener != NULL)
        tcp_conn_unqueue(c);
    if (c->slot != SLOT_NONE) {
        struct wire_slot *slot = session_slot(s, c->slot);
        s->conn[c->slot] = NULL;
        store(&slot->state, WIRE_FREE | WIRE_DEAD);
        session_ready(s, c->slot);
    }
    free(c);
}

void conn_abort(struct conn *c)
{
    if (c->type == SOCKET_TCP)
        tcp_conn_abort(c);
    else
        datagram_close(c);
}

void conn_dead(struct conn *c, uint32_t error)
{
    c->pcb.tcp = NULL;
    if (c->closing || c->slot == SLOT_NONE) {
        conn_free(c);
        return;
    }
    struct wire_slot *slot = session_slot(c->session, c->slot);
    store(&slot->error, error);
    store(&slot->state, WIRE_DEAD | (c->ended ? WIRE_END : 0));
    session_ready(c->session, c->slot);
}

void conn_publish(struct conn *c)
{
    struct wire_slot *slot = session_slot(c->session, c->slot);
    store(&slot->rx_put, c->rx_put);
    if (c->type == SOCKET_TCP)
        store(&slot->state, WIRE_CONNECTED | (c->ended && c->held == NULL ? WIRE_END : 0));
    session_ready(c->session, c->slot);
}

void conn_break(struct conn *c)
{
    c->broken = 1;
    conn_later(c);
}

void conn_work(struct conn *c)
{
    uint32_t want = load(&session_slot(c->session, c->slot)->want);
    if (c->broken) {
        conn_abort(c);
        c->broken = 0;
        conn_dead(c, SOCKET_PROTOCOL);
    } else if (c->lost) {
        c->lost = 0;
        conn_dead(c, SOCKET_CLOSED);
    } else if ((want & WIRE_ABORT) != 0) {
        conn_abort(c);
        conn_free(c);
    } else if (c->type == SOCKET_TCP) {
        tcp_conn_work(c, want);
    } else {
        datagram_work(c, want);
    }
}

/* 1: any address, or one of the system's own. */
static int address_is_own(const ip_addr_t *ip)
{
    if (ip_addr_isany(ip) || ip_addr_isloopback(ip))
        return 1;
    for (const struct netif *n = netif_list; n != NULL; n = n->next) {
        if (IP_IS_V4(ip) && ip4_addr_cmp(netif_ip4_addr(n), ip_2_ip4(ip)))
            return 1;
        for (s8_t i = 0; IP_IS_V6(ip) && i < LWIP_IPV6_NUM_ADDRESSES; i++)
            if (ip6_addr_cmp_zoneless(netif_ip6_addr(n, i), ip_2_ip6(ip)))
                return 1;
    }
    return 0;
}

uint32_t conn_bind(struct conn *c, const struct socket_address *a)
{
    ip_addr_t ip;
    address_to_lwip(a, &ip);
    if (a->port > 0xffff || !address_is_own(&ip))
        return SOCKET_ADDRESS;
    if (c->pcb.tcp == NULL || c->bound)
        return SOCKET_STATE;
    uint32_t error = c->type == SOCKET_TCP ? tcp_conn_bind(c, &ip, (uint16_t)a->port)
                     : c->type == SOCKET_UDP
                         ? conn_error(udp_bind(c->pcb.udp, &ip, (uint16_t)a->port))
                         : conn_error(raw_bind(c->pcb.raw, &ip));
    c->bound = error == 0;
    return error;
}

uint32_t conn_connect(struct conn *c, const struct socket_address *a)
{
    ip_addr_t ip;
    address_to_lwip(a, &ip);
    if ((a->family != SOCKET_IPV4 && a->family != SOCKET_IPV6) || a->port > 0xffff ||
        ip_addr_isany(&ip))
        return SOCKET_ADDRESS;
    if (c->type == SOCKET_TCP)
        return c->pcb.tcp == NULL ? SOCKET_STATE : tcp_conn_connect(c, &ip, (uint16_t)a->port);
    c->peer = *a;
    store(&session_slot(c->session, c->slot)->state, WIRE_CONNECTED);
    return 0;
}

uint32_t conn_address(const struct conn *c, int peer, struct socket_address *a)
{
    memset(a, 0, sizeof *a);
    if (c->pcb.tcp == NULL)
        return SOCKET_STATE;
    if (c->type == SOCKET_TCP) {
        const struct tcp_pcb *pcb = c->pcb.tcp;
        int listens = pcb->state == LISTEN;
        if (peer && listens)
            return SOCKET_STATE;
        address_from_lwip(peer ? &pcb->remote_ip : &pcb->local_ip,
                          peer ? pcb->remote_port : pcb->local_port, a);
        return 0;
    }
    if (peer) {
        *a = c->peer;
        return a->family == 0 ? SOCKET_STATE : 0;
    }
    if (c->type == SOCKET_UDP)
        address_from_lwip(&c->pcb.udp->local_ip, c->pcb.udp->local_port, a);
    else
        address_from_lwip(&c->pcb.raw->local_ip, 0, a);
    return 0;
}

/* ---- rings ---- */

int64_t conn_room(struct conn *c)
{
    struct wire_slot *slot = session_slot(c->session, c->slot);
    uint32_t taken = load(&slot->rx_taken);
    if (c->rx_put - taken > WIRE_RING) {
        conn_break(c);
        return -1;
    }
    if (c->type == SOCKET_TCP && taken != c->rx_taken) {
        if (taken - c->rx_taken > WIRE_RING) {
            conn_break(c);
            return -1;
        }
        uint32_t opened = taken - c->rx_taken;
        c->rx_taken = taken;
        tcp_conn_recved(c, opened);
    }
    /* Up to where the place of the oldest byte comes round again. */
    uint32_t end = taken - taken % WIRE_CHUNK + WIRE_RING;
    return end - c->rx_put;
}

void conn_starve(struct conn *c)
{
    if (c->starved)
        return;
    c->starved = 1;
    c->next = c->session->starved;
    c->session->starved = c;
    store(&c->session->control->starved, 1);
}

/* The place of the next byte to put, with a chunk in it; NULL: no chunk is free. */
static unsigned char *ring_place(struct conn *c, uint32_t at)
{
    struct wire_slot *slot = session_slot(c->session, c->slot);
    uint16_t *place = &slot->rx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS];
    uint16_t chunk;
    if (at == c->rx_end) {
        int taken = session_chunk_take(c->session);
        if (taken < 0)
            return NULL;
        chunk = (uint16_t)taken;
        __atomic_store_n(place, chunk, __ATOMIC_RELAXED);
        c->rx_end += WIRE_CHUNK;
        store(&slot->rx_end, c->rx_end);
    } else {
        chunk = __atomic_load_n(place, __ATOMIC_RELAXED);
    }
    unsigned char *bytes = session_chunk(c->session, chunk);
    if (bytes == NULL) {
        conn_break(c);
        return NULL;
    }
    return bytes + at % WIRE_CHUNK;
}

static uint32_t piece_of(uint32_t at, uint32_t bytes)
{
    uint32_t here = WIRE_CHUNK - at % WIRE_CHUNK;
    return bytes < here ? bytes : here;
}

/* Copies one held packet in, as far as there is room: bytes put. */
static uint32_t deliver_piece(struct conn *c, uint32_t room)
{
    struct pbuf *p = c->held;
    uint32_t most = p->len < room ? p->len : room;
    uint32_t done = 0;
    while (done < most) {
        uint32_t piece = piece_of(c->rx_put, most - done);
        unsigned char *to = ring_place(c, c->rx_put);
        if (to == NULL)
            break;
        memcpy(to, (unsigned char *)p->payload + done, piece);
        c->rx_put += piece;
        done += piece;
    }
    if (done == p->len) {
        conn_held_add(c->session, -1);
        c->held = p->next;
        if (p->next != NULL)
            pbuf_ref(p->next);
        pbuf_free(p);
    } else {
        pbuf_remove_header(p, done);
    }
    return done;
}

int conn_deliver(struct conn *c)
{
    uint32_t before = c->rx_put;
    while (c->held != NULL) {
        int64_t room = conn_room(c);
        if (room <= 0)
            break;
        uint32_t most = c->held->len;
        if (most > (uint32_t)room)
            most = (uint32_t)room;
        if (deliver_piece(c, most) < most) {
            conn_starve(c);
            break;
        }
    }
    return c->rx_put != before;
}

void conn_refill(struct conn *c)
{
    if (conn_deliver(c))
        conn_publish(c);
}

int conn_ring_read(struct conn *c, uint32_t position, void *to, uint32_t bytes)
{
    struct wire_slot *slot = session_slot(c->session, c->slot);
    unsigned char *out = to;
    while (bytes > 0) {
        uint32_t piece = piece_of(position, bytes);
        uint16_t chunk = __atomic_load_n(&slot->tx_chunk[position / WIRE_CHUNK % WIRE_RING_CHUNKS],
                                         __ATOMIC_RELAXED);
        const unsigned char *from = session_chunk(c->session, chunk);
        if (from == NULL)
            return 0;
        memcpy(out, from + position % WIRE_CHUNK, piece);
        out += piece;
        position += piece;
        bytes -= piece;
    }
    return 1;
}

int conn_ring_write(struct conn *c, const void *from, uint32_t bytes)
{
    const unsigned char *in = from;
    while (bytes > 0) {
        uint32_t piece = piece_of(c->rx_put, bytes);
        unsigned char *to = ring_place(c, c->rx_put);
        if (to == NULL)
            return 0;
        memcpy(to, in, piece);
        in += piece;
        c->rx_put += piece;
        bytes -= piece;
    }
    return 1;
}
