/* SPDX-License-Identifier: MIT */
/*
 * Frames in and out. Each is copied exactly once between the driver's pages and lwIP's memory, and
 * the checksum of a TCP segment is made or checked on the way, so that a byte is touched once. A frame
 * in the driver's pages may change while it is read: what is checked is the copy.
 */
#include "servers/net/net.h"
#include "servers/net/frame.h"
#include "lwip/inet_chksum.h"
#include "lwip/netif.h"
#include "lwip/stats.h"
#include "servers/net/checksum.h"
#include <string.h>

#define ETHER 14u
#define IP4 20u
#define IP6 40u
#define TCP 20u
#define TCP_SUM 16u /* offset of the checksum in a TCP header */
#define PROTOCOL_TCP 6

/* Where the TCP segment of a frame lies, for frames whose checksum is ours. */
struct segment {
    uint32_t at;    /* in the frame; 0: it is none */
    uint32_t bytes; /* header and data */
    uint64_t sum;   /* of the pseudo header */
};

static uint32_t word16(const unsigned char *at) { return (uint32_t)at[0] << 8 | at[1]; }

/* bytes: at least the headers are there, and how long the frame is in all. */
static struct segment segment_of(const unsigned char *f, uint32_t headers, uint32_t bytes)
{
    struct segment s = {0, 0, 0};
    uint32_t type = headers >= ETHER + IP4 + TCP ? word16(f + 12) : 0;
    if (type == 0x0800 && f[ETHER] == 0x45 && f[ETHER + 9] == PROTOCOL_TCP &&
        (word16(f + ETHER + 6) & 0x3fff) == 0) {
        uint32_t total = word16(f + ETHER + 2);
        if (total < IP4 + TCP || ETHER + total > bytes)
            return s;
        s = (struct segment){ETHER + IP4, total - IP4, 0};
        s.sum = checksum_add(f + ETHER + 12, 8, 0);
    } else if (type == 0x86dd && headers >= ETHER + IP6 + TCP && f[ETHER + 6] == PROTOCOL_TCP) {
        uint32_t payload = word16(f + ETHER + 4);
        if (payload < TCP || ETHER + IP6 + payload > bytes)
            return s;
        s = (struct segment){ETHER + IP6, payload, 0};
        s.sum = checksum_add(f + ETHER + 8, 32, 0);
    }
    if (s.at != 0)
        s.sum = checksum_join(s.sum, (uint64_t)PROTOCOL_TCP << 8 | (uint64_t)(s.bytes & 0xff) << 56 |
                                         (uint64_t)(s.bytes >> 8) << 48);
    return s;
}

/* ---- in ---- */

struct pbuf *frame_in(const unsigned char *frame, uint32_t bytes, int *checked)
{
    struct pbuf *p = pbuf_alloc(PBUF_RAW, (u16_t)bytes, PBUF_POOL);
    *checked = 0;
    if (p == NULL || p->next != NULL) {
        if (p != NULL)
            pbuf_free(p);
        return NULL;
    }
    unsigned char *to = p->payload;
    uint32_t head = bytes < ETHER + IP6 + TCP ? bytes : ETHER + IP6 + TCP;
    memcpy(to, frame, head);
    struct segment s = segment_of(to, head, bytes);
    if (s.at == 0) {
        memcpy(to + head, frame + head, bytes - head);
        return p;
    }
    uint32_t here = s.at + s.bytes < head ? s.bytes : head - s.at;
    uint64_t sum = checksum_add(to + s.at, here, s.sum);
    if (here < s.bytes)
        sum = checksum_copy(to + head, frame + head, s.bytes - here, sum);
    if (checksum_fold(sum) != 0xffff) {
        pbuf_free(p);
        TCP_STATS_INC(tcp.chkerr);
        return NULL;
    }
    uint32_t end = s.at + s.bytes;
    if (end < bytes && end >= head)
        pbuf_realloc(p, (u16_t)end); /* Ethernet's padding */
    *checked = 1;
    return p;
}

/* ---- out ---- */

/* Copies the rest of a packet, from its byte at on, summing from the segment on. */
static uint64_t copy_out(unsigned char *to, const struct pbuf *p, uint32_t skip, uint64_t sum)
{
    uint32_t done = 0;
    for (; p != NULL; p = p->next) {
        if (skip >= p->len) {
            skip -= p->len;
            continue;
        }
        const unsigned char *from = (const unsigned char *)p->payload + skip;
        uint32_t bytes = p->len - skip;
        skip = 0;
        if (done % 2 == 0)
            sum = checksum_copy(to + done, from, bytes, sum);
        else
            sum = checksum_join(sum, checksum_odd(checksum_copy(to + done, from, bytes, 0)));
        done += bytes;
    }
    return sum;
}

uint32_t frame_out(unsigned char *to, const struct pbuf *p)
{
    uint32_t bytes = p->tot_len;
    uint32_t head = ETHER + IP6 + TCP;
    struct segment s = segment_of(p->payload, p->len, bytes);
    if (s.at == 0 || s.at + s.bytes != bytes) {
        pbuf_copy_partial(p, to, p->tot_len, 0);
        return bytes;
    }
    if (head > s.at)
        head = s.at;
    memcpy(to, p->payload, head);
    uint16_t sum = checksum_fold(copy_out(to + head, p, head, s.sum));
    sum = (uint16_t)~sum;
    memcpy(to + s.at + TCP_SUM, &sum, sizeof sum);
    return bytes;
}
