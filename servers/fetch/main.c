/* SPDX-License-Identifier: MIT */
/*
 * Gets a document by HTTP, to standard output or with -o into a file. It says how far it is when it
 * writes to a file and TERMINAL is set in its environment.
 */
#include "lib/socket.h"
#include "lib/sys.h"
#include "lib/vfs.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND 1000000000ul
#define PATIENCE (30 * SECOND) /* without a byte */
#define SHOW_NS (SECOND / 5)
#define HOST_MAX 256u
#define HEAD_MAX 8192u

struct fetch {
    char host[HOST_MAX];
    const char *path;
    uint32_t port;
    int socket;
    int file; /* -1: standard output */
    int progress;
    int has_length;
    uint64_t length; /* as the server says */
    uint64_t done;
    uint64_t shown; /* when */
    uint64_t begun;
};

static uint64_t now(void) { return atm_clock().r[0]; }

static int fail(const char *what, const char *why)
{
    fprintf(stderr, "fetch: %s: %s\n", what, why);
    return 1;
}

/* "http://host:port/path" or "host/path": 1 if it is one. */
static int url_read(struct fetch *f, const char *url)
{
    if (strncmp(url, "http://", 7) == 0)
        url += 7;
    else if (strstr(url, "://") != NULL)
        return 0;
    size_t all = strcspn(url, "/");
    size_t host = url[0] == '[' ? strcspn(url, "]") + 1 : strcspn(url, ":/");
    size_t skip = url[0] == '[' ? 1 : 0;
    f->path = url[all] == 0 ? "/" : url + all;
    f->port = 80;
    if (host > all || host - skip == 0 || host >= HOST_MAX)
        return 0;
    memcpy(f->host, url + skip, host - 2 * skip);
    f->host[host - 2 * skip] = 0;
    if (host == all)
        return 1;
    char *end;
    f->port = (uint32_t)strtoul(url + host + 1, &end, 10);
    return url[host] == ':' && end == url + all && f->port > 0 && f->port < 65536;
}

static void progress_show(struct fetch *f, int last)
{
    uint64_t at = now();
    if (!f->progress || (!last && at - f->shown < SHOW_NS))
        return;
    f->shown = at;
    uint64_t ms = (at - f->begun) / 1000000 + 1;
    fprintf(stderr, "\r%lu KiB", f->done / 1024);
    if (f->has_length)
        fprintf(stderr, " of %lu, %lu %%", f->length / 1024,
                f->length == 0 ? 100 : f->done * 100 / f->length);
    fprintf(stderr, ", %lu KiB/s\x1b[K%s", f->done * 1000 / 1024 / ms, last ? "\n" : "");
}

static int body_write(struct fetch *f, const void *from, size_t bytes)
{
    if (f->has_length && bytes > f->length - f->done)
        bytes = (size_t)(f->length - f->done);
    f->done += bytes;
    if (f->file < 0)
        return fwrite(from, 1, bytes, stdout) == bytes ? 0 : -EIO;
    for (size_t at = 0; at < bytes;) {
        int64_t n = vfs_write(f->file, (const char *)from + at, bytes - at);
        if (n <= 0)
            return n == 0 ? -EIO : (int)n;
        at += (size_t)n;
    }
    return 0;
}

/* The value of a header, NULL: it is not there. The head ends in 0, its names in any case. */
static const char *header_find(const char *head, const char *name)
{
    size_t bytes = strlen(name);
    for (const char *line = strchr(head, '\n'); line != NULL; line = strchr(line, '\n')) {
        size_t i = 0;
        line++;
        while (i < bytes && (line[i] | 0x20) == name[i])
            i++;
        if (i == bytes && line[i] == ':')
            return line + i + 1 + strspn(line + i + 1, " \t");
    }
    return NULL;
}

/* Receives the head, which ends in 0, and what came behind it. Bytes of that, or -error. */
static int64_t head_take(struct fetch *f, char head[HEAD_MAX + 1], const char **rest)
{
    size_t have = 0;
    for (;;) {
        if (have == HEAD_MAX)
            return -SOCKET_TOO_LONG;
        int64_t n = socket_recv(f->socket, head + have, HEAD_MAX - have, now() + PATIENCE);
        if (n <= 0)
            return n < 0 ? n : -SOCKET_RESET;
        have += (size_t)n;
        head[have] = 0;
        char *end = strstr(head, "\r\n\r\n");
        if (end != NULL) {
            *rest = end + 4;
            end[2] = 0;
            return (int64_t)(have - (size_t)(*rest - head));
        }
    }
}

