/* SPDX-License-Identifier: MIT */
/* Sends ICMP echo requests and says what comes back. Ends with status 1 if nothing did. */
#include "lib/socket.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ul
#define BYTES_DEFAULT 56u
#define BYTES_MAX 1400u

struct ping {
    int socket;
    struct socket_address to;
    uint32_t bytes;
    unsigned sent, received;
    uint64_t least, most, sum; /* ns */
};

static uint64_t now(void) { return atm_clock().r[0]; }

static int usage(void)
{
    fprintf(stderr, "usage: ping [-c COUNT] [-i MILLISECONDS] [-s BYTES] HOST\n");
    return 2;
}

static int64_t request_send(struct ping *p, unsigned sequence)
{
    unsigned char packet[2 + BYTES_MAX];
    uint64_t at = now();
    for (uint32_t i = 0; i < p->bytes; i++)
        packet[2 + i] = (unsigned char)i;
    packet[0] = (unsigned char)sequence;
    packet[1] = (unsigned char)(sequence >> 8);
    if (p->bytes >= sizeof at)
        memcpy(packet + 2, &at, sizeof at);
    p->sent++;
    return socket_sendto(p->socket, packet, 2 + p->bytes, &p->to);
}

static void answer_show(struct ping *p, const unsigned char *packet, int64_t bytes,
                        const struct socket_address *from, uint64_t begun)
{
    char text[SOCKET_ADDRESS_TEXT];
    uint64_t took = now() - begun;
    unsigned sequence = packet[0] | (unsigned)packet[1] << 8;
    p->received++;
    p->sum += took;
    p->least = p->least == 0 || took < p->least ? took : p->least;
    p->most = took > p->most ? took : p->most;
    printf("%ld bytes from %s: seq=%u ttl=%u time=%lu.%03lu ms\n", bytes - 2,
           socket_address_text(from, 0, text), sequence, from->port, took / 1000000,
           took / 1000 % 1000);
}

/* Takes answers until the next request is due; done early when it is the last and has its answer. */
static int64_t answers_take(struct ping *p, unsigned sequence, uint64_t begun, uint64_t until,
                            int last)
{
    unsigned char packet[2 + BYTES_MAX];
    struct socket_address from;
    for (;;) {
        int64_t bytes = socket_recvfrom(p->socket, packet, sizeof packet, &from, until);
        if (bytes < 0)
            return bytes == -SOCKET_TIMED_OUT ? 0 : bytes;
        if (bytes < 2)
            continue;
        answer_show(p, packet, bytes, &from, begun);
        if (last && (packet[0] | (unsigned)packet[1] << 8) == sequence)
            return 0;
    }
}

static int run(struct ping *p, unsigned count, uint64_t interval)
{
    for (unsigned n = 1; count == 0 || n <= count; n++) {
        uint64_t begun = now();
        int64_t status = request_send(p, n);
        if (status >= 0)
            status = answers_take(p, n, begun, begun + (n == count ? SECOND : interval), n == count);
        if (status < 0) {
            fprintf(stderr, "ping: %s\n", socket_error_text(status));
            return 1;
        }
    }
    printf("%u sent, %u received, %u%% lost", p->sent, p->received,
           100 - 100 * p->received / p->sent);
    if (p->received > 0)
        printf(", time least/mean/most %lu/%lu/%lu us", p->least / 1000,
               p->sum / p->received / 1000, p->most / 1000);
    printf("\n");
    return p->received > 0 ? 0 : 1;
}

/* Options into values; gives the host, NULL: wrong. */
static const char *options(int argc, char **argv, unsigned long value[3])
{
    int i = 1;
    for (; i + 1 < argc && argv[i][0] == '-'; i += 2) {
        const char *letters = "cis";
        const char *letter = argv[i][1] != 0 ? strchr(letters, argv[i][1]) : NULL;
        char *end;
        if (letter == NULL || argv[i][2] != 0)
            return NULL;
        value[letter - letters] = strtoul(argv[i + 1], &end, 10);
        if (*end != 0)
            return NULL;
    }
    return i + 1 == argc && argv[i][0] != '-' ? argv[i] : NULL;
}

int main(int argc, char **argv)
{
    unsigned long value[3] = {4, 1000, BYTES_DEFAULT};
    char text[SOCKET_ADDRESS_TEXT];
    struct ping p = {0};
    const char *host = options(argc, argv, value);
    if (host == NULL || value[2] > BYTES_MAX)
        return usage();
    int64_t status = socket_resolve(host, &p.to, 1, now() + 10 * SECOND);
    if (status > 0)
        status = p.socket = socket_open(SOCKET_PING);
    if (status < 0) {
        fprintf(stderr, "ping: %s: %s\n", host, socket_error_text(status));
        return 1;
    }
    p.bytes = (uint32_t)value[2];
    printf("ping %s (%s): %u bytes\n", host, socket_address_text(&p.to, 0, text), p.bytes);
    return run(&p, (unsigned)value[0], value[1] * 1000000);
}
