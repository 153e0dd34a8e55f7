/* SPDX-License-Identifier: MIT */
/*
 * Tests a network driver from its client's place: ethertest DEED [SEED [ROUNDS]]. The other end is
 * the gateway of QEMU's and libslirp's user network, 10.0.2.2, which answers pings itself.
 *
 *   ping     pings of random length, many at once, each answer compared
 *   repeat   the same over and over, a line a round: for drivers that are killed meanwhile
 *   attack   writes nonsense into the rings, and hostile messages; then ping
 *   count    for QEMU with -icount shift=0: instructions a ping, one at a time and 32 at once; a
 *            thread that counts runs where nobody else would, and what it took is left out
 */
#include "lib/error.h"
#include "lib/frames.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include "lib/supervision.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAKE 1ul
#define PATIENCE_NS 1000000000u /* for an answer; then it is asked for again */
#define ATTEMPTS 60u
#define AHEAD_MAX 32u
#define DATA_MAX 1472u
#define HEADERS (14u + 20u + 8u)
#define ATTACKS 150u

static struct frames ether;
static uint64_t endpoint;
static uint64_t seed, state;
static int lost; /* 1: frames that were on their way are gone */
static unsigned char gateway[6];
static const unsigned char own_ip[4] = {10, 0, 2, 99}, gateway_ip[4] = {10, 0, 2, 2};

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t below(uint32_t bound) { return (uint32_t)(random_next() >> 16) % bound; }

_Noreturn static void fail(const char *what, int64_t number)
{
    printf("ethertest: %s (%ld); seed %lu\n", what, number, seed);
    exit(1);
}

static void put16(unsigned char *to, uint32_t value)
{
    to[0] = (unsigned char)(value >> 8);
    to[1] = (unsigned char)value;
}

static uint32_t get16(const unsigned char *from) { return (uint32_t)from[0] << 8 | from[1]; }

static uint32_t sum16(const unsigned char *data, uint32_t bytes)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < bytes; i++)
        sum += i % 2 == 0 ? (uint32_t)data[i] << 8 : data[i];
    while (sum >> 16 != 0)
        sum = (sum & 0xffff) + (sum >> 16);
    return ~sum & 0xffff;
}

static void reopen(void)
{
    int error = frames_reopen(&ether);
    if (error != 0)
        fail("the driver does not come back", error);
    lost = 1;
}

/* A buffer to fill; NULL: none now. */
static unsigned char *reserve(int *buffer)
{
    unsigned char *data = NULL;
    *buffer = frames_reserve(&ether, &data);
    if (*buffer == -2)
        reopen();
    return *buffer >= 0 ? data : NULL;
}

static void header_put(unsigned char *frame, const unsigned char to[6], uint32_t type)
{
    memcpy(frame, to, 6);
    memcpy(frame + 6, ether.mac, 6);
    put16(frame + 12, type);
}

static void arp_send(const unsigned char to[6], const unsigned char ip[4], uint32_t operation)
{
    static const unsigned char fixed[6] = {0, 1, 8, 0, 6, 4};
    int buffer;
    unsigned char *frame = reserve(&buffer);
    if (frame == NULL)
        return;
    memset(frame, 0, 60);
    header_put(frame, to, 0x0806);
    memcpy(frame + 14, fixed, 6);
    put16(frame + 20, operation);
    memcpy(frame + 22, ether.mac, 6);
    memcpy(frame + 28, own_ip, 4);
    memcpy(frame + 32, to, 6);
    memcpy(frame + 38, ip, 4);
    frames_send(&ether, buffer, 60);
}

/* Ping n of a round: what it carries follows from its number. */
static uint32_t data_bytes(uint32_t round, uint32_t n)
{
    return ((round * 31 + n) * 2654435761u >> 7) % (DATA_MAX + 1);
}

static unsigned char data_byte(uint32_t round, uint32_t n, uint32_t i)
{
    return (unsigned char)(seed * 7 + round * 13 + n * 5 + i * 3 + (i >> 8));
}

/* The pings of a round. */
struct round {
    uint32_t number;
    uint32_t bytes; /* of each; UINT32_MAX: of all lengths, with data; else zeros */
    uint32_t sent;  /* bit n: sent and not answered */
    uint32_t done;  /* bit n: answered */
};

static uint32_t length_of(const struct round *r, uint32_t n)
{
    return r->bytes == UINT32_MAX ? data_bytes(r->number, n) : r->bytes;
}

