/* SPDX-License-Identifier: MIT */
/* Paths as text; see path.h. */
#include "lib/path.h"
#include "lib/fs.h"
#include <errno.h>
#include <string.h>

/* Takes the last part off an absolute path of so many bytes; the root is no bytes here. */
static size_t part_drop(const char *to, size_t used)
{
    while (used > 0 && to[--used] != '/')
        ;
    return used;
}

/* Puts the parts of a path behind what is there. */
static int parts_add(const char *path, char *to, size_t *used, size_t room)
{
    while (*(path += strspn(path, "/")) != 0) {
        size_t bytes = strcspn(path, "/");
        if (bytes == 2 && memcmp(path, "..", 2) == 0) {
            *used = part_drop(to, *used);
        } else if (bytes != 1 || path[0] != '.') {
            if (bytes > FS_NAME_MAX || bytes + 2 > room - *used)
                return -ENAMETOOLONG;
            to[(*used)++] = '/';
            memcpy(to + *used, path, bytes);
            *used += bytes;
        }
        path += bytes;
    }
    return 0;
}

int path_absolute(const char *folder, const char *path, char *to, size_t room)
{
    size_t used = 0;
    int status = 0;
    if (path[0] == 0)
        return -ENOENT;
    if (room < 2)
        return -ENAMETOOLONG;
    if (path[0] != '/')
        status = parts_add(folder, to, &used, room);
    if (status == 0)
        status = parts_add(path, to, &used, room);
    if (status == 0 && used == 0)
        to[used++] = '/';
    to[status == 0 ? used : 0] = 0;
    return status;
}

const char *path_below(const char *folder, const char *path)
{
    size_t bytes = strcmp(folder, "/") == 0 ? 0 : strlen(folder);
    if (strncmp(folder, path, bytes) != 0 || (path[bytes] != '/' && path[bytes] != 0))
        return NULL;
    return path[bytes] == '/' ? path + bytes + 1 : path + bytes;
}

const char *path_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

int path_join(const char *folder, const char *name, char *to, size_t room)
{
    size_t bytes = strlen(folder);
    while (bytes > 0 && folder[bytes - 1] == '/')
        bytes--;
    size_t name_bytes = strlen(name);
    if (bytes + name_bytes + 2 > room)
        return -ENAMETOOLONG;
    memcpy(to, folder, bytes);
    to[bytes] = '/';
    memcpy(to + bytes + 1, name, name_bytes + 1);
    return 0;
}
