/* SPDX-License-Identifier: MIT */
/*
 * Whole files in memory, and the mount table's functions; see vfs.h. A file whose server shows its
 * pages is mapped a few pages a call; any other is read into fresh pages of the same window.
 */
#include "lib/memory.h"
#include "lib/path.h"
#include "lib/vfs_local.h"
#include <string.h>

#define SAVE_MODE 0644u

/* ---- pages that the server shows ---- */

/* Takes up to four pages of the file to where they belong in the window. Positive error. */
static int pages_take(struct vfs_connection *c, const char *rest, struct vfs_image *image,
                      struct message *m)
{
    struct atm_message *page = atm_message();
    uint64_t old_va = page->receive_va, old_pages = page->receive_pages;
    *m = (struct message){0};
    uint64_t words = message_put(m->w, rest, strlen(rest) + 1);
    m->w[0] = image->pages;
    m->tag = TAG(FS_PAGES, words, 0);
    page->receive_va = image->window + image->pages * PAGE_SIZE;
    page->receive_pages = MESSAGE_ITEMS_MAX;
    int64_t status = message_call(c->handle, m);
    page->receive_va = old_va;
    page->receive_pages = old_pages;
    if (status < 0)
        return status == -ERR_DEAD ? ENODEV : EIO;
    uint64_t label = TAG_LABEL(m->tag);
    if (label == 0)
        image->pages += TAG_ITEMS(m->tag);
    return label > 4095 ? EPROTO : (int)label;
}

static int load_shown(struct vfs_connection *c, const char *rest, struct vfs_image *image)
{
    struct message m;
    for (;;) {
        int error = pages_take(c, rest, image, &m);
        if (error != 0)
            return error;
        image->bytes = m.w[0];
        if (m.w[1] >= PAGE_SIZE || m.w[0] > (WINDOW_PAGES - MESSAGE_ITEMS_MAX) * PAGE_SIZE)
            return EFBIG;
        image->data = (const unsigned char *)(uintptr_t)(image->window + m.w[1]);
        uint64_t need = (m.w[1] + m.w[0] + PAGE_SIZE - 1) / PAGE_SIZE;
        if (image->pages >= need)
            return 0;
        if (TAG_ITEMS(m.tag) == 0 || need + MESSAGE_ITEMS_MAX > WINDOW_PAGES)
            return EPROTO;
    }
}

/* ---- pages of the program's own ---- */

static int load_read(const char *path, struct vfs_image *image)
{
    struct fs_attr attr;
    int file = vfs_open_attr(path, VFS_READ, 0, &attr);
    int status = file < 0 ? file : 0;
    if (status == 0 && S_ISDIR(attr.mode))
        status = -EISDIR;
    if (status == 0 && attr.size > WINDOW_PAGES * (uint64_t)PAGE_SIZE)
        status = -EFBIG;
    uint64_t pages = status == 0 ? (attr.size + PAGE_SIZE - 1) / PAGE_SIZE : 0;
    if (pages > 0 && memory_map(0, image->window, pages, PAGE_READ | PAGE_WRITE) != 0)
        status = -ENOMEM;
    if (status == 0) {
        image->pages = pages;
        image->data = (const unsigned char *)(uintptr_t)image->window;
        int64_t n = vfs_pread(file, (void *)(uintptr_t)image->window, attr.size, 0);
        image->bytes = n < 0 ? 0 : (uint64_t)n;
        status = n < 0 ? (int)n : 0;
    }
    if (file >= 0)
        vfs_close(file);
    return status;
}

static int load(const char *path, struct vfs_image *image)
{
    char whole[VFS_PATH_MAX];
    struct vfs_connection *c;
    const char *rest;
    int status = vfs_absolute(path, whole);
    if (status == 0)
        status = vfs_connection_find(whole, &c, &rest);
    if (status != 0)
        return status;
    if (c->no_pages || strlen(rest) + 1 > MESSAGE_TEXT_MAX || vfs_handle(c) != 0)
        return load_read(whole, image);
    int error = load_shown(c, rest, image);
    c->no_pages = error == EOPNOTSUPP;
    return c->no_pages || error == ENODEV ? load_read(whole, image) : -error;
}

int vfs_load(const char *path, struct vfs_image *image)
{
    *image = (struct vfs_image){.window = window_open()};
    if (image->window == 0)
        return -ENFILE;
    int status = load(path, image);
    if (status != 0)
        vfs_unload(image);
    return status;
}

void vfs_unload(struct vfs_image *image)
{
    if (image->window != 0)
        window_close(image->window, image->pages);
    *image = (struct vfs_image){0};
}

int vfs_save(const char *path, const void *data, size_t bytes)
{
    int file = vfs_open(path, VFS_WRITE | VFS_CREATE | VFS_TRUNCATE, SAVE_MODE);
    if (file < 0)
        return file;
    int64_t n = vfs_write(file, data, bytes);
    int status = n < 0 ? (int)n : (size_t)n < bytes ? -ENOSPC : 0;
    int late = vfs_close(file);
    return status != 0 ? status : late;
}

/* ---- mounts ---- */

/* A request of the name service that changes the table. text: its bytes include an ending 0. */
static int table_change(uint32_t label, const char *text, size_t bytes, uint64_t items)
{
    struct message m = {0};
    uint64_t words = message_put(m.w, text, bytes);
    m.tag = TAG(label, words, items);
    if (vfs_names() == 0)
        return -ENODEV;
    if (message_call(vfs_names(), &m) < 0)
        return -ENODEV;
    int error = (int)TAG_LABEL(m.tag);
    return error != 0 ? -error : vfs_table_read();
}

/* One or two absolute paths, one behind the other with their ending 0; bytes, or -error. */
static int paths_put(const char *path, const char *second, char to[2 * NAMES_PATH_MAX])
{
    char whole[VFS_PATH_MAX];
    int status = vfs_absolute(path, whole);
    size_t bytes = strlen(whole) + 1;
    if (status == 0 && bytes > NAMES_PATH_MAX)
        status = -ENAMETOOLONG;
    if (status != 0)
        return status;
    memcpy(to, whole, bytes);
    if (second == NULL)
        return (int)bytes;
    int more = paths_put(second, NULL, to + bytes);
    return more < 0 ? more : (int)bytes + more;
}

int vfs_mount(const char *path, uint64_t endpoint)
{
    char text[2 * NAMES_PATH_MAX];
    int bytes = paths_put(path, NULL, text);
    if (bytes < 0)
        return bytes;
    atm_message()->item[0] =
        (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SEND | RIGHT_GRANT | RIGHT_COPY, 0};
    return table_change(NAMES_MOUNT, text, (size_t)bytes, 1);
}

int vfs_unmount(const char *path)
{
    char text[2 * NAMES_PATH_MAX];
    int bytes = paths_put(path, NULL, text);
    return bytes < 0 ? bytes : table_change(NAMES_UNMOUNT, text, (size_t)bytes, 0);
}

int vfs_bind(const char *path, const char *mounted)
{
    char text[2 * NAMES_PATH_MAX];
    int bytes = paths_put(path, mounted, text);
    return bytes < 0 ? bytes : table_change(NAMES_BIND, text, (size_t)bytes, 0);
}

int vfs_mounts(unsigned n, struct vfs_mount *mount)
{
    const struct vfs_connection *c = vfs_connection_number(n);
    if (c == NULL)
        return -ENOENT;
    strlcpy(mount->path, c->path, sizeof mount->path);
    return 0;
}
