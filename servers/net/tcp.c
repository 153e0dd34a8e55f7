/* SPDX-License-Identifier: MIT */
/*
 * TCP sockets on lwIP. What a client sends is not copied: lwIP's segments refer to the client's
 * chunks until they are acknowledged, which is when tx_taken moves and the client may reuse them.
 * What comes is copied into the client's chunks at once; the window opens as the client reads, and
 * is never larger than the ring, so what has no place yet (held) stays bounded.
 *
 * lwIP calls back in the middle of its work; a connection may be freed there only as lwIP allows, so
 * a client's offence is only noted (conn_break) and dealt with at the next turn.
 */
#include "servers/net/net.h"
#include "lwip/priv/tcp_priv.h"
#include <string.h>

#define HALF_OPEN_MAX 255 /* of one listening socket, in lwIP's eight bits */

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

/* lwIP is not to call back for it any more. */
static struct tcp_pcb *detach(struct conn *c)
{
    struct tcp_pcb *pcb = c->pcb.tcp;
    c->pcb.tcp = NULL;
    tcp_arg(pcb, NULL);
    demux_owner(pcb, NULL);
    if (pcb->state != LISTEN) {
        tcp_recv(pcb, NULL);
        tcp_sent(pcb, NULL);
        tcp_err(pcb, NULL);
    }
    return pcb;
}

/* ---- sending ---- */

/* Hands lwIP what the client put into the ring, as much as it takes. 0: nonsense in the ring. */
static int send_pieces(struct conn *c, uint32_t put)
{
    struct wire_slot *slot = session_slot(c->session, c->slot);
    while (c->tx_queued != put) {
        uint32_t at = c->tx_queued;
        uint32_t bytes = WIRE_CHUNK - at % WIRE_CHUNK;
        if (bytes > put - at)
            bytes = put - at;
        if (bytes > tcp_sndbuf(c->pcb.tcp))
            bytes = tcp_sndbuf(c->pcb.tcp);
        if (bytes == 0)
            break;
        uint16_t *place = &slot->tx_chunk[at / WIRE_CHUNK % WIRE_RING_CHUNKS];
        unsigned char *from = session_chunk(c->session, __atomic_load_n(place, __ATOMIC_RELAXED));
        if (from == NULL)
            return 0;
        uint8_t more = at + bytes != put ? TCP_WRITE_FLAG_MORE : 0;
        if (tcp_write(c->pcb.tcp, from + at % WIRE_CHUNK, (uint16_t)bytes, more) != ERR_OK)
            break;
        c->tx_queued += bytes;
    }
    return 1;
}

/* 1: all that the client sent is with lwIP. */
static int send_all(struct conn *c)
{
    uint32_t put = load(&session_slot(c->session, c->slot)->tx_put);
    if (put == c->tx_queued)
        return 1;
    if (c->fin || put - c->tx_taken > WIRE_RING || !send_pieces(c, put)) {
        conn_break(c);
        return 0;
    }
    tcp_output(c->pcb.tcp);
    return put == c->tx_queued;
}

/* The last of it is acknowledged, and the client is done with it. */
static void closed(struct conn *c)
{
    (void)detach(c);
    conn_free(c);
}

static void close_now(struct conn *c)
{
    struct tcp_pcb *pcb = c->pcb.tcp;
    if (pcb->state == SYN_SENT || pcb->state == CLOSED) {
        conn_abort(c);
        conn_free(c);
        return;
    }
    /* The window is wholly open again: else lwIP would reset the connection. */
    if (pcb->refused_data != NULL)
        tcp_process_refused_data(pcb);
    c->fin = 1;
    tcp_close(pcb);
    if (c->tx_taken == c->tx_queued)
        closed(c);
}

static void shutdown_now(struct conn *c)
{
    if (c->pcb.tcp->state != SYN_SENT && tcp_shutdown(c->pcb.tcp, 0, 1) == ERR_OK)
        c->fin = 1;
}

/* Throws away what was not received. */
static void unread_drop(struct conn *c)
{
    uint32_t unread = c->rx_put - c->rx_taken;
    c->rx_taken = c->rx_put;
    if (c->held != NULL) {
        unread += c->held->tot_len;
        conn_held_add(c->session, -(int)pbuf_clen(c->held));
        pbuf_free(c->held);
        c->held = NULL;
    }
    tcp_conn_recved(c, unread);
}

/* The client has read, or has given chunks: the window opens, and what was held gets its place. */
static void receive_more(struct conn *c)
{
    if (conn_room(c) < 0)
        return;
    if (c->held != NULL && conn_deliver(c))
        conn_publish(c);
    if (c->pcb.tcp->refused_data != NULL)
        tcp_process_refused_data(c->pcb.tcp);
}

