/* SPDX-License-Identifier: MIT */
/*
 * What 9P requests do to files: one handler a message, which reads its fields, checks them, calls
 * the file system and writes the answer's fields. Called by ninep_server.c alone.
 */
#include "lib/ninep_call.h"
#include <string.h>

#define MODE_BITS 0777u
#define ENTRY_HEAD 24u /* of an entry in Rreaddir, before its name */

static int can_read(const struct ninep_fid *f)
{
    return f->open && (f->flags & NINEP_OPEN_ACCESS) != NINEP_OPEN_WRITE;
}

static int can_write(const struct ninep_fid *f)
{
    return f->open && (f->flags & NINEP_OPEN_ACCESS) != NINEP_OPEN_READ;
}

/* ---- open and create ---- */

static int truncate(struct ninep_call *c, uint64_t node)
{
    struct fs_attr attr = {.size = 0};
    return c->ops->setattr(c->fs, node, FS_SET_SIZE, &attr);
}

/* Opens what the fid stands for; the answer is its qid and how much to read or write at a time. */
static int open_fid(struct ninep_call *c, struct ninep_fid *f, uint32_t flags)
{
    struct ninep_qid qid;
    int error = ninep_node_qid(c, f->node->node, &qid);
    if (error != 0)
        return error;
    int folder = (qid.type & NINEP_QID_FOLDER) != 0;
    int writes = (flags & NINEP_OPEN_ACCESS) != NINEP_OPEN_READ;
    if (folder && (writes || (flags & NINEP_OPEN_TRUNCATE) != 0))
        return EISDIR;
    if (!folder && (flags & NINEP_OPEN_FOLDER) != 0)
        return ENOTDIR;
    if (writes && (flags & NINEP_OPEN_TRUNCATE) != 0)
        error = truncate(c, f->node->node);
    if (error != 0)
        return error;
    f->open = 1;
    f->flags = flags;
    ninep_put_qid(&c->out, &qid);
    ninep_put(&c->out, c->session->msize - NINEP_IO_HEAD, 4);
    return 0;
}

int ninep_do_lopen(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    uint32_t flags = (uint32_t)ninep_get(&c->in, 4);
    if (c->in.bad || (flags & NINEP_OPEN_ACCESS) == NINEP_OPEN_ACCESS)
        return EINVAL;
    if (f == NULL || f->open)
        return EBADF;
    return open_fid(c, f, flags);
}

/* Creates name, or finds it when it is there and need not be new. */
static int create_or_find(struct ninep_call *c, uint64_t dir, const char *name, uint32_t flags,
                          uint32_t mode, uint64_t *node)
{
    int error = c->ops->create(c->fs, dir, name, S_IFREG | (mode & MODE_BITS), node);
    if (error == EEXIST && (flags & NINEP_OPEN_EXCLUSIVE) == 0)
        error = c->ops->lookup(c->fs, dir, name, node);
    return error;
}

int ninep_do_lcreate(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    uint64_t node;
    struct ninep_fid *f = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    uint32_t flags = (uint32_t)ninep_get(&c->in, 4);
    uint32_t mode = (uint32_t)ninep_get(&c->in, 4);
    (void)ninep_get(&c->in, 4); /* group: there are none */
    if (c->in.bad || (flags & NINEP_OPEN_ACCESS) == NINEP_OPEN_ACCESS)
        return EINVAL;
    if (f == NULL || f->open)
        return EBADF;
    if (error == 0)
        error = create_or_find(c, f->node->node, name, flags, mode, &node);
    if (error == 0)
        error = ninep_fid_descend(c, f, node, name);
    return error == 0 ? open_fid(c, f, flags) : error;
}

/* ---- read and write ---- */

int ninep_do_read(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    uint64_t offset = ninep_get(&c->in, 8);
    uint64_t count = ninep_get(&c->in, 4);
    uint32_t done = 0;
    if (c->in.bad)
        return EINVAL;
    if (f == NULL || !can_read(f))
        return EBADF;
    if (c->room < NINEP_READ_HEAD)
        return EMSGSIZE;
    count = count < c->room - NINEP_READ_HEAD ? count : c->room - NINEP_READ_HEAD;
    int error = c->ops->read(c->fs, f->node->node, offset, c->out.start + NINEP_READ_HEAD,
                             (uint32_t)count, &done);
    ninep_put(&c->out, done, 4);
    c->out.used += done;
    return error;
}

