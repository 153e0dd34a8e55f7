/* SPDX-License-Identifier: MIT */
/*
 * Files by path and by number; see vfs.h. Each function is an operation on one connection, done by
 * with_path or with_file: they connect, open the file's fid again if its session is a new one, and
 * do the operation once more when the session was lost on the way.
 */
#include "lib/path.h"
#include "lib/vfs_local.h"
#include <stdlib.h>
#include <string.h>

#define GROW_BYTES 8192u   /* reads and writes of more have the whole buffer shared */
#define FOLDER_BYTES 4096u /* entries kept of an open folder */
#define PIECE_PAGES_BYTES 4096u

struct file {
    struct vfs_connection *connection; /* NULL: free */
    char *path;                        /* absolute */
    const char *rest;                  /* of path, below the mount */
    uint64_t generation;               /* the session its fid belongs to */
    uint64_t position;
    uint32_t flags;
    int dirty;             /* 1: written since the last sync */
    int lost;              /* 1: the server ended before that was synced */
    struct folder *folder; /* of a folder being read; NULL: none */
};

/* A folder being read: some entries, and then what is mounted in it. */
struct folder {
    struct ninep_reader entries; /* in bytes, not given out yet */
    uint64_t cookie;             /* where the next entries begin */
    int begun, ended;
    int covers;      /* 1: something is mounted right in it */
    unsigned mounts; /* looked at */
    unsigned char bytes[FOLDER_BYTES];
};

/* The operation in hand. */
struct operation {
    struct vfs_connection *connection;
    struct ninep_client *client;
    const char *rest; /* of the path, below the mount */
    uint32_t fid;     /* of the file */
    const char *new_rest;
    uint32_t flags, mode, bytes;
    uint64_t offset;
    const void *from;
    const void **data;
    uint32_t done;
    struct fs_attr *attr;
    const struct fs_attr *set;
    struct fs_space *space;
    struct folder *folder;
};

typedef int doer(struct operation *o);

static struct file *file_table;
static unsigned file_room;
static char current[VFS_PATH_MAX]; /* "": not asked for yet */

/* ---- doing an operation ---- */

static int attempt(struct operation *o, struct file *f, doer *work);

/* Does it, again as long as sessions are lost. Negative error. */
static int operate(struct operation *o, struct file *f, doer *work)
{
    int error = VFS_LOST;
    for (int i = 0; i < VFS_TRIES && error == VFS_LOST; i++)
        error = attempt(o, f, work);
    return error == VFS_LOST ? -EREMOTEIO : -error;
}

/* Opens a file's fid in a session that has never heard of it. */
static int file_reopen(struct file *f)
{
    struct vfs_connection *c = f->connection;
    uint32_t fid = VFS_FID_FILES + (uint32_t)(f - file_table);
    uint32_t flags = f->flags & ~(VFS_CREATE | VFS_EXCLUSIVE | VFS_TRUNCATE);
    struct fs_attr attr;
    int error = ninep_walk_open(&c->client, VFS_FID_ROOT, fid, f->rest, flags, &attr);
    if (error == 0)
        f->generation = c->generation;
    f->lost |= f->dirty;
    f->dirty = 0;
    return error == ENOENT || error == ENOTDIR ? ESTALE : error;
}

static int attempt(struct operation *o, struct file *f, doer *work)
{
    int error = vfs_connect(o->connection);
    if (error == 0 && f != NULL && f->generation != o->connection->generation)
        error = file_reopen(f);
    if (error != 0)
        return error;
    o->client = &o->connection->client;
    return work(o);
}

/* An operation by path. A server that is dead for good is taken off the table, and what is below
   its mount then looked for. */
static int with_path(const char *path, struct operation *o, doer *work)
{
    char whole[VFS_PATH_MAX];
    int status = vfs_absolute(path, whole);
    if (status != 0)
        return status;
    for (int tries = 0;; tries++) {
        status = vfs_connection_find(whole, &o->connection, &o->rest);
        if (status != 0)
            return status;
        status = operate(o, NULL, work);
        if (status != -ENODEV || tries == VFS_TRIES)
            return status;
        vfs_connection_gone(o->connection);
    }
}