/* 0: the body follows; else it was said what is wrong. */
static int head_check(struct fetch *f, const char *head)
{
    const char *length = header_find(head, "content-length");
    const char *place = header_find(head, "location");
    char line[128];
    if (strncmp(head, "HTTP/1.", 7) != 0)
        return fail(f->host, "the server does not speak HTTP");
    if (strncmp(head + 8, " 200", 4) != 0) {
        strlcpy(line, head + 9, sizeof line);
        line[strcspn(line, "\r\n")] = 0;
        fail(f->path, line);
        if (place != NULL)
            fprintf(stderr, "fetch: it is at %.*s\n", (int)strcspn(place, "\r\n"), place);
        return 1;
    }
    if (header_find(head, "transfer-encoding") != NULL)
        return fail(f->host, "the server sends pieces to a client that did not ask for them");
    f->has_length = length != NULL;
    f->length = length != NULL ? strtoul(length, NULL, 10) : 0;
    return 0;
}

static int body_take(struct fetch *f)
{
    while (!f->has_length || f->done < f->length) {
        const void *from = NULL;
        int64_t n = socket_recv_view(f->socket, &from);
        char one;
        if (n == -ERR_WOULD_BLOCK) { /* waits, takes the first byte */
            n = socket_recv(f->socket, &one, 1, now() + PATIENCE);
            from = &one;
            if (n == 1) {
                int error = body_write(f, &one, 1);
                if (error != 0)
                    return fail("writing", errno_text(error));
                continue;
            }
        }
        if (n < 0)
            return fail(f->host, socket_error_text(n));
        if (n == 0)
            break;
        int error = body_write(f, from, (size_t)n);
        socket_recv_done(f->socket, (size_t)n);
        if (error != 0)
            return fail("writing", errno_text(error));
        progress_show(f, 0);
    }
    progress_show(f, 1);
    if (f->has_length && f->done < f->length)
        return fail(f->host, "the connection ended before all had come");
    return 0;
}

static int get(struct fetch *f, const char *out)
{
    static char head[HEAD_MAX + 1];
    const char *rest;
    int bytes = snprintf(head, sizeof head,
                         "GET %s HTTP/1.0\r\nHost: %s:%u\r\nUser-Agent: atmosphere-fetch\r\n"
                         "Accept: */*\r\nConnection: close\r\n\r\n",
                         f->path, f->host, f->port);
    if (bytes < 0 || (size_t)bytes >= sizeof head)
        return fail(f->path, "too long");
    int64_t status = socket_send(f->socket, head, (size_t)bytes, now() + PATIENCE);
    int64_t more = status < 0 ? status : head_take(f, head, &rest);
    if (more < 0)
        return fail(f->host, socket_error_text(more));
    if (head_check(f, head) != 0)
        return 1;
    if (out != NULL) {
        f->file = vfs_open(out, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, 0644);
        if (f->file < 0)
            return fail(out, errno_text(f->file));
    }
    int error = body_write(f, rest, (size_t)more);
    if (error != 0)
        return fail("writing", errno_text(error));
    return body_take(f);
}

int main(int argc, char **argv)
{
    static struct fetch f = {.file = -1};
    struct socket_address peer;
    const char *out = argc == 4 && strcmp(argv[1], "-o") == 0 ? argv[2] : NULL;
    if ((argc != 2 && out == NULL) || argv[argc - 1][0] == '-') {
        fprintf(stderr, "usage: fetch [-o FILE] http://HOST[:PORT]/PATH\n");
        return 2;
    }
    if (!url_read(&f, argv[argc - 1]))
        return fail(argv[argc - 1], "not an address of the form http://HOST[:PORT]/PATH");
    f.begun = now();
    f.progress = out != NULL && getenv("TERMINAL") != NULL;
    int64_t status = socket_resolve(f.host, &peer, 1, f.begun + 10 * SECOND);
    peer.port = f.port;
    if (status > 0)
        status = f.socket = socket_open(SOCKET_TCP);
    if (status >= 0)
        status = socket_connect(f.socket, &peer, now() + PATIENCE);
    if (status < 0)
        return fail(f.host, socket_error_text(status));
    int result = get(&f, out);
    fflush(stdout);
    socket_close(f.socket);
    if (f.file >= 0) {
        vfs_fsync(f.file);
        vfs_close(f.file);
    }
    return result;
}
