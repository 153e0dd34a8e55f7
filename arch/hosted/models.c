/* SPDX-License-Identifier: MIT */
/*
 * The devices the command line asks for: opens their files, puts them on the bus, and lets those that work later work
 * between two runs of the guest. Without any there is no bus. A mistake ends the program with a message.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/native.h"
#include "arch/hosted/network.h"
#include "arch/hosted/virtio_9p.h"
#include "arch/hosted/virtio_blk.h"
#include "arch/hosted/virtio_rng.h"

#define SHARE_TAG "share" /* as in scripts/qemu */

static uint64_t random_state;

static _Noreturn void refuse(const char *option, const char *name, const char *why)
{
    fprintf(stderr, "atmos-hosted: %s \"%s\": %s\n", option, name, why);
    exit(2);
}

/* splitmix64 */
static uint64_t random_next(void)
{
    uint64_t z = random_state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

/* A run in logical time can be repeated exactly, so its random numbers come from the seed. */
static void random_fill(void *to, size_t bytes)
{
    uint8_t *at = to;

    while (bytes > 0) {
        uint64_t value = random_next();
        size_t n = bytes < sizeof value ? bytes : sizeof value;
        ssize_t got = options.real_time ? getrandom(at, bytes, 0) : 0;

        if (got > 0) {
            n = (size_t)got;
        } else {
            memcpy(at, &value, n);
        }
        at += n;
        bytes -= n;
    }
}

/* ---- disks ---- */

/* The locks are QEMU's: a byte of the file stands for each thing somebody does with it, and 100 further for each that he
   allows nobody else. So both keep off what the other writes. */
#define LOCK_READS 100
#define LOCK_WRITES 101
#define LOCK_NO_WRITER 201
#define LOCK_ALL 200 /* bytes from LOCK_READS */

static bool lock(int fd, int command, short type, off_t first, off_t bytes)
{
    struct flock l = {.l_type = type, .l_whence = SEEK_SET, .l_start = first, .l_len = bytes};

    return fcntl(fd, command, &l) == 0 && (command != F_OFD_GETLK || l.l_type == F_UNLCK);
}

static bool disk_lock(int fd, bool read_only)
{
    if (!read_only) {
        return lock(fd, F_OFD_SETLK, F_WRLCK, LOCK_READS, LOCK_ALL);
    }
    return lock(fd, F_OFD_GETLK, F_WRLCK, LOCK_WRITES, 1) &&
           lock(fd, F_OFD_SETLK, F_RDLCK, LOCK_READS, 1) &&
           lock(fd, F_OFD_SETLK, F_RDLCK, LOCK_NO_WRITER, 1);
}

static int disk_open(const char *file, bool read_only)
{
    int fd = open(file, (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);

    if (fd < 0) {
        refuse("--disk", file, strerror(errno));
    }
    if (!disk_lock(fd, read_only)) {
        refuse("--disk", file, "another program uses this disk image; share it with FILE,ro");
    }
    return fd;
}

static void disk_start(const char *file, bool read_only)
{
    int fd = disk_open(file, read_only);
    const char *slash = strrchr(file, '/');
    struct stat status;
    off_t bytes;

    if (fstat(fd, &status) != 0 || (!S_ISREG(status.st_mode) && !S_ISBLK(status.st_mode))) {
        refuse("--disk", file, "a disk is a file or a block device");
    }
    bytes = lseek(fd, 0, SEEK_END);
    if (bytes < (off_t)DISK_SECTOR) {
        refuse("--disk", file,
               "it has less than one sector of 512 bytes; make it with truncate -s 64M FILE");
    }
    if (disk_add(fd, (uint64_t)bytes / DISK_SECTOR, read_only, slash == NULL ? file : slash + 1,
                 options.seeded) == NULL) {
        refuse("--disk", file, "no PCI slot or memory is left for it");
    }
}

/* ---- the shared folder ---- */

static void share_start(const char *folder, bool read_only)
{
    struct share *share = share_open(folder, read_only);

    if (share == NULL) {
        refuse("--share", folder, strerror(errno));
    }
    if (!ninep_add(share, SHARE_TAG)) {
        refuse("--share", folder, "no PCI slot is left for it");
    }
}

/* ---- all ---- */

bool models_exist(void)
{
    return options.disks > 0 || options.share.file != NULL || options.rng || network_options.on;
}

void models_start(void)
{
    random_state = options.seed;
    if (options.lie != NULL && !lie_start(options.lie, options.seed)) {
        refuse("--lie", options.lie, "--help lists the kinds of lies");
    }
    if (models_exist()) {
        pci_start();
        (void)rng_add(random_fill);
    }
    if (options.share.file != NULL) {
        share_start(options.share.file, options.share.read_only);
    }
    for (uint32_t i = 0; i < options.disks; i++) {
        disk_start(options.disk[i].file, options.disk[i].read_only);
    }
}

bool models_poll(void)
{
    bool stormy = lie_poll();

    return (options.seeded && disks_poll(random_next())) || stormy;
}
