/* SPDX-License-Identifier: MIT */
/*
 * Requests of 9P2000.L; see ninep_client.h. The buffer may be shared with the server, which may
 * change it at any time: each field is read once, and lengths are checked as they were read.
 */
#include "lib/ninep_client.h"
#include <errno.h>
#include <string.h>

static uint16_t tag_of(uint8_t type) { return type == NINEP_TVERSION ? NINEP_NO_TAG : 1; }

static struct ninep_writer begin(struct ninep_client *c, uint32_t fid)
{
    struct ninep_writer w = ninep_begin(c->buffer, c->room);
    ninep_put(&w, fid, 4);
    return w;
}

/* Reads the head of the answer that begins at *at of so many bytes, and moves *at behind the answer;
   its fields are in r. */
static int answer_read(const struct ninep_client *c, uint32_t *at, uint32_t bytes, uint8_t type,
                       struct ninep_reader *r)
{
    *r = (struct ninep_reader){c->buffer + *at, bytes - *at, 0};
    uint64_t size = ninep_get(r, 4);
    uint64_t kind = ninep_get(r, 1);
    uint64_t back = ninep_get(r, 2);
    if (r->bad || size < NINEP_HEAD || size > bytes - *at || back != tag_of(type))
        return EPROTO;
    r->left = (size_t)size - NINEP_HEAD;
    *at += (uint32_t)size;
    if (kind == type + 1u)
        return 0;
    int error = (int)(ninep_get(r, 4) & 0xffff);
    return kind == NINEP_LERROR + 1 && !r->bad && error != 0 ? error : EPROTO;
}

/* Sends what was written, with more bytes of data behind it; the answer's fields are in r. */
static int finish(struct ninep_client *c, struct ninep_writer *w, uint8_t type, uint32_t more,
                  int once, struct ninep_reader *r)
{
    uint32_t answer = 0, at = 0;
    struct ninep_writer head = {c->buffer, 0, 4, 0};
    uint32_t bytes = ninep_finish(w, type, tag_of(type));
    if (bytes == 0 || more > c->room - bytes)
        return EMSGSIZE;
    ninep_put(&head, bytes + more, 4);
    c->once = once;
    int error = c->exchange(c, bytes + more, &answer);
    if (error != 0)
        return error;
    if (answer > c->room)
        return EPROTO;
    error = answer_read(c, &at, answer, type, r);
    return at != answer ? EPROTO : error;
}

/* The same for answers without fields that matter. */
static int finish_plain(struct ninep_client *c, struct ninep_writer *w, uint8_t type, int once)
{
    struct ninep_reader r;
    return finish(c, w, type, 0, once, &r);
}

int ninep_version(struct ninep_client *c)
{
    char version[32];
    struct ninep_reader r;
    struct ninep_writer w = begin(c, c->room); /* msize has the place of a fid */
    ninep_put_string(&w, NINEP_VERSION);
    int error = finish(c, &w, NINEP_TVERSION, 0, 0, &r);
    if (error != 0)
        return error;
    uint64_t msize = ninep_get(&r, 4);
    ninep_get_string(&r, version, sizeof version);
    if (r.bad || msize < NINEP_MESSAGE_MIN || strcmp(version, NINEP_VERSION) != 0)
        return EPROTONOSUPPORT;
    c->room = msize < c->room ? (uint32_t)msize : c->room;
    return 0;
}

int ninep_attach(struct ninep_client *c, uint32_t fid, const char *path)
{
    struct ninep_writer w = begin(c, fid);
    ninep_put(&w, NINEP_NO_FID, 4);
    ninep_put_string(&w, "");
    ninep_put_string(&w, path);
    ninep_put(&w, 0, 4); /* user */
    return finish_plain(c, &w, NINEP_ATTACH, 0);
}

/* Writes the next parts of *path, NINEP_NAMES_MAX at most; how many. */
static uint32_t parts_put(struct ninep_writer *w, const char **path)
{
    uint32_t parts = 0;
    char name[FS_NAME_MAX + 1];
    while (parts < NINEP_NAMES_MAX && *(*path += strspn(*path, "/")) != 0) {
        size_t bytes = strcspn(*path, "/");
        w->full |= bytes > FS_NAME_MAX;
        strlcpy(name, *path, bytes <= FS_NAME_MAX ? bytes + 1 : 1);
        ninep_put_string(w, name);
        *path += bytes;
        parts++;
    }
    return parts;
}

