/* SPDX-License-Identifier: MIT */
/*
 * Commands that change files and folders: cp, mv, rm, mkdir. What takes long shows how far it is, on
 * a terminal, and is ended by ^C between two pieces; a file whose copy was not finished is removed.
 */
#include "files.h"
#include "lib/path.h"
#include "lib/sys.h"
#include "lib/vfs.h"
#include "shell.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PIECE 61440u           /* fits one message, and is whole pages */
#define PATIENCE_NS 500000000u /* a copy that takes longer shows how far it is */
#define SHOW_NS 200000000u     /* that often */
#define FOLDERS_DEEP 64        /* below one another */

/* A copy on its way. */
struct copy {
    const char *name;
    uint64_t bytes, done;
    uint64_t next_show; /* ns since boot */
    int shown;
};

static void progress(struct copy *c)
{
    uint64_t now = shell.interactive ? atm_clock().r[0] : 0;
    if (now < c->next_show || !shell.interactive)
        return;
    c->next_show = now + SHOW_NS;
    c->shown = 1;
    uint64_t share = c->bytes == 0 ? 100 : c->done * 100 / c->bytes;
    printf("\r%s: %lu %%, %lu of %lu KiB\x1b[K", c->name, share < 100 ? share : 100, c->done / 1024,
           c->bytes / 1024);
    fflush(stdout);
}

static void progress_end(const struct copy *c)
{
    if (c->shown) {
        printf("\r\x1b[K");
        fflush(stdout);
    }
}

/* The bytes of one open file to another. 0, -EINTR at ^C, or -error. */
static int bytes_copy(int from, int to, struct copy *c)
{
    static unsigned char piece[PIECE];
    for (;;) {
        if (shell_interrupted())
            return -EINTR;
        int64_t n = vfs_pread(from, piece, sizeof piece, c->done);
        if (n <= 0)
            return (int)n;
        int64_t put = vfs_pwrite(to, piece, (size_t)n, c->done);
        if (put < n)
            return put < 0 ? (int)put : -ENOSPC;
        c->done += (uint64_t)n;
        progress(c);
    }
}

static int file_copy(const char *from, const char *to, const struct fs_attr *attr)
{
    struct copy c = {.name = path_name(to), .bytes = attr->size};
    c.next_show = atm_clock().r[0] + PATIENCE_NS;
    int source = vfs_open(from, VFS_READ, 0);
    if (source < 0)
        return files_failed(from, source);
    int target = vfs_open(to, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, attr->mode & 0777);
    if (target < 0) {
        vfs_close(source);
        return files_failed(to, target);
    }
    int status = bytes_copy(source, target, &c);
    progress_end(&c);
    vfs_close(source);
    vfs_close(target);
    if (status != 0)
        vfs_remove(to);
    return status == 0 ? 0 : files_failed(to, status);
}

static int is_same(const char *a, const char *b)
{
    char x[VFS_PATH_MAX], y[VFS_PATH_MAX];
    return vfs_absolute(a, x) == 0 && vfs_absolute(b, y) == 0 && strcmp(x, y) == 0;
}

static int is_inside(const char *folder, const char *path)
{
    char x[VFS_PATH_MAX], y[VFS_PATH_MAX];
    return vfs_absolute(folder, x) == 0 && vfs_absolute(path, y) == 0 && path_below(x, y) != NULL;
}

/* ---- trees ---- */

/* Does something to every entry of a folder; target: the folder's other half, or NULL. */
typedef int tree_worker(const char *from, const char *to, int depth);

static int folder_each(const char *from, const char *to, int depth, tree_worker *work)
{
    char *path = malloc(2 * VFS_PATH_MAX);
    struct list list = {0};
    int status = path == NULL ? -ENOMEM : list_read(from, &list);
    int result = status != 0 ? files_failed(from, status) : 0;
    for (size_t i = 0; i < list.count && !shell_interrupted(); i++) {
        char *other = path + VFS_PATH_MAX;
        status = path_join(from, list.entry[i].name, path, VFS_PATH_MAX);
        if (status == 0 && to != NULL)
            status = path_join(to, list.entry[i].name, other, VFS_PATH_MAX);
        result |= status != 0 ? files_failed(list.entry[i].name, status)
                              : work(path, to == NULL ? NULL : other, depth + 1);
    }
    list_free(&list);
    free(path);
    return result;
}

static int tree_copy(const char *from, const char *to, int depth)
{
    struct fs_attr attr;
    int status = vfs_stat(from, &attr);
    if (status != 0)
        return files_failed(from, status);
    if (!S_ISDIR(attr.mode))
        return file_copy(from, to, &attr);
    if (depth == FOLDERS_DEEP)
        return files_failed(from, ELOOP);
    status = vfs_mkdir(to, attr.mode & 0777);
    if (status != 0 && status != -EEXIST)
        return files_failed(to, status);
    return folder_each(from, to, depth, tree_copy);
}

