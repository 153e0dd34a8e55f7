/* SPDX-License-Identifier: MIT */
/*
 * Commands that look at files and folders: ls, cat, hexdump, cd, pwd, df, mount, umount, sync.
 */
#include "files.h"
#include "lib/path.h"
#include "lib/vfs.h"
#include "shell.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HEX_LINE 16u
#define PIECE 4096u

int files_failed(const char *path, int64_t error)
{
    printf("%s: %s\n", path, errno_text((long)error));
    return 1;
}

/* ---- folders as lists ---- */

static int by_name(const void *a, const void *b)
{
    const struct list_entry *x = a, *y = b;
    return strcmp(x->name, y->name);
}

void list_free(struct list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free(list->entry[i].name);
    free(list->entry);
    *list = (struct list){0};
}

static int list_add(struct list *list, const struct fs_entry *e)
{
    if (list->count == list->room) {
        size_t room = list->room == 0 ? 16 : list->room * 2;
        struct list_entry *bigger = realloc(list->entry, room * sizeof *bigger);
        if (bigger == NULL)
            return -ENOMEM;
        list->entry = bigger;
        list->room = room;
    }
    char *name = strdup(e->name);
    if (name == NULL)
        return -ENOMEM;
    list->entry[list->count++] = (struct list_entry){name, e->mode};
    return 0;
}

int list_read(const char *path, struct list *list)
{
    struct fs_entry e;
    *list = (struct list){0};
    int folder = vfs_open(path, VFS_READ, 0);
    if (folder < 0)
        return folder;
    int status = vfs_readdir(folder, &e);
    while (status == 1) {
        status = list_add(list, &e);
        if (status == 0)
            status = vfs_readdir(folder, &e);
    }
    vfs_close(folder);
    if (status != 0)
        list_free(list);
    else
        qsort(list->entry, list->count, sizeof list->entry[0], by_name);
    return status;
}

/* ---- ls ---- */

const char *date_text(time_t seconds, char to[DATE_TEXT])
{
    struct tm date;
    if (gmtime_r(&seconds, &date) == NULL)
        return "(not a date)    ";
    snprintf(to, DATE_TEXT, "%04d-%02d-%02d %02d:%02d:%02d", date.tm_year + 1900, date.tm_mon + 1,
             date.tm_mday, date.tm_hour, date.tm_min, date.tm_sec);
    return to;
}

static void long_show(const struct fs_attr *a)
{
    static const char letters[] = "rwxrwxrwx";
    char mode[11] = {S_ISDIR(a->mode) ? 'd' : S_ISREG(a->mode) ? '-' : 'l'};
    char date[DATE_TEXT];
    for (unsigned i = 0; i < 9; i++)
        mode[1 + i] = (a->mode >> (8 - i) & 1) != 0 ? letters[i] : '-';
    /* without the seconds */
    printf("%s %3u %.16s ", mode, a->nlink, date_text((time_t)a->mtime, date));
}

static void entry_show(const struct fs_attr *a, const char *name, int full)
{
    if (full)
        long_show(a);
    printf("%10lu  %s%s\n", a->size, name, S_ISDIR(a->mode) ? "/" : "");
}

static int folder_show(const char *path, int full)
{
    char whole[VFS_PATH_MAX];
    struct list list;
    struct fs_attr attr;
    int result = 0;
    int status = list_read(path, &list);
    if (status != 0)
        return files_failed(path, status);
    for (size_t i = 0; i < list.count && !shell_interrupted(); i++) {
        status = path_join(path, list.entry[i].name, whole, sizeof whole);
        if (status == 0)
            status = vfs_stat(whole, &attr);
        if (status == 0)
            entry_show(&attr, list.entry[i].name, full);
        else if (status != -ENOENT) /* it may be gone by now */
            result = files_failed(whole, status);
    }
    list_free(&list);
    return result;
}

int command_ls(size_t words, char **word)
{
    int result = 0;
    size_t first = words > 1 && strcmp(word[1], "-l") == 0 ? 2 : 1;
    if (words == first)
        return folder_show(vfs_cwd(), first == 2);
    for (size_t i = first; i < words; i++) {
        struct fs_attr attr;
        int status = vfs_stat(word[i], &attr);
        if (status != 0)
            result = files_failed(word[i], status);
        else if (S_ISDIR(attr.mode))
            result |= folder_show(word[i], first == 2);
        else
            entry_show(&attr, word[i], first == 2);
    }
    return result;
}

/* ---- cat and hexdump ---- */

/* Hands a file, piece by piece, to a function. */
typedef void piece_taker(uint64_t offset, const unsigned char *data, size_t bytes);
static int file_each(const char *path, piece_taker *take)
{
    static unsigned char data[PIECE];
    int file = vfs_open(path, VFS_READ, 0);
    int64_t n = file;
    for (uint64_t offset = 0; n >= 0; offset += (uint64_t)n) {
        n = vfs_pread(file, data, sizeof data, offset);
        if (n <= 0 || shell_interrupted())
            break;
        take(offset, data, (size_t)n);
    }
    if (file >= 0)
        vfs_close(file);
    return n < 0 ? files_failed(path, n) : 0;
}