/* Where an appending write goes: the end. */
static int end_of(struct ninep_call *c, uint64_t node, uint64_t *offset)
{
    struct fs_attr attr = {0};
    int error = c->ops->getattr(c->fs, node, &attr);
    *offset = attr.size;
    return error;
}

int ninep_do_write(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    uint64_t offset = ninep_get(&c->in, 8);
    uint32_t count = (uint32_t)ninep_get(&c->in, 4);
    uint32_t done = 0;
    int error = 0;
    if (c->in.bad || count > c->data_bytes)
        return EINVAL;
    if (f == NULL || !can_write(f))
        return EBADF;
    if ((f->flags & NINEP_OPEN_APPEND) != 0)
        error = end_of(c, f->node->node, &offset);
    if (error == 0 && count > 0 && offset + count < offset)
        error = EFBIG;
    if (error == 0 && count > 0)
        error = c->ops->write(c->fs, f->node->node, offset, c->data, count, &done);
    ninep_put(&c->out, done, 4);
    return error;
}

static uint8_t entry_type(uint32_t mode)
{
    return (mode & S_IFMT) == S_IFDIR   ? NINEP_ENTRY_FOLDER
           : (mode & S_IFMT) == S_IFLNK ? NINEP_ENTRY_LINK
                                        : NINEP_ENTRY_FILE;
}

static void entry_put(struct ninep_call *c, const struct fs_entry *e)
{
    struct ninep_qid qid = {NINEP_QID_FILE, 0, e->ino};
    qid.type = S_ISDIR(e->mode)                ? NINEP_QID_FOLDER
               : (e->mode & S_IFMT) == S_IFLNK ? NINEP_QID_LINK
                                               : NINEP_QID_FILE;
    ninep_put_qid(&c->out, &qid);
    ninep_put(&c->out, e->next, 8);
    ninep_put(&c->out, entry_type(e->mode), 1);
    ninep_put_string(&c->out, e->name);
}

int ninep_do_readdir(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    uint64_t cookie = ninep_get(&c->in, 8);
    uint64_t count = ninep_get(&c->in, 4);
    struct fs_entry entry;
    int error = 0;
    if (c->in.bad)
        return EINVAL;
    if (f == NULL || !can_read(f))
        return EBADF;
    if (c->room < NINEP_READ_HEAD)
        return EMSGSIZE;
    count = count < c->room - NINEP_READ_HEAD ? count : c->room - NINEP_READ_HEAD;
    c->out.used = NINEP_READ_HEAD;
    size_t end = NINEP_READ_HEAD + count;
    while ((error = c->ops->readdir(c->fs, f->node->node, cookie, &entry)) == 0) {
        entry.name[FS_NAME_MAX] = 0;
        if (c->out.used + ENTRY_HEAD + strlen(entry.name) > end)
            break;
        entry_put(c, &entry);
        cookie = entry.next;
    }
    /* Not even one fitted: an empty answer would be read as the end. */
    if (error == 0 && c->out.used == NINEP_READ_HEAD)
        return EINVAL;
    if (error != 0 && error != ENOENT)
        return error;
    struct ninep_writer at = {c->out.start, NINEP_HEAD, NINEP_READ_HEAD, 0};
    ninep_put(&at, c->out.used - NINEP_READ_HEAD, 4);
    return 0;
}

/* ---- attributes ---- */