static struct file *file_get(int number)
{
    if (number < 0 || (unsigned)number >= file_room || file_table[number].connection == NULL)
        return NULL;
    return &file_table[number];
}

static int with_file(int number, struct operation *o, doer *work)
{
    struct file *f = file_get(number);
    if (f == NULL)
        return -EBADF;
    o->connection = f->connection;
    o->rest = f->rest;
    o->fid = VFS_FID_FILES + (uint32_t)number;
    return operate(o, f, work);
}

/* Walks to a path for the time of one operation, does it, and lets the fid go. */
static int with_spare(struct operation *o, const char *rest, doer *work)
{
    int error = ninep_walk(o->client, VFS_FID_ROOT, VFS_FID_SPARE, rest);
    if (error != 0)
        return error;
    o->fid = VFS_FID_SPARE;
    error = work(o);
    if (error == VFS_LOST || o->connection->session == 0)
        return error;
    int late = ninep_clunk(o->client, VFS_FID_SPARE);
    return error == 0 && late != VFS_LOST ? late : error;
}

/* Parts a path into folder and name. The root has none: EBUSY. */
static int parent_part(const char *rest, char folder[VFS_PATH_MAX], const char **name)
{
    size_t bytes = strlen(rest);
    if (bytes == 0)
        return EBUSY;
    *name = path_name(rest);
    bytes = (size_t)(*name - rest);
    strlcpy(folder, rest, bytes + 1);
    return 0;
}

/* ---- open files ---- */

static int file_number_new(void)
{
    for (unsigned i = 0; i < file_room; i++)
        if (file_table[i].connection == NULL)
            return (int)i;
    unsigned room = file_room == 0 ? 8 : file_room * 2;
    if (room > VFS_FILES_MAX)
        return -EMFILE;
    struct file *bigger = realloc(file_table, room * sizeof *bigger);
    if (bigger == NULL)
        return -ENOMEM;
    memset(bigger + file_room, 0, (room - file_room) * sizeof *bigger);
    int number = (int)file_room;
    file_table = bigger;
    file_room = room;
    return number;
}

/* Creates at o->fid, or opens what is there. */
static int do_create(struct operation *o)
{
    char folder[VFS_PATH_MAX];
    const char *name;
    int error = parent_part(o->rest, folder, &name);
    if (error == 0)
        error = ninep_walk(o->client, VFS_FID_ROOT, o->fid, folder);
    if (error != 0)
        return error;
    error = ninep_lcreate(o->client, o->fid, name, o->flags, o->mode);
    if (error == 0)
        error = ninep_getattr(o->client, o->fid, o->attr);
    if (error != 0 && o->connection->session != 0)
        (void)ninep_clunk(o->client, o->fid);
    return error;
}

static int do_open(struct operation *o)
{
    if ((o->flags & VFS_CREATE) != 0 && o->rest[0] != 0)
        return do_create(o);
    return ninep_walk_open(o->client, VFS_FID_ROOT, o->fid, o->rest, o->flags, o->attr);
}

int vfs_open_attr(const char *path, uint32_t flags, uint32_t mode, struct fs_attr *attr)
{
    char whole[VFS_PATH_MAX];
    struct operation o = {.flags = flags, .mode = mode, .attr = attr};
    int number = file_number_new();
    int status = number < 0 ? number : vfs_absolute(path, whole);
    if (status < 0)
        return status;
    char *kept = strdup(whole);
    if (kept == NULL)
        return -ENOMEM;
    o.fid = VFS_FID_FILES + (uint32_t)number;
    status = with_path(whole, &o, do_open);
    if (status != 0) {
        free(kept);
        return status;
    }
    struct file *f = &file_table[number];
    *f = (struct file){.connection = o.connection, .path = kept, .flags = flags};
    f->rest = path_below(o.connection->path, kept);
    f->generation = o.connection->generation;
    o.connection->files++;
    return number;
}

int vfs_open(const char *path, uint32_t flags, uint32_t mode)
{
    struct fs_attr attr;
    return vfs_open_attr(path, flags, mode, &attr);
}

