/* SPDX-License-Identifier: MIT */
/* Files "/a.txt" (10 bytes), "/big.bin" (100,000), "/empty", "/short"; folders "/dir/" with an index page and "/many/". */
#include "tests/unit/http_site.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int http_site_open_now;
uint64_t http_site_now = 951827696; /* Tue, 29 Feb 2000 12:34:56 GMT */
int http_site_short_read;

static const struct {
    const char *path;
    enum http_kind kind;
    uint64_t bytes;
} resources[] = {
    {"/a.txt", HTTP_FILE, 10},   {"/big.bin", HTTP_FILE, 100000}, {"/empty", HTTP_FILE, 0},
    {"/short", HTTP_FILE, 5000}, {"/dir", HTTP_FOLDER, 0},        {"/dir/", HTTP_FOLDER, 0},
    {"/many", HTTP_FOLDER, 0},   {"/many/", HTTP_FOLDER, 0},      {"/dir/index.html", HTTP_FILE, 7},
    {"/a b<&>", HTTP_FOLDER, 0}, {"/a b<&>/", HTTP_FOLDER, 0},    {"/new", HTTP_FILE, 20},
};

static int site_open(const char *path, struct http_resource *r)
{
    if (strcmp(path, "/forbidden") == 0)
        return 403;
    for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
        if (strcmp(path, resources[i].path) == 0) {
            *r = (struct http_resource){.kind = resources[i].kind,
                                        .bytes = resources[i].bytes,
                                        .version = i,
                                        .mtime = HTTP_SITE_MTIME,
                                        .generated = strcmp(path, "/new") == 0};
            http_site_open_now++;
            return 0;
        }
    return 404;
}

/* Byte n of every file is a letter that depends on n. */
static int64_t site_read(struct http_resource *r, void *to, size_t bytes, uint64_t offset)
{
    if (offset + bytes > r->bytes)
        abort();
    size_t n = bytes > 3000 ? 3000 : bytes; /* fewer than asked for is legal */
    if (r->version == 3 && http_site_short_read && n > 1000 - offset)
        n = 1000 - offset;
    for (size_t i = 0; i < n; i++)
        ((char *)to)[i] = (char)('a' + (offset + i) % 26);
    return (int64_t)n;
}

static int site_list(struct http_resource *r, struct http_entry *entry)
{
    uint64_t n = r->number++;
    if (n >= HTTP_SITE_ENTRIES)
        return 0;
    *entry = (struct http_entry){.folder = n % 2 == 0, .bytes = n};
    memset(entry->name, '<', sizeof entry->name - 1);
    snprintf(entry->name, sizeof entry->name, "%03d \"&'", (int)n);
    if (n % 10 == 0)
        entry->name[strlen(entry->name)] = '<'; /* as long as names get */
    return 1;
}

static void site_close(struct http_resource *r)
{
    (void)r;
    http_site_open_now--;
}

static uint64_t site_now(void) { return http_site_now; }

const struct http_site http_site = {site_open, site_read, site_list, site_close, site_now};

static size_t drain(struct http_connection *c, size_t room, char *output, size_t most, size_t used)
{
    char *piece = malloc(room);
    size_t n;
    while ((n = http_give(c, piece, room)) > 0) {
        if (n > room)
            abort();
        if (used < most)
            memcpy(output + used, piece, n < most - used ? n : most - used);
        used += n;
    }
    free(piece);
    return used;
}

size_t http_talk(const struct http_talk *t, char *output, size_t most, int *ended)
{
    struct http_connection *c = calloc(1, sizeof *c);
    size_t at = 0, used = 0;
    http_start(c, &http_site);
    while (at < t->bytes && c->state != HTTP_ENDED) {
        size_t n = t->bytes - at < t->piece ? t->bytes - at : t->piece;
        char *copy = malloc(n); /* ends where the bytes end */
        memcpy(copy, t->input + at, n);
        size_t took = http_take(c, copy, n);
        free(copy);
        if (took > n)
            abort();
        at += took;
        used = drain(c, t->room, output, most, used);
    }
    if (t->late) {
        http_late(c);
        used = drain(c, t->room, output, most, used);
    }
    *ended = c->state == HTTP_ENDED;
    http_end(c);
    free(c);
    return used;
}
