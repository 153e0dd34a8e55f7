/* SPDX-License-Identifier: MIT */
/* A disk of tests, see disk.h. */
#include "tests/unit/disk.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define PAGE 4096u
#define CACHE_PAGES 256u

static int request_run(struct disk *disk, struct block_request *r)
{
    uint64_t bytes = (uint64_t)r->sectors * BLOCK_SECTOR;
    unsigned char *place = disk->device.buffer + (size_t)r->page * PAGE + r->offset;
    assert_true(r->sectors > 0 && r->sectors <= BLOCK_SECTORS_MAX);
    assert_true(r->sector < disk->device.sectors && r->sectors <= disk->device.sectors - r->sector);
    assert_true((uint64_t)r->page * PAGE + r->offset + bytes <= (uint64_t)disk->device.pages * PAGE);
    assert_false(r->write && disk->device.read_only);
    disk->unsorted += r->sector < disk->last;
    disk->last = r->sector;
    if (disk->fail_all)
        return EIO;
    if (disk->fail_sector >= r->sector && disk->fail_sector - r->sector < r->sectors &&
        (r->write || !disk->fail_writes_only))
        return EIO;
    if (!r->write) {
        disk->reads++;
        memcpy(place, disk->bytes + r->sector * BLOCK_SECTOR, bytes);
        return 0;
    }
    disk->writes++;
    if (disk->keep == 0)
        return 0;
    disk->keep -= disk->keep != UINT64_MAX;
    memcpy(disk->bytes + r->sector * BLOCK_SECTOR, place, bytes);
    return 0;
}

static int transfer(struct block_device *device, struct block_request *request, unsigned count)
{
    int error = 0;
    ((struct disk *)device)->transfers++;
    ((struct disk *)device)->last = 0;
    for (unsigned i = 0; i < count; i++) {
        request[i].status = request_run((struct disk *)device, &request[i]);
        if (error == 0)
            error = request[i].status;
    }
    return error;
}

static int flush(struct block_device *device)
{
    struct disk *disk = (struct disk *)device;
    disk->flushes++;
    return disk->fail_flush ? EIO : 0;
}

static int discard(struct block_device *device, uint64_t sector, uint64_t sectors)
{
    (void)device, (void)sector, (void)sectors;
    return EOPNOTSUPP;
}

void disk_from(struct disk *disk, const void *bytes, uint64_t size, uint32_t cache_pages)
{
    memset(disk, 0, sizeof *disk);
    disk->size = size;
    disk->bytes = malloc(size);
    disk->keep = disk->fail_sector = UINT64_MAX;
    memcpy(disk->bytes, bytes, size);
    disk->device = (struct block_device){.sectors = size / BLOCK_SECTOR,
                                         .can_flush = 1,
                                         .buffer = calloc(cache_pages, PAGE),
                                         .pages = cache_pages,
                                         .transfer = transfer,
                                         .flush = flush,
                                         .discard = discard};
}

static void image_read(struct disk *disk)
{
    FILE *file = fopen(disk->path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(disk->bytes, 1, disk->size, file), disk->size);
    fclose(file);
}

static void image_write(const struct disk *disk)
{
    FILE *file = fopen(disk->path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(disk->bytes, 1, disk->size, file), disk->size);
    assert_int_equal(fclose(file), 0);
}

/* Runs the command on the image's file; output goes beside it. */
static int command_run(const struct disk *disk, const char *command)
{
    char line[1024], whole[1200];
    snprintf(line, sizeof line, command, disk->path); /* NOLINT: the tests' own texts */
    snprintf(whole, sizeof whole, "PATH=$PATH:/sbin:/usr/sbin; { %s; } >%s.out 2>&1", line,
             disk->path);
    int status = system(whole);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void output_print(const struct disk *disk)
{
    char path[80], line[256];
    snprintf(path, sizeof path, "%s.out", disk->path);
    FILE *file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        print_message("# %s", line);
    if (file != NULL)
        fclose(file);
}

void disk_make(struct disk *disk, uint64_t size, const char *command)
{
    void *zeros = calloc(1, size);
    disk_from(disk, zeros, size, CACHE_PAGES);
    free(zeros);
    strcpy(disk->path, "/tmp/atmos-disk-XXXXXX");
    int fd = mkstemp(disk->path);
    assert_true(fd >= 0);
    close(fd);
    if (disk_command(disk, command, 1) != 0) {
        output_print(disk);
        fail_msg("cannot make a disk: %s", command);
    }
}

void disk_free(struct disk *disk)
{
    char path[80];
    if (disk->path[0] != 0) {
        snprintf(path, sizeof path, "%s.out", disk->path);
        unlink(path);
        unlink(disk->path);
    }
    free(disk->bytes);
    free(disk->device.buffer);
}

int disk_command(struct disk *disk, const char *command, int again)
{
    image_write(disk);
    int status = command_run(disk, command);
    if (again)
        image_read(disk);
    return status;
}

void disk_check(struct disk *disk, const char *command)
{
    int status = disk_command(disk, command, 0);
    if (status == 0)
        return;
    output_print(disk);
    fail_msg("%s gives status %d", command, status);
}

uint64_t random_next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state * 0x2545f4914f6cdd1du >> 16;
}

uint64_t random_seed(void)
{
    const char *text = getenv("SEED");
    uint64_t seed = text == NULL ? 20260101u : strtoull(text, NULL, 0);
    print_message("# seed %llu (SEED=n for another)\n", (unsigned long long)seed);
    return seed * 2 + 1;
}