int vfs_close(int number)
{
    struct file *f = file_get(number);
    if (f == NULL)
        return -EBADF;
    struct vfs_connection *c = f->connection;
    if (c->session != 0 && f->generation == c->generation)
        (void)ninep_clunk(&c->client, VFS_FID_FILES + (uint32_t)number);
    free(f->path);
    free(f->folder);
    *f = (struct file){0};
    vfs_connection_release(c);
    return 0;
}

int vfs_seek(int number, uint64_t offset)
{
    struct file *f = file_get(number);
    if (f == NULL)
        return -EBADF;
    f->position = offset;
    return 0;
}

/* ---- read and write ---- */

static int do_read(struct operation *o)
{
    if (o->bytes > GROW_BYTES)
        vfs_buffer_grow(o->connection);
    return ninep_read(o->client, o->fid, o->offset, o->bytes, o->data, &o->done);
}

/* A piece that fits one message: whole pages of the file if it cannot be all. */
static uint32_t piece(size_t bytes)
{
    const uint32_t most = NINEP_MESSAGE_MAX - PIECE_PAGES_BYTES;
    return bytes < most ? (uint32_t)bytes : most;
}

int64_t vfs_borrow(int file, size_t bytes, uint64_t offset, const void **data)
{
    struct operation o = {.bytes = piece(bytes), .offset = offset, .data = data};
    int status = with_file(file, &o, do_read);
    return status != 0 ? status : (int64_t)o.done;
}

int64_t vfs_pread(int file, void *to, size_t bytes, uint64_t offset)
{
    size_t done = 0;
    while (done < bytes) {
        const void *data;
        int64_t n = vfs_borrow(file, bytes - done, offset + done, &data);
        if (n <= 0)
            return done > 0 ? (int64_t)done : n;
        memcpy((char *)to + done, data, (size_t)n);
        done += (size_t)n;
    }
    return (int64_t)done;
}

int64_t vfs_read(int file, void *to, size_t bytes)
{
    struct file *f = file_get(file);
    int64_t n = f == NULL ? -EBADF : vfs_pread(file, to, bytes, f->position);
    if (n > 0)
        f->position += (uint64_t)n;
    return n;
}

static int do_write(struct operation *o)
{
    if (o->bytes > GROW_BYTES)
        vfs_buffer_grow(o->connection);
    return ninep_write(o->client, o->fid, o->offset, o->from, o->bytes,
                       (o->flags & VFS_APPEND) != 0, &o->done);
}

int64_t vfs_pwrite(int file, const void *from, size_t bytes, uint64_t offset)
{
    struct file *f = file_get(file);
    size_t done = 0;
    while (f != NULL && done < bytes) {
        struct operation o = {.from = (const char *)from + done, .flags = f->flags};
        o.bytes = piece(bytes - done);
        o.offset = offset + done;
        int status = with_file(file, &o, do_write);
        if (status != 0 || o.done == 0)
            return done > 0 ? (int64_t)done : status;
        f->dirty = 1;
        done += o.done;
    }
    return f == NULL ? -EBADF : (int64_t)done;
}

int64_t vfs_write(int file, const void *from, size_t bytes)
{
    struct file *f = file_get(file);
    int64_t n = f == NULL ? -EBADF : vfs_pwrite(file, from, bytes, f->position);
    if (n > 0)
        f->position += (uint64_t)n;
    return n;
}

static int do_fsync(struct operation *o) { return ninep_fsync(o->client, o->fid); }

int vfs_fsync(int file)
{
    struct file *f = file_get(file);
    struct operation o = {0};
    int status = with_file(file, &o, do_fsync);
    if (f == NULL || status != 0)
        return status;
    status = f->lost ? -EREMOTEIO : 0;
    f->dirty = f->lost = 0;
    return status;
}

static int do_sync_all(struct operation *o) { return ninep_fsync(o->client, VFS_FID_ROOT); }

