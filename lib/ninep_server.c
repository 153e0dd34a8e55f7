/* SPDX-License-Identifier: MIT */
/*
 * Sessions, fids, walking, and the dispatch of messages; see ninep_server.h. What is done to files
 * is in ninep_files.c.
 *
 * A fid holds a node; the clone of a fid holds the same. So nodes are counted here, and the file
 * system sees one reference a node object. A fid also remembers under which name and folder it was
 * found, which Tremove and Trename want to know.
 */
#include "lib/ninep_call.h"
#include <stdlib.h>
#include <string.h>

#define FIDS_FIRST 16u

/* ---- nodes ---- */

/* Takes over one reference of the file system's; NULL: no memory, and it is given back. */
static struct ninep_node *node_new(struct ninep_call *c, uint64_t number)
{
    struct ninep_node *node = malloc(sizeof *node);
    if (node == NULL)
        c->ops->forget(c->fs, number);
    else
        *node = (struct ninep_node){number, 1};
    return node;
}

static struct ninep_node *node_share(struct ninep_node *node)
{
    if (node != NULL)
        node->refs++;
    return node;
}

static void node_drop(const struct ninep_server *server, struct ninep_node *node)
{
    if (node == NULL || --node->refs > 0)
        return;
    server->ops->forget(server->fs, node->node);
    free(node);
}

int ninep_node_qid(struct ninep_call *c, uint64_t node, struct ninep_qid *qid)
{
    struct fs_attr attr = {0};
    int error = c->ops->getattr(c->fs, node, &attr);
    qid->path = attr.ino;
    qid->version = (uint32_t)attr.mtime;
    qid->type = S_ISDIR(attr.mode)                ? NINEP_QID_FOLDER
                : (attr.mode & S_IFMT) == S_IFLNK ? NINEP_QID_LINK
                                                  : NINEP_QID_FILE;
    return error;
}

/* ---- fids ---- */

/* Where number is, or the free entry where the search ends. */
static struct ninep_fid **fid_place(const struct ninep_session *s, uint32_t number)
{
    uint32_t at = number % s->room;
    while (s->fid[at] != NULL && s->fid[at]->number != number)
        at = (at + 1) % s->room;
    return &s->fid[at];
}

struct ninep_fid *ninep_fid_find(const struct ninep_session *s, uint32_t number)
{
    return s->room == 0 ? NULL : *fid_place(s, number);
}

struct ninep_fid *ninep_fid_take(struct ninep_call *c)
{
    uint32_t number = (uint32_t)ninep_get(&c->in, 4);
    return c->in.bad ? NULL : ninep_fid_find(c->session, number);
}

/* Makes room for one more; at most half of the table is ever used. */
static int fids_grow(struct ninep_session *s)
{
    if (s->fids >= s->fids_max)
        return EMFILE;
    if ((s->fids + 1) * 2 <= s->room)
        return 0;
    struct ninep_session bigger = *s;
    bigger.room = s->room == 0 ? FIDS_FIRST : s->room * 2;
    bigger.fid = calloc(bigger.room, sizeof(struct ninep_fid *));
    if (bigger.fid == NULL)
        return ENOMEM;
    for (uint32_t i = 0; i < s->room; i++)
        if (s->fid[i] != NULL)
            *fid_place(&bigger, s->fid[i]->number) = s->fid[i];
    free(s->fid);
    *s = bigger;
    return 0;
}

static char *name_keep(const char *name) { return name == NULL ? NULL : strdup(name); }

/* A fid without a node yet. */
static int fid_new(struct ninep_session *s, uint32_t number, struct ninep_fid **fid)
{
    if (number == NINEP_NO_FID || ninep_fid_find(s, number) != NULL)
        return EBADF;
    int error = fids_grow(s);
    if (error != 0)
        return error;
    *fid = calloc(1, sizeof **fid);
    if (*fid == NULL)
        return ENOMEM;
    (*fid)->number = number;
    *fid_place(s, number) = *fid;
    s->fids++;
    return 0;
}

int ninep_fid_add(struct ninep_call *c, uint32_t number, uint64_t node, struct ninep_node *parent,
                  const char *name)
{
    struct ninep_fid *f;
    struct ninep_node *held = node_new(c, node);
    if (held == NULL)
        return ENOMEM;
    int error = fid_new(c->session, number, &f);
    if (error != 0) {
        node_drop(c->session->server, held);
        return error;
    }
    f->node = held;
    f->parent = node_share(parent);
    f->name = name_keep(name);
    return 0;
}

