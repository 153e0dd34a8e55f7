/* SPDX-License-Identifier: MIT */
/* The Internet checksum; see checksum.h. Eight bytes a step, the carry added back in. */
#include "servers/net/checksum.h"
#include <string.h>

static inline uint64_t add(uint64_t a, uint64_t b)
{
    uint64_t sum;
    int carry = __builtin_add_overflow(a, b, &sum); /* an add, and an add with carry */
    return sum + (uint64_t)carry;
}

static inline uint64_t word(const unsigned char *from)
{
    uint64_t w;
    __builtin_memcpy(&w, from, sizeof w);
    return w;
}

/* The last bytes, fewer than eight, as one word. */
static uint64_t tail(const unsigned char *from, size_t bytes)
{
    uint64_t w = 0;
    for (size_t i = 0; i < bytes; i++)
        w |= (uint64_t)from[i] << 8 * i;
    return w;
}

uint64_t checksum_join(uint64_t a, uint64_t b) { return add(a, b); }

uint64_t checksum_copy(void *to, const void *from, size_t bytes, uint64_t sum)
{
    unsigned char *d = to;
    const unsigned char *s = from;
    for (; bytes >= 32; bytes -= 32, d += 32, s += 32) {
        uint64_t a = word(s), b = word(s + 8), c = word(s + 16), e = word(s + 24);
        __builtin_memcpy(d, &a, 8);
        __builtin_memcpy(d + 8, &b, 8);
        __builtin_memcpy(d + 16, &c, 8);
        __builtin_memcpy(d + 24, &e, 8);
        sum = add(add(add(add(sum, a), b), c), e);
    }
    for (; bytes >= 8; bytes -= 8, d += 8, s += 8) {
        uint64_t a = word(s);
        __builtin_memcpy(d, &a, 8);
        sum = add(sum, a);
    }
    for (size_t i = 0; i < bytes; i++)
        d[i] = s[i];
    return add(sum, tail(d, bytes));
}

uint64_t checksum_add(const void *from, size_t bytes, uint64_t sum)
{
    const unsigned char *s = from;
    for (; bytes >= 32; bytes -= 32, s += 32)
        sum = add(add(add(add(sum, word(s)), word(s + 8)), word(s + 16)), word(s + 24));
    for (; bytes >= 8; bytes -= 8, s += 8)
        sum = add(sum, word(s));
    return add(sum, tail(s, bytes));
}

uint16_t checksum_fold(uint64_t sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (uint16_t)sum;
}

/* For lwIP: not complemented. */
uint16_t net_checksum(const void *data, int bytes);
uint16_t net_checksum(const void *data, int bytes)
{
    return checksum_fold(checksum_add(data, (size_t)bytes, 0));
}
