/* SPDX-License-Identifier: MIT */
/*
 * What the network service spends on packets: the service and lwIP on the build machine, compiled as for the
 * system, with a peer made by hand behind the Ethernet interface. bench/net runs it under callgrind, which
 * counts the instructions within measured_...(); the peer's and the client's own are not counted.
 *
 *   net receive N    N full TCP segments come, the client takes them
 *   net send N       N full segments go, the peer acknowledges every second
 *   net answer N     N requests of 60 bytes come, each is answered with 60 bytes
 */
#include "tests/unit/net_world.h"
#include "lwip/netif.h"
#include "servers/net/checksum.h"
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MSS 1460u
#define SLOT 1
#define TX_FIRST 100u
#define RECEIVE_CHUNKS 96u

static const unsigned char peer_mac[6] = {2, 2, 2, 2, 2, 2},
                           own_mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
static struct client client;
static unsigned char frame[1600];
static uint32_t sequence = 1000, acknowledged; /* the peer's */

__attribute__((noinline)) void measured_input(const unsigned char *bytes, uint32_t count);
__attribute__((noinline)) void measured_input(const unsigned char *bytes, uint32_t count)
{
    stack_input(bytes, count);
}

__attribute__((noinline)) void measured_turn(void);
__attribute__((noinline)) void measured_turn(void)
{
    stack_loopback();
    while (sessions_work())
        ;
    sessions_wake();
}

static void put32(unsigned char *at, uint32_t n)
{
    for (int i = 0; i < 4; i++)
        at[i] = (unsigned char)(n >> (24 - 8 * i));
}

static uint32_t get32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* A segment of the peer's: flags, data of so many bytes, options (4 bytes each, MSS and window scale) with SYN. */
static void peer_sends(unsigned flags, uint32_t bytes)
{
    uint32_t options = flags & 2 ? 8 : 0, tcp = 20 + options + bytes;
    unsigned char *ip = frame + 14, *t = ip + 20;
    memset(frame, 0, 54 + options);
    memcpy(frame, own_mac, 6);
    memcpy(frame + 6, peer_mac, 6);
    frame[12] = 8;
    ip[0] = 0x45;
    ip[2] = (unsigned char)((20 + tcp) >> 8);
    ip[3] = (unsigned char)(20 + tcp);
    ip[8] = 64;
    ip[9] = 6;
    put32(ip + 12, 0x0a000202);
    put32(ip + 16, 0x0a00020f);
    uint16_t sum = (uint16_t)~checksum_fold(checksum_add(ip, 20, 0));
    memcpy(ip + 10, &sum, 2);
    put32(t, 0x30390050); /* port 12345 to port 80 */
    put32(t + 4, sequence);
    put32(t + 8, acknowledged);
    t[12] = (unsigned char)((20 + options) / 4 << 4);
    t[13] = (unsigned char)flags;
    t[14] = 0xff;
    if (options != 0)
        memcpy(t + 20, "\x02\x04\x05\xb4\x01\x03\x03\x07", 8);
    uint64_t pseudo = checksum_add(ip + 12, 8, 0) + (6ul << 8) + ((uint64_t)(tcp & 0xff) << 56) +
                      ((uint64_t)(tcp >> 8) << 48);
    sum = (uint16_t)~checksum_fold(checksum_add(t, tcp, pseudo));
    memcpy(t + 16, &sum, 2);
    sequence += bytes + (flags & 2) / 2;
    measured_input(frame, 34 + tcp);
}

/* What the service sent: the peer's acknowledgement number moves on; gives the bytes of data. */
static uint32_t peer_takes(void)
{
    uint32_t bytes = 0;
    for (unsigned i = 0; i < world.frames; i++) {
        const unsigned char *ip = world.sent[i].bytes + 14, *t = ip + 20;
        if (ip[9] != 6 || world.sent[i].bytes[12] != 8 || world.sent[i].bytes[13] != 0)
            continue;
        uint32_t data = ((uint32_t)ip[2] << 8 | ip[3]) - 20 - (t[12] >> 4) * 4u;
        acknowledged = get32(t + 4) + data + (t[13] & 2) / 2;
        bytes += data;
    }
    world.frames = 0;
    return bytes;
}