/* The fid's entry becomes free; those behind it move up where a search would now miss them. */
static void fid_unlink(struct ninep_session *s, uint32_t number)
{
    uint32_t hole = (uint32_t)(fid_place(s, number) - s->fid);
    s->fid[hole] = NULL;
    for (uint32_t at = (hole + 1) % s->room; s->fid[at] != NULL; at = (at + 1) % s->room) {
        struct ninep_fid *f = s->fid[at];
        s->fid[at] = NULL;
        *fid_place(s, f->number) = f;
    }
    s->fids--;
}

static void fid_free(const struct ninep_server *server, struct ninep_fid *f)
{
    node_drop(server, f->node);
    node_drop(server, f->parent);
    free(f->name);
    free(f);
}

void ninep_fid_remove(struct ninep_session *s, struct ninep_fid *f)
{
    fid_unlink(s, f->number);
    fid_free(s->server, f);
}

int ninep_fid_descend(struct ninep_call *c, struct ninep_fid *f, uint64_t node, const char *name)
{
    struct ninep_node *held = node_new(c, node);
    if (held == NULL)
        return ENOMEM;
    node_drop(c->session->server, f->parent);
    free(f->name);
    f->parent = f->node;
    f->name = name_keep(name);
    f->node = held;
    return 0;
}

void ninep_fid_place_set(struct ninep_call *c, struct ninep_fid *f, struct ninep_node *parent,
                         const char *name)
{
    struct ninep_fid old = *f;
    f->parent = node_share(parent);
    f->name = name_keep(name);
    node_drop(c->session->server, old.parent);
    free(old.name);
}

static void fids_drop(struct ninep_session *s)
{
    for (uint32_t i = 0; i < s->room; i++)
        if (s->fid[i] != NULL)
            fid_free(s->server, s->fid[i]);
    free(s->fid);
    s->fid = NULL;
    s->room = s->fids = 0;
}

void ninep_session_start(struct ninep_session *s, struct ninep_server *server, uint32_t msize,
                         uint32_t fids_max)
{
    *s = (struct ninep_session){.server = server, .fids_max = fids_max};
    s->msize = s->msize_max = msize;
}

void ninep_session_end(struct ninep_session *s)
{
    ninep_locks_drop(s);
    fids_drop(s);
}

/* ---- names ---- */

int ninep_name_take(struct ninep_call *c, char name[FS_NAME_MAX + 1])
{
    struct ninep_reader look = c->in;
    size_t bytes = ninep_get(&look, 2);
    int too_long = !look.bad && bytes > FS_NAME_MAX && bytes <= look.left;
    ninep_get_string(&c->in, name, FS_NAME_MAX + 1);
    if (too_long) {
        c->in.bad = 0; /* the message is whole: the rest of it can be read */
        return ENAMETOOLONG;
    }
    int dots = strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
    return name[0] == 0 || dots || strchr(name, '/') != NULL ? EINVAL : 0;
}

/* The same for a step of a walk, which may be a dot or two. */
static int step_take(struct ninep_call *c, char name[FS_NAME_MAX + 1])
{
    int error = ninep_name_take(c, name);
    if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
        return 0;
    return error;
}

/* ---- version, attach, walk, clunk ---- */

int ninep_do_version(struct ninep_call *c)
{
    char version[64];
    uint64_t msize = ninep_get(&c->in, 4);
    ninep_get_string(&c->in, version, sizeof version);
    if (c->in.bad || msize < NINEP_MESSAGE_MIN)
        return EINVAL;
    struct ninep_session *s = c->session;
    ninep_locks_drop(s);
    fids_drop(s);
    s->msize = msize < s->msize_max ? (uint32_t)msize : s->msize_max;
    int known = strncmp(version, NINEP_VERSION, strlen(NINEP_VERSION)) == 0;
    ninep_put(&c->out, s->msize, 4);
    ninep_put_string(&c->out, known ? NINEP_VERSION : "unknown");
    return 0;
}

/* From node, whose reference is used up, down a path; gives one on where it leads. */
static int path_walk(struct ninep_call *c, const char *path, uint64_t *node)
{
    char name[FS_NAME_MAX + 1];
    for (;;) {
        path += strspn(path, "/");
        size_t bytes = strcspn(path, "/");
        if (bytes == 0)
            return 0;
        uint64_t next, from = *node;
        int error = bytes > FS_NAME_MAX ? ENAMETOOLONG : 0;
        strlcpy(name, path, error == 0 ? bytes + 1 : 1);
        path += bytes;
        if (strcmp(name, ".") == 0)
            continue;
        if (error == 0)
            error = c->ops->lookup(c->fs, from, name, &next);
        c->ops->forget(c->fs, from);
        if (error != 0)
            return error;
        *node = next;
    }
}

