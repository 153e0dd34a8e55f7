/* SPDX-License-Identifier: MIT */
/*
 * Numbers that nobody outside can foresee, for sequence numbers, ports and identifiers: SipHash-2-4 under a key
 * from the machine's source of random numbers. Where there is none the key is the time, which keeps
 * numbers apart but hides them from nobody.
 */
#include "servers/net/net.h"
#include "servers/net/lwip/hooks.h"
#include "servers/net/system.h"
#include <string.h>

#define ISN_TICK_NS 4000u /* RFC 6528: sequence numbers advance by one every 4 microseconds */

static uint64_t key[2];
static uint64_t counter;

static inline uint64_t rotate(uint64_t x, int by) { return x << by | x >> (64 - by); }

static inline void sip_round(uint64_t v[4])
{
    v[0] += v[1];
    v[2] += v[3];
    v[1] = rotate(v[1], 13) ^ v[0];
    v[3] = rotate(v[3], 16) ^ v[2];
    v[0] = rotate(v[0], 32);
    v[2] += v[1];
    v[0] += v[3];
    v[1] = rotate(v[1], 17) ^ v[2];
    v[3] = rotate(v[3], 21) ^ v[0];
    v[2] = rotate(v[2], 32);
}

/* Of whole words; the length is fixed for each use. */
static uint64_t sip_hash(const uint64_t *words, size_t count)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575ul, key[1] ^ 0x646f72616e646f6dul,
                     key[0] ^ 0x6c7967656e657261ul, key[1] ^ 0x7465646279746573ul};
    for (size_t i = 0; i <= count; i++) {
        uint64_t word = i < count ? words[i] : (uint64_t)count << 59;
        v[3] ^= word;
        sip_round(v);
        sip_round(v);
        v[0] ^= word;
    }
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void net_random_key(const uint64_t from[2]) { memcpy(key, from, sizeof key); }

uint32_t net_random(void)
{
    uint64_t word = ++counter;
    return (uint32_t)sip_hash(&word, 1);
}

static void address_words(const ip_addr_t *a, uint64_t w[2])
{
    struct socket_address s;
    address_from_lwip(a, 0, &s);
    memcpy(w, s.ip, sizeof s.ip);
}

uint32_t net_tcp_isn(const ip_addr_t *local, uint16_t local_port, const ip_addr_t *remote,
                     uint16_t remote_port)
{
    uint64_t w[5];
    address_words(local, &w[0]);
    address_words(remote, &w[2]);
    w[4] = (uint64_t)local_port << 16 | remote_port;
    return (uint32_t)(sip_hash(w, 5) + system_now() / ISN_TICK_NS);
}
