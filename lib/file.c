/* SPDX-License-Identifier: MIT */
/*
 * Client of the file service.
 */
#include "lib/file.h"
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <string.h>

static uint64_t service(void)
{
    static uint64_t handle;
    if (handle == 0)
        handle = startup_handle("fs");
    return handle;
}

const char *file_error_text(int64_t status)
{
    static const char *const texts[] = {
        "no error",          "no such file",
        "it is a folder",    "past the end of the file",
        "malformed request", "this program was given no file service"};
    if (status < 0)
        return atm_error_text(status);
    return status <= FILE_NO_SERVICE ? texts[status] : "unknown error";
}

/* Sends label, number and path; the answer comes back in m. */
static int64_t ask(struct message *m, uint32_t label, uint64_t number, const char *path)
{
    if (service() == 0)
        return FILE_NO_SERVICE;
    m->tag = TAG(label, message_put(m->w, path, strlen(path) + 1), 0);
    m->w[0] = number;
    if (strlen(path) + 1 > MESSAGE_TEXT_MAX)
        return FILE_NOT_FOUND;
    int64_t status = message_call(service(), m);
    return status < 0 ? status : (int64_t)TAG_LABEL(m->tag);
}

int64_t file_list(uint64_t number, struct file_entry *entry)
{
    struct message m = {0};
    int64_t status = ask(&m, FILE_LIST, number, "");
    if (status != 0)
        return status;
    uint64_t text[1 + FILE_NAME_BYTES / 8] = {0};
    message_get(&m, text, sizeof text);
    entry->bytes = text[0];
    entry->mode = (uint32_t)(m.w[0] >> 32);
    memcpy(entry->name, &text[1], FILE_NAME_BYTES - 1);
    entry->name[FILE_NAME_BYTES - 1] = 0;
    return 0;
}

int64_t file_stat(const char *path, struct file_entry *entry)
{
    struct message m = {0};
    int64_t status = ask(&m, FILE_STAT, 0, path);
    if (status != 0)
        return status;
    strlcpy(entry->name, path, sizeof entry->name);
    entry->bytes = m.w[0];
    entry->mode = (uint32_t)m.w[1];
    return 0;
}

int64_t file_read(const char *path, uint64_t offset, void *to, size_t *bytes)
{
    struct message m = {0};
    int64_t status = ask(&m, FILE_READ, offset, path);
    if (status != 0)
        return status;
    *bytes = message_get(&m, to, m.w[0] < *bytes ? (size_t)m.w[0] : *bytes);
    return 0;
}

/* Takes up to four pages of the file at where they belong in the window. */
static int64_t pages_take(const char *path, struct file_image *image, struct message *m)
{
    struct atm_message *page = atm_message();
    page->receive_va = image->window + image->pages * PAGE_SIZE;
    page->receive_pages = MESSAGE_ITEMS_MAX;
    int64_t status = ask(m, FILE_PAGES, image->pages, path);
    page->receive_va = 0;
    page->receive_pages = 0;
    if (status == 0)
        image->pages += TAG_ITEMS(m->tag);
    return status;
}

int64_t file_load(const char *path, struct file_image *image)
{
    struct message m = {0};
    *image = (struct file_image){.window = window_open()};
    if (image->window == 0)
        return -ERR_QUOTA;
    for (;;) {
        int64_t status = pages_take(path, image, &m);
        if (status != 0) {
            file_unload(image);
            return status;
        }
        image->bytes = m.w[0];
        image->data = (const unsigned char *)(uintptr_t)(image->window + m.w[1]);
        uint64_t need = (m.w[1] + m.w[0] + PAGE_SIZE - 1) / PAGE_SIZE;
        if (image->pages >= need || TAG_ITEMS(m.tag) == 0)
            return 0;
        if (need + MESSAGE_ITEMS_MAX > WINDOW_PAGES) {
            file_unload(image);
            return -ERR_MESSAGE;
        }
    }
}

void file_unload(struct file_image *image)
{
    if (image->window != 0)
        window_close(image->window, image->pages);
    *image = (struct file_image){0};
}
