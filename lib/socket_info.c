/* SPDX-License-Identifier: MIT */
/* Questions to the network service: names, interfaces, connections, counters. */
#include "lib/socket_inside.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <string.h>

#define NAME_BYTES 255u
#define ADDRESS_WORDS 3u

static int64_t status_of(const struct atm_result *r)
{
    if (r->status == -ERR_TIMEOUT)
        return -SOCKET_TIMED_OUT;
    if (r->status == -ERR_PEER)
        return -SOCKET_RESTARTED;
    if (r->status == -ERR_DEAD || r->status == -ERR_HANDLE)
        return -SOCKET_NO_SERVICE;
    return r->status < 0 ? r->status : -(int64_t)TAG_LABEL(r->r[1]);
}

/* Asks about the nth thing; up to bytes of the answer behind its first word go to to. */
static int64_t ask(uint32_t label, uint32_t n, void *to, size_t bytes)
{
    struct message m = {.tag = TAG(label, 1, 0), .w = {n}};
    uint64_t net = startup_handle("net");
    if (net == 0)
        return -SOCKET_NO_SERVICE;
    int64_t status = message_call(net, &m);
    struct atm_result r = {status, {0, m.tag}};
    status = status_of(&r);
    if (status == 0 && message_get(&m, to, bytes) < bytes)
        status = -SOCKET_PROTOCOL;
    return status == -SOCKET_BAD ? -ERR_ARGUMENT : status;
}

int64_t net_interface(uint32_t n, struct net_interface *to)
{
    return ask(NET_INTERFACE, n, to, sizeof *to);
}

int64_t net_connection(uint32_t n, struct net_connection *to)
{
    return ask(NET_CONNECTION, n, to, sizeof *to);
}

int64_t net_counter(uint32_t n, char name[24], uint64_t *value)
{
    uint64_t words[4];
    int64_t status = ask(NET_COUNTER, n, words, sizeof words);
    if (status == 0) {
        *value = words[0];
        memcpy(name, &words[1], 24);
        name[23] = 0;
    }
    return status;
}

static void address_from(const uint64_t w[ADDRESS_WORDS], struct socket_address *a)
{
    a->family = (uint32_t)w[0];
    a->port = (uint32_t)(w[0] >> 32);
    memcpy(a->ip, &w[1], sizeof a->ip);
}

int64_t net_name_server(struct socket_address *to)
{
    uint64_t words[ADDRESS_WORDS];
    int64_t status = ask(NET_NAME_SERVER, 0, words, sizeof words);
    if (status == 0)
        address_from(words, to);
    return status;
}

int64_t socket_resolve(const char *name, struct socket_address *to, size_t most, uint64_t deadline)
{
    struct message m = {0};
    uint64_t words[ADDRESS_WORDS];
    size_t bytes = strlen(name);
    if (most == 0)
        return -ERR_ARGUMENT;
    if (socket_address_read(name, to))
        return 1;
    if (bytes == 0 || bytes > NAME_BYTES)
        return -SOCKET_NAME_WRONG;
    int64_t status = session_get();
    for (int tries = 0; status == 0 && tries < 2; tries++) {
        m.tag = TAG(NET_RESOLVE, message_put(m.w, name, bytes + 1), 0);
        m.w[0] = SOCKET_ANY_FAMILY;
        status = session_ask_until(&m, deadline);
        if (status != -SOCKET_RESTARTED)
            break;
        status = session_get();
    }
    if (status != 0)
        return status;
    if (message_get(&m, words, sizeof words) < sizeof words)
        return -SOCKET_PROTOCOL;
    address_from(words, &to[0]);
    return 1;
}