/* One message's worth of a walk. */
static int walk_some(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char **path)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    ninep_put(&w, newfid, 4);
    struct ninep_writer count = w;
    ninep_put(&w, 0, 2);
    uint32_t parts = parts_put(&w, path);
    ninep_put(&count, parts, 2);
    int error = finish(c, &w, NINEP_WALK, 0, 0, &r);
    if (error != 0)
        return error;
    uint64_t came = ninep_get(&r, 2);
    return r.bad || came > parts ? EPROTO : came < parts ? ENOENT : 0;
}

int ninep_walk(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path)
{
    int error = walk_some(c, fid, newfid, &path);
    while (error == 0 && *(path += strspn(path, "/")) != 0) {
        error = walk_some(c, newfid, newfid, &path);
        if (error != 0)
            (void)ninep_clunk(c, newfid);
    }
    return error;
}

int ninep_clunk(struct ninep_client *c, uint32_t fid)
{
    struct ninep_writer w = begin(c, fid);
    return finish_plain(c, &w, NINEP_CLUNK, 0);
}

int ninep_lopen(struct ninep_client *c, uint32_t fid, uint32_t flags)
{
    struct ninep_writer w = begin(c, fid);
    ninep_put(&w, flags, 4);
    return finish_plain(c, &w, NINEP_LOPEN, 0);
}

int ninep_lcreate(struct ninep_client *c, uint32_t fid, const char *name, uint32_t flags,
                  uint32_t mode)
{
    struct ninep_writer w = begin(c, fid);
    ninep_put_string(&w, name);
    ninep_put(&w, flags, 4);
    ninep_put(&w, mode, 4);
    ninep_put(&w, 0, 4); /* group */
    return finish_plain(c, &w, NINEP_LCREATE, (flags & NINEP_OPEN_EXCLUSIVE) != 0);
}

/* The data of an Rread or Rreaddir: at most what was asked for. */
static int data_take(struct ninep_reader *r, uint32_t bytes, const void **data, uint32_t *done)
{
    uint64_t count = ninep_get(r, 4);
    if (r->bad || count > bytes || count > r->left)
        return EPROTO;
    *data = r->at;
    *done = (uint32_t)count;
    return 0;
}

static uint32_t count_limit(const struct ninep_client *c, uint32_t bytes)
{
    uint32_t most = c->room - NINEP_IO_HEAD;
    return bytes < most ? bytes : most;
}

int ninep_read(struct ninep_client *c, uint32_t fid, uint64_t offset, uint32_t bytes,
               const void **data, uint32_t *done)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    bytes = count_limit(c, bytes);
    ninep_put(&w, offset, 8);
    ninep_put(&w, bytes, 4);
    int error = finish(c, &w, NINEP_READ, 0, 0, &r);
    return error == 0 ? data_take(&r, bytes, data, done) : error;
}

int ninep_write(struct ninep_client *c, uint32_t fid, uint64_t offset, const void *from,
                uint32_t bytes, int append, uint32_t *done)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    bytes = count_limit(c, bytes);
    ninep_put(&w, offset, 8);
    ninep_put(&w, bytes, 4);
    memmove(c->buffer + NINEP_WRITE_HEAD, from, bytes);
    int error = finish(c, &w, NINEP_WRITE, bytes, append, &r);
    *done = error == 0 ? (uint32_t)ninep_get(&r, 4) : 0;
    if (error == 0 && (r.bad || *done > bytes)) {
        *done = 0;
        return EPROTO;
    }
    return error;
}

int ninep_readdir(struct ninep_client *c, uint32_t fid, uint64_t cookie, uint32_t bytes,
                  struct ninep_reader *entries)
{
    struct ninep_reader r;
    const void *data;
    uint32_t done;
    struct ninep_writer w = begin(c, fid);
    bytes = count_limit(c, bytes);
    ninep_put(&w, cookie, 8);
    ninep_put(&w, bytes, 4);
    int error = finish(c, &w, NINEP_READDIR, 0, 0, &r);
    if (error == 0)
        error = data_take(&r, bytes, &data, &done);
    if (error == 0)
        *entries = (struct ninep_reader){data, done, 0};
    return error;
}

int ninep_entry_next(struct ninep_reader *entries, struct fs_entry *entry)
{
    struct ninep_qid qid;
    if (entries->left == 0)
        return 0;
    ninep_get_qid(entries, &qid);
    entry->ino = qid.path;
    entry->next = ninep_get(entries, 8);
    (void)ninep_get(entries, 1);
    ninep_get_string(entries, entry->name, sizeof entry->name);
    entry->mode = (qid.type & NINEP_QID_FOLDER) != 0 ? S_IFDIR
                  : (qid.type & NINEP_QID_LINK) != 0 ? S_IFLNK
                                                     : S_IFREG;
    return !entries->bad;
}

