/* SPDX-License-Identifier: MIT */
/*
 * newc: each entry is a header of 110 characters (magic "070701" or "070702", then 13 numbers of
 * eight hexadecimal digits), the name with its ending 0, zeros to a multiple of 4, the data, zeros
 * to a multiple of 4. The entry TRAILER!!! ends the archive.
 */
#include "lib/cpio.h"
#include <ctype.h>
#include <string.h>

#define HEADER_BYTES 110u
#define NAME_MAX_BYTES 1024u
#define FIELD_MODE 1
#define FIELD_FILESIZE 6
#define FIELD_NAMESIZE 11

void cpio_open(struct cpio *archive, const void *data, uint64_t bytes)
{
    *archive = (struct cpio){data, bytes, 0, NULL};
}

static int digit(unsigned char c)
{
    if (isdigit(c))
        return c - '0';
    return isxdigit(c) ? tolower(c) - 'a' + 10 : -1;
}

/* Number field of a header; 0 when it is not hexadecimal, and *bad is set. */
static uint32_t field(const unsigned char *header, int number, int *bad)
{
    uint32_t value = 0;
    for (int i = 0; i < 8; i++) {
        int d = digit(header[6 + number * 8 + i]);
        *bad |= d < 0;
        value = value << 4 | (uint32_t)(d & 15);
    }
    return value;
}

static int broken(struct cpio *archive, const char *wrong)
{
    archive->wrong = wrong;
    return 0;
}

static uint64_t round_up_4(uint64_t n) { return (n + 3) & ~(uint64_t)3; }

static const char *plain_name(const char *name)
{
    while (name[0] == '/' || (name[0] == '.' && name[1] == '/'))
        name += name[0] == '/' ? 1 : 2;
    return name;
}

int cpio_next(struct cpio *archive, struct cpio_file *file)
{
    uint64_t left = archive->at < archive->bytes ? archive->bytes - archive->at : 0;
    const unsigned char *header = archive->data + archive->at;
    int bad = 0;
    if (archive->wrong != NULL)
        return 0;
    if (left < HEADER_BYTES)
        return broken(archive, "the archive ends without its trailer");
    if (memcmp(header, "070701", 6) != 0 && memcmp(header, "070702", 6) != 0)
        return broken(archive, "an entry does not begin with the newc magic number");
    uint64_t name_bytes = field(header, FIELD_NAMESIZE, &bad);
    uint64_t data_bytes = field(header, FIELD_FILESIZE, &bad);
    uint32_t mode = field(header, FIELD_MODE, &bad);
    if (bad)
        return broken(archive, "an entry's header has a digit that is not hexadecimal");
    uint64_t data_at = round_up_4(HEADER_BYTES + name_bytes);
    if (name_bytes == 0 || name_bytes > NAME_MAX_BYTES || data_at > left)
        return broken(archive, "an entry's name is empty, too long or cut off");
    if (header[HEADER_BYTES + name_bytes - 1] != 0)
        return broken(archive, "an entry's name does not end");
    if (data_bytes > left - data_at)
        return broken(archive, "a file is longer than what is left of the archive");
    const char *name = (const char *)header + HEADER_BYTES;
    if (strcmp(name, "TRAILER!!!") == 0)
        return 0;
    *file = (struct cpio_file){plain_name(name), header + data_at, data_bytes, mode};
    archive->at += round_up_4(data_at + data_bytes);
    return 1;
}

int cpio_find(const void *data, uint64_t bytes, const char *name, struct cpio_file *file)
{
    struct cpio archive;
    cpio_open(&archive, data, bytes);
    name = plain_name(name);
    while (cpio_next(&archive, file))
        if (strcmp(file->name, name) == 0)
            return 1;
    return 0;
}
