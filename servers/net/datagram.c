/* SPDX-License-Identifier: MIT */
/*
 * UDP and PING sockets: whole datagrams, as records in the rings (lib/socket_wire.h). A record that
 * does not fit when it comes is dropped, as datagrams may be.
 *
 * A PING datagram is two bytes of sequence number, lowest first, and data; it goes out as an ICMP
 * echo request with an identifier of the socket's own, and only answers with that come back.
 */
#include "servers/net/net.h"
#include "lwip/icmp.h"
#include "lwip/icmp6.h"
#include "lwip/inet_chksum.h"
#include "lwip/ip.h"
#include <string.h>

#define ECHO_HEADER 8u
#define RECORDS_A_TURN 64u

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

/* ---- receiving ---- */

/* Puts a record into the ring, whole or not at all. */
static int record_write(struct conn *c, const struct wire_record *record, const struct pbuf *p)
{
    static const unsigned char zeros[8];
    int64_t room = conn_room(c);
    if (room < (int64_t)WIRE_RECORD_BYTES(record->bytes))
        return 0;
    uint32_t before = c->rx_put;
    int done = conn_ring_write(c, record, sizeof *record);
    for (; done && p != NULL; p = p->next)
        done = conn_ring_write(c, p->payload, p->len);
    done = done && conn_ring_write(c, zeros, -record->bytes & 7u);
    if (!done)
        c->rx_put = before; /* chunks taken stay in place for the next */
    return done;
}

static void record_deliver(struct conn *c, const ip_addr_t *from, uint32_t port, struct pbuf *p)
{
    struct socket_address a;
    struct wire_record record = {.bytes = p->tot_len, .port = port};
    address_from_lwip(from, port, &a);
    record.family = a.family;
    memcpy(record.ip, a.ip, sizeof record.ip);
    if (p->tot_len <= SOCKET_DATAGRAM_MAX && record_write(c, &record, p))
        conn_publish(c);
}

static void on_udp(void *arg, struct udp_pcb *pcb, struct pbuf *p, const ip_addr_t *from, u16_t port)
{
    (void)pcb;
    record_deliver(arg, from, port, p);
    pbuf_free(p);
}

/* A copy of the packet, in one piece, from the ICMP header on; NULL: it is no answer to this socket. */
static struct pbuf *echo_answer(const struct conn *c, struct pbuf *p)
{
    int v6 = ip_current_is_v6();
    uint16_t header = ip_current_header_tot_len();
    if (p->tot_len < header + ECHO_HEADER)
        return NULL;
    struct pbuf *copy = pbuf_alloc(PBUF_RAW, (u16_t)(p->tot_len - header), PBUF_RAM);
    if (copy == NULL)
        return NULL;
    pbuf_copy_partial(p, copy->payload, copy->tot_len, header);
    const unsigned char *icmp = copy->payload;
    uint16_t id = (uint16_t)(icmp[4] << 8 | icmp[5]);
    int whole = (v6 ? ip_chksum_pseudo(copy, IP6_NEXTH_ICMP6, copy->tot_len, ip_current_src_addr(),
                                       ip_current_dest_addr())
                    : inet_chksum(icmp, copy->tot_len)) == 0;
    if (icmp[0] == (v6 ? ICMP6_TYPE_EREP : ICMP_ER) && icmp[1] == 0 && id == c->ping && whole)
        return copy;
    pbuf_free(copy);
    return NULL;
}

static u8_t on_raw(void *arg, struct raw_pcb *pcb, struct pbuf *p, const ip_addr_t *from)
{
    struct conn *c = arg;
    (void)pcb;
    struct pbuf *copy = echo_answer(c, p);
    if (copy != NULL) {
        unsigned char *icmp = copy->payload;
        uint32_t hops =
            ip_current_is_v6() ? IP6H_HOPLIM(ip6_current_header()) : IPH_TTL(ip4_current_header());
        unsigned char low = icmp[7], high = icmp[6];
        icmp[6] = low;
        icmp[7] = high;
        pbuf_remove_header(copy, ECHO_HEADER - 2);
        record_deliver(c, from, hops, copy);
        pbuf_free(copy);
    }
    return 0; /* others may look at it, too */
}

/* ---- sending ---- */

static struct pbuf *echo_request(const struct conn *c, struct pbuf *p, int v6)
{
    unsigned char sequence[2] = {0, 0};
    pbuf_copy_partial(p, sequence, 2, 0);
    struct pbuf *echo = pbuf_alloc(PBUF_IP, (u16_t)(p->tot_len + ECHO_HEADER - 2), PBUF_RAM);
    if (echo == NULL)
        return NULL;
    unsigned char *icmp = echo->payload;
    memset(icmp, 0, ECHO_HEADER);
    icmp[0] = v6 ? ICMP6_TYPE_EREQ : ICMP_ECHO;
    icmp[4] = (unsigned char)(c->ping >> 8);
    icmp[5] = (unsigned char)c->ping;
    icmp[6] = sequence[1];
    icmp[7] = sequence[0];
    pbuf_copy_partial(p, icmp + ECHO_HEADER, (u16_t)(p->tot_len - 2), 2);
    if (!v6) {
        uint16_t sum = inet_chksum(icmp, echo->tot_len);
        memcpy(icmp + 2, &sum, 2);
    }
    return echo;
}