static int tree_remove(const char *path, const char *to, int depth)
{
    struct fs_attr attr;
    (void)to;
    int status = vfs_stat(path, &attr);
    if (status == 0 && S_ISDIR(attr.mode)) {
        int result = depth == FOLDERS_DEEP ? files_failed(path, ELOOP)
                                           : folder_each(path, NULL, depth, tree_remove);
        if (result != 0)
            return result;
        status = vfs_rmdir(path);
    } else if (status == 0) {
        status = vfs_remove(path);
    }
    return status != 0 ? files_failed(path, status) : 0;
}

/* ---- commands ---- */

/* Where a file goes: into to, if that is a folder. */
static int target_path(const char *from, const char *to, char path[VFS_PATH_MAX])
{
    char whole[VFS_PATH_MAX];
    struct fs_attr attr;
    int status = vfs_absolute(from, whole);
    if (status == 0 && vfs_stat(to, &attr) == 0 && S_ISDIR(attr.mode))
        return path_join(to, path_name(whole), path, VFS_PATH_MAX);
    if (strlcpy(path, to, VFS_PATH_MAX) >= VFS_PATH_MAX)
        return -ENAMETOOLONG;
    return status;
}

static int copy_one(const char *from, const char *to, int folders)
{
    char path[VFS_PATH_MAX];
    struct fs_attr attr;
    int status = vfs_stat(from, &attr);
    if (status == 0 && S_ISDIR(attr.mode) && !folders) {
        printf("%s: it is a folder; cp -r copies folders\n", from);
        return 1;
    }
    if (status != 0)
        return files_failed(from, status);
    status = target_path(from, to, path);
    if (status != 0)
        return files_failed(to, status);
    if (is_same(from, path) || (S_ISDIR(attr.mode) && is_inside(from, path))) {
        printf("%s: it cannot be copied to itself\n", from);
        return 1;
    }
    return tree_copy(from, path, 0);
}

/* Only a rename that another file system stands in the way of becomes a copy. */
static int move_one(const char *from, const char *to)
{
    char path[VFS_PATH_MAX];
    int status = target_path(from, to, path);
    if (status == 0)
        status = vfs_rename(from, path);
    if (status == -EXDEV) {
        int result = copy_one(from, path, 1);
        return result != 0 || shell_interrupted() ? 1 : tree_remove(from, NULL, 0);
    }
    return status != 0 ? files_failed(from, status) : 0;
}

/* With several sources the target has to be a folder. */
static int target_check(size_t sources, const char *to)
{
    struct fs_attr attr;
    if (sources < 2)
        return 0;
    int status = vfs_stat(to, &attr);
    if (status == 0 && !S_ISDIR(attr.mode))
        status = -ENOTDIR;
    return status != 0 ? files_failed(to, status) : 0;
}

int command_cp(size_t words, char **word)
{
    size_t first = words > 1 && strcmp(word[1], "-r") == 0 ? 2 : 1;
    if (words < first + 2)
        return shell_usage("cp [-r] FROM... TO");
    int result = target_check(words - first - 1, word[words - 1]);
    for (size_t i = first; result == 0 && i < words - 1 && !shell_interrupted(); i++)
        result = copy_one(word[i], word[words - 1], first == 2);
    return result;
}

int command_mv(size_t words, char **word)
{
    if (words < 3)
        return shell_usage("mv FROM... TO");
    int result = target_check(words - 2, word[words - 1]);
    for (size_t i = 1; result == 0 && i < words - 1 && !shell_interrupted(); i++)
        result = move_one(word[i], word[words - 1]);
    return result;
}

static int remove_one(const char *path, int folders)
{
    if (folders)
        return tree_remove(path, NULL, 0);
    int status = vfs_remove(path);
    if (status == -EISDIR) {
        printf("%s: it is a folder; rm -r removes folders\n", path);
        return 1;
    }
    return status != 0 ? files_failed(path, status) : 0;
}

int command_rm(size_t words, char **word)
{
    int result = 0;
    size_t first = words > 1 && strcmp(word[1], "-r") == 0 ? 2 : 1;
    if (words == first)
        return shell_usage("rm [-r] PATH...");
    for (size_t i = first; i < words && !shell_interrupted(); i++)
        result |= remove_one(word[i], first == 2);
    return result;
}

/* Makes a folder and those above it that are missing. */
static int folders_make(const char *path)
{
    char whole[VFS_PATH_MAX], part[VFS_PATH_MAX];
    int status = vfs_absolute(path, whole);
    for (size_t i = 1; status == 0 && whole[i - 1] != 0; i++)
        if (whole[i] == '/' || whole[i] == 0) {
            struct fs_attr attr;
            strlcpy(part, whole, i + 1);
            status = vfs_stat(part, &attr);
            if (status == -ENOENT)
                status = vfs_mkdir(part, 0755);
            else if (status == 0 && !S_ISDIR(attr.mode))
                status = -ENOTDIR;
        }
    return status;
}

int command_mkdir(size_t words, char **word)
{
    int result = 0;
    size_t first = words > 1 && strcmp(word[1], "-p") == 0 ? 2 : 1;
    if (words == first)
        return shell_usage("mkdir [-p] FOLDER...");
    for (size_t i = first; i < words; i++) {
        int status = first == 2 ? folders_make(word[i]) : vfs_mkdir(word[i], 0755);
        if (status != 0)
            result = files_failed(word[i], status);
    }
    return result;
}
