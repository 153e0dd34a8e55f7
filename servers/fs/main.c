/* SPDX-License-Identifier: MIT */
/*
 * The file service: the initial ramdisk's files, read-only. It holds no state between requests, so
 * a restart loses nothing. Requests and answers are in lib/file.h.
 */
#include "lib/cpio.h"
#include "lib/file.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/sys.h"
#include <stdio.h>
#include <string.h>

#define ARCHIVE_BYTES_MAX 0x40000000u

static const unsigned char *const archive = (const unsigned char *)(uintptr_t)INITRD_VA;
static uint64_t archive_bytes;

/* The file a request's text names; FILE_OK, or why there is none. */
static uint32_t request_file(const struct message *m, struct cpio_file *file)
{
    char path[MESSAGE_TEXT_MAX + 1];
    size_t bytes = message_get(m, path, MESSAGE_TEXT_MAX);
    path[bytes] = 0;
    if (!cpio_find(archive, archive_bytes, path, file))
        return FILE_NOT_FOUND;
    return (file->mode & FILE_MODE_KIND) == FILE_MODE_FOLDER ? FILE_IS_FOLDER : FILE_OK;
}

static uint64_t list(struct message *m)
{
    struct cpio entries;
    struct cpio_file file;
    struct {
        uint64_t bytes;
        char name[FILE_NAME_BYTES];
    } text = {0};
    uint64_t number = m->w[0];
    cpio_open(&entries, archive, archive_bytes);
    do
        if (!cpio_next(&entries, &file))
            return TAG(FILE_PAST_END, 0, 0);
    while (number-- > 0);
    text.bytes = file.bytes;
    strlcpy(text.name, file.name, sizeof text.name);
    size_t name_bytes = strlen(text.name);
    uint64_t words = message_put(m->w, &text, 8 + name_bytes + 1);
    m->w[0] = (uint64_t)file.mode << 32 | name_bytes;
    return TAG(FILE_OK, words, 0);
}

static uint64_t stat(struct message *m)
{
    struct cpio_file file;
    uint32_t error = request_file(m, &file);
    if (error != FILE_OK && error != FILE_IS_FOLDER)
        return TAG(error, 0, 0);
    m->w[0] = file.bytes;
    m->w[1] = file.mode;
    return TAG(FILE_OK, 2, 0);
}

static uint64_t read(struct message *m)
{
    struct cpio_file file;
    uint64_t offset = m->w[0];
    uint32_t error = request_file(m, &file);
    if (error != FILE_OK)
        return TAG(error, 0, 0);
    uint64_t left = offset < file.bytes ? file.bytes - offset : 0;
    uint64_t piece = left < FILE_DATA_MAX ? left : FILE_DATA_MAX;
    uint64_t words = message_put(m->w, file.data + (left > 0 ? offset : 0), piece);
    m->w[0] = piece;
    return TAG(FILE_OK, words, 0);
}

static uint64_t pages(struct message *m)
{
    struct cpio_file file;
    uint64_t first = m->w[0], items = 0;
    uint32_t error = request_file(m, &file);
    if (error != FILE_OK)
        return TAG(error, 0, 0);
    uint64_t start = (uint64_t)(file.data - archive);
    uint64_t head = start % PAGE_SIZE;
    uint64_t count = (head + file.bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    for (; items < MESSAGE_ITEMS_MAX && first + items < count && first < count; items++)
        atm_message()->item[items] = (struct atm_item){
            ITEM_PAGE, INITRD_VA + start - head + (first + items) * PAGE_SIZE, PAGE_READ, 0};
    m->w[0] = file.bytes;
    m->w[1] = head;
    return TAG(FILE_OK, 2, items);
}

static uint64_t request(struct message *m)
{
    switch (TAG_LABEL(m->tag)) {
    case FILE_LIST:
        return list(m);
    case FILE_STAT:
        return stat(m);
    case FILE_READ:
        return read(m);
    case FILE_PAGES:
        return pages(m);
    default:
        return TAG(FILE_BAD_REQUEST, 0, 0);
    }
}

/* How long the archive is: its parent shared whole pages; the trailer ends it. */
static uint64_t archive_measure(void)
{
    struct cpio entries;
    struct cpio_file file;
    uint64_t mapped = 0;
    while (mapped < ARCHIVE_BYTES_MAX && atm_query(0, INITRD_VA + mapped).status == 0)
        mapped += PAGE_SIZE;
    cpio_open(&entries, archive, mapped);
    while (cpio_next(&entries, &file))
        ;
    if (mapped > 0 && entries.wrong != NULL)
        fprintf(stderr, "fs: the initial ramdisk is damaged: %s; files behind that are lost\n",
                entries.wrong);
    return mapped;
}

int main(void)
{
    struct server server = {.endpoint = startup_handle("serve"), .message = request};
    archive_bytes = archive_measure();
    if (archive_bytes == 0) {
        fprintf(stderr, "fs: it was not given the initial ramdisk (\"initrd\" in the manifest)\n");
        return 2;
    }
    server_run(&server);
    return 1;
}