static int ping_send(const struct round *r, uint32_t n)
{
    int buffer;
    uint32_t bytes = length_of(r, n), filled = r->bytes == UINT32_MAX ? bytes : 0;
    unsigned char *frame = reserve(&buffer);
    if (frame == NULL)
        return 0;
    unsigned char *ip = frame + 14, *icmp = frame + 34;
    header_put(frame, gateway, 0x0800);
    memset(ip, 0, 28 + bytes);
    ip[0] = 0x45;
    put16(ip + 2, 28 + bytes);
    put16(ip + 4, n);
    ip[8] = 64;
    ip[9] = 1;
    memcpy(ip + 12, own_ip, 4);
    memcpy(ip + 16, gateway_ip, 4);
    put16(ip + 10, sum16(ip, 20));
    icmp[0] = 8;
    put16(icmp + 4, r->number);
    put16(icmp + 6, n);
    for (uint32_t i = 0; i < filled; i++)
        icmp[8 + i] = data_byte(r->number, n, i);
    put16(icmp + 2, sum16(icmp, 8 + filled));
    frames_send(&ether, buffer, HEADERS + bytes);
    return 1;
}

static void answer_take(struct round *r, const unsigned char *frame, uint32_t bytes)
{
    const unsigned char *icmp = frame + 34;
    uint32_t n = get16(icmp + 6), length;
    if (bytes < HEADERS || frame[23] != 1 || icmp[0] != 0 || get16(icmp + 4) != (r->number & 0xffff))
        return;
    if (n >= AHEAD_MAX)
        fail("an answer to nothing", n);
    length = length_of(r, n);
    if (get16(frame + 16) != 28 + length || bytes < HEADERS + length)
        fail("an answer of another length", bytes);
    for (uint32_t i = 0; r->bytes == UINT32_MAX && i < length; i++)
        if (icmp[8 + i] != data_byte(r->number, n, i))
            fail("an answer with other data", n);
    r->done |= 1u << n;
}

static void frame_take(struct round *r, const unsigned char *frame, uint32_t bytes)
{
    uint32_t type = bytes >= 42 ? get16(frame + 12) : 0;
    if (type == 0x0800)
        answer_take(r, frame, bytes);
    if (type != 0x0806 || memcmp(frame + 38, own_ip, 4) != 0)
        return;
    if (get16(frame + 20) == 1)
        arp_send(frame + 22, frame + 28, 2);
    else if (memcmp(frame + 28, gateway_ip, 4) == 0)
        memcpy(gateway, frame + 22, 6);
}

static void receive_all(struct round *r)
{
    unsigned char *frame;
    uint32_t bytes;
    int buffer;
    while ((buffer = frames_receive(&ether, &frame, &bytes)) >= 0) {
        frame_take(r, frame, bytes);
        frames_release(&ether, buffer);
    }
    if (buffer == -2)
        reopen();
}

/* Waits for a frame: 1; 0: none came in time. */
static int wait(void)
{
    int waits = frames_sleep(&ether);
    if (!waits)
        return 1;
    struct atm_result r = atm_receive_until(endpoint, atm_clock().r[0] + PATIENCE_NS);
    frames_awake(&ether);
    if (r.status == 0 && (r.r[2] & EVENT_RESTARTED) != 0)
        reopen();
    return r.status == 0;
}

static void gateway_find(void)
{
    static const unsigned char all[6] = {255, 255, 255, 255, 255, 255}, none[6];
    struct round r = {0};
    for (uint32_t n = 0; memcmp(gateway, none, 6) == 0; n++) {
        if (n == ATTEMPTS)
            fail("the gateway does not answer", n);
        arp_send(all, gateway_ip, 1);
        if (wait())
            receive_all(&r);
    }
}

/* Pings 0 .. count-1 of a round, all at once; those whose answer was lost again. How many were sent. */
static uint32_t round_run(struct round *r, uint32_t count)
{
    uint32_t all = count == 32 ? UINT32_MAX : (1u << count) - 1, pings = 0;
    for (uint32_t attempt = 0; r->done != all;) {
        for (uint32_t n = 0; n < count; n++)
            if (((r->sent | r->done) >> n & 1) == 0 && ping_send(r, n)) {
                r->sent |= 1u << n;
                pings++;
            }
        if (!wait()) {
            r->sent = 0;
            if (++attempt == ATTEMPTS)
                fail("no answers come", r->done);
        }
        receive_all(r);
        if (lost)
            r->sent = 0;
        lost = 0;
    }
    return pings;
}

