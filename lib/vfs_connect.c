/* SPDX-License-Identifier: MIT */
/*
 * The mount table as this program knows it, and sessions with file servers; see vfs_local.h.
 *
 * The table is kept, and asked for again when it is older than TABLE_NS: what is mounted or
 * unmounted is seen by all programs that much later at most, and at once by the program that did it.
 */
#include "lib/vfs_local.h"
#include "lib/memory.h"
#include "lib/path.h"
#include "lib/startup.h"
#include <stdlib.h>
#include <string.h>

#define TABLE_NS 100000000u
#define FIRST_PAGES 3u /* a session begins with; with a handle that fills one message */

static struct vfs_connection connection[VFS_CONNECTIONS];
static uint64_t table_version; /* 0: not known */
static uint64_t table_time;
static uint64_t alive; /* an endpoint that servers see this program's life by */

uint64_t vfs_names(void)
{
    static uint64_t handle;
    if (handle == 0)
        handle = startup_handle("names");
    return handle;
}

/* ---- the table ---- */

static uint64_t buffer_va(const struct vfs_connection *c)
{
    return VFS_VA + (uint64_t)(c - connection) * FS_PAGES_MAX * PAGE_SIZE;
}

static void connection_end(struct vfs_connection *c)
{
    if (c->session != 0) {
        struct message m = {.tag = TAG(FS_CLOSE, 1, 0), .w = {c->session}};
        (void)atm_call(c->handle, m.tag, m.w[0], 0, 0, 0);
    }
    if (c->pages > 0)
        memory_unmap(0, buffer_va(c), c->pages, PAGE_SIZE_4K);
    if (c->handle != 0)
        atm_handle_close(c->handle);
    *c = (struct vfs_connection){0};
}

void vfs_connection_release(struct vfs_connection *c)
{
    c->files--;
    if (c->gone && c->files == 0)
        connection_end(c);
}

/* A mount of the table: an old connection stays, a new one is noted. */
static void entry_take(uint64_t number, const char *path)
{
    struct vfs_connection *place = NULL;
    for (unsigned i = 0; i < VFS_CONNECTIONS; i++) {
        if (connection[i].number == number) {
            connection[i].gone = 0;
            return;
        }
        if (connection[i].number == 0 && place == NULL)
            place = &connection[i];
    }
    if (place == NULL)
        return; /* more mounts than a program can use: the rest is not there for it */
    place->number = number;
    strlcpy(place->path, path, sizeof place->path);
}

/* Takes the entries of one piece; how many, 0 when it is malformed. */
static uint32_t page_take(const struct names_page *page)
{
    const char *at = page->text, *end = page->text + sizeof page->text;
    for (uint32_t i = 0; i < page->here; i++) {
        uint64_t number;
        if (end - at < 9)
            return 0;
        memcpy(&number, at, 8);
        size_t bytes = strnlen(at + 8, (size_t)(end - at) - 8);
        if (at + 8 + bytes == end || bytes >= NAMES_PATH_MAX || number == 0)
            return 0;
        entry_take(number, at + 8);
        at += 8 + bytes + 1;
    }
    return page->here;
}

/* Asks for the table's entries from first on. */
static int table_ask(uint64_t first, struct message *m, struct names_page *page)
{
    *m = (struct message){0};
    uint64_t words = message_put(m->w, &first, sizeof first);
    m->tag = TAG(NAMES_TABLE, words, 0);
    m->w[0] = first == 0 ? table_version : 0;
    memset(page, 0, sizeof *page);
    if (vfs_names() == 0)
        return -ENODEV;
    if (message_call(vfs_names(), m) < 0)
        return -ENODEV;
    message_get(m, page, sizeof *page);
    return TAG_LABEL(m->tag) == 0 ? 0 : -EPROTO;
}

static void table_forget(void)
{
    for (unsigned i = 0; i < VFS_CONNECTIONS; i++)
        connection[i].gone = connection[i].number != 0;
}

static void table_settle(void)
{
    for (unsigned i = 0; i < VFS_CONNECTIONS; i++)
        if (connection[i].gone && connection[i].files == 0)
            connection_end(&connection[i]);
}

int vfs_table_read(void)
{
    struct message m;
    struct names_page page;
    int status = table_ask(0, &m, &page);
    table_time = atm_clock().r[0];
    if (status != 0 || m.w[0] == table_version)
        return status;
    table_version = m.w[0];
    table_forget();
    uint64_t have = 0;
    for (;;) {
        uint32_t more = page_take(&page);
        have += more;
        if (more == 0 || have >= page.entries)
            break;
        status = table_ask(have, &m, &page);
        if (status != 0 || m.w[0] != table_version) {
            table_version = 0; /* it changed meanwhile: the next look sees all of it */
            break;
        }
    }
    table_settle();
    return status;
}

static int table_check(void)
{
    if (table_version != 0 && atm_clock().r[0] - table_time < TABLE_NS)
        return 0;
    return vfs_table_read();
}

int vfs_connection_find(const char *path, struct vfs_connection **found, const char **rest)
{
    size_t longest = 0;
    int status = table_check();
    if (status != 0)
        return status;
    *found = NULL;
    for (unsigned i = 0; i < VFS_CONNECTIONS; i++) {
        struct vfs_connection *c = &connection[i];
        const char *below = c->number == 0 || c->gone ? NULL : path_below(c->path, path);
        if (below != NULL && (*found == NULL || strlen(c->path) > longest)) {
            *found = c;
            *rest = below;
            longest = strlen(c->path);
        }
    }
    return *found == NULL ? -ENOENT : 0;
}

