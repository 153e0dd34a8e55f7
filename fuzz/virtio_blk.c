/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the virtio-blk model and the virtio transport under a driver that does anything. The disk keeps its
 * size, and nothing outside guest memory is touched, which ASan sees. The first byte says whether the disk is read-only,
 * and whether it answers late.
 */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/hosted/virtio_blk.h"
#include "fuzz/model.h"
#include "tests/unit/virtio_guest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SECTORS 32u
#define PIECE_BYTES 4097u

/* One file for all runs: what is in it does not matter, but its size must stay. */
static int disk_file(void)
{
    static int file = -1;
    struct stat status;

    if (file < 0) {
        file = memfd_create("disk", 0);
        if (file < 0 || ftruncate(file, SECTORS * DISK_SECTOR) != 0) {
            abort();
        }
    }
    if (fstat(file, &status) != 0 || status.st_size != SECTORS * DISK_SECTOR) {
        abort();
    }
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct virtio_device *d;
    uint32_t kind;

    model_input(data, size);
    guest_clear();
    kind = model_next(1);
    d = disk_add(dup(disk_file()), SECTORS, (kind & 1u) != 0, "fuzz", (kind & 2u) != 0);
    if (d == NULL || !guest_find()) {
        abort();
    }
    (void)guest_start(0x30002200u, 1);
    while (model_more()) {
        uint32_t what = model_next(1);

        if (what % (MODEL_STEPS + 1) == MODEL_STEPS) {
            (void)disks_poll(what);
        } else {
            model_step(what % (MODEL_STEPS + 1), 1, PIECE_BYTES);
        }
        if (what >= 128) {
            guest_notify(0);
        }
    }
    disk_remove(d);
    (void)disk_file();
    return 0;
}