static void ping(uint64_t rounds)
{
    uint64_t sent = 0, answered = 0;
    for (uint32_t n = 1; n <= rounds; n++) {
        struct round r = {.number = n, .bytes = UINT32_MAX};
        uint32_t count = 1 + below(AHEAD_MAX);
        sent += round_run(&r, count);
        answered += count;
    }
    printf("ethertest: %lu pings answered, %lu sent; seed %lu\n", answered, sent, seed);
}

static void repeat(uint64_t rounds)
{
    for (uint64_t n = 1;; n++) {
        ping(rounds);
        printf("ethertest: round %lu\n", n);
        fflush(stdout);
    }
}

/* ---- attack ---- */
static void rings_spoil(void)
{
    struct frames_ring *ring = below(2) == 0 ? &ether.ours->receive : &ether.ours->transmit;
    for (uint32_t n = below(4); n > 0; n--)
        ring->entry[below(FRAMES_RING)] = (uint32_t)random_next();
    uint32_t ahead = below(4) == 0 ? (uint32_t)random_next() : below(8);
    __atomic_store_n(&ring->put, ring->put + ahead, __ATOMIC_RELEASE);
    (void)atm_signal(ether.wake, ether.wake_bits);
}

static void message_spoil(uint64_t driver)
{
    struct message m = {.tag = TAG(1 + below(4), below(12), below(2)),
                        .w = {random_next(), random_next(), below(300), below(300)}};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SIGNAL | RIGHT_COPY, 0};
    (void)message_call(driver, &m);
    for (uint64_t i = 0; i < TAG_ITEMS(m.tag); i++)
        if (atm_message()->item[i].kind == ITEM_HANDLE)
            atm_handle_close(atm_message()->item[i].value);
}

static void attack(uint64_t driver)
{
    for (uint32_t n = 0; n < ATTACKS; n++) {
        rings_spoil();
        message_spoil(driver);
        if (below(4) == 0)
            reopen();
    }
    reopen();
    ping(50);
}

/* ---- count ---- */
static volatile uint64_t idle_rounds;
#define IDLE_STACK_VA 0x330000000000u

/* Two instructions a round. */
_Noreturn static void idle_run(void)
{
    for (;;)
        __asm__ volatile("1: incq %0; jmp 1b" : "+m"(idle_rounds));
}

static uint64_t busy_now(void) { return atm_clock().r[0] - 2 * idle_rounds; }

static void count_row(uint32_t ahead, uint32_t bytes)
{
    const uint32_t rounds = 1024 / ahead;
    uint64_t begin = busy_now();
    for (uint32_t n = 0; n < rounds; n++) {
        struct round r = {.number = n, .bytes = bytes};
        round_run(&r, ahead);
    }
    printf("ping %4u bytes, %2u at once  %8lu\n", bytes, ahead,
           (busy_now() - begin) / (rounds * ahead));
}

static void count(void)
{
    const uint64_t top = IDLE_STACK_VA + PAGE_SIZE;
    if (memory_map(0, IDLE_STACK_VA, 1, PAGE_READ | PAGE_WRITE) != 0 ||
        atm_thread_create(0, (uintptr_t)idle_run, top - 8, 0, SETUP(1, 0), 0).status != 0)
        fail("no thread to count with", 0);
    count_row(1, 0);
    count_row(32, 0);
    count_row(1, DATA_MAX);
    count_row(32, DATA_MAX);
}

int main(int argc, char **argv)
{
    const char *deed = argc > 1 ? argv[1] : "";
    seed = argc > 2 ? strtoul(argv[2], NULL, 0) : 1;
    uint64_t rounds = argc > 3 ? strtoul(argv[3], NULL, 0) : 200;
    state = seed * 2 + 1;
    endpoint = startup_handle("serve");
    int error = frames_open(&ether, startup_handle("ether0"), endpoint, WAKE);
    if (error != 0)
        fail("the network cannot be opened", error);
    gateway_find();
    if (strcmp(deed, "ping") == 0)
        ping(rounds);
    else if (strcmp(deed, "repeat") == 0)
        repeat(rounds);
    else if (strcmp(deed, "attack") == 0)
        attack(startup_handle("ether0"));
    else if (strcmp(deed, "count") == 0)
        count();
    else
        fail("it knows no such deed", 0);
    return 0;
}