static void listener_close(struct conn *c)
{
    while (c->first != NULL) {
        struct conn *waiting = c->first;
        conn_abort(waiting);
        conn_free(waiting);
    }
    if (c->pcb.tcp != NULL)
        tcp_close(detach(c));
}

void tcp_conn_work(struct conn *c, uint32_t want)
{
    if (c->pcb.tcp == NULL || c->pcb.tcp->state == LISTEN) {
        if ((want & WIRE_CLOSE) != 0) {
            listener_close(c);
            conn_free(c);
        }
        return;
    }
    if ((want & WIRE_NAGLE) != 0)
        tcp_nagle_enable(c->pcb.tcp);
    else
        tcp_nagle_disable(c->pcb.tcp);
    if ((want & WIRE_CLOSE) != 0 && !c->closing) {
        c->closing = 1;
        unread_drop(c);
    } else if (!c->closing) {
        receive_more(c);
    }
    int all = send_all(c);
    if (c->broken || !all || c->fin)
        return;
    if (c->closing)
        close_now(c);
    else if ((want & WIRE_SHUTDOWN) != 0)
        shutdown_now(c);
}

/* ---- what lwIP tells ---- */

static err_t on_sent(void *arg, struct tcp_pcb *pcb, u16_t bytes)
{
    struct conn *c = arg;
    (void)pcb;
    c->tx_taken += bytes;
    struct wire_slot *slot = session_slot(c->session, c->slot);
    store(&slot->tx_taken, c->tx_taken);
    int all = send_all(c);
    if (c->fin && c->closing) {
        if (c->tx_taken == c->tx_queued)
            closed(c);
        return ERR_OK;
    }
    uint32_t want = load(&slot->want);
    if (all && !c->fin && (want & (WIRE_CLOSE | WIRE_SHUTDOWN)) != 0)
        conn_later(c); /* not from within lwIP */
    if ((want & WIRE_WANT_ROOM) != 0 && load(&slot->tx_put) - c->tx_taken <= WIRE_RING / 2)
        session_ready(c->session, c->slot);
    return ERR_OK;
}

static err_t on_recv(void *arg, struct tcp_pcb *pcb, struct pbuf *p, err_t err)
{
    struct conn *c = arg;
    (void)err;
    if (p == NULL) {
        c->ended = 1;
        if (c->slot != SLOT_NONE && !c->closing)
            conn_publish(c);
        return ERR_OK;
    }
    if (c->closing) {
        tcp_recved(pcb, p->tot_len);
        pbuf_free(p);
        return ERR_OK;
    }
    if (c->session->held >= HELD_MAX || conns_held >= HELD_ALL_MAX ||
        (c->held != NULL && c->held->tot_len + p->tot_len > 0xffff))
        return ERR_MEM; /* lwIP keeps it and tries again */
    /* More is to come, and the other side may wait for this to be acknowledged before it sends the
       rest (Nagle); what is pushed is most often acknowledged by its answer. */
    if ((p->flags & PBUF_FLAG_PUSH) == 0)
        tcp_ack_now(pcb);
    conn_held_add(c->session, pbuf_clen(p));
    if (c->held == NULL)
        c->held = p;
    else
        pbuf_cat(c->held, p);
    if (c->slot != SLOT_NONE && conn_deliver(c))
        conn_publish(c);
    return ERR_OK;
}

static void on_error(void *arg, err_t err)
{
    struct conn *c = arg;
    uint32_t error = conn_error(err);
    c->lost = 0;
    if (c->pcb.tcp != NULL)
        demux_owner(c->pcb.tcp, NULL);
    if (c->connecting)
        error = err == ERR_RST ? SOCKET_REFUSED : SOCKET_TIMED_OUT;
    conn_dead(c, error);
}

static void callbacks_set(struct conn *c, struct tcp_pcb *pcb)
{
    c->pcb.tcp = pcb;
    demux_owner(pcb, c);
    tcp_arg(pcb, c);
    tcp_recv(pcb, on_recv);
    tcp_sent(pcb, on_sent);
    tcp_err(pcb, on_error);
}

static err_t on_connected(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct conn *c = arg;
    (void)pcb;
    (void)err;
    c->connecting = 0;
    conn_publish(c);
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *pcb, err_t err)
{
    struct conn *listener = arg;
    if (err != ERR_OK || pcb == NULL || listener == NULL)
        return ERR_VAL;
    struct conn *c = conn_new(listener->session, SLOT_NONE, SOCKET_TCP);
    if (c == NULL) {
        tcp_arg(pcb, NULL);
        return ERR_MEM; /* lwIP aborts it */
    }
    callbacks_set(c, pcb);
    tcp_nagle_disable(pcb);
    c->listener = listener;
    if (listener->last != NULL)
        listener->last->next = c;
    else
        listener->first = c;
    listener->last = c;
    listener->waiting++;
    store(&session_slot(listener->session, listener->slot)->rx_put, listener->waiting);
    session_ready(listener->session, listener->slot);
    return ERR_OK;
}

