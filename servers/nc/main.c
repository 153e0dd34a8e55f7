/* SPDX-License-Identifier: MIT */
/*
 * Connects what is typed and what is shown with a TCP connection: as a client, or (-l) as a server
 * of one connection. With -m it sends a line instead of what is typed, and shows the answer.
 */
#include "lib/console.h"
#include "lib/socket.h"
#include "lib/sys.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ul
#define LOOK_NS 20000000ul /* that often the connection is looked at while nobody types */

static uint64_t now(void) { return atm_clock().r[0]; }

static int usage(void)
{
    fprintf(stderr, "usage: nc [-m TEXT] HOST PORT\n       nc -l [-m TEXT] PORT\n");
    return 2;
}

static int fail(const char *what, int64_t status)
{
    fprintf(stderr, "nc: %s: %s\n", what, socket_error_text(status));
    return 1;
}

/* Shows what has come. 1: more may come, 0: the other side has ended, -error. */
static int64_t show(int s, uint64_t deadline)
{
    char piece[2048];
    int64_t n = socket_recv(s, piece, sizeof piece, deadline);
    if (n == -ERR_WOULD_BLOCK || n == -SOCKET_TIMED_OUT)
        return 1;
    if (n > 0)
        fwrite(piece, 1, (size_t)n, stdout);
    fflush(stdout);
    return n > 0 ? 1 : n;
}

/* Sends what is typed. 1: go on; 0: the end of what is typed; -error. */
static int64_t type(int s)
{
    char piece[CONSOLE_TEXT_MAX];
    int64_t n = console_read_until(piece, sizeof piece, now() + LOOK_NS);
    if (n == -ERR_TIMEOUT)
        return 1;
    if (n <= 0)
        return n;
    int64_t sent = socket_send(s, piece, (size_t)n, SOCKET_FOREVER);
    return sent < 0 ? sent : 1;
}

static int64_t talk(int s, const char *text)
{
    int64_t typed = 1, shown = 1;
    if (text != NULL) {
        typed = socket_send(s, text, strlen(text), SOCKET_FOREVER);
        if (typed >= 0)
            typed = socket_send(s, "\n", 1, SOCKET_FOREVER) < 0 ? -SOCKET_RESET : 0;
    }
    while (typed > 0 && shown > 0) {
        shown = show(s, SOCKET_NOW);
        if (shown > 0)
            typed = type(s);
    }
    if (typed < 0)
        return typed;
    socket_shutdown(s);
    while (shown > 0)
        shown = show(s, SOCKET_FOREVER);
    return shown;
}

static int client(const char *host, const struct socket_address *peer, const char *text)
{
    int s = socket_open(SOCKET_TCP);
    if (s < 0)
        return fail(host, s);
    int64_t status = socket_connect(s, peer, now() + 20 * SECOND);
    if (status == 0)
        status = talk(s, text);
    socket_close(s);
    return status < 0 ? fail(host, status) : 0;
}

static int server(uint32_t port, const char *text)
{
    struct socket_address any = {.port = port}, peer;
    char name[SOCKET_ADDRESS_TEXT];
    int s = socket_open(SOCKET_TCP);
    int64_t status = s < 0 ? s : socket_bind(s, &any);
    if (status == 0)
        status = socket_listen(s, 1);
    int connection = status == 0 ? socket_accept(s, &peer, SOCKET_FOREVER) : (int)status;
    if (connection < 0)
        return fail("listening", connection);
    socket_close(s);
    fprintf(stderr, "nc: connection from %s\n", socket_address_text(&peer, 1, name));
    status = talk(connection, text);
    socket_close(connection);
    return status < 0 ? fail("connection", status) : 0;
}

static int port_read(const char *text, uint32_t *port)
{
    char *end;
    unsigned long n = strtoul(text, &end, 10);
    *port = (uint32_t)n;
    return *end == 0 && n > 0 && n < 65536;
}

int main(int argc, char **argv)
{
    const char *text = NULL;
    struct socket_address peer;
    uint32_t port;
    int listens = 0, i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "-l") == 0)
            listens = 1;
        else if (strcmp(argv[i], "-m") == 0 && i + 1 < argc)
            text = argv[++i];
        else
            return usage();
    }
    if (argc - i != (listens ? 1 : 2) || !port_read(argv[argc - 1], &port))
        return usage();
    if (listens)
        return server(port, text);
    int64_t status = socket_resolve(argv[i], &peer, 1, now() + 10 * SECOND);
    if (status < 0)
        return fail(argv[i], status);
    peer.port = port;
    return client(argv[i], &peer, text);
}
