/* SPDX-License-Identifier: MIT */
/*
 * Tests a disk driver from a client's place: disktest DEED DISK [SEED [ROUNDS [FIRST]]]. System tests run it
 * and read what it prints.
 *
 *   check    random batches of reads and writes against a model of what the disk holds, with flushes
 *   repeat   the same, over and over, a line a round: for drivers that are killed meanwhile
 *   attack   hostile messages, then check
 *   limits   what the driver has to refuse
 *   bench    time of 4 KiB requests, in nanoseconds
 *   count    the same in QEMU with -icount shift=0, where a nanosecond is an instruction: a thread that
 *            counts runs where nobody else would, and what it took is left out
 *
 * Sectors FIRST (0) and up are used, so that two of these can share a disk. A sector that was written
 * holds its number, how often it was written, and the seed, in each of its
 * words; one that was not holds zeros.
 */
#include "lib/block.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AREA 8192u /* sectors of the disk that are used */
#define PAGES 256u
#define BATCH 40u
#define SECTORS_MAX 40u
#define WORDS (BLOCK_SECTOR / 8)
#define ATTACKS 3000u

static struct block_device disk;
static uint32_t area;
static uint64_t area_first;    /* sector 0 of the area is this one of the disk */
static uint16_t version[AREA]; /* 0: not known, read it first */
static uint64_t seed, state;

static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t below(uint32_t bound) { return (uint32_t)(random_next() >> 16) % bound; }

_Noreturn static void fail(const char *what, int64_t number)
{
    printf("disktest: %s (%ld); seed %lu\n", what, number, seed);
    exit(1);
}

static void expect(int64_t got, int64_t wanted, const char *what)
{
    if (got != wanted)
        fail(what, got);
}

static uint64_t word_of(uint32_t sector, uint32_t number)
{
    return (uint64_t)sector << 32 | (uint64_t)number << 16 | (seed & 0xffff);
}

static uint64_t *place(const struct block_request *r, uint32_t sector)
{
    unsigned char *at = disk.buffer + (uint64_t)r->page * PAGE_SIZE + r->offset;
    return (uint64_t *)(void *)(at + (uint64_t)sector * BLOCK_SECTOR);
}

static void sectors_fill(const struct block_request *r)
{
    for (uint32_t s = 0; s < r->sectors; s++) {
        uint32_t sector = (uint32_t)r->sector + s;
        uint64_t word = word_of(sector, ++version[sector]);
        for (uint32_t i = 0; i < WORDS; i++)
            place(r, s)[i] = word;
    }
}

static void sectors_compare(const struct block_request *r)
{
    for (uint32_t s = 0; s < r->sectors; s++) {
        uint32_t sector = (uint32_t)r->sector + s;
        for (uint32_t i = 0; i < WORDS && version[sector] != 0; i++)
            if (place(r, s)[i] != word_of(sector, version[sector])) {
                printf("disktest: sector %u word %u holds %lx, not %lx\n", sector, i,
                       place(r, s)[i], word_of(sector, version[sector]));
                fail("wrong data", sector);
            }
    }
}

/* Has requests done whose sectors count from the area's first. */
static int transfer(struct block_request *r, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        r[i].sector += area_first;
    int error = disk.transfer(&disk, r, count);
    for (unsigned i = 0; i < count; i++)
        r[i].sector -= area_first;
    return error;
}

/* Ranges that do not overlap, many of them neighbours, at places that do not overlap either. */
static unsigned batch_make(struct block_request *r, uint32_t write)
{
    unsigned count = 0, most = 1 + below(BATCH);
    uint32_t sector = below(area), slot = below(64);
    while (count < most) {
        uint32_t sectors = 1 + below(below(4) == 0 ? SECTORS_MAX : 8);
        if (below(2) == 0)
            sector += below(64);
        if (sector + sectors > area || slot + sectors > PAGES * (PAGE_SIZE / BLOCK_SECTOR))
            break;
        r[count++] =
            (struct block_request){sector, sectors, write, slot / 8, slot % 8 * BLOCK_SECTOR, -1};
        sector += sectors;
        slot += sectors + below(3);
    }
    return count;
}

static uint64_t round_run(void)
{
    struct block_request r[BATCH];
    uint32_t write = below(2);
    unsigned count = batch_make(r, write);
    if (count == 0)
        return 0;
    for (unsigned i = 0; i < count; i++) {
        if (write)
            sectors_fill(&r[i]);
        else
            memset(place(&r[i], 0), 0x5a, (size_t)r[i].sectors * BLOCK_SECTOR);
    }
    expect(transfer(r, count), 0, "a transfer failed");
    for (unsigned i = 0; i < count; i++) {
        expect(r[i].status, 0, "a request failed");
        if (!write)
            sectors_compare(&r[i]);
    }
    if (below(16) == 0)
        expect(disk.flush(&disk), 0, "a flush failed");
    return count;
}

