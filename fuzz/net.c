/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the network service with lwIP. An input is a list of steps: a frame from the driver, a
 * request, a word written into shared memory, a piece of work for the service, time. Frames get right
 * checksums, so that they are looked at. After each input the client dies, and nothing of it may be left.
 */
#include "tests/unit/net_world.h"
#include "servers/net/checksum.h"
#include <stdlib.h>
#include <string.h>

#define STEPS_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct client client;

/* The input, taken byte by byte; 0 behind its end. */
static const uint8_t *in;
static size_t left;

static uint8_t take(void)
{
    if (left == 0)
        return 0;
    left--;
    return *in++;
}

static uint32_t take16(void)
{
    uint32_t low = take();
    return low | (uint32_t)take() << 8;
}

/* Numbers of the kinds that matter. */
static uint32_t number(void)
{
    uint32_t n = take16();
    return n % 5 == 0 ? n << 16 | n : n % 5 == 1 ? (uint32_t) - (int32_t)(n % 100) : n;
}

/* ---- frames ---- */

static void sum_put(unsigned char *at, uint64_t sum)
{
    uint16_t s = (uint16_t)~checksum_fold(sum);
    memcpy(at, &s, 2);
}

/* Right checksums for IPv4, and TCP, UDP and ICMP in it; and for the same in IPv6. */
static void checksums_make(unsigned char *f, uint32_t bytes)
{
    int v6 = f[12] == 0x86;
    uint32_t header = v6 ? 40 : 20, at = 14 + header;
    if (bytes < at + 20)
        return;
    uint32_t length = bytes - at;
    unsigned protocol = v6 ? f[20] : f[23];
    uint32_t place = protocol == 6 ? 16 : protocol == 17 ? 6 : 2;
    uint64_t pseudo = v6 ? checksum_add(f + 22, 32, 0) : checksum_add(f + 26, 8, 0);
    pseudo +=
        (uint64_t)protocol << 8 | (uint64_t)(length & 0xff) << 56 | (uint64_t)(length >> 8) << 48;
    if (!v6) {
        f[24] = f[25] = 0;
        sum_put(f + 24, checksum_add(f + 14, 20, 0));
    }
    f[at + place] = f[at + place + 1] = 0;
    sum_put(f + at + place, checksum_add(f + at, length, protocol == 1 ? 0 : pseudo));
}

/* A header by choice, the rest from the input. */
static void frame(void)
{
    static const unsigned char mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    static const unsigned char protocols[] = {6, 17, 1, 58};
    unsigned char f[1600] = {0};
    uint8_t kind = take();
    uint32_t bytes = 14 + take16() % 600;
    for (uint32_t i = 14; i < bytes && left > 0; i++)
        f[i] = take();
    memcpy(f, mac, 6);
    f[12] = kind % 4 == 3 ? 0x86 : 8;
    f[13] = kind % 4 == 3 ? 0xdd : kind % 4 == 2 ? 6 : 0;
    if (kind % 4 < 2 && bytes > 54) {
        f[14] = kind & 4 ? f[14] : 0x45;
        f[16] = (unsigned char)((bytes - 14) >> 8);
        f[17] = (unsigned char)(bytes - 14);
        f[20] = kind & 8 ? f[20] : 0;
        f[21] = kind & 8 ? f[21] : 0;
        f[23] = protocols[kind / 16 % 4];
    }
    if (kind % 4 == 3 && bytes > 74) {
        f[14] = 0x60;
        f[18] = (unsigned char)((bytes - 54) >> 8);
        f[19] = (unsigned char)(bytes - 54);
        f[20] = kind & 8 ? f[20] : protocols[kind / 16 % 4];
    }
    if ((kind & 64) == 0)
        checksums_make(f, bytes);
    unsigned char *copy = malloc(bytes); /* so that a byte too far is seen */
    memcpy(copy, f, bytes);
    stack_input(copy, bytes);
    free(copy);
}

/* What was sent last comes back, with a byte changed or not: answers to what the service asks. */
static void frame_back(void)
{
    if (world.frames == 0)
        return;
    struct world_frame *sent = &world.sent[world.frames - 1 - take() % world.frames];
    uint32_t bytes = sent->count;
    unsigned char *f = malloc(bytes);
    unsigned char swap[6];
    memcpy(f, sent->bytes, bytes);
    memcpy(swap, f, 6);
    memcpy(f, f + 6, 6);
    memcpy(f + 6, swap, 6);
    uint32_t at = take16();
    if (at % 4 != 0)
        f[at % bytes] ^= take();
    if (bytes >= 60 && f[12] == 8 && f[13] == 0)
        checksums_make(f, bytes);
    stack_input(f, bytes);
    free(f);
}

/* ---- the client ---- */

static void request(void)
{
    struct request r = {.badge = session_badge(client.session), .label = take() % 16};
    r.words = MESSAGE_WORDS_MAX;
    r.w[0] = take() % 2 == 0 ? take() % 8u : number();
    switch (take() % 4) {
    case 0:
        r.w[1] = 1 + take() % 3u;
        break;
    case 1: /* the own address and one of few ports */
        r.w[1] = SOCKET_IPV4 | (uint64_t)(4000 + take() % 4u) << 32;
        r.w[2] = 0x0100007f;
        break;
    case 2:
        r.w[1] = take() % 8u | (uint64_t)number() << 32;
        r.w[2] = number();
        break;
    default:
        for (unsigned i = 1; i < 12; i++)
            r.w[i] = (uint64_t)number() << 32 | number();
    }
    (void)request_handle(&r);
}

static void scribble(void)
{
    struct wire_slot *slot = &client.slot[take() % 8];
    switch (take() % 7) {
    case 0:
        slot->tx_put += take16() % 4096;
        break;
    case 1:
        slot->tx_put = number();
        break;
    case 2:
        slot->rx_taken += take();
        break;
    case 3:
        slot->want = take();
        break;
    case 4:
        slot->tx_chunk[take() % WIRE_RING_CHUNKS] = (uint16_t)(take() % 20);
        break;
    case 5:
        client_offer(&client, take() % 17u, take() % 4u);
        break;
    default:
        client.control->free_put += take() % 64 == 0 ? number() : 0;
    }
}

static void step(void)
{
    switch (take() % 8) {
    case 0:
    case 1:
        frame();
        break;
    case 2:
        frame_back();
        break;
    case 3:
    case 4:
        if (client.session->used && !client.session->dying)
            request();
        break;
    case 5:
        scribble();
        break;
    case 6:
        client_work(&client, take() % 8);
        world_turn();
        break;
    default:
        world_pass(take() % 64u * 10u);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    world_start();
    in = data;
    left = size;
    client_begin(&client, 5, 2, 8);
    for (unsigned n = 0; n < STEPS_MAX && left > 0; n++) {
        /* Its memory is gone with a session that was ended for breaking rules. */
        if (!client.session->used || client.session->dying)
            break;
        step();
    }
    client_die(&client);
    if (sessions_alive())
        world_pass(11000);
    sessions_reap();
    if (world.groups != 0 || sessions_alive() || conns_held != 0)
        abort();
    return 0;
}
