/* SPDX-License-Identifier: MIT */
/*
 * The Linux guest's side of `make bench-io`: time of 4 KiB requests on a disk, in nanoseconds, printed in the same rows
 * as `disktest bench` of our own system prints them. Past the page cache (O_DIRECT) and by Linux's own asynchronous
 * interface, so that as many requests are in flight as the row says: a finished one is replaced at once.
 *
 *     linux_disk DEVICE
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define BLOCK 4096u
#define BLOCKS 1024u /* of the disk that are used: as many as disktest uses */
#define REQUESTS 2048u
#define DEPTH_MAX 32u

static int disk;
static unsigned char *buffer;
static uint64_t state = 3;

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static void submit(aio_context_t queue, unsigned slot, int write, uint64_t block)
{
    struct iocb request = {.aio_data = slot,
                           .aio_lio_opcode = write ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD,
                           .aio_fildes = (uint32_t)disk,
                           .aio_buf = (uint64_t)(uintptr_t)(buffer + slot * BLOCK),
                           .aio_nbytes = BLOCK,
                           .aio_offset = (int64_t)(block * BLOCK)};
    struct iocb *list[1] = {&request};
    if (syscall(SYS_io_submit, queue, 1, list) != 1)
        fail("io_submit");
}

static void row(int write, int random, unsigned depth)
{
    struct io_event done[DEPTH_MAX];
    aio_context_t queue = 0;
    uint64_t sent = 0, finished = 0;
    if (syscall(SYS_io_setup, DEPTH_MAX, &queue) != 0)
        fail("io_setup");
    uint64_t begin = now();
    for (; sent < depth; sent++)
        submit(queue, (unsigned)sent, write, (random ? random_next() >> 16 : sent) % BLOCKS);
    while (finished < REQUESTS) {
        long count = syscall(SYS_io_getevents, queue, 1, DEPTH_MAX, done, NULL);
        for (long i = 0; i < count; i++, finished++) {
            if (done[i].res != BLOCK)
                fail("a request");
            if (sent < REQUESTS) {
                submit(queue, (unsigned)done[i].data, write,
                       (random ? random_next() >> 16 : sent) % BLOCKS);
                sent++;
            }
        }
    }
    printf("%-10s %-5s depth %2u  %8lu\n", random ? "random" : "sequential",
           write ? "write" : "read", depth, (unsigned long)((now() - begin) / REQUESTS));
    syscall(SYS_io_destroy, queue);
}

int main(int argc, char **argv)
{
    disk = open(argc > 1 ? argv[1] : "/dev/vda", O_RDWR | O_DIRECT);
    if (disk < 0)
        fail(argc > 1 ? argv[1] : "/dev/vda");
    if (posix_memalign((void **)&buffer, BLOCK, DEPTH_MAX * BLOCK) != 0)
        return 1;
    memset(buffer, 0x5a, DEPTH_MAX * BLOCK);
    for (int write = 0; write < 2; write++)
        for (int random = 0; random < 2; random++) {
            row(write, random, 1);
            row(write, random, DEPTH_MAX);
        }
    return 0;
}
