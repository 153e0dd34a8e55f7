/* SPDX-License-Identifier: MIT */
/*
 * 9P over calls: sessions of clients with their shared buffers; see fs.h. One file system a program.
 *
 * A session belongs to the badge that opened it. A badge has SESSIONS_PER_BADGE at most, and each a
 * bounded number of fids, so a client can neither starve the others nor the file system. Whether a
 * client lives is seen from the endpoint it gave: some sessions are looked at whenever one is
 * opened, all of them when there is no room.
 *
 * Received pages land in a staging place and are moved to their session's. A client may change its
 * pages at any time: all of a request but the data of a write is copied before it is looked at.
 */
#include "lib/fs.h"
#include "lib/memory.h"
#include "lib/ninep_server.h"
#include "lib/server.h"
#include "lib/startup.h"
#include <errno.h>
#include <string.h>
#include <time.h>

#define SESSIONS_MAX 64u
#define SESSIONS_PER_BADGE 6u
#define SESSIONS_LOOKED_AT 2u /* at each open, for dead clients */
#define SESSION_FIDS 1024u
#define HEAD_BYTES 8192u /* the longest request but a write: a walk or a symbolic link */
#define STAGING_VA (SESSIONS_VA + (uint64_t)SESSIONS_MAX * FS_PAGES_MAX * PAGE_SIZE)

struct session {
    uint64_t number; /* 0: free; low bits: its place + 1 */
    uint64_t badge;
    uint64_t alive; /* handle of the client's endpoint: dead when the client is */
    uint64_t pages; /* of its buffer */
    struct ninep_session ninep;
};

static struct session session[SESSIONS_MAX];
static uint64_t session_last; /* number part; begins at the time of the start, so that none is ever
                                 used by two instances of a server */
static struct ninep_server ninep;
static const struct fs_server *server;

static uint64_t session_va(const struct session *s)
{
    return SESSIONS_VA + (uint64_t)(s - session) * FS_PAGES_MAX * PAGE_SIZE;
}

static void session_end(struct session *s)
{
    ninep_session_end(&s->ninep);
    memory_unmap(0, session_va(s), s->pages, PAGE_SIZE_4K);
    atm_handle_close(s->alive);
    *s = (struct session){0};
}

static int is_dead(const struct session *s)
{
    struct atm_result r = atm_handle_info(s->alive);
    return r.status < 0 || r.r[0] == KIND_NONE;
}

/* Ends the sessions of clients that are no more, among the next so many. */
static void sweep(unsigned looks)
{
    static unsigned next;
    for (; looks > 0; looks--, next = (next + 1) % SESSIONS_MAX)
        if (session[next].number != 0 && is_dead(&session[next]))
            session_end(&session[next]);
}

/* A free session, if this badge may have one more. */
static struct session *session_free(uint64_t badge)
{
    struct session *free_one = NULL;
    unsigned own = 0;
    for (unsigned i = 0; i < SESSIONS_MAX; i++) {
        if (session[i].number == 0)
            free_one = free_one == NULL ? &session[i] : free_one;
        else
            own += session[i].badge == badge;
    }
    return own < SESSIONS_PER_BADGE ? free_one : NULL;
}

static struct session *session_find(const struct message *m)
{
    uint64_t place = (m->w[0] - 1) % SESSIONS_MAX;
    struct session *s = &session[place];
    return m->w[0] != 0 && s->number == m->w[0] && s->badge == m->badge ? s : NULL;
}

/* ---- what comes with a message ---- */

/* Lets go of all items of a message: handles, and pages in the staging place. */
static void items_drop(uint64_t items)
{
    for (uint64_t i = 0; i < items; i++) {
        const struct atm_item *item = &atm_message()->item[i];
        if (item->kind == ITEM_HANDLE)
            atm_handle_close(item->value);
        else
            memory_unmap(0, item->value, 1, PAGE_SIZE_4K);
    }
}

/* 1 if the items from first on are pages that may be written. */
static int are_pages(uint64_t first, uint64_t items)
{
    for (uint64_t i = first; i < items; i++) {
        const struct atm_item *item = &atm_message()->item[i];
        if (item->kind != ITEM_PAGE || item->rights != (PAGE_READ | PAGE_WRITE))
            return 0;
    }
    return items > first;
}

/* Moves staged pages behind those the session has; they leave the staging place in any case. */
static int pages_take(struct session *s, uint64_t pages)
{
    struct memory_range from = {0, STAGING_VA};
    struct memory_range to = {0, session_va(s) + s->pages * PAGE_SIZE};
    int64_t status = -ERR_ARGUMENT;
    if (pages <= FS_PAGES_MAX - s->pages)
        status = memory_share(from, to, pages, PAGE_READ | PAGE_WRITE);
    memory_unmap(0, STAGING_VA, pages, PAGE_SIZE_4K);
    if (status != 0)
        return ENOMEM;
    s->pages += pages;
    return 0;
}

/* ---- requests ---- */

