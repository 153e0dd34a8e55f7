/* SPDX-License-Identifier: MIT */
/*
 * lib/socket.h over the host's sockets and epoll, as far as lib/tcp_server.c uses it: so the servers
 * run as they are on the build machine, under sanitizers and against other people's clients. Test only.
 */
#include "lib/socket.h"
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RING 32768u
#define SOCKETS 4096

struct host_socket {
    int fd; /* -1: free */
    int connected, ended;
    uint64_t cookie;
    uint32_t events;
    size_t in_at, in_end, out_at, out_end;
    unsigned char in[RING], out[RING];
};

static struct host_socket *sockets[SOCKETS];
static int epoll = -1;
static uint32_t limit = 64;

const char *socket_error_text(int64_t status) { return status < 0 ? strerror(errno) : "no error"; }

int64_t socket_setup(uint32_t count, uint32_t pages, uint64_t endpoint)
{
    (void)pages;
    (void)endpoint;
    limit = count;
    return 0;
}

static int socket_add(int fd)
{
    if (epoll < 0)
        epoll = epoll_create1(0);
    for (int i = 0; i < SOCKETS && (uint32_t)i < limit; i++)
        if (sockets[i] == NULL) {
            struct epoll_event e = {.events = 0, .data.u32 = (uint32_t)i};
            sockets[i] = calloc(1, sizeof *sockets[i]);
            sockets[i]->fd = fd;
            fcntl(fd, F_SETFL, O_NONBLOCK);
            epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
            return i;
        }
    close(fd);
    return -SOCKET_NONE_FREE;
}

int socket_open(enum socket_type type)
{
    (void)type;
    return socket_add(socket(AF_INET, SOCK_STREAM, 0));
}

int64_t socket_bind(int s, const struct socket_address *local)
{
    int on = 1;
    const char *offset = getenv("PORT_OFFSET");
    uint32_t port = local->port + (uint32_t)(offset == NULL ? 0 : atoi(offset));
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(sockets[s]->fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    return bind(sockets[s]->fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : -SOCKET_IN_USE;
}

int64_t socket_listen(int s, uint32_t backlog)
{
    return listen(sockets[s]->fd, (int)backlog) == 0 ? 0 : -SOCKET_IN_USE;
}

int socket_accept(int s, struct socket_address *peer, uint64_t deadline)
{
    int on = 1;
    (void)peer;
    (void)deadline;
    int fd = accept(sockets[s]->fd, NULL, NULL);
    if (fd < 0)
        return -ERR_WOULD_BLOCK;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    int number = socket_add(fd);
    if (number >= 0)
        sockets[number]->connected = 1;
    return number;
}

static void out_flush(struct host_socket *h)
{
    while (h->out_at < h->out_end) {
        ssize_t n = send(h->fd, h->out + h->out_at, h->out_end - h->out_at, MSG_NOSIGNAL);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n <= 0) {
            h->ended = 1;
            h->out_at = h->out_end;
            break;
        }
        h->out_at += (size_t)n;
    }
    h->out_at = h->out_end = 0;
}

int64_t socket_close(int s)
{
    out_flush(sockets[s]);
    close(sockets[s]->fd);
    free(sockets[s]);
    sockets[s] = NULL;
    return 0;
}

int64_t socket_abort(int s)
{
    struct linger now = {1, 0};
    setsockopt(sockets[s]->fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return socket_close(s);
}

int64_t socket_send_room(int s, void **to)
{
    struct host_socket *h = sockets[s];
    if (h->out_end == RING)
        out_flush(h);
    *to = h->out + h->out_end;
    return (int64_t)(RING - h->out_end);
}

int64_t socket_send_commit(int s, size_t bytes)
{
    sockets[s]->out_end += bytes;
    out_flush(sockets[s]);
    return (int64_t)bytes;
}

int64_t socket_recv_view(int s, const void **from)
{
    struct host_socket *h = sockets[s];
    if (h->in_at == h->in_end) {
        ssize_t n = recv(h->fd, h->in, RING, 0);
        if (n < 0)
            return errno == EAGAIN ? -ERR_WOULD_BLOCK : -SOCKET_RESET;
        if (n == 0)
            return 0;
        h->in_at = 0;
        h->in_end = (size_t)n;
    }
    *from = h->in + h->in_at;
    return (int64_t)(h->in_end - h->in_at);
}

int64_t socket_recv_done(int s, size_t bytes)
{
    sockets[s]->in_at += bytes;
    return (int64_t)bytes;
}

int64_t socket_shutdown(int s)
{
    out_flush(sockets[s]);
    return shutdown(sockets[s]->fd, SHUT_WR);
}

int64_t socket_watch(int s, uint32_t events, uint64_t cookie)
{
    struct epoll_event e = {.data.u32 = (uint32_t)s};
    sockets[s]->events = events;
    sockets[s]->cookie = cookie;
    if ((events & SOCKET_CAN_READ) != 0)
        e.events |= EPOLLIN;
    if ((events & SOCKET_CAN_WRITE) != 0)
        e.events |= EPOLLOUT;
    return epoll_ctl(epoll, EPOLL_CTL_MOD, sockets[s]->fd, &e);
}

/* What is so already in this file's buffers, epoll does not know. */
static int buffered(struct socket_event *event, int most)
{
    int n = 0;
    for (int i = 0; i < SOCKETS && n < most && (uint32_t)i < limit; i++) {
        struct host_socket *h = sockets[i];
        if (h != NULL && (h->events & SOCKET_CAN_READ) != 0 && h->in_at < h->in_end)
            event[n++] = (struct socket_event){i, SOCKET_CAN_READ, h->cookie};
    }
    return n;
}

int socket_poll(struct socket_event *event, int most, struct message *message, uint64_t deadline)
{
    struct epoll_event e[64];
    (void)message;
    int n = buffered(event, most);
    if (n > 0)
        return n;
    uint64_t now = atm_clock().r[0];
    int wait = deadline == SOCKET_FOREVER ? -1
               : deadline <= now          ? 0
                                          : (int)((deadline - now) / 1000000u + 1);
    int got = epoll_wait(epoll, e, most < 64 ? most : 64, wait);
    for (int i = 0; i < got; i++) {
        struct host_socket *h = sockets[e[i].data.u32];
        uint32_t events = (e[i].events & EPOLLIN) != 0 ? SOCKET_CAN_READ : 0;
        if (h == NULL)
            continue;
        if ((e[i].events & EPOLLOUT) != 0) {
            out_flush(h);
            events |= h->out_at == h->out_end ? SOCKET_CAN_WRITE : 0;
        }
        if ((e[i].events & EPOLLERR) != 0 || ((e[i].events & EPOLLHUP) != 0 && h->connected) ||
            h->ended)
            events |= SOCKET_HAS_ENDED;
        if (events != 0)
            event[n++] = (struct socket_event){(int)e[i].data.u32, events, h->cookie};
    }
    return n;
}