/* ---- requests ---- */

uint32_t tcp_conn_open(struct conn *c)
{
    struct tcp_pcb *pcb = tcp_new_ip_type(IPADDR_TYPE_ANY);
    if (pcb == NULL)
        return SOCKET_MEMORY;
    callbacks_set(c, pcb);
    tcp_nagle_disable(pcb);
    return 0;
}

uint32_t tcp_conn_bind(struct conn *c, const ip_addr_t *ip, uint16_t port)
{
    if (c->pcb.tcp->state != CLOSED)
        return SOCKET_STATE;
    /* Connections in TIME-WAIT do not keep a server from starting again; two listeners are refused
       by tcp_listen. */
    ip_set_option(c->pcb.tcp, SOF_REUSEADDR);
    return conn_error(tcp_bind(c->pcb.tcp, ip, port));
}

uint32_t tcp_conn_listen(struct conn *c, uint32_t backlog)
{
    err_t err;
    if (c->type != SOCKET_TCP)
        return SOCKET_TYPE;
    if (c->pcb.tcp == NULL || c->pcb.tcp->state != CLOSED || !c->bound)
        return SOCKET_STATE;
    uint32_t most = backlog == 0 ? 1 : backlog > BACKLOG_MAX ? BACKLOG_MAX : backlog;
    struct tcp_pcb *pcb = tcp_listen_with_backlog_and_err(c->pcb.tcp, HALF_OPEN_MAX, &err);
    if (pcb == NULL)
        return conn_error(err);
    c->pcb.tcp = pcb;
    c->backlog = most;
    tcp_arg(pcb, c);
    tcp_accept(pcb, on_accept);
    demux_listen(pcb);
    return 0;
}

/* A full queue drops the first segment, and the other side tries again; a connection once made is
   not refused. */
int tcp_conn_may_begin(const struct conn *c, uint32_t half_open)
{
    return c != NULL && c->waiting + half_open <= c->backlog;
}

uint32_t tcp_conn_connect(struct conn *c, const ip_addr_t *ip, uint16_t port)
{
    struct tcp_pcb *pcb = c->pcb.tcp;
    if (pcb->state != CLOSED)
        return SOCKET_STATE;
    if (tcp_ext_arg_get(pcb, 0) == NULL && !demux_prepare(pcb))
        return SOCKET_MEMORY;
    c->connecting = 1;
    err_t err = tcp_connect(pcb, ip, port, on_connected);
    if (err != ERR_OK) {
        c->connecting = 0;
        return conn_error(err);
    }
    demux_owner(pcb, c);
    demux_add(pcb);
    return 0;
}

uint32_t tcp_conn_accept(struct conn *listener, uint32_t slot, struct socket_address *peer)
{
    struct conn *c = listener->first;
    if (listener->pcb.tcp == NULL || listener->pcb.tcp->state != LISTEN || c == NULL)
        return SOCKET_STATE;
    tcp_conn_unqueue(c);
    c->slot = (uint16_t)slot;
    c->session->conn[slot] = c;
    address_from_lwip(&c->pcb.tcp->remote_ip, c->pcb.tcp->remote_port, peer);
    conn_deliver(c);
    conn_publish(c);
    return 0;
}

void tcp_conn_unqueue(struct conn *c)
{
    struct conn *listener = c->listener;
    struct conn *before = NULL;
    for (struct conn *at = listener->first; at != c; at = at->next)
        before = at;
    if (before == NULL)
        listener->first = c->next;
    else
        before->next = c->next;
    if (listener->last == c)
        listener->last = before;
    c->next = NULL;
    c->listener = NULL;
    listener->waiting--;
    store(&session_slot(listener->session, listener->slot)->rx_put, listener->waiting);
}

void tcp_conn_recved(struct conn *c, uint32_t bytes)
{
    while (bytes > 0 && c->pcb.tcp != NULL) {
        uint32_t piece = bytes < 0xffff ? bytes : 0xffff;
        tcp_recved(c->pcb.tcp, (u16_t)piece);
        bytes -= piece;
    }
}

void tcp_conn_abort(struct conn *c)
{
    if (c->pcb.tcp == NULL)
        return;
    if (c->pcb.tcp->state == LISTEN)
        listener_close(c);
    else
        tcp_abort(detach(c));
}