static uint64_t do_open(struct message *m)
{
    uint64_t items = TAG_ITEMS(m->tag);
    sweep(SESSIONS_LOOKED_AT);
    if (items < 2 || atm_message()->item[0].kind != ITEM_HANDLE || !are_pages(1, items)) {
        items_drop(items);
        return TAG(EINVAL, 0, 0);
    }
    struct session *s = session_free(m->badge);
    if (s == NULL) {
        sweep(SESSIONS_MAX);
        s = session_free(m->badge);
    }
    if (s == NULL) {
        items_drop(items);
        return TAG(EUSERS, 0, 0);
    }
    uint64_t place = (uint64_t)(s - session);
    *s = (struct session){
        ++session_last * SESSIONS_MAX + place + 1, m->badge, atm_message()->item[0].value, 0, {0}};
    ninep_session_start(&s->ninep, &ninep, NINEP_MESSAGE_MAX, SESSION_FIDS);
    int error = pages_take(s, items - 1);
    m->w[0] = s->number;
    if (error != 0)
        session_end(s);
    return TAG(error, 1, 0);
}

static uint64_t do_grow(const struct message *m)
{
    uint64_t items = TAG_ITEMS(m->tag);
    struct session *s = session_find(m);
    if (s == NULL || !are_pages(0, items)) {
        items_drop(items);
        return TAG(s == NULL ? FS_NO_SESSION : EINVAL, 0, 0);
    }
    return TAG(pages_take(s, items), 0, 0);
}

static uint64_t do_close(const struct message *m)
{
    struct session *s = session_find(m);
    if (s == NULL)
        return TAG(FS_NO_SESSION, 0, 0);
    session_end(s);
    return TAG(0, 0, 0);
}

/* Copies a client's messages but for the data of a write; how many bytes there are in head. */
static uint32_t head_copy(unsigned char *head, const unsigned char *buffer, uint32_t bytes)
{
    uint32_t first = bytes < NINEP_WRITE_HEAD ? bytes : NINEP_WRITE_HEAD;
    memcpy(head, buffer, first);
    if (first == bytes || head[4] == NINEP_WRITE)
        return first;
    uint32_t all = bytes < HEAD_BYTES ? bytes : HEAD_BYTES;
    memcpy(head + first, buffer + first, all - first);
    return all;
}

static uint64_t do_call(struct message *m)
{
    static unsigned char head[HEAD_BYTES];
    struct session *s = session_find(m);
    if (s == NULL)
        return TAG(FS_NO_SESSION, 0, 0);
    uint64_t room = s->pages * PAGE_SIZE;
    if (m->w[1] > room)
        return TAG(EMSGSIZE, 0, 0);
    unsigned char *buffer = (unsigned char *)(uintptr_t)session_va(s);
    struct ninep_message messages = {head, 0, buffer + NINEP_WRITE_HEAD, (uint32_t)m->w[1]};
    messages.head_bytes = head_copy(head, buffer, messages.bytes);
    m->w[0] = ninep_serve_several(&s->ninep, &messages, buffer, (uint32_t)room);
    return m->w[0] == 0 ? TAG(EPROTO, 0, 0) : TAG(0, 1, 0);
}

/* Shows pages of a file as they lie in this program's memory. */
static uint64_t do_pages(struct message *m)
{
    char path[MESSAGE_TEXT_MAX + 1];
    const void *first;
    uint64_t head, bytes, page = m->w[0], items = 0;
    path[message_get(m, path, MESSAGE_TEXT_MAX)] = 0;
    if (server->pages == NULL)
        return TAG(EOPNOTSUPP, 0, 0);
    int error = server->pages(server->fs, path, &first, &head, &bytes);
    if (error != 0)
        return TAG(error, 0, 0);
    uint64_t count = (head + bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    for (; items < MESSAGE_ITEMS_MAX && page < count; items++, page++)
        atm_message()->item[items] =
            (struct atm_item){ITEM_PAGE, (uintptr_t)first + page * PAGE_SIZE, PAGE_READ, 0};
    m->w[0] = bytes;
    m->w[1] = head;
    return TAG(0, 2, items);
}

static uint64_t request(struct message *m)
{
    uint64_t label = TAG_LABEL(m->tag);
    if (label == FS_OPEN)
        return do_open(m);
    if (label == FS_GROW)
        return do_grow(m);
    items_drop(TAG_ITEMS(m->tag));
    switch (label) {
    case FS_CALL:
        return do_call(m);
    case FS_CLOSE:
        return do_close(m);
    case FS_PAGES:
        return do_pages(m);
    default:
        return TAG(EINVAL, 0, 0);
    }
}

static void event(uint64_t bits)
{
    if (server->event != NULL)
        server->event(server->fs, bits);
}

static void idle(void) { server->idle(server->fs); }

int64_t fs_serve_with(const struct fs_server *what)
{
    struct server loop = {.endpoint = what->endpoint, .message = request, .event = event};
    server = what;
    session_last = atm_clock().r[0];
    ninep.ops = what->ops;
    ninep.fs = what->fs;
    loop.idle = what->idle == NULL ? NULL : idle;
    loop.idle_ns = what->idle_ns;
    atm_message()->receive_va = STAGING_VA;
    atm_message()->receive_pages = MESSAGE_ITEMS_MAX;
    return server_run(&loop);
}

int64_t fs_serve(const struct fs_ops *ops, void *fs, uint64_t endpoint)
{
    struct fs_server plain = {.ops = ops, .fs = fs, .endpoint = endpoint};
    return fs_serve_with(&plain);
}

uint64_t fs_time(void)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0)
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec;
}
