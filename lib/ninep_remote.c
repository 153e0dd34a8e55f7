/* SPDX-License-Identifier: MIT */
/* Another server's files as a file system; see ninep_remote.h. */
#include "lib/ninep_remote.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Numbers of fids: of the root, for the time of one operation, and two of each node. */
#define ROOT_FID 0u
#define SPARE_FID 1u
#define NODES_FIRST 16u
#define NODES_MAX 16384u

struct ninep_remote_node {
    int used;
    int opened;      /* 1: its second fid is open */
    uint32_t access; /* for: NINEP_OPEN_... */
};

/* ---- nodes ---- */

static uint32_t fid_of(uint64_t node) { return (uint32_t)node * 2; }

static uint32_t open_fid_of(uint64_t node) { return (uint32_t)node * 2 + 1; }

/* A free node; 0: there is none. */
static uint64_t node_free_find(struct ninep_remote *r)
{
    uint64_t at = 1;
    while (at < r->nodes && r->node[at].used)
        at++;
    if (at < r->nodes)
        return at;
    uint64_t nodes = r->nodes == 0 ? NODES_FIRST : r->nodes * 2;
    struct ninep_remote_node *bigger =
        nodes > NODES_MAX ? NULL : realloc(r->node, nodes * sizeof *bigger);
    if (bigger == NULL)
        return 0;
    memset(bigger + r->nodes, 0, (nodes - r->nodes) * sizeof *bigger);
    at = r->nodes == 0 ? 1 : r->nodes;
    r->node = bigger;
    r->nodes = nodes;
    return at;
}

/* Makes a node of what is at path below a fid. */
static int node_make(struct ninep_remote *r, uint32_t from, const char *path, uint64_t *node)
{
    uint64_t at = node_free_find(r);
    if (at == 0)
        return ENFILE;
    int error = ninep_walk(r->client, from, fid_of(at), path);
    if (error != 0)
        return error;
    r->node[at].used = 1;
    *node = at;
    return 0;
}

static void opened_close(struct ninep_remote *r, uint64_t node)
{
    if (r->node[node].opened)
        (void)ninep_clunk(r->client, open_fid_of(node));
    r->node[node].opened = 0;
}

/* The node's second fid is open, for reading or for both. */
static int opened_need(struct ninep_remote *r, uint64_t node, uint32_t access)
{
    struct ninep_remote_node *n = &r->node[node];
    if (n->opened && (n->access == access || n->access == NINEP_OPEN_READ_WRITE))
        return 0;
    opened_close(r, node);
    int error = ninep_walk(r->client, fid_of(node), open_fid_of(node), "");
    if (error != 0)
        return error;
    error = ninep_lopen(r->client, open_fid_of(node), access);
    if (error != 0) {
        (void)ninep_clunk(r->client, open_fid_of(node));
        return error;
    }
    n->opened = 1;
    n->access = access;
    return 0;
}

/* ---- the file system's functions ---- */

static int remote_root(void *fs, uint64_t *node) { return node_make(fs, ROOT_FID, "", node); }

static int remote_lookup(void *fs, uint64_t dir, const char *name, uint64_t *node)
{
    return node_make(fs, fid_of(dir), name, node);
}

static void remote_forget(void *fs, uint64_t node)
{
    struct ninep_remote *r = fs;
    opened_close(r, node);
    (void)ninep_clunk(r->client, fid_of(node));
    if (r->list_node == node)
        r->list_node = 0;
    r->node[node].used = 0;
}

static int remote_getattr(void *fs, uint64_t node, struct fs_attr *attr)
{
    return ninep_getattr(((struct ninep_remote *)fs)->client, fid_of(node), attr);
}

static int remote_setattr(void *fs, uint64_t node, uint32_t which, const struct fs_attr *attr)
{
    return ninep_setattr(((struct ninep_remote *)fs)->client, fid_of(node), which, attr);
}

static int remote_read(void *fs, uint64_t node, uint64_t offset, void *to, uint32_t bytes,
                       uint32_t *done)
{
    struct ninep_remote *r = fs;
    const void *data;
    int error = opened_need(r, node, NINEP_OPEN_READ);
    if (error == 0)
        error = ninep_read(r->client, open_fid_of(node), offset, bytes, &data, done);
    if (error == 0)
        memcpy(to, data, *done);
    return error;
}

static int remote_write(void *fs, uint64_t node, uint64_t offset, const void *from, uint32_t bytes,
                        uint32_t *done)
{
    struct ninep_remote *r = fs;
    int error = opened_need(r, node, NINEP_OPEN_READ_WRITE);
    return error != 0 ? error
                      : ninep_write(r->client, open_fid_of(node), offset, from, bytes, 0, done);
}