/* lwIP has a pcb for one version of IP and one protocol: ICMP by the family of the peer. */
static err_t echo_send(struct conn *c, struct pbuf *p, const ip_addr_t *to)
{
    int v6 = IP_IS_V6(to);
    struct pbuf *echo = p->tot_len >= 2 ? echo_request(c, p, v6) : NULL;
    if (echo == NULL)
        return ERR_VAL;
    struct raw_pcb *pcb = c->pcb.raw;
    pcb->protocol = v6 ? IP6_NEXTH_ICMP6 : IP_PROTO_ICMP;
    pcb->chksum_reqd = v6 ? 1 : 0;
    pcb->chksum_offset = 2;
    err_t err = raw_sendto(pcb, echo, to);
    pbuf_free(echo);
    return err;
}

static uint32_t record_send(struct conn *c, const struct wire_record *record, uint32_t at)
{
    struct socket_address a = {.family = record->family, .port = record->port & 0xffff};
    ip_addr_t to;
    memcpy(a.ip, record->ip, sizeof a.ip);
    if (a.family == SOCKET_ANY_FAMILY)
        a = c->peer;
    if (a.family != SOCKET_IPV4 && a.family != SOCKET_IPV6)
        return SOCKET_ADDRESS;
    address_to_lwip(&a, &to);
    struct pbuf *p = pbuf_alloc(PBUF_TRANSPORT, (u16_t)record->bytes, PBUF_RAM);
    if (p == NULL)
        return SOCKET_MEMORY;
    uint32_t error = SOCKET_PROTOCOL;
    if (!conn_ring_read(c, at + (uint32_t)sizeof *record, p->payload, record->bytes))
        conn_break(c);
    else if (c->type == SOCKET_UDP)
        error = conn_error(udp_sendto(c->pcb.udp, p, &to, (u16_t)a.port));
    else
        error = conn_error(echo_send(c, p, &to));
    pbuf_free(p);
    return error;
}

/* Sends the first record; 0: there is none. */
static int record_take(struct conn *c, uint32_t put)
{
    struct wire_record record;
    uint32_t bytes = put - c->tx_taken;
    if (bytes == 0)
        return 0;
    if (bytes < sizeof record || !conn_ring_read(c, c->tx_taken, &record, sizeof record) ||
        record.bytes > SOCKET_DATAGRAM_MAX || WIRE_RECORD_BYTES(record.bytes) > bytes) {
        conn_break(c);
        return 0;
    }
    uint32_t error = record_send(c, &record, c->tx_taken);
    struct wire_slot *slot = session_slot(c->session, c->slot);
    if (error != 0)
        store(&slot->error, error);
    c->tx_taken += WIRE_RECORD_BYTES(record.bytes);
    store(&slot->tx_taken, c->tx_taken);
    return !c->broken;
}

void datagram_work(struct conn *c, uint32_t want)
{
    if (c->pcb.udp != NULL) {
        uint32_t put = load(&session_slot(c->session, c->slot)->tx_put);
        unsigned n = 0;
        if (put - c->tx_taken > WIRE_RING)
            conn_break(c);
        else
            while (n < RECORDS_A_TURN && record_take(c, put))
                n++;
        if (n > 0)
            session_ready(c->session, c->slot);
        if (c->broken)
            return;
        if (put != c->tx_taken) {
            conn_later(c);
            return;
        }
    }
    if ((want & WIRE_CLOSE) != 0) {
        datagram_close(c);
        conn_free(c);
    }
}

/* ---- making and ending ---- */

uint32_t datagram_open(struct conn *c)
{
    static uint16_t ping_next;
    if (c->type == SOCKET_UDP) {
        c->pcb.udp = udp_new_ip_type(IPADDR_TYPE_ANY);
        if (c->pcb.udp == NULL)
            return SOCKET_MEMORY;
        udp_recv(c->pcb.udp, on_udp, c);
        err_t err = udp_bind(c->pcb.udp, IP_ANY_TYPE, 0);
        if (err != ERR_OK)
            datagram_close(c);
        return conn_error(err);
    }
    c->pcb.raw = raw_new_ip_type(IPADDR_TYPE_ANY, IP_PROTO_ICMP);
    if (c->pcb.raw == NULL)
        return SOCKET_MEMORY;
    c->ping = ++ping_next;
    raw_recv(c->pcb.raw, on_raw, c);
    return 0;
}

void datagram_close(struct conn *c)
{
    if (c->pcb.udp == NULL)
        return;
    if (c->type == SOCKET_UDP)
        udp_remove(c->pcb.udp);
    else
        raw_remove(c->pcb.raw);
    c->pcb.udp = NULL;
}