int ninep_do_getattr(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    struct fs_attr attr = {0};
    struct ninep_qid qid;
    (void)ninep_get(&c->in, 8); /* what is wanted: all is given */
    if (c->in.bad)
        return EINVAL;
    if (f == NULL)
        return EBADF;
    int error = c->ops->getattr(c->fs, f->node->node, &attr);
    if (error == 0)
        error = ninep_node_qid(c, f->node->node, &qid);
    if (error != 0)
        return error;
    ninep_put(&c->out, NINEP_ATTR_BASIC, 8);
    ninep_put_qid(&c->out, &qid);
    ninep_put(&c->out, attr.mode, 4);
    ninep_put(&c->out, 0, 4); /* user and group */
    ninep_put(&c->out, 0, 4);
    ninep_put(&c->out, attr.nlink, 8);
    ninep_put(&c->out, 0, 8); /* device number */
    ninep_put(&c->out, attr.size, 8);
    ninep_put(&c->out, 4096, 8); /* a good size to read */
    ninep_put(&c->out, attr.blocks, 8);
    for (int i = 0; i < 3; i++) { /* of access, of change, of change of attributes */
        ninep_put(&c->out, attr.mtime, 8);
        ninep_put(&c->out, 0, 8);
    }
    for (int i = 0; i < 4; i++) /* of birth, and two counts: not known */
        ninep_put(&c->out, 0, 8);
    return 0;
}

int ninep_do_setattr(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    struct fs_attr attr = {0};
    uint32_t valid = (uint32_t)ninep_get(&c->in, 4);
    attr.mode = (uint32_t)ninep_get(&c->in, 4) & MODE_BITS;
    uint64_t owners = ninep_get(&c->in, 8);
    attr.size = ninep_get(&c->in, 8);
    ninep_skip(&c->in, 16); /* time of access: not kept */
    attr.mtime = ninep_get(&c->in, 8);
    ninep_skip(&c->in, 8); /* nanoseconds */
    if (c->in.bad)
        return EINVAL;
    if (f == NULL)
        return EBADF;
    if ((valid & NINEP_SET_OWNERS) != 0 && owners != 0)
        return EPERM; /* all belongs to user and group 0 */
    if ((valid & NINEP_SET_MTIME_GIVEN) == 0)
        attr.mtime = FS_TIME_NOW;
    uint32_t which = ((valid & NINEP_SET_MODE) != 0 ? FS_SET_MODE : 0) |
                     ((valid & NINEP_SET_SIZE) != 0 ? FS_SET_SIZE : 0) |
                     ((valid & NINEP_SET_MTIME) != 0 ? FS_SET_MTIME : 0);
    return which == 0 ? 0 : c->ops->setattr(c->fs, f->node->node, which, &attr);
}

int ninep_do_fsync(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    return f == NULL ? EBADF : c->ops->sync(c->fs, f->node->node);
}

int ninep_do_statfs(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    struct fs_space space = {0};
    if (f == NULL)
        return EBADF;
    int error = c->ops->space(c->fs, &space);
    ninep_put(&c->out, space.type, 4);
    ninep_put(&c->out, space.block_bytes, 4);
    ninep_put(&c->out, space.blocks, 8);
    ninep_put(&c->out, space.free, 8);
    ninep_put(&c->out, space.free, 8);
    ninep_put(&c->out, space.files, 8);
    ninep_put(&c->out, space.files_free, 8);
    ninep_put(&c->out, 0, 8); /* identity of the file system */
    ninep_put(&c->out, FS_NAME_MAX, 4);
    return error;
}

/* ---- names ---- */

/* The answer to what made a node: its qid. The node's reference is given back. */
static int made(struct ninep_call *c, uint64_t node)
{
    struct ninep_qid qid;
    int error = ninep_node_qid(c, node, &qid);
    c->ops->forget(c->fs, node);
    ninep_put_qid(&c->out, &qid);
    return error;
}

static int make(struct ninep_call *c, const struct ninep_fid *dir, const char *name, uint32_t mode)
{
    uint64_t node;
    if (dir == NULL)
        return EBADF;
    int error = c->ops->create(c->fs, dir->node->node, name, mode, &node);
    return error == 0 ? made(c, node) : error;
}

int ninep_do_mkdir(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_fid *dir = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    uint32_t mode = (uint32_t)ninep_get(&c->in, 4);
    (void)ninep_get(&c->in, 4); /* group */
    if (c->in.bad)
        return EINVAL;
    return error != 0 ? error : make(c, dir, name, S_IFDIR | (mode & MODE_BITS));
}