int vfs_sync(void)
{
    int result = 0;
    struct vfs_connection *c;
    for (unsigned n = 0; (c = vfs_connection_number(n)) != NULL; n++) {
        struct operation o = {.connection = c};
        int status = operate(&o, NULL, do_sync_all);
        if (status != 0 && status != -ENODEV)
            result = status;
    }
    return result;
}

/* ---- attributes ---- */

static int do_getattr(struct operation *o) { return ninep_getattr(o->client, o->fid, o->attr); }

static int do_stat(struct operation *o)
{
    return ninep_walk_getattr(o->client, VFS_FID_ROOT, VFS_FID_SPARE, o->rest, o->attr);
}

int vfs_stat(const char *path, struct fs_attr *attr)
{
    struct operation o = {.attr = attr};
    return with_path(path, &o, do_stat);
}

int vfs_fstat(int file, struct fs_attr *attr)
{
    struct operation o = {.attr = attr};
    return with_file(file, &o, do_getattr);
}

static int do_fsetattr(struct operation *o)
{
    return ninep_setattr(o->client, o->fid, o->flags, o->set);
}

static int do_setattr(struct operation *o) { return with_spare(o, o->rest, do_fsetattr); }

int vfs_setattr(const char *path, uint32_t which, const struct fs_attr *attr)
{
    struct operation o = {.flags = which, .set = attr};
    return with_path(path, &o, do_setattr);
}

int vfs_fsetattr(int file, uint32_t which, const struct fs_attr *attr)
{
    struct operation o = {.flags = which, .set = attr};
    return with_file(file, &o, do_fsetattr);
}

static int do_space(struct operation *o) { return ninep_statfs(o->client, VFS_FID_ROOT, o->space); }

int vfs_space(const char *path, struct fs_space *space)
{
    struct operation o = {.space = space};
    return with_path(path, &o, do_space);
}

/* ---- folders ---- */

/* Fetches the next entries into the folder's own memory. */
static int do_entries(struct operation *o)
{
    struct ninep_reader entries;
    int error = ninep_readdir(o->client, o->fid, o->offset, FOLDER_BYTES, &entries);
    if (error != 0)
        return error;
    memcpy(o->folder->bytes, entries.at, entries.left);
    o->folder->entries = (struct ninep_reader){o->folder->bytes, entries.left, 0};
    return 0;
}

/* The name of the n-th mount if that is right below the folder, else NULL; *end: there is no n-th. */
static const char *mounted_name(const struct file *f, unsigned n, int *end)
{
    const struct vfs_connection *c = vfs_connection_number(n);
    const char *below = c == NULL ? NULL : path_below(f->path, c->path);
    *end = c == NULL;
    return below == NULL || below[0] == 0 || strchr(below, '/') != NULL ? NULL : below;
}

/* The next mount in the folder: 1 and its name, 0 when there is no more. */
static int mounted_next(const struct file *f, struct fs_entry *entry)
{
    int end = 0;
    while (!end) {
        const char *name = mounted_name(f, f->folder->mounts++, &end);
        if (name == NULL)
            continue;
        *entry = (struct fs_entry){.mode = S_IFDIR};
        strlcpy(entry->name, name, sizeof entry->name);
        return 1;
    }
    return 0;
}

/* 1 if the name is that of a mount in this folder, which comes later; name NULL: if there is any. */
static int is_covered(const struct file *f, const char *name)
{
    int end = 0;
    for (unsigned n = 0; !end; n++) {
        const char *mounted = mounted_name(f, n, &end);
        if (mounted != NULL && (name == NULL || strcmp(mounted, name) == 0))
            return 1;
    }
    return 0;
}

static int entry_next(int number, struct file *f, struct fs_entry *entry)
{
    struct folder *d = f->folder;
    if (!d->begun)
        d->covers = is_covered(f, NULL);
    d->begun = 1;
    while (!d->ended) {
        if (ninep_entry_next(&d->entries, entry)) {
            d->cookie = entry->next;
            if (!d->covers || !is_covered(f, entry->name))
                return 1;
            continue;
        }
        if (d->entries.bad)
            return -EPROTO;
        struct operation o = {.folder = d, .offset = d->cookie};
        int status = with_file(number, &o, do_entries);
        if (status != 0)
            return status;
        d->ended = d->entries.left == 0;
    }
    return d->covers ? mounted_next(f, entry) : 0;
}