struct vfs_connection *vfs_connection_number(unsigned n)
{
    if (n == 0 && table_check() != 0)
        return NULL;
    for (unsigned i = 0; i < VFS_CONNECTIONS; i++)
        if (connection[i].number != 0 && !connection[i].gone && n-- == 0)
            return &connection[i];
    return NULL;
}

void vfs_connection_gone(struct vfs_connection *c)
{
    struct message m = {.tag = TAG(NAMES_GONE, 1, 0), .w = {c->number}};
    (void)message_call(vfs_names(), &m);
    table_version = 0;
}

int vfs_handle(struct vfs_connection *c)
{
    struct message m = {.tag = TAG(NAMES_HANDLE, 1, 0), .w = {c->number}};
    if (c->handle != 0)
        return 0;
    if (message_call(vfs_names(), &m) < 0)
        return ENODEV;
    if (TAG_LABEL(m.tag) != 0 || TAG_ITEMS(m.tag) != 1) {
        table_version = 0;
        return ENODEV;
    }
    c->handle = atm_message()->item[0].value;
    return 0;
}

/* ---- sessions ---- */

/* What a failed system call means for files. */
static int call_error(int64_t status)
{
    if (status == -ERR_DEAD || status == -ERR_HANDLE)
        return ENODEV;
    return status == -ERR_QUOTA || status == -ERR_FULL || status == -ERR_MEMORY ? ENOMEM : EIO;
}

/* Calls the server; answers with items are not expected. 0: m is the answer. */
static int server_call(struct vfs_connection *c, struct message *m, int64_t *status)
{
    struct atm_result r;
    do
        r = atm_call(c->handle, m->tag, m->w[0], m->w[1], 0, 0);
    while (r.status == -ERR_AGAIN);
    *status = r.status;
    if (r.status < 0)
        return call_error(r.status);
    *m = (struct message){r.r[0], r.r[1], {r.r[2], r.r[3], r.r[4], r.r[5]}};
    uint64_t label = TAG_LABEL(m->tag);
    return label == FS_NO_SESSION ? VFS_LOST : label > 4095 ? EPROTO : (int)label;
}

static int exchange(struct ninep_client *client, uint32_t bytes, uint32_t *answer)
{
    struct vfs_connection *c = client->context;
    struct message m = {.tag = TAG(FS_CALL, 2, 0), .w = {c->session, bytes}};
    int64_t status;
    int error = server_call(c, &m, &status);
    if (status == -ERR_PEER)
        error = client->once ? EREMOTEIO : VFS_LOST;
    if (status == -ERR_PEER || error == VFS_LOST)
        c->session = 0;
    *answer = (uint32_t)m.w[0];
    return error;
}

/* The buffer has so many pages at least. */
static int buffer_map(struct vfs_connection *c, uint64_t pages)
{
    if (c->pages >= pages)
        return 0;
    if (memory_map(0, buffer_va(c) + c->pages * PAGE_SIZE, pages - c->pages,
                   PAGE_READ | PAGE_WRITE) != 0)
        return ENOMEM;
    c->pages = pages;
    return 0;
}

/* Puts pages of the buffer into a message's items from item on. */
static void pages_put(const struct vfs_connection *c, uint64_t first, uint64_t pages, uint64_t item)
{
    for (uint64_t i = 0; i < pages; i++)
        atm_message()->item[item + i] = (struct atm_item){
            ITEM_PAGE, buffer_va(c) + (first + i) * PAGE_SIZE, PAGE_READ | PAGE_WRITE, 0};
}

static int session_open(struct vfs_connection *c)
{
    int64_t status;
    struct message m = {.tag = TAG(FS_OPEN, 0, 1 + FIRST_PAGES)};
    int error = buffer_map(c, FIRST_PAGES);
    if (error != 0)
        return error;
    if (alive == 0) {
        struct atm_result r = atm_endpoint_create(0);
        if (r.status < 0)
            return ENOMEM;
        alive = r.r[0];
    }
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, alive, RIGHT_SIGNAL, 0};
    pages_put(c, 0, FIRST_PAGES, 1);
    error = server_call(c, &m, &status);
    if (status == -ERR_PEER)
        return VFS_LOST;
    c->session = error == 0 ? m.w[0] : 0;
    return error;
}

int vfs_connect(struct vfs_connection *c)
{
    if (c->session != 0)
        return 0;
    int error = vfs_handle(c);
    if (error == 0)
        error = session_open(c);
    if (error != 0)
        return error;
    c->generation++;
    c->small = 0;
    c->client = (struct ninep_client){
        (unsigned char *)(uintptr_t)buffer_va(c), FIRST_PAGES * PAGE_SIZE, 0, 1, exchange, c};
    return ninep_attach(&c->client, VFS_FID_ROOT, "");
}

void vfs_buffer_grow(struct vfs_connection *c)
{
    uint64_t have = c->client.room / PAGE_SIZE;
    if (have == FS_PAGES_MAX || c->small)
        return;
    c->small = buffer_map(c, FS_PAGES_MAX) != 0;
    if (c->small)
        return;
    while (have < FS_PAGES_MAX) {
        uint64_t more = FS_PAGES_MAX - have;
        int64_t status;
        more = more < MESSAGE_ITEMS_MAX ? more : MESSAGE_ITEMS_MAX;
        struct message m = {.tag = TAG(FS_GROW, 1, more), .w = {c->session}};
        pages_put(c, have, more, 0);
        c->small = server_call(c, &m, &status) != 0;
        if (c->small)
            return; /* the next use finds out what is wrong, if it is more than memory */
        have += more;
        c->client.room = (uint32_t)(have * PAGE_SIZE);
    }
}
