/* SPDX-License-Identifier: MIT */
/*
 * The cable between the virtio-net model and the user network; see network.h. Each direction is a wire; on one without
 * faults a frame passes at once, and one towards the guest waits only while the guest has no buffer for it. The run loop
 * looks here whenever it waits, and once in so many entries of a guest that is busy.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "arch/hosted/nat.h"
#include "arch/hosted/native.h"
#include "arch/hosted/virtio_net.h"

#define MILLISECOND 1000000u
#define PORT_LAST 65535u
#define PERCENT 1e4       /* in millionths */
#define MILLISECONDS 1e-6 /* a nanosecond in them */
#define HTTP 80u
#define REST 16u /* a busy guest has so many times the time that a look takes until the next, */
#define REST_MOST 500000u /* ns at most */

static struct wire to_guest, to_host;
static bool guest_full; /* the guest has no buffer: to_guest waits for network_room */
static struct nat_poll set;

/* ---- frames ---- */

/* Hands on what has arrived. */
static void arrive(uint64_t now)
{
    const struct wire_frame *f;

    while ((f = wire_look(&to_host, now)) != NULL) {
        nat_send(f->data, f->bytes);
        wire_drop(&to_host);
    }
    while (!guest_full && (f = wire_look(&to_guest, now)) != NULL) {
        guest_full = !virtio_net_receive(f->data, f->bytes);
        if (!guest_full) {
            wire_drop(&to_guest);
        }
    }
}

void network_transmit(const uint8_t *frame, uint32_t bytes)
{
    if (wire_is_plain(&to_host)) {
        nat_send(frame, bytes);
    } else {
        (void)wire_put(&to_host, frame, bytes, time_host());
    }
}

void nat_deliver(const uint8_t *frame, uint32_t bytes)
{
    if (wire_is_plain(&to_guest) && bytes <= WIRE_BYTES_MAX && !guest_full &&
        virtio_net_receive(frame, bytes)) {
        return;
    }
    (void)wire_put(&to_guest, frame, bytes, time_host());
}

void network_room(void)
{
    guest_full = false;
    arrive(time_host());
}

/* ---- waiting ---- */

/* The first entry of the set is the caller's. */
struct pollfd *network_poll_begin(uint32_t *count, uint64_t *wait)
{
    static struct pollfd callers;
    uint64_t now, next;
    uint32_t milliseconds = UINT32_MAX;

    *count = 1;
    if (!network_options.on) {
        return &callers;
    }
    set.count = 1;
    nat_poll_fill(&set, &milliseconds);
    if (milliseconds != UINT32_MAX && (uint64_t)milliseconds * MILLISECOND < *wait) {
        *wait = (uint64_t)milliseconds * MILLISECOND;
    }
    next = wire_next(&to_host);
    if (!guest_full && wire_next(&to_guest) < next) {
        next = wire_next(&to_guest);
    }
    now = next == WIRE_NEVER ? 0 : time_host();
    if (next != WIRE_NEVER && (next <= now || next - now < *wait)) {
        *wait = next <= now ? 0 : next - now;
    }
    *count = set.count;
    return set.fd;
}

void network_poll_end(void)
{
    if (network_options.on) {
        nat_poll_done(&set, false);
        arrive(time_host());
    }
}

void network_look(void)
{
    static uint64_t next;
    uint64_t start, end, wait = 0;
    uint32_t count;
    struct pollfd *fds;

    if (!network_options.on || (start = time_host()) < next) {
        return;
    }
    fds = network_poll_begin(&count, &wait);
    (void)poll(fds + 1, count - 1, 0); /* if it fails, nothing has come */
    network_poll_end();
    end = time_host();
    next = end + (REST * (end - start) < REST_MOST ? REST * (end - start) : REST_MOST);
}

/* ---- start ---- */

static _Noreturn void fail(const char *what, const char *why)
{
    fprintf(stderr, "atmos-hosted: %s: %s\n", what, why);
    exit(1);
}

/* Opens the port asked for or, if it is taken, the next free one. True: it is the one asked for. */
static bool forward_open(struct network_forward *f)
{
    uint32_t asked = f->port;
    char name[INET_ADDRSTRLEN + 32], host[INET_ADDRSTRLEN];
    int error;

    while ((error = nat_forward(f)) == EADDRINUSE && f->port < PORT_LAST) {
        f->port++;
    }
    if (error != 0) {
        inet_ntop(AF_INET, &f->host, host, sizeof host);
        snprintf(name, sizeof name, "--forward from %s:%u", host, asked);
        fail(name, strerror(error));
    }
    return f->port == asked;
}

static void forwards_say(void)
{
    char host[INET_ADDRSTRLEN];

    for (uint32_t i = 0; i < network_options.forwards; i++) {
        const struct network_forward *f = &network_options.forward[i];

        inet_ntop(AF_INET, &f->host, host, sizeof host);
        fprintf(stderr, "%s%s:%u -> port %u", i == 0 ? "atmos-hosted: " : ", ", host, f->port,
                f->guest);
    }
    fputs(network_options.forwards != 0 ? "\n" : "", stderr);
    for (uint32_t i = 0; i < network_options.forwards; i++) {
        const struct network_forward *f = &network_options.forward[i];

        if (f->guest == HTTP) {
            inet_ntop(AF_INET, &f->host, host, sizeof host);
            fprintf(stderr, "atmos-hosted: open http://%s:%u/ in a browser\n", host, f->port);
        }
    }
}

/* A thousand connections are a thousand files. */
static void files_allow(void)
{
    struct rlimit files;

    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files); /* if not: fewer connections */
    }
}

static void faults_start(uint64_t seed)
{
    const struct wire_faults *f = &network_options.faults;

    wire_init(&to_guest, f, seed);
    wire_init(&to_host, f, seed + 1);
    if (f->loss != 0 || f->reorder != 0 || f->delay != 0) {
        fprintf(stderr,
                "atmos-hosted: network faults: loss %g%%, delay %g ms, reorder %g%%, seed %llu\n",
                f->loss / PERCENT, (double)f->delay * MILLISECONDS, f->reorder / PERCENT,
                (unsigned long long)seed);
    }
}

void network_start(uint64_t seed, bool quiet)
{
    bool as_asked = true;
    const char *why;

    if (!network_options.on) {
        return;
    }
    files_allow();
    faults_start(seed);
    why = nat_start();
    if (why == NULL && !virtio_net_add()) {
        why = "no slot is left on the PCI bus";
    }
    if (why != NULL) {
        fail("--net", why);
    }
    set.count = 1;
    set.room = 16;
    set.fd = calloc(set.room, sizeof *set.fd);
    if (set.fd == NULL) {
        fail("--net", strerror(errno));
    }
    for (uint32_t i = 0; i < network_options.forwards; i++) {
        as_asked &= forward_open(&network_options.forward[i]);
    }
    if (!quiet || !as_asked) {
        forwards_say();
    }
}
