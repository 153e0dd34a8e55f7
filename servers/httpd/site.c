/* SPDX-License-Identifier: MIT */
/*
 * Resources: open files and folders of lib/vfs.h, and generated pages in memory.
 */
#include "site.h"
#include "lib/startup.h"
#include "lib/tcp_server.h"
#include "lib/vfs.h"
#include <stdlib.h>
#include <string.h>

#define AHEAD_BYTES 61440u             /* a whole number of pages that fits one 9P message */
#define STATUS_PAGE "/etc/status.html" /* of the initial ramdisk; it shows /status.json */

static const char *site_root;
static unsigned pages_open;

/* What was read ahead, in place: until the next call of lib/vfs.h. */
static struct {
    int file;
    uint64_t offset, bytes; /* 0 bytes: nothing */
    const char *data;
} ahead;

void site_setup(const char *root) { site_root = root; }

static int errno_status(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
    case ENODEV:
    case ENAMETOOLONG:
        return 404;
    case EACCES:
    case EPERM:
    case ELOOP:
        return 403;
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EREMOTEIO:
        return 503;
    default:
        return 500;
    }
}

/* ---- files ---- */

static int file_open(const char *path, struct http_resource *r, const char *type)
{
    struct fs_attr attr;
    ahead.bytes = 0;
    int file = vfs_open_attr(path, VFS_READ, 0, &attr);
    if (file < 0)
        return errno_status(-file);
    *r = (struct http_resource){.kind = S_ISDIR(attr.mode) ? HTTP_FOLDER : HTTP_FILE,
                                .number = (uint64_t)file,
                                .bytes = attr.size,
                                .mtime = attr.mtime,
                                .version = attr.ino,
                                .type = type};
    if (r->kind == HTTP_FOLDER && (r->memory = strdup(path)) == NULL) {
        (void)vfs_close(file);
        return 503;
    }
    return 0;
}

static int below_root_open(const char *path, struct http_resource *r)
{
    char full[VFS_PATH_MAX];
    if (strlcpy(full, site_root, sizeof full) + strlen(path) >= sizeof full)
        return 404;
    strlcpy(full + strlen(full), path, sizeof full - strlen(full));
    return file_open(full, r, NULL);
}

/* ---- generated pages ---- */

static int page_open(struct http_resource *r, const char *type)
{
    if (pages_open == SITE_PAGES)
        return 503;
    ahead.bytes = 0;
    char *text = malloc(SITE_PAGE_BYTES);
    if (text == NULL)
        return 503;
    size_t bytes = status_json(text, SITE_PAGE_BYTES);
    if (bytes == 0) {
        free(text);
        return 500;
    }
    pages_open++;
    *r = (struct http_resource){.memory = text, .bytes = bytes, .generated = 1, .type = type};
    return 0;
}

/* ---- the site ---- */

static int site_open(const char *path, struct http_resource *r)
{
    if (strcmp(path, "/status.json") == 0)
        return page_open(r, "application/json");
    if (strcmp(path, "/status") == 0)
        return file_open(STATUS_PAGE, r, "text/html; charset=utf-8");
    int status = file_open(path, r, NULL);
    return status == 404 && site_root != NULL ? below_root_open(path, r) : status;
}

/* Rooms are small, so more than one is filled from one read. */
static int64_t file_read(const struct http_resource *r, void *to, size_t bytes, uint64_t offset)
{
    const void *data;
    int file = (int)r->number;
    if (ahead.bytes == 0 || ahead.file != file || offset < ahead.offset ||
        offset - ahead.offset >= ahead.bytes) {
        uint64_t wish = r->bytes - offset < AHEAD_BYTES ? r->bytes - offset : AHEAD_BYTES;
        int64_t n = vfs_borrow(file, wish, offset, &data);
        ahead.bytes = n < 0 ? 0 : (uint64_t)n;
        if (n <= 0)
            return n;
        ahead.file = file;
        ahead.offset = offset;
        ahead.data = data;
    }
    uint64_t skip = offset - ahead.offset, have = ahead.bytes - skip;
    size_t n = have < bytes ? (size_t)have : bytes;
    memcpy(to, ahead.data + skip, n);
    return (int64_t)n;
}

static int64_t site_read(struct http_resource *r, void *to, size_t bytes, uint64_t offset)
{
    if (!r->generated)
        return file_read(r, to, bytes, offset);
    memcpy(to, (const char *)r->memory + offset, bytes);
    return (int64_t)bytes;
}

static int site_list(struct http_resource *r, struct http_entry *entry)
{
    struct fs_entry e;
    struct fs_attr attr = {0};
    char path[VFS_PATH_MAX];
    ahead.bytes = 0;
    if (vfs_readdir((int)r->number, &e) != 1)
        return 0;
    size_t used = strlcpy(path, r->memory, sizeof path);
    if (used < sizeof path && strlcpy(path + used, e.name, sizeof path - used) < sizeof path - used)
        (void)vfs_stat(path, &attr); /* what cannot be asked is shown as empty */
    *entry = (struct http_entry){.folder = S_ISDIR(e.mode), .bytes = attr.size};
    strlcpy(entry->name, e.name, sizeof entry->name);
    return 1;
}

static void site_close(struct http_resource *r)
{
    ahead.bytes = 0;
    if (r->generated)
        pages_open--;
    else
        (void)vfs_close((int)r->number);
    free(r->memory);
}

/* Of the last look at the clock: a system call for each answer would be dear. */
static uint64_t site_now(void)
{
    uint64_t epoch = startup_epoch();
    return epoch == 0 ? 0 : (epoch + tcp_now()) / 1000000000u;
}

const struct http_site site = {site_open, site_read, site_list, site_close, site_now};