int ninep_do_attach(struct ninep_call *c)
{
    char user[FS_NAME_MAX + 1], path[1024];
    struct ninep_qid qid;
    uint64_t node;
    uint32_t number = (uint32_t)ninep_get(&c->in, 4);
    uint32_t auth = (uint32_t)ninep_get(&c->in, 4);
    ninep_get_string(&c->in, user, sizeof user);
    ninep_get_string(&c->in, path, sizeof path);
    if (c->in.bad)
        return EINVAL;
    if (auth != NINEP_NO_FID)
        return EBADF;
    int error = c->ops->root(c->fs, &node);
    if (error == 0)
        error = path_walk(c, path, &node);
    if (error != 0)
        return error;
    error = ninep_node_qid(c, node, &qid);
    if (error == 0)
        error = ninep_fid_add(c, number, node, NULL, NULL);
    else
        c->ops->forget(c->fs, node);
    ninep_put_qid(&c->out, &qid);
    return error;
}

/* Where a walk is: node and parent are counted (parent may be NULL). */
struct walk {
    struct ninep_node *node, *parent;
    char name[FS_NAME_MAX + 1];
};

static int walk_step(struct ninep_call *c, struct walk *w)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_qid qid;
    uint64_t found;
    int error = step_take(c, name);
    if (error != 0)
        return error;
    if (strcmp(name, ".") != 0) {
        error = c->ops->lookup(c->fs, w->node->node, name, &found);
        if (error != 0)
            return error;
        struct ninep_node *next = node_new(c, found);
        if (next == NULL)
            return ENOMEM;
        node_drop(c->session->server, w->parent);
        w->parent = w->node;
        w->node = next;
        strlcpy(w->name, strcmp(name, "..") == 0 ? "" : name, sizeof w->name);
    }
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): the walk has it, and drops it at its end */
    error = ninep_node_qid(c, w->node->node, &qid);
    ninep_put_qid(&c->out, &qid);
    return error;
}

/* The fid newfid gets what the walk found; the walk keeps its own references. */
static int walk_end(struct ninep_call *c, const struct walk *w, struct ninep_fid *from,
                    uint32_t number)
{
    struct ninep_fid *f = from;
    int error = 0;
    if (from->number != number)
        error = fid_new(c->session, number, &f);
    if (error != 0)
        return error;
    struct ninep_fid old = *f;
    f->node = node_share(w->node);
    f->parent = w->name[0] == 0 ? NULL : node_share(w->parent);
    f->name = w->name[0] == 0 ? NULL : strdup(w->name);
    node_drop(c->session->server, old.node);
    node_drop(c->session->server, old.parent);
    free(old.name);
    return 0;
}

int ninep_do_walk(struct ninep_call *c)
{
    struct ninep_fid *from = ninep_fid_take(c);
    uint32_t number = (uint32_t)ninep_get(&c->in, 4);
    uint32_t names = (uint32_t)ninep_get(&c->in, 2);
    uint32_t done = 0;
    int error = 0;
    if (c->in.bad || names > NINEP_NAMES_MAX)
        return EINVAL;
    if (from == NULL || (from->open && from->number == number))
        return EBADF;
    struct walk w = {node_share(from->node), node_share(from->parent), ""};
    strlcpy(w.name, from->name == NULL ? "" : from->name, sizeof w.name);
    size_t count_at = c->out.used;
    ninep_put(&c->out, 0, 2);
    for (; done < names && error == 0; done += error == 0)
        error = walk_step(c, &w);
    if (c->in.bad)
        error = EINVAL;
    else if (done == names)
        error = walk_end(c, &w, from, number);
    else if (done > 0)
        error = 0; /* the answer says how far it came */
    node_drop(c->session->server, w.node);
    node_drop(c->session->server, w.parent);
    if (error == 0) {
        struct ninep_writer count = {c->out.start, count_at, c->out.room, 0};
        ninep_put(&count, done, 2);
        c->out.used = count_at + 2 + 13 * (size_t)done;
    }
    return error;
}

int ninep_do_clunk(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    if (f == NULL)
        return EBADF;
    ninep_fid_remove(c->session, f);
    return 0;
}

/* ---- dispatch ---- */

/* Requests are answered before the next is read, so there is never one to give up. */
static int do_flush(struct ninep_call *c)
{
    (void)ninep_get(&c->in, 2);
    return 0;
}

static int do_refuse(struct ninep_call *c)
{
    (void)c;
    return EOPNOTSUPP;
}

/* Error 0 is how diod's clients are told that they need not say who they are. */
static int do_auth(struct ninep_call *c)
{
    (void)c;
    return 0;
}