static void connection_make(void)
{
    static const struct socket_address any = {SOCKET_ANY_FAMILY, 80, {0}};
    unsigned char arp[42] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 2, 2, 2, 2,  2, 8, 6,
                             0,    1,    8,    0,    6,    4,    0, 1, 2, 2, 2,  2, 2, 2,
                             10,   0,    2,    2,    0,    0,    0, 0, 0, 0, 10, 0, 2, 15};
    struct request r;
    ip4_addr_t own, mask, gateway;
    world_start();
    IP4_ADDR(&own, 10, 0, 2, 15);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    IP4_ADDR(&gateway, 10, 0, 2, 2);
    netif_set_addr(netif_find("en1"), &own, &mask, &gateway);
    client_begin(&client, 5, 20, RECEIVE_CHUNKS);
    stack_input(arp, sizeof arp);
    client_ask(&client, &r, NET_OPEN, 0, SOCKET_TCP);
    client_ask_address(&client, NET_BIND, 0, &any);
    client_ask(&client, &r, NET_LISTEN, 0, 5);
    world.frames = 0;
    peer_sends(2, 0);
    peer_takes();
    peer_sends(16, 0);
    measured_turn();
    uint32_t label = client_ask(&client, &r, NET_ACCEPT, 0, SLOT);
    assert(label == 0);
}

/* The client reads all, and gives chunks back. */
static void client_takes(void)
{
    struct wire_slot *s = &client.slot[SLOT];
    uint32_t first = s->rx_taken / WIRE_CHUNK, last = s->rx_put / WIRE_CHUNK;
    for (; first != last; first++)
        client_offer(&client, s->rx_chunk[first % WIRE_RING_CHUNKS], 1);
    s->rx_taken = s->rx_put;
    client.control->ready_taken = client.control->ready_put;
}

static void client_sends(uint32_t bytes)
{
    struct wire_slot *s = &client.slot[SLOT];
    for (uint32_t at = s->tx_put / WIRE_CHUNK; at <= (s->tx_put + bytes) / WIRE_CHUNK; at++)
        s->tx_chunk[at % WIRE_RING_CHUNKS] = (uint16_t)(TX_FIRST + at % 60);
    s->tx_put += bytes;
    client_work(&client, SLOT);
    measured_turn();
}

static void receive(uint32_t count)
{
    for (uint32_t n = 0; n < count; n++) {
        peer_sends(16, MSS);
        if (n % 16 == 15) {
            client_takes();
            client_work(&client, SLOT);
            measured_turn();
            peer_takes();
        }
    }
}

static void send(uint32_t count)
{
    for (uint32_t n = 0; n < count;) {
        client_sends(20 * MSS);
        for (uint32_t got = 0; got < 20 * MSS;) {
            uint32_t bytes = peer_takes();
            assert(bytes > 0);
            got += bytes;
            uint32_t end = acknowledged;
            for (uint32_t left = bytes / MSS; left > 0; left -= left > 1 ? 2 : 1) {
                acknowledged = end - (left > 1 ? left - 2 : 0) * MSS;
                peer_sends(16, 0);
            }
        }
        n += 20;
    }
}

static void answer(uint32_t count)
{
    for (uint32_t n = 0; n < count; n++) {
        peer_sends(24, 60);
        measured_turn();
        client_takes();
        client_sends(60);
        uint32_t bytes = peer_takes();
        assert(bytes == 60);
    }
}

int main(int argc, char **argv)
{
    uint32_t count = argc > 2 ? (uint32_t)atoi(argv[2]) : 0;
    if (argc != 3 || strchr("rsa", argv[1][0]) == NULL)
        return 2;
    connection_make();
    if (argv[1][0] == 'r')
        receive(count);
    else if (argv[1][0] == 's')
        send(count);
    else
        answer(count);
    return 0;
}
