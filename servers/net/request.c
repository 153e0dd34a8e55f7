/* SPDX-License-Identifier: MIT */
/*
 * Requests: decodes, checks, does, answers. Any label, any words and any number of them are legal.
 */
#include "servers/net/net.h"
#include "lwip/dns.h"
#include "lwip/prot/dns.h"
#include "servers/net/system.h"
#include <string.h>

#define NAME_MAX_BYTES 255u
#define ADDRESS_WORDS 3u

static void address_get(const uint64_t *w, struct socket_address *a)
{
    a->family = (uint32_t)w[0];
    a->port = (uint32_t)(w[0] >> 32);
    memcpy(a->ip, &w[1], sizeof a->ip);
}

static void address_put(uint64_t *w, const struct socket_address *a)
{
    w[0] = a->family | (uint64_t)a->port << 32;
    memcpy(&w[1], a->ip, sizeof a->ip);
}

/* ---- sessions ---- */

static uint32_t request_attach(struct request *r)
{
    if (r->handle == 0)
        return SOCKET_PROTOCOL;
    sessions_reap(); /* what an earlier program had, above all its ports, is free again */
    struct session *s = session_open(r->badge, r->handle, r->w[0]);
    if (s == NULL)
        return SOCKET_LIMIT;
    r->handle_kept = 1;
    r->give = s;
    r->w[0] = 1ul << (s - session_at);
    r->answer_words = 1;
    return 0;
}

static uint32_t request_share(struct session *s, struct request *r)
{
    if (r->group == NULL)
        return SOCKET_PROTOCOL;
    uint32_t error = session_share(s, r->w[0], r->group);
    r->group_kept = error == 0;
    return error;
}

/* The answer comes later, by the reply handle noted here; one that was noted before is not used any more. */
static uint32_t answer_later(struct request *r, uint64_t *noted)
{
    if (*noted != 0)
        system_close(*noted);
    uint64_t reply = system_save();
    *noted = reply == SYSTEM_GONE ? 0 : reply;
    r->later = reply != 0;
    return reply == 0 ? SOCKET_MEMORY : 0;
}

static uint32_t request_wait(struct session *s, struct request *r)
{
    if (s->control == NULL)
        return SOCKET_STATE;
    uint32_t error = answer_later(r, &s->waits);
    if (error == 0)
        s->wake = 1;
    return error;
}

/* ---- names ---- */

#define NAME_BYTES 253u /* without a dot at its end, */
#define LABEL_BYTES 63u /* and between two dots */

/* Why a name asked for in vain has no address: from an answer's header, or that none came in time. */
static uint32_t name_error;

void net_dns_failed(unsigned flags1, unsigned flags2)
{
    uint32_t code = flags2 & DNS_FLAG2_ERR_MASK;
    int cut = code == 0 && (flags1 & DNS_FLAG1_TRUNC) != 0;
    name_error =
        cut || (code != 0 && code != DNS_FLAG2_ERR_NAME) ? SOCKET_NAME_ERROR : SOCKET_NO_NAME;
}

void names_time(void)
{
    name_error = SOCKET_NAME_FAILED;
    dns_tmr();
}

/* 1 if it can be asked for, of a length and parts that DNS has; a dot at its end is taken off. */
static int name_possible(char *name)
{
    size_t bytes = strlen(name), label = 0;
    if (bytes > 1 && name[bytes - 1] == '.')
        name[--bytes] = 0;
    for (size_t i = 0; i < bytes; i++) {
        label = name[i] == '.' ? 0 : label + 1;
        if (label > LABEL_BYTES || (name[i] == '.' && (i == 0 || name[i - 1] == '.')))
            return 0;
    }
    return label > 0 && bytes <= NAME_BYTES;
}

/* One name at a time is asked for by a session. The answer may come when the session is another's. */
static void name_found(const char *name, const ip_addr_t *ip, void *arg)
{
    uint64_t asked = (uint64_t)(uintptr_t)arg;
    struct session *s = &session_at[asked % SESSIONS_MAX];
    uint64_t w[1 + ADDRESS_WORDS] = {0};
    (void)name;
    if (!s->used || s->resolves == 0 || s->resolve_serial != asked / SESSIONS_MAX)
        return;
    uint32_t words = 1;
    if (ip != NULL) {
        struct socket_address a;
        address_from_lwip(ip, 0, &a);
        w[0] = 1;
        address_put(&w[1], &a);
        words += ADDRESS_WORDS;
    }
    system_answer(s->resolves, ip == NULL ? name_error : 0, w, words);
    s->resolves = 0;
}