int ninep_do_mknod(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_fid *dir = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    uint32_t mode = (uint32_t)ninep_get(&c->in, 4);
    ninep_skip(&c->in, 12); /* device number, group */
    if (c->in.bad)
        return EINVAL;
    if (!S_ISREG(mode)) /* devices, pipes and sockets are no files here */
        return EOPNOTSUPP;
    return error != 0 ? error : make(c, dir, name, S_IFREG | (mode & MODE_BITS));
}

int ninep_do_symlink(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1], target[4096];
    uint64_t node;
    struct ninep_fid *dir = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    ninep_get_string(&c->in, target, sizeof target);
    (void)ninep_get(&c->in, 4); /* group */
    if (c->in.bad)
        return EINVAL;
    if (dir == NULL)
        return EBADF;
    if (c->ops->symlink == NULL)
        return EOPNOTSUPP;
    if (error == 0)
        error = c->ops->symlink(c->fs, dir->node->node, name, target, &node);
    return error == 0 ? made(c, node) : error;
}

int ninep_do_readlink(struct ninep_call *c)
{
    char target[4096];
    uint32_t done = 0;
    struct ninep_fid *f = ninep_fid_take(c);
    if (f == NULL)
        return EBADF;
    if (c->ops->readlink == NULL)
        return EOPNOTSUPP;
    int error = c->ops->readlink(c->fs, f->node->node, target, sizeof target - 1, &done);
    target[error == 0 && done < sizeof target ? done : 0] = 0;
    ninep_put_string(&c->out, target);
    return error;
}

int ninep_do_link(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_fid *dir = ninep_fid_take(c);
    struct ninep_fid *f = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    if (c->in.bad)
        return EINVAL;
    if (dir == NULL || f == NULL)
        return EBADF;
    if (c->ops->link == NULL)
        return EOPNOTSUPP;
    return error != 0 ? error : c->ops->link(c->fs, dir->node->node, name, f->node->node);
}

int ninep_do_renameat(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1], new_name[FS_NAME_MAX + 1];
    struct ninep_fid *from = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    struct ninep_fid *to = ninep_fid_take(c);
    int new_error = ninep_name_take(c, new_name);
    if (c->in.bad)
        return EINVAL;
    if (from == NULL || to == NULL)
        return EBADF;
    if (error != 0 || new_error != 0)
        return error != 0 ? error : new_error;
    return c->ops->rename(c->fs, from->node->node, name, to->node->node, new_name);
}

/* Renames what the fid stands for; it stands for the same file afterwards, under the new name. */
int ninep_do_rename(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_fid *f = ninep_fid_take(c);
    struct ninep_fid *to = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    if (c->in.bad)
        return EINVAL;
    if (f == NULL || to == NULL)
        return EBADF;
    if (error != 0)
        return error;
    if (f->parent == NULL || f->name == NULL)
        return EOPNOTSUPP; /* the root, or reached by ".." */
    error = c->ops->rename(c->fs, f->parent->node, f->name, to->node->node, name);
    if (error == 0)
        ninep_fid_place_set(c, f, to->node, name);
    return error;
}

int ninep_do_unlinkat(struct ninep_call *c)
{
    char name[FS_NAME_MAX + 1];
    struct ninep_fid *dir = ninep_fid_take(c);
    int error = ninep_name_take(c, name);
    uint32_t flags = (uint32_t)ninep_get(&c->in, 4);
    if (c->in.bad)
        return EINVAL;
    if (dir == NULL)
        return EBADF;
    if (error != 0)
        return error;
    return c->ops->remove(c->fs, dir->node->node, name, (flags & NINEP_UNLINK_FOLDER) != 0);
}

/* Removes what the fid stands for, and the fid, even when the file cannot be removed. */
int ninep_do_remove(struct ninep_call *c)
{
    struct ninep_fid *f = ninep_fid_take(c);
    struct ninep_qid qid = {0, 0, 0};
    if (f == NULL)
        return EBADF;
    int error = EOPNOTSUPP;
    if (f->parent != NULL && f->name != NULL)
        error = ninep_node_qid(c, f->node->node, &qid);
    if (error == 0)
        error = c->ops->remove(c->fs, f->parent->node, f->name, (qid.type & NINEP_QID_FOLDER) != 0);
    ninep_fid_remove(c->session, f);
    return error;
}
