/* SPDX-License-Identifier: MIT */
/*
 * The user network by libslirp, which is given frames and makes sockets of them. It has no thread: it acts when the guest
 * sends, and when the run loop has waited for its sockets (nat_poll_fill, nat_poll_done). One network, for good.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <slirp/libslirp.h>

#include "arch/hosted/nat.h"

#define MILLISECOND 1000000
#define SECOND 1000000000
#define BACKLOG 1024 /* connections that may wait: slirp's own choice is 1 */
#define PREFIX_BITS 64

static Slirp *slirp;

/* slirp has one kind of timer, for router advertisements. */
static struct {
    bool used;
    SlirpTimerId id;
    void *opaque;
    int64_t due; /* ms; INT64_MAX: not running */
} timer;

static int64_t clock_ns(void *opaque)
{
    struct timespec now;

    (void)opaque;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static ssize_t send_packet(const void *frame, size_t bytes, void *opaque)
{
    (void)opaque;
    nat_deliver(frame, bytes > UINT32_MAX ? UINT32_MAX : (uint32_t)bytes);
    return (ssize_t)bytes;
}

/* A malformed packet is the guest's affair: it is dropped. */
static void guest_error(const char *message, void *opaque)
{
    (void)message;
    (void)opaque;
}

static void *timer_new(SlirpTimerId id, void *timer_opaque, void *opaque)
{
    (void)opaque;
    if (timer.used) {
        return NULL;
    }
    timer.used = true;
    timer.id = id;
    timer.opaque = timer_opaque;
    timer.due = INT64_MAX;
    return &timer;
}

static void timer_free(void *which, void *opaque)
{
    (void)opaque;
    if (which == &timer) {
        timer.used = false;
    }
}

static void timer_mod(void *which, int64_t milliseconds, void *opaque)
{
    (void)opaque;
    if (which == &timer) {
        timer.due = milliseconds;
    }
}

/* All sockets are asked for before every wait: nothing to remember. */
static void poll_fd(int fd, void *opaque)
{
    (void)fd;
    (void)opaque;
}

static void wake(void *opaque) { (void)opaque; }

const char *nat_start(void)
{
    static const SlirpCb calls = {.send_packet = send_packet,
                                  .guest_error = guest_error,
                                  .clock_get_ns = clock_ns,
                                  .timer_free = timer_free,
                                  .timer_mod = timer_mod,
                                  .register_poll_fd = poll_fd,
                                  .unregister_poll_fd = poll_fd,
                                  .notify = wake,
                                  .timer_new_opaque = timer_new};
    SlirpConfig config;

    memset(&config, 0, sizeof config);
    config.version = 4;
    config.in_enabled = true;
    inet_pton(AF_INET, "10.0.2.0", &config.vnetwork);
    inet_pton(AF_INET, "255.255.255.0", &config.vnetmask);
    inet_pton(AF_INET, "10.0.2.2", &config.vhost);
    inet_pton(AF_INET, "10.0.2.15", &config.vdhcp_start);
    inet_pton(AF_INET, "10.0.2.3", &config.vnameserver);
    config.in6_enabled = true;
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    config.vprefix_len = PREFIX_BITS;
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    slirp = slirp_new(&config, &calls, NULL);
    return slirp == NULL ? "libslirp did not start" : NULL;
}

/* Called for each socket there is before the guest runs: those that listen. */
static int backlog_widen(int fd, int events, void *opaque)
{
    int listens = 0;
    socklen_t bytes = sizeof listens;

    (void)events;
    (void)opaque;
    if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) == 0 && listens != 0) {
        (void)listen(fd, BACKLOG); /* if not: slower, not wrong */
    }
    return 0;
}

int nat_forward(const struct network_forward *f)
{
    const struct in_addr guest = {INADDR_ANY}; /* what DHCP gives */
    uint32_t never = UINT32_MAX;

    errno = 0;
    if (slirp_add_hostfwd(slirp, 0, f->host, f->port, guest, f->guest) != 0) {
        return errno != 0 ? errno : EADDRINUSE;
    }
    slirp_pollfds_fill(slirp, &never, backlog_widen, NULL);
    return 0;
}

void nat_send(const uint8_t *frame, uint32_t bytes) { slirp_input(slirp, frame, (int)bytes); }

/* The numbers of SLIRP_POLL_ are not promised to be poll's. */
static const struct {
    int slirp;
    short host;
} events_known[] = {{SLIRP_POLL_IN, POLLIN},
                    {SLIRP_POLL_OUT, POLLOUT},
                    {SLIRP_POLL_PRI, POLLPRI},
                    {SLIRP_POLL_ERR, POLLERR},
                    {SLIRP_POLL_HUP, POLLHUP}};
#define EVENTS (sizeof events_known / sizeof events_known[0])

static int poll_add(int fd, int events, void *opaque)
{
    struct nat_poll *p = opaque;
    short wanted = 0;

    if (p->count == p->room) {
        uint32_t room = 2 * p->room + 16;
        struct pollfd *more = realloc(p->fd, room * sizeof *more);

        if (more == NULL) {
            return -1;
        }
        p->fd = more;
        p->room = room;
    }
    for (size_t i = 0; i < EVENTS; i++) {
        wanted =
            (short)(wanted | ((events & events_known[i].slirp) != 0 ? events_known[i].host : 0));
    }
    p->fd[p->count] = (struct pollfd){.fd = fd, .events = wanted};
    return (int)p->count++;
}

static int poll_result(int index, void *opaque)
{
    const struct nat_poll *p = opaque;
    int events = 0;

    for (size_t i = 0; i < EVENTS && index >= 0; i++) {
        events |= (p->fd[index].revents & events_known[i].host) != 0 ? events_known[i].slirp : 0;
    }
    return events;
}

void nat_poll_fill(struct nat_poll *p, uint32_t *milliseconds)
{
    slirp_pollfds_fill(slirp, milliseconds, poll_add, p);
    if (timer.used && timer.due != INT64_MAX) {
        int64_t left = timer.due - clock_ns(NULL) / MILLISECOND;

        if (left < (int64_t)*milliseconds) {
            *milliseconds = left < 0 ? 0 : (uint32_t)left;
        }
    }
}

void nat_poll_done(const struct nat_poll *p, bool failed)
{
    /* slirp hands the pointer to poll_result alone, which changes nothing */
    slirp_pollfds_poll(slirp, failed, poll_result, (void *)(uintptr_t)p);
    if (timer.used && timer.due <= clock_ns(NULL) / MILLISECOND) {
        timer.due = INT64_MAX;
        slirp_handle_timer(slirp, timer.id, timer.opaque);
    }
}
