/* SPDX-License-Identifier: MIT */
/* Damaged disk images, see image.h. */
#include "fuzz/image.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES 4
#define PAGES 96u
#define PAGE 4096u
#define CHUNK 16u /* what is not zero is found in chunks of that many bytes */
#define PATCHES_MAX 64u
#define DEPTH_MAX 6u
#define ENTRIES_MAX 24u /* looked at in a folder */
#define OPERATIONS_MAX 100u

static struct image {
    uint8_t *good, *bytes;
    size_t size;
    uint32_t *chunk; /* places of the chunks with content */
    uint32_t chunks;
} images[IMAGES];
static struct image *now;
static struct block_device device;
static uint8_t buffer[PAGES * PAGE];
static uint8_t data_buffer[70000];

static void check(int condition)
{
    if (!condition)
        abort();
}

static void chunks_find(struct image *image)
{
    static const uint8_t zero[CHUNK];
    image->chunks = 0;
    for (size_t at = 0; at < image->size; at += CHUNK)
        if (memcmp(image->good + at, zero, CHUNK) != 0)
            image->chunk[image->chunks++] = (uint32_t)at;
}

void image_keep(int image)
{
    memcpy(images[image].good, images[image].bytes, images[image].size);
    chunks_find(&images[image]);
}

int image_load(const char *name)
{
    static int loaded;
    struct image *image = &images[loaded];
    char path[64];
    check(loaded < IMAGES);
    snprintf(path, sizeof path, "build/fuzz/%s", name);
    FILE *file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr,
                "there is no %s: run make fuzz-build, and this from the folder it was run in\n",
                path);
        exit(1);
    }
    image->size = (size_t)ftell(file);
    rewind(file);
    image->good = malloc(image->size);
    image->bytes = malloc(image->size);
    image->chunk = calloc(image->size / CHUNK, sizeof *image->chunk);
    check(fread(image->good, 1, image->size, file) == image->size);
    fclose(file);
    chunks_find(image);
    return loaded++;
}

static int transfer(struct block_device *d, struct block_request *request, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct block_request *r = &request[i];
        size_t bytes = (size_t)r->sectors * BLOCK_SECTOR, place = (size_t)r->page * PAGE + r->offset;
        check(r->sectors > 0 && r->sector < d->sectors && r->sectors <= d->sectors - r->sector);
        check(place + bytes <= sizeof buffer);
        if (r->write)
            memcpy(now->bytes + r->sector * BLOCK_SECTOR, buffer + place, bytes);
        else
            memcpy(buffer + place, now->bytes + r->sector * BLOCK_SECTOR, bytes);
        r->status = 0;
    }
    return 0;
}

static int flush(struct block_device *d)
{
    (void)d;
    return 0;
}

/* A patch is the number of a chunk, a place in it and how many bytes, and the bytes. */
struct block_device *image_damage(int image, const uint8_t **data, size_t *size)
{
    now = &images[image];
    memcpy(now->bytes, now->good, now->size);
    size_t patches = *size > 0 ? **data % PATCHES_MAX : 0;
    *data += *size > 0;
    *size -= *size > 0;
    for (; patches > 0 && *size >= 4; patches--) {
        const uint8_t *d = *data;
        size_t at = now->chunk[(d[0] | (uint32_t)d[1] << 8) % now->chunks] + d[2] % CHUNK,
               bytes = 1 + d[2] / CHUNK;
        *data += 3;
        *size -= 3;
        bytes = bytes < *size ? bytes : *size;
        bytes = bytes < now->size - at ? bytes : now->size - at;
        memcpy(now->bytes + at, *data, bytes);
        *data += bytes;
        *size -= bytes;
    }
    memset(buffer, 0, sizeof buffer);
    device = (struct block_device){.sectors = now->size / BLOCK_SECTOR,
                                   .can_flush = 1,
                                   .buffer = buffer,
                                   .pages = PAGES,
                                   .transfer = transfer,
                                   .flush = flush};
    return &device;
}