static ninep_handler *const handlers[NINEP_TYPES] = {
    [NINEP_STATFS] = ninep_do_statfs,
    [NINEP_LOPEN] = ninep_do_lopen,
    [NINEP_LCREATE] = ninep_do_lcreate,
    [NINEP_SYMLINK] = ninep_do_symlink,
    [NINEP_MKNOD] = ninep_do_mknod,
    [NINEP_RENAME] = ninep_do_rename,
    [NINEP_READLINK] = ninep_do_readlink,
    [NINEP_GETATTR] = ninep_do_getattr,
    [NINEP_SETATTR] = ninep_do_setattr,
    [NINEP_XATTRWALK] = do_refuse,
    [NINEP_XATTRCREATE] = do_refuse,
    [NINEP_READDIR] = ninep_do_readdir,
    [NINEP_FSYNC] = ninep_do_fsync,
    [NINEP_LOCK] = ninep_do_lock,
    [NINEP_GETLOCK] = ninep_do_getlock,
    [NINEP_LINK] = ninep_do_link,
    [NINEP_MKDIR] = ninep_do_mkdir,
    [NINEP_RENAMEAT] = ninep_do_renameat,
    [NINEP_UNLINKAT] = ninep_do_unlinkat,
    [NINEP_TVERSION] = ninep_do_version,
    [NINEP_AUTH] = do_auth,
    [NINEP_ATTACH] = ninep_do_attach,
    [NINEP_FLUSH] = do_flush,
    [NINEP_WALK] = ninep_do_walk,
    [NINEP_READ] = ninep_do_read,
    [NINEP_WRITE] = ninep_do_write,
    [NINEP_CLUNK] = ninep_do_clunk,
    [NINEP_REMOVE] = ninep_do_remove,
};

/* A message that is whole but cut off in a field: EINVAL even where the handler did not look. */
static int handle(struct ninep_call *c, uint8_t type)
{
    if (type >= NINEP_TYPES || handlers[type] == NULL)
        return EOPNOTSUPP;
    int error = handlers[type](c);
    if (error == 0 && c->in.bad)
        return EINVAL;
    return error == 0 && c->out.full ? EMSGSIZE : error;
}

uint32_t ninep_serve(struct ninep_session *s, const struct ninep_message *m, void *reply,
                     uint32_t room)
{
    struct ninep_reader in = {m->head, m->head_bytes, 0};
    uint64_t bytes = ninep_get(&in, 4);
    uint8_t type = (uint8_t)ninep_get(&in, 1);
    uint16_t tag = (uint16_t)ninep_get(&in, 2);
    if (in.bad || bytes != m->bytes || m->head_bytes > m->bytes)
        return 0;
    room = room < s->msize ? room : s->msize;
    struct ninep_call c = {.session = s, .ops = s->server->ops, .fs = s->server->fs, .in = in};
    c.out = ninep_begin(reply, room);
    c.room = room;
    c.data = m->data;
    c.data_bytes = m->bytes < NINEP_WRITE_HEAD ? 0 : m->bytes - NINEP_WRITE_HEAD;
    int error = m->bytes > s->msize && type != NINEP_TVERSION ? EMSGSIZE : handle(&c, type);
    s->failed = error != 0 || type == NINEP_AUTH;
    if (!s->failed)
        return ninep_finish(&c.out, (uint8_t)(type + 1), tag);
    c.out = ninep_begin(reply, room);
    ninep_put(&c.out, (uint32_t)error, 4);
    return ninep_finish(&c.out, NINEP_LERROR + 1, tag);
}

/* The message that begins at byte at of head; it is the last if it is as long as what is left. */
static struct ninep_message message_at(const struct ninep_message *all, uint32_t at)
{
    struct ninep_reader r = {all->head + at, all->head_bytes - at, 0};
    uint32_t left = all->bytes - at;
    uint32_t size = (uint32_t)ninep_get(&r, 4);
    struct ninep_message m = {all->head + at, all->head_bytes - at, all->data, left};
    if (!r.bad && size >= NINEP_HEAD && size < left && size <= m.head_bytes)
        m.bytes = m.head_bytes = size;
    if (at > 0)
        m.data = all->head + at + (m.bytes < NINEP_WRITE_HEAD ? m.bytes : NINEP_WRITE_HEAD);
    return m;
}

uint32_t ninep_serve_several(struct ninep_session *s, const struct ninep_message *all, void *reply,
                             uint32_t room)
{
    uint32_t at = 0, used = 0;
    do {
        struct ninep_message m = message_at(all, at);
        /* A write behind another request must lie in head as a whole. */
        if (at > 0 && m.head_bytes < m.bytes)
            return 0;
        uint32_t answer = ninep_serve(s, &m, (unsigned char *)reply + used, room - used);
        if (answer == 0)
            return 0;
        used += answer;
        at += m.bytes;
    } while (at < all->bytes && !s->failed);
    return used;
}