/* Fetches the entries from a cookie on. */
static int list_fetch(struct ninep_remote *r, uint64_t dir, uint64_t cookie)
{
    struct ninep_reader entries;
    r->list_node = 0;
    int error = opened_need(r, dir, NINEP_OPEN_READ);
    if (error == 0)
        error = ninep_readdir(r->client, open_fid_of(dir), cookie, sizeof r->bytes, &entries);
    if (error != 0)
        return error;
    memcpy(r->bytes, entries.at, entries.left);
    r->list = (struct ninep_reader){r->bytes, entries.left, 0};
    r->list_node = dir;
    r->list_cookie = cookie;
    return 0;
}

static int is_dots(const char *name) { return strcmp(name, ".") == 0 || strcmp(name, "..") == 0; }

/* A name that no program could use: the server's business, but not to be handed on. */
static int is_usable(const char *name) { return name[0] != 0 && strchr(name, '/') == NULL; }

static int remote_readdir(void *fs, uint64_t dir, uint64_t cookie, struct fs_entry *entry)
{
    struct ninep_remote *r = fs;
    for (;;) {
        int fetched = r->list_node != dir || r->list_cookie != cookie || r->list.left == 0;
        int error = fetched ? list_fetch(r, dir, cookie) : 0;
        if (error != 0)
            return error;
        if (!ninep_entry_next(&r->list, entry))
            return fetched && !r->list.bad ? ENOENT : EPROTO;
        if (entry->next == cookie)
            return EPROTO; /* it would never end */
        cookie = r->list_cookie = entry->next;
        if (!is_dots(entry->name) && is_usable(entry->name))
            return 0;
    }
}

static int remote_create(void *fs, uint64_t dir, const char *name, uint32_t mode, uint64_t *node)
{
    struct ninep_remote *r = fs;
    uint32_t flags = NINEP_OPEN_READ_WRITE | NINEP_OPEN_CREATE | NINEP_OPEN_EXCLUSIVE;
    int error;
    if (S_ISDIR(mode)) {
        error = ninep_mkdir(r->client, fid_of(dir), name, mode & 0777);
        return error != 0 ? error : remote_lookup(fs, dir, name, node);
    }
    error = ninep_walk(r->client, fid_of(dir), SPARE_FID, "");
    if (error != 0)
        return error;
    error = ninep_lcreate(r->client, SPARE_FID, name, flags, mode & 0777);
    (void)ninep_clunk(r->client, SPARE_FID);
    return error != 0 ? error : remote_lookup(fs, dir, name, node);
}

static int remote_remove(void *fs, uint64_t dir, const char *name, int folder)
{
    return ninep_unlinkat(((struct ninep_remote *)fs)->client, fid_of(dir), name, folder);
}

static int remote_rename(void *fs, uint64_t from, const char *name, uint64_t to,
                         const char *new_name)
{
    return ninep_renameat(((struct ninep_remote *)fs)->client, fid_of(from), name, fid_of(to),
                          new_name);
}

/* What this side never opened it never wrote. */
static int remote_sync(void *fs, uint64_t node)
{
    struct ninep_remote *r = fs;
    int result = 0;
    for (uint64_t i = 1; i < r->nodes; i++)
        if ((node == 0 || i == node) && r->node[i].used && r->node[i].opened) {
            int error = ninep_fsync(r->client, open_fid_of(i));
            result = error != 0 ? error : result;
        }
    return result;
}

static int remote_space(void *fs, struct fs_space *space)
{
    return ninep_statfs(((struct ninep_remote *)fs)->client, ROOT_FID, space);
}

static int remote_readlink(void *fs, uint64_t node, char *to, uint32_t bytes, uint32_t *done)
{
    int error = ninep_readlink(((struct ninep_remote *)fs)->client, fid_of(node), to, bytes);
    *done = error == 0 ? (uint32_t)strlen(to) : 0;
    return error;
}

const struct fs_ops ninep_remote_ops = {
    .root = remote_root,
    .lookup = remote_lookup,
    .forget = remote_forget,
    .getattr = remote_getattr,
    .setattr = remote_setattr,
    .read = remote_read,
    .write = remote_write,
    .readdir = remote_readdir,
    .create = remote_create,
    .remove = remote_remove,
    .rename = remote_rename,
    .sync = remote_sync,
    .space = remote_space,
    .readlink = remote_readlink,
};

int ninep_remote_start(struct ninep_remote *r, struct ninep_client *client)
{
    memset(r, 0, sizeof *r);
    r->client = client;
    int error = ninep_version(client);
    return error != 0 ? error : ninep_attach(client, ROOT_FID, "");
}

void ninep_remote_end(struct ninep_remote *r)
{
    free(r->node);
    r->node = NULL;
    r->nodes = 0;
}