int vfs_readdir(int number, struct fs_entry *entry)
{
    struct file *f = file_get(number);
    if (f == NULL)
        return -EBADF;
    if (f->folder == NULL)
        f->folder = calloc(1, sizeof *f->folder);
    return f->folder == NULL ? -ENOMEM : entry_next(number, f, entry);
}

/* ---- names ---- */

static int do_mkdir(struct operation *o)
{
    return ninep_mkdir(o->client, o->fid, path_name(o->rest), o->mode);
}

static int do_unlink(struct operation *o)
{
    return ninep_unlinkat(o->client, o->fid, path_name(o->rest), (int)o->flags);
}

static int in_parent(struct operation *o, doer *work)
{
    char folder[VFS_PATH_MAX];
    const char *name;
    int error = parent_part(o->rest, folder, &name);
    return error != 0 ? error : with_spare(o, folder, work);
}

static int parent_mkdir(struct operation *o)
{
    int error = in_parent(o, do_mkdir);
    return error == EBUSY ? EEXIST : error;
}

static int parent_unlink(struct operation *o) { return in_parent(o, do_unlink); }

int vfs_mkdir(const char *path, uint32_t mode)
{
    struct operation o = {.mode = mode};
    return with_path(path, &o, parent_mkdir);
}

int vfs_remove(const char *path)
{
    struct operation o = {.flags = 0};
    return with_path(path, &o, parent_unlink);
}

int vfs_rmdir(const char *path)
{
    struct operation o = {.flags = 1};
    return with_path(path, &o, parent_unlink);
}

static int do_rename(struct operation *o)
{
    return ninep_renameat(o->client, VFS_FID_SPARE, path_name(o->rest), VFS_FID_SPARE_TWO,
                          path_name(o->new_rest));
}

/* With the old name's folder at hand: fetches the new one's. */
static int rename_second(struct operation *o)
{
    char folder[VFS_PATH_MAX];
    const char *name;
    int error = parent_part(o->new_rest, folder, &name);
    if (error == 0)
        error = ninep_walk(o->client, VFS_FID_ROOT, VFS_FID_SPARE_TWO, folder);
    if (error != 0)
        return error;
    error = do_rename(o);
    if (error != VFS_LOST && o->connection->session != 0)
        (void)ninep_clunk(o->client, VFS_FID_SPARE_TWO);
    return error;
}

static int parent_rename(struct operation *o) { return in_parent(o, rename_second); }

int vfs_rename(const char *from, const char *to)
{
    char target[VFS_PATH_MAX];
    const char *rest;
    struct vfs_connection *there, *here;
    struct operation o = {0};
    int status = vfs_absolute(from, target);
    if (status == 0)
        status = vfs_connection_find(target, &here, &rest);
    if (status == 0)
        status = vfs_absolute(to, target);
    if (status == 0)
        status = vfs_connection_find(target, &there, &o.new_rest);
    if (status != 0)
        return status;
    return here != there ? -EXDEV : with_path(from, &o, parent_rename);
}

/* ---- the current folder ---- */

/* It begins as the parent's. */
const char *vfs_cwd(void)
{
    const char *given = getenv("PWD");
    if (current[0] == 0 && (given == NULL || path_absolute("/", given, current, VFS_PATH_MAX) != 0))
        strlcpy(current, "/", sizeof current);
    return current;
}

int vfs_absolute(const char *path, char to[VFS_PATH_MAX])
{
    return path_absolute(vfs_cwd(), path, to, VFS_PATH_MAX);
}

int vfs_cd(const char *path)
{
    char whole[VFS_PATH_MAX];
    struct fs_attr attr;
    int status = vfs_absolute(path, whole);
    if (status == 0)
        status = vfs_stat(whole, &attr);
    if (status == 0 && !S_ISDIR(attr.mode))
        status = -ENOTDIR;
    if (status == 0)
        strlcpy(current, whole, sizeof current);
    return status;
}
