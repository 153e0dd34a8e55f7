/* SPDX-License-Identifier: MIT */
/*
 * The name service: the mount table. Its arguments are the mounts it begins with, PATH=HANDLE; so a
 * restart of it loses only what was mounted by hand. File servers' endpoints belong to init and
 * outlive them: a mount stays good while its server is restarted, and is taken off the table when
 * init has given the server up. The table is small and read as a whole by clients, who keep it and
 * ask from time to time whether it is still the same.
 */
#include "lib/names.h"
#include "lib/path.h"
#include "lib/server.h"
#include "lib/startup.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

struct mount {
    uint64_t number;
    uint64_t handle;
    char path[NAMES_PATH_MAX];
};

static struct mount mount[NAMES_MOUNTS_MAX];
static uint32_t mounts;
static uint64_t number_last; /* begins at the time of the start: numbers are never used again */
static uint64_t version;     /* of the table; never 0 */

static void changed(void) { version = ++number_last; }

static struct mount *mount_find(const char *path)
{
    for (uint32_t i = 0; i < mounts; i++)
        if (strcmp(mount[i].path, path) == 0)
            return &mount[i];
    return NULL;
}

static struct mount *mount_numbered(uint64_t number)
{
    for (uint32_t i = 0; i < mounts; i++)
        if (mount[i].number == number)
            return &mount[i];
    return NULL;
}

/* Adds a mount; takes the handle over unless there is an error. */
static int mount_add(const char *path, uint64_t handle)
{
    char whole[NAMES_PATH_MAX];
    int error = -path_absolute("/", path, whole, sizeof whole);
    if (error == 0 && mounts == NAMES_MOUNTS_MAX)
        error = ENFILE;
    if (error == 0 && mount_find(whole) != NULL)
        error = EBUSY;
    if (error != 0)
        return error;
    mount[mounts] = (struct mount){++number_last, handle, {0}};
    strlcpy(mount[mounts++].path, whole, sizeof whole);
    changed();
    return 0;
}

static void mount_remove(struct mount *m)
{
    atm_handle_close(m->handle);
    mounts--;
    memmove(m, m + 1, (size_t)(&mount[mounts] - m) * sizeof *m);
    changed();
}

static int is_dead(const struct mount *m)
{
    struct atm_result r = atm_handle_info(m->handle);
    return r.status < 0 || r.r[0] == KIND_NONE;
}

/* ---- requests ---- */

static void dead_remove(void)
{
    for (uint32_t i = mounts; i > 0; i--)
        if (is_dead(&mount[i - 1]))
            mount_remove(&mount[i - 1]);
}

/* Puts entries from first on into the page, as many as fit; its bytes. */
static size_t page_fill(struct names_page *page, uint64_t first)
{
    size_t used = 0;
    *page = (struct names_page){mounts, 0, {0}};
    for (uint64_t i = first; i < mounts; i++) {
        size_t bytes = strlen(mount[i].path) + 1;
        if (used + 8 + bytes > sizeof page->text)
            break;
        memcpy(page->text + used, &mount[i].number, 8);
        memcpy(page->text + used + 8, mount[i].path, bytes);
        used += 8 + bytes;
        page->here++;
    }
    return offsetof(struct names_page, text) + used;
}

static uint64_t do_table(struct message *m)
{
    struct names_page page;
    uint64_t first = 0;
    message_get(m, &first, sizeof first);
    if (m->w[0] != version)
        dead_remove();
    uint64_t words = message_put(m->w, &page, page_fill(&page, m->w[0] == version ? mounts : first));
    m->w[0] = version;
    return TAG(0, words, 0);
}

static uint64_t do_handle(const struct message *m)
{
    const struct mount *found = mount_numbered(m->w[0]);
    if (found == NULL)
        return TAG(ENOENT, 0, 0);
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, found->handle,
                                               RIGHT_SEND | RIGHT_GRANT | RIGHT_COPY, m->badge * 2};
    return TAG(0, 0, 1);
}

static uint64_t do_gone(const struct message *m)
{
    struct mount *found = mount_numbered(m->w[0]);
    if (found != NULL && is_dead(found))
        mount_remove(found);
    return TAG(0, 0, 0);
}

static void items_drop(const struct message *m)
{
    for (uint64_t i = 0; i < TAG_ITEMS(m->tag); i++)
        atm_handle_close(atm_message()->item[i].value); /* handles: pages are not taken */
}

static int do_bind(const char *path, const char *mounted)
{
    const struct mount *found = mount_find(mounted);
    if (found == NULL)
        return EINVAL;
    struct atm_result r = atm_handle_copy(0, found->handle, RIGHTS_ALL, 0);
    if (r.status < 0)
        return ENFILE;
    int error = mount_add(path, r.r[0]);
    if (error != 0)
        atm_handle_close(r.r[0]);
    return error;
}

static int do_unmount(const char *path)
{
    struct mount *found = mount_find(path);
    if (found == NULL)
        return EINVAL;
    mount_remove(found);
    return 0;
}

static int do_mount(const struct message *m, const char *path)
{
    int error = TAG_ITEMS(m->tag) != 1 ? EINVAL : EPERM;
    if (error == EPERM && m->badge == 0)
        error = mount_add(path, atm_message()->item[0].value);
    if (error != 0)
        items_drop(m);
    return error;
}

static uint64_t request(struct message *m)
{
    char text[MESSAGE_TEXT_MAX + 2] = {0}; /* two strings, and both end */
    uint64_t label = TAG_LABEL(m->tag);
    if (label == NAMES_TABLE)
        return do_table(m);
    message_get(m, text, MESSAGE_TEXT_MAX);
    if (label == NAMES_MOUNT)
        return TAG(do_mount(m, text), 0, 0);
    items_drop(m);
    if (label == NAMES_HANDLE)
        return do_handle(m);
    if (label == NAMES_GONE)
        return do_gone(m);
    if (m->badge != 0)
        return TAG(EPERM, 0, 0);
    if (label == NAMES_UNMOUNT)
        return TAG(do_unmount(text), 0, 0);
    return TAG(label == NAMES_BIND ? do_bind(text, text + strlen(text) + 1) : ENOSYS, 0, 0);
}

/* A mount of the arguments: PATH=HANDLE. Without the handle its server is not there: no device. */
static void argument_mount(const char *argument)
{
    char path[NAMES_PATH_MAX];
    size_t bytes = strcspn(argument, "=");
    const char *name = argument[bytes] == 0 ? "" : argument + bytes + 1;
    uint64_t handle = startup_handle(name);
    strlcpy(path, argument, bytes < sizeof path ? bytes + 1 : sizeof path);
    int error = handle == 0 ? 0 : mount_add(path, handle);
    if (error != 0)
        fprintf(stderr, "names: \"%s\" of its arguments is not mounted: %s\n", argument,
                errno_text(error));
}

int main(int count, char **argument)
{
    struct server server = {.endpoint = startup_handle("serve"), .message = request};
    number_last = atm_clock().r[0];
    changed();
    for (int i = 1; i < count; i++)
        argument_mount(argument[i]);
    server_run(&server);
    return 1;
}