/* Reads all there is under a folder, as deep and as far as the limits go. */
static void visit(const struct fs_ops *ops, void *fs, uint64_t folder, uint32_t depth)
{
    struct fs_entry entry = {.next = 0};
    struct fs_attr attr;
    uint64_t node;
    uint32_t done;
    for (uint32_t i = 0; i < ENTRIES_MAX && ops->readdir(fs, folder, entry.next, &entry) == 0; i++) {
        check(entry.name[0] != 0 && memchr(entry.name, 0, sizeof entry.name) != NULL);
        check(strchr(entry.name, '/') == NULL && entry.next != 0);
        if (ops->lookup(fs, folder, entry.name, &node) != 0)
            continue;
        check(node != 0);
        if (ops->getattr(fs, node, &attr) == 0 && S_ISDIR(attr.mode) && depth < DEPTH_MAX)
            visit(ops, fs, node, depth + 1);
        if (ops->read(fs, node, 0, data_buffer, sizeof data_buffer, &done) == 0)
            check(done <= sizeof data_buffer);
        if (ops->readlink != NULL && ops->readlink(fs, node, (char *)data_buffer, 100, &done) == 0)
            check(done <= 100);
        ops->forget(fs, node);
    }
}

/* The n-th entry's name; a new one when there is none. */
static void entry_name(const struct fs_ops *ops, void *fs, uint64_t folder, uint32_t n,
                       char name[FS_NAME_MAX + 1])
{
    struct fs_entry entry = {.next = 0};
    strcpy(name, "new name");
    for (uint32_t i = 0; i <= n && ops->readdir(fs, folder, entry.next, &entry) == 0; i++)
        if (i == n)
            memcpy(name, entry.name, sizeof entry.name);
}

static void change(const struct fs_ops *ops, void *fs, uint64_t folder, const uint8_t d[4])
{
    struct fs_attr attr = {.size = (uint64_t)d[2] << (d[3] % 34), .mode = d[3], .mtime = d[2]};
    char name[FS_NAME_MAX + 1];
    uint64_t node = 0, other = 0;
    uint32_t done;
    entry_name(ops, fs, folder, d[1] % 32, name);
    switch (d[0] % 8) {
    case 0:
        if (ops->create(fs, folder, d[1] & 1 ? "made" : name,
                        d[2] & 1 ? S_IFDIR | 0755 : S_IFREG | 0644, &node) == 0)
            ops->forget(fs, node);
        break;
    case 1:
        (void)ops->remove(fs, folder, name, d[2] & 1);
        break;
    case 2:
        (void)ops->rename(fs, folder, name, folder,
                          d[2] & 1 ? "A longer name than that was" : "made");
        break;
    case 3:
        if (ops->root(fs, &other) == 0) {
            (void)ops->rename(fs, folder, name, other, d[2] & 1 ? "moved" : name);
            ops->forget(fs, other);
        }
        break;
    case 4:
        (void)ops->sync(fs, d[1] & 1);
        break;
    default:
        if (ops->lookup(fs, folder, name, &node) != 0)
            break;
        if (d[0] % 8 == 5)
            (void)ops->write(fs, node, attr.size & 0xffffff, data_buffer, d[2] * 64u, &done);
        else if (d[0] % 8 == 6)
            (void)ops->setattr(fs, node, d[1] & 7, &attr);
        else
            (void)ops->read(fs, node, attr.size, data_buffer, sizeof data_buffer, &done);
        ops->forget(fs, node);
    }
}

void image_use(const struct fs_ops *ops, void *fs, const uint8_t *data, size_t size)
{
    struct fs_space space;
    uint64_t folder = 0, next = 0;
    char name[FS_NAME_MAX + 1];
    if (ops->root(fs, &folder) != 0)
        return;
    visit(ops, fs, folder, 0);
    (void)ops->space(fs, &space);
    for (uint32_t i = 0; i < OPERATIONS_MAX && size >= 4; i++, data += 4, size -= 4) {
        if (data[0] < 224) {
            change(ops, fs, folder, data);
            continue;
        }
        entry_name(ops, fs, folder, data[1] % 32, name); /* into a folder, or up */
        if (ops->lookup(fs, folder, data[0] & 1 ? name : "..", &next) != 0)
            continue;
        ops->forget(fs, folder);
        folder = next;
    }
    visit(ops, fs, folder, 3);
    ops->forget(fs, folder);
}