static void all_compare(void)
{
    for (uint32_t sector = 0; sector < area; sector += 64) {
        struct block_request r = {sector, area - sector < 64 ? area - sector : 64, 0, 3, 512, -1};
        expect(transfer(&r, 1), 0, "a read failed");
        sectors_compare(&r);
    }
}

static void check(uint64_t rounds)
{
    uint64_t requests = 0;
    for (uint64_t n = 0; n < rounds; n++)
        requests += round_run();
    expect(disk.flush(&disk), 0, "the last flush failed");
    all_compare();
    printf("disktest: %lu requests in %lu calls, all as they should be; seed %lu\n", requests,
           rounds, seed);
}

static void repeat(uint64_t rounds)
{
    for (uint64_t n = 1;; n++) {
        check(rounds);
        printf("disktest: round %lu\n", n);
        fflush(stdout);
    }
}

/* A message of random shape; label and words are often nearly right. */
static void attack_once(uint64_t driver, uint64_t spare)
{
    struct message m = {0};
    uint64_t words = below(MESSAGE_WORDS_MAX + 1), items = below(4) == 0 ? 1 + below(2) : 0;
    uint64_t label = below(8) == 0 ? random_next() >> 32 : 1 + below(8);
    for (uint32_t i = 0; i < MESSAGE_WORDS_MAX; i++) {
        uint64_t small = below(2 * BLOCK_BATCH);
        uint64_t what = BLOCK_WHAT(below(2) == 0 ? below(area) : random_next() >> 16,
                                   below(3) == 0 ? random_next() & 0x7fff : 1 + below(8), below(2));
        uint64_t value = below(4) == 0 ? random_next() : below(2) == 0 ? small : what;
        *(i < REGISTER_WORDS ? &m.w[i] : &atm_message()->word[i]) = value;
    }
    for (uint32_t i = 0; i < items; i++)
        atm_message()->item[i] =
            below(2) == 0 ? (struct atm_item){ITEM_HANDLE, spare, RIGHT_COPY, 0}
                          : (struct atm_item){ITEM_PAGE, (uintptr_t)disk.buffer, PAGE_READ, 0};
    m.tag = TAG(label & 0xffffffff, words, items);
    if (label == BLOCK_TRANSFER && below(2) == 0)
        m.w[0] = 1 + below(4);
    (void)message_call(driver, &m);
}

static void attack(const char *name)
{
    struct atm_result spare = atm_endpoint_create(0);
    for (uint32_t n = 0; n < ATTACKS; n++)
        attack_once(startup_handle(name), spare.r[0]);
    memory_unmap(0, (uintptr_t)disk.buffer, disk.pages, PAGE_SIZE_4K);
    block_close(&disk);
    expect(block_open(&disk, name, PAGES), 0, "the disk cannot be opened after the attack");
    check(200);
}

static int one(uint64_t sector, uint32_t sectors, uint32_t page, uint32_t offset)
{
    struct block_request r = {sector, sectors, 0, page, offset, -1};
    int error = disk.transfer(&disk, &r, 1);
    expect(r.status, error, "status and result differ");
    return error;
}