static int attr_take(struct ninep_reader *r, struct fs_attr *attr)
{
    struct ninep_qid qid;
    ninep_skip(r, 8);
    ninep_get_qid(r, &qid);
    attr->ino = qid.path;
    attr->mode = (uint32_t)ninep_get(r, 4);
    ninep_skip(r, 8);
    attr->nlink = (uint32_t)ninep_get(r, 8);
    ninep_skip(r, 8);
    attr->size = ninep_get(r, 8);
    ninep_skip(r, 8);
    attr->blocks = ninep_get(r, 8);
    ninep_skip(r, 16);
    attr->mtime = ninep_get(r, 8);
    return r->bad ? EPROTO : 0;
}

int ninep_getattr(struct ninep_client *c, uint32_t fid, struct fs_attr *attr)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    ninep_put(&w, NINEP_ATTR_BASIC, 8);
    int error = finish(c, &w, NINEP_GETATTR, 0, 0, &r);
    return error != 0 ? error : attr_take(&r, attr);
}

/* ---- several requests at once ---- */

/* Requests one behind the other. */
struct batch {
    struct ninep_client *c;
    uint32_t used;
    int full;
};

static struct ninep_writer batch_begin(const struct batch *b, uint32_t fid)
{
    struct ninep_writer w = ninep_begin(b->c->buffer + b->used, b->c->room - b->used);
    ninep_put(&w, fid, 4);
    return w;
}

static void batch_add(struct batch *b, struct ninep_writer *w, uint8_t type)
{
    uint32_t bytes = ninep_finish(w, type, tag_of(type));
    b->full |= bytes == 0;
    b->used += bytes;
}

/* A walk of at most NINEP_NAMES_MAX parts. */
static uint32_t batch_walk(struct batch *b, uint32_t fid, uint32_t newfid, const char **path)
{
    struct ninep_writer w = batch_begin(b, fid);
    ninep_put(&w, newfid, 4);
    struct ninep_writer count = w;
    ninep_put(&w, 0, 2);
    uint32_t parts = parts_put(&w, path);
    ninep_put(&count, parts, 2);
    batch_add(b, &w, NINEP_WALK);
    return parts;
}

static void batch_getattr(struct batch *b, uint32_t fid)
{
    struct ninep_writer w = batch_begin(b, fid);
    ninep_put(&w, NINEP_ATTR_BASIC, 8);
    batch_add(b, &w, NINEP_GETATTR);
}

/* The answers to a walk of so many parts, to an open (if there was one), and to getattr. *made: 1 if
   the walk made its fid. */
static int batch_read(const struct batch *b, uint32_t answer, uint32_t parts, int opens,
                      struct fs_attr *attr, int *made)
{
    struct ninep_reader r;
    uint32_t at = 0;
    if (answer > b->c->room)
        return EPROTO;
    int error = answer_read(b->c, &at, answer, NINEP_WALK, &r);
    uint64_t came = error == 0 ? ninep_get(&r, 2) : 0;
    if (error != 0 || came != parts)
        return error != 0 ? error : came < parts ? ENOENT : EPROTO;
    *made = 1;
    if (opens)
        error = answer_read(b->c, &at, answer, NINEP_LOPEN, &r);
    if (error == 0)
        error = answer_read(b->c, &at, answer, NINEP_GETATTR, &r);
    if (error == 0)
        error = attr_take(&r, attr);
    return error;
}

int ninep_walk_getattr(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path,
                       struct fs_attr *attr)
{
    struct batch b = {c, 0, 0};
    const char *rest = path;
    uint32_t answer = 0, parts = c->several ? batch_walk(&b, fid, newfid, &rest) : 0;
    int made = 0, error;
    if (!c->several || *rest != 0 || b.full) { /* or deeper than one walk goes */
        error = ninep_walk(c, fid, newfid, path);
        made = error == 0;
        error = made ? ninep_getattr(c, newfid, attr) : error;
    } else {
        batch_getattr(&b, newfid);
        struct ninep_writer w = batch_begin(&b, newfid);
        batch_add(&b, &w, NINEP_CLUNK);
        c->once = 0;
        error = b.full ? EMSGSIZE : c->exchange(c, b.used, &answer);
        error = error == 0 ? batch_read(&b, answer, parts, 0, attr, &made) : error;
        made = made && error != 0; /* the last request was not reached */
    }
    if (made)
        (void)ninep_clunk(c, newfid);
    return error;
}