static uint32_t request_resolve(struct session *s, struct request *r)
{
    static uint32_t serial;
    char name[NAME_MAX_BYTES + 1];
    ip_addr_t ip;
    memcpy(name, &r->w[1], NAME_MAX_BYTES);
    name[NAME_MAX_BYTES] = 0;
    if (!name_possible(name))
        return SOCKET_NAME_WRONG;
    if (ip_addr_isany(dns_getserver(0)) && !ipaddr_aton(name, &ip) && strcmp(name, "localhost") != 0)
        return SOCKET_NAME_FAILED;
    uint8_t type = r->w[0] == SOCKET_IPV4   ? LWIP_DNS_ADDRTYPE_IPV4
                   : r->w[0] == SOCKET_IPV6 ? LWIP_DNS_ADDRTYPE_IPV6
                                            : LWIP_DNS_ADDRTYPE_IPV4_IPV6;
    s->resolve_serial = ++serial & 0xffffffu;
    uint64_t asked = (uint64_t)s->resolve_serial * SESSIONS_MAX + (uint64_t)(s - session_at);
    err_t err = dns_gethostbyname_addrtype(name, &ip, name_found, (void *)(uintptr_t)asked, type);
    if (err == ERR_OK) {
        struct socket_address a;
        address_from_lwip(&ip, 0, &a);
        r->w[0] = 1;
        address_put(&r->w[1], &a);
        r->answer_words = 1 + ADDRESS_WORDS;
        return 0;
    }
    if (err != ERR_INPROGRESS)
        return err == ERR_MEM ? SOCKET_MEMORY : SOCKET_NO_NAME;
    return answer_later(r, &s->resolves);
}

/* ---- sockets ---- */

/* A slot that a new connection may take. */
static uint32_t slot_check(const struct session *s, uint64_t slot)
{
    if (slot >= (uint64_t)s->slot_groups * WIRE_SLOTS_A_GROUP)
        return SOCKET_BAD;
    return s->conn[slot] != NULL ? SOCKET_STATE : 0;
}

static void slot_begin(struct session *s, uint64_t slot)
{
    struct wire_slot *w = session_slot(s, (uint32_t)slot);
    w->tx_taken = w->rx_put = w->rx_end = w->error = 0;
    __atomic_store_n(&w->state, 0, __ATOMIC_RELEASE);
}

static uint32_t request_open(struct session *s, struct request *r)
{
    uint32_t error = slot_check(s, r->w[0]);
    if (error != 0)
        return error;
    slot_begin(s, r->w[0]);
    return conn_open(s, (uint32_t)r->w[0], (uint32_t)r->w[1]);
}

static uint32_t request_accept(struct session *s, struct conn *c, struct request *r)
{
    struct socket_address peer;
    uint32_t error = slot_check(s, r->w[1]);
    if (error != 0)
        return error;
    if (c->type != SOCKET_TCP)
        return SOCKET_TYPE;
    slot_begin(s, r->w[1]);
    error = tcp_conn_accept(c, (uint32_t)r->w[1], &peer);
    if (error != 0)
        return error;
    address_put(&r->w[1], &peer);
    r->answer_words = 1 + ADDRESS_WORDS;
    return 0;
}

static uint32_t request_address(struct conn *c, struct request *r)
{
    struct socket_address a;
    uint32_t error = conn_address(c, r->w[1] != 0, &a);
    if (error == 0) {
        address_put(&r->w[1], &a);
        r->answer_words = 1 + ADDRESS_WORDS;
    }
    return error;
}

/* About one open socket. */
static uint32_t request_conn(struct session *s, struct request *r)
{
    struct conn *c = session_conn(s, r->w[0]);
    struct socket_address a;
    if (c == NULL || c->closing)
        return SOCKET_BAD;
    address_get(&r->w[1], &a);
    switch (r->label) {
    case NET_BIND:
        return conn_bind(c, &a);
    case NET_CONNECT:
        return conn_connect(c, &a);
    case NET_LISTEN:
        return tcp_conn_listen(c, r->w[1] < BACKLOG_MAX ? (uint32_t)r->w[1] : BACKLOG_MAX);
    case NET_ACCEPT:
        return request_accept(s, c, r);
    case NET_ADDRESS:
        return request_address(c, r);
    default:
        return SOCKET_PROTOCOL;
    }
}

/* ---- questions about the system ---- */

static uint32_t request_info(struct request *r)
{
    struct net_interface interface;
    struct net_connection connection;
    struct socket_address a;
    uint32_t error;
    switch (r->label) {
    case NET_INTERFACE:
        error = info_interface(r->w[0], &interface);
        if (error == 0)
            memcpy(&r->w[1], &interface, sizeof interface);
        r->answer_words = 1 + (sizeof interface + 7) / 8;
        return error;
    case NET_CONNECTION:
        error = info_connection(r->w[0], &connection);
        if (error == 0)
            memcpy(&r->w[1], &connection, sizeof connection);
        r->answer_words = 1 + (sizeof connection + 7) / 8;
        return error;
    case NET_COUNTER:
        r->answer_words = 5;
        return info_counter(r->w[0], (char *)&r->w[2], &r->w[1]);
    default:
        info_name_server(&a);
        address_put(&r->w[1], &a);
        r->answer_words = 1 + ADDRESS_WORDS;
        return 0;
    }
}

uint32_t request_handle(struct request *r)
{
    if (r->label >= NET_INTERFACE && r->label <= NET_NAME_SERVER)
        return request_info(r);
    if (r->label == NET_ATTACH)
        return request_attach(r);
    struct session *s = session_of(r->badge);
    if (s == NULL)
        return SOCKET_RESTARTED;
    switch (r->label) {
    case NET_SHARE:
        return request_share(s, r);
    case NET_WAIT:
        return request_wait(s, r);
    case NET_RESOLVE:
        return request_resolve(s, r);
    case NET_OPEN:
        return request_open(s, r);
    default:
        return request_conn(s, r);
    }
}