static void cat_piece(uint64_t offset, const unsigned char *data, size_t bytes)
{
    (void)offset;
    fwrite(data, 1, bytes, stdout);
}

int command_cat(size_t words, char **word)
{
    int result = 0;
    if (words == 1)
        return shell_usage("cat FILE...");
    for (size_t i = 1; i < words; i++)
        result |= file_each(word[i], cat_piece);
    fflush(stdout);
    return result;
}

static void hex_line(uint64_t offset, const unsigned char *data, size_t bytes)
{
    printf("%08lx ", offset);
    for (size_t i = 0; i < HEX_LINE; i++)
        if (i < bytes)
            printf(i == HEX_LINE / 2 ? "  %02x" : " %02x", data[i]);
        else
            printf(i == HEX_LINE / 2 ? "    " : "   ");
    printf("  |");
    for (size_t i = 0; i < bytes; i++)
        putchar(isprint(data[i]) ? data[i] : '.');
    printf("|\n");
}

static void hex_piece(uint64_t offset, const unsigned char *data, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += HEX_LINE)
        hex_line(offset + at, data + at, bytes - at < HEX_LINE ? bytes - at : HEX_LINE);
}

int command_hexdump(size_t words, char **word)
{
    return words == 2 ? file_each(word[1], hex_piece) : shell_usage("hexdump FILE");
}

/* ---- where one is ---- */

int command_cd(size_t words, char **word)
{
    if (words > 2)
        return shell_usage("cd [FOLDER]");
    const char *path = words == 1 ? "/" : word[1];
    int status = vfs_cd(path);
    return status != 0 ? files_failed(path, status) : 0;
}

int command_pwd(size_t words, char **word)
{
    (void)words;
    (void)word;
    puts(vfs_cwd());
    return 0;
}

/* ---- file systems ---- */

static const char *type_name(uint32_t type)
{
    static const struct {
        uint32_t type;
        const char *name;
    } names[] = {{0x28cd3d45, "initrd"},
                 {0x858458f6, "ramfs"},
                 {0xef53, "ext2"},
                 {0x4d44, "fat"},
                 {0x01021997, "9p"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].type == type)
            return names[i].name;
    return "other";
}

static int mounts_show(void)
{
    struct vfs_mount mount;
    struct fs_space space;
    for (unsigned n = 0; vfs_mounts(n, &mount) == 0; n++) {
        int status = vfs_space(mount.path, &space);
        if (status == 0)
            printf("%-8s %s\n", type_name(space.type), mount.path);
        else
            printf("%-8s %s: %s\n", "-", mount.path, errno_text(status));
    }
    return 0;
}

int command_mount(size_t words, char **word)
{
    if (words == 1)
        return mounts_show();
    if (words != 3)
        return shell_usage("mount [MOUNTED FOLDER]");
    int status = vfs_bind(word[2], word[1]);
    return status != 0 ? files_failed(status == -EINVAL ? word[1] : word[2], status) : 0;
}

int command_umount(size_t words, char **word)
{
    if (words != 2)
        return shell_usage("umount FOLDER");
    int status = vfs_unmount(word[1]);
    if (status == -EINVAL) {
        printf("%s: nothing is mounted there\n", word[1]);
        return 1;
    }
    return status != 0 ? files_failed(word[1], status) : 0;
}

static void space_show(const char *path, const struct fs_space *s)
{
    uint64_t kib = s->block_bytes / 512;
    uint64_t used = s->blocks - (s->free < s->blocks ? s->free : s->blocks);
    uint64_t share = s->blocks == 0 ? 0 : (used * 100 + s->blocks - 1) / s->blocks;
    printf("%-8s %12lu %12lu %12lu %4lu %%  %s\n", type_name(s->type), s->blocks * kib / 2,
           used * kib / 2, s->free * kib / 2, share, path);
}

int command_df(size_t words, char **word)
{
    struct vfs_mount mount;
    struct fs_space space;
    int result = 0, status;
    printf("TYPE              KIB         USED         FREE   FULL  MOUNTED ON\n");
    for (unsigned n = 0; words == 1 && vfs_mounts(n, &mount) == 0; n++)
        if (vfs_space(mount.path, &space) == 0)
            space_show(mount.path, &space);
    for (size_t i = 1; i < words; i++) {
        status = vfs_space(word[i], &space);
        if (status == 0)
            space_show(word[i], &space);
        else
            result = files_failed(word[i], status);
    }
    return result;
}

int command_sync(size_t words, char **word)
{
    (void)words;
    (void)word;
    int status = vfs_sync();
    return status != 0 ? files_failed("sync", status) : 0;
}