int ninep_walk_open(struct ninep_client *c, uint32_t fid, uint32_t newfid, const char *path,
                    uint32_t flags, struct fs_attr *attr)
{
    struct batch b = {c, 0, 0};
    const char *rest = path;
    uint32_t answer = 0, parts = c->several ? batch_walk(&b, fid, newfid, &rest) : 0;
    int made = 0, error;
    if (!c->several || *rest != 0 || b.full) {
        error = ninep_walk(c, fid, newfid, path);
        made = error == 0;
        error = made ? ninep_lopen(c, newfid, flags) : error;
        error = error == 0 ? ninep_getattr(c, newfid, attr) : error;
    } else {
        struct ninep_writer w = batch_begin(&b, newfid);
        ninep_put(&w, flags, 4);
        batch_add(&b, &w, NINEP_LOPEN);
        batch_getattr(&b, newfid);
        c->once = 0;
        error = b.full ? EMSGSIZE : c->exchange(c, b.used, &answer);
        error = error == 0 ? batch_read(&b, answer, parts, 1, attr, &made) : error;
    }
    if (made && error != 0)
        (void)ninep_clunk(c, newfid);
    return error;
}

int ninep_setattr(struct ninep_client *c, uint32_t fid, uint32_t which, const struct fs_attr *attr)
{
    struct ninep_writer w = begin(c, fid);
    int given = (which & FS_SET_MTIME) != 0 && attr->mtime != FS_TIME_NOW;
    uint32_t valid = ((which & FS_SET_MODE) != 0 ? NINEP_SET_MODE : 0) |
                     ((which & FS_SET_SIZE) != 0 ? NINEP_SET_SIZE : 0) |
                     ((which & FS_SET_MTIME) != 0 ? NINEP_SET_MTIME : 0) |
                     (given ? NINEP_SET_MTIME_GIVEN : 0);
    ninep_put(&w, valid, 4);
    ninep_put(&w, attr->mode, 4);
    ninep_put(&w, 0, 8); /* owners */
    ninep_put(&w, attr->size, 8);
    ninep_put(&w, 0, 8); /* time of access */
    ninep_put(&w, 0, 8);
    ninep_put(&w, given ? attr->mtime : 0, 8);
    ninep_put(&w, 0, 8);
    return finish_plain(c, &w, NINEP_SETATTR, 0);
}

int ninep_mkdir(struct ninep_client *c, uint32_t folder, const char *name, uint32_t mode)
{
    struct ninep_writer w = begin(c, folder);
    ninep_put_string(&w, name);
    ninep_put(&w, mode, 4);
    ninep_put(&w, 0, 4); /* group */
    return finish_plain(c, &w, NINEP_MKDIR, 1);
}

int ninep_unlinkat(struct ninep_client *c, uint32_t folder, const char *name, int is_folder)
{
    struct ninep_writer w = begin(c, folder);
    ninep_put_string(&w, name);
    ninep_put(&w, is_folder ? NINEP_UNLINK_FOLDER : 0, 4);
    return finish_plain(c, &w, NINEP_UNLINKAT, 1);
}

int ninep_renameat(struct ninep_client *c, uint32_t from, const char *name, uint32_t to,
                   const char *new_name)
{
    struct ninep_writer w = begin(c, from);
    ninep_put_string(&w, name);
    ninep_put(&w, to, 4);
    ninep_put_string(&w, new_name);
    return finish_plain(c, &w, NINEP_RENAMEAT, 1);
}

int ninep_fsync(struct ninep_client *c, uint32_t fid)
{
    struct ninep_writer w = begin(c, fid);
    ninep_put(&w, 0, 4); /* data and attributes */
    return finish_plain(c, &w, NINEP_FSYNC, 0);
}

int ninep_statfs(struct ninep_client *c, uint32_t fid, struct fs_space *space)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    int error = finish(c, &w, NINEP_STATFS, 0, 0, &r);
    if (error != 0)
        return error;
    space->type = (uint32_t)ninep_get(&r, 4);
    space->block_bytes = ninep_get(&r, 4);
    space->blocks = ninep_get(&r, 8);
    space->free = ninep_get(&r, 8);
    ninep_skip(&r, 8);
    space->files = ninep_get(&r, 8);
    space->files_free = ninep_get(&r, 8);
    return r.bad ? EPROTO : 0;
}

int ninep_readlink(struct ninep_client *c, uint32_t fid, char *to, size_t room)
{
    struct ninep_reader r;
    struct ninep_writer w = begin(c, fid);
    int error = finish(c, &w, NINEP_READLINK, 0, 0, &r);
    if (error != 0)
        return error;
    ninep_get_string(&r, to, room);
    return r.bad ? EPROTO : 0;
}