static void limits(void)
{
    struct block_request w = {0, 1, 1, 0, 0, -1};
    expect(one(disk.sectors, 1, 0, 0), EINVAL, "a sector behind the end");
    expect(one(disk.sectors - 1, 2, 0, 0), EINVAL, "a range across the end");
    expect(one(1ul << 47, 1, 0, 0), EINVAL, "a sector far behind the end");
    expect(one(1ul << 60, 1, 0, 0), EINVAL, "a sector no word holds");
    expect(one(0, 0, 0, 0), EINVAL, "no sectors");
    expect(one(0, BLOCK_SECTORS_MAX + 1, 0, 0), EINVAL, "too many sectors");
    expect(one(0, 1, disk.pages, 0), EINVAL, "a page behind the buffer");
    expect(one(0, 2, disk.pages - 1, 3584), EINVAL, "a range across the buffer's end");
    expect(one(0, 1, 0, 100), EINVAL, "an odd offset");
    expect(one(0, 1, 0, PAGE_SIZE), EINVAL, "an offset of a page");
    expect(one(disk.sectors - 1, 1, disk.pages - 1, 3584), 0, "the last sector");
    expect(one(0, disk.pages * 8, 0, 0), 0, "all of the buffer at once");
    if (disk.read_only)
        expect(disk.transfer(&disk, &w, 1), EROFS, "a write to a read-only disk");
    if (disk.can_discard && !disk.read_only) {
        expect(disk.discard(&disk, disk.sectors, 1), EINVAL, "a discard behind the end");
        expect(disk.discard(&disk, 0, 0), EINVAL, "a discard of nothing");
        expect(disk.discard(&disk, area, disk.sectors - area), 0, "a discard");
    }
    uint32_t pages = disk.pages;
    expect(disk.grow(&disk, pages + 1), EINVAL, "more pages than were spoken of");
    disk.pages_most = UINT32_MAX;
    expect(disk.grow(&disk, BLOCK_PAGES_MAX + 1), EINVAL, "more pages than any client may have");
    expect(disk.grow(&disk, pages + 5), 0, "five pages more");
    expect(disk.pages, pages + 5, "as many pages");
    expect(disk.buffer[pages * PAGE_SIZE], 0, "they are zero");
    expect(one(0, disk.pages * 8, 0, 0), 0, "all of the larger buffer at once");
    printf("disktest: %lu sectors, read-only %u, flush %u, discard %u, %u pages; limits hold\n",
           disk.sectors, disk.read_only, disk.can_flush, disk.can_discard, disk.pages);
}

/* ---- time ---- */
static volatile uint64_t idle_rounds;
#define IDLE_STACK_VA 0x330000000000u

/* Two instructions a round. */
_Noreturn static void idle_run(void)
{
    for (;;)
        __asm__ volatile("1: incq %0; jmp 1b" : "+m"(idle_rounds));
}

static void idle_begin(void)
{
    const uint64_t top = IDLE_STACK_VA + PAGE_SIZE;
    struct atm_result r = {.status = memory_map(0, IDLE_STACK_VA, 1, PAGE_READ | PAGE_WRITE)};
    if (r.status == 0)
        r = atm_thread_create(0, (uintptr_t)idle_run, top - 8, 0, SETUP(1, 0), 0);
    expect(r.status, 0, "no thread to count with");
}

static uint64_t busy_now(void) { return atm_clock().r[0] - 2 * idle_rounds; }

/* Nanoseconds a request: depth of them a call, one after the other or anywhere. */
static void bench_row(uint32_t write, unsigned depth, int random)
{
    struct block_request r[32];
    const uint32_t calls = 2048 / depth, blocks = area / 8;
    uint32_t next = 0;
    uint64_t begin = busy_now();
    for (uint32_t n = 0; n < calls; n++) {
        for (unsigned i = 0; i < depth; i++, next++)
            r[i] = (struct block_request){
                (random ? below(blocks) : next % blocks) * 8ul, 8, write, i, 0, -1};
        expect(transfer(r, depth), 0, "a transfer failed");
    }
    printf("%-10s %-5s depth %2u  %8lu\n", random ? "random" : "sequential",
           write ? "write" : "read", depth, (busy_now() - begin) / (calls * depth));
}

static void bench(void)
{
    for (uint32_t write = 0; write < 2; write++)
        for (int random = 0; random < 2; random++) {
            bench_row(write, 1, random);
            bench_row(write, 32, random);
        }
}

int main(int argc, char **argv)
{
    const char *deed = argc > 1 ? argv[1] : "", *name = argc > 2 ? argv[2] : "disk0";
    seed = argc > 3 ? strtoul(argv[3], NULL, 0) : 1;
    uint64_t rounds = argc > 4 ? strtoul(argv[4], NULL, 0) : 1000;
    area_first = argc > 5 ? strtoul(argv[5], NULL, 0) : 0;
    state = seed * 2 + 1;
    expect(block_open(&disk, name, PAGES), 0, "the disk cannot be opened");
    expect(area_first < disk.sectors, 1, "the disk ends before FIRST");
    area = disk.sectors - area_first < AREA ? (uint32_t)(disk.sectors - area_first) : AREA;
    if (strcmp(deed, "check") == 0)
        check(rounds);
    else if (strcmp(deed, "repeat") == 0)
        repeat(rounds);
    else if (strcmp(deed, "attack") == 0)
        attack(name);
    else if (strcmp(deed, "limits") == 0)
        limits();
    else if (strcmp(deed, "bench") == 0)
        bench();
    else if (strcmp(deed, "count") == 0)
        idle_begin(), bench();
    else
        fail("it knows no such deed", 0);
    block_close(&disk);
    return 0;
}
