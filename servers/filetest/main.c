/* SPDX-License-Identifier: MIT */
/*
 * Exercises a file server as its clients can:
 *
 *   filetest work FILE RECORDS [SEED]   writes records in random pieces and syncs now and then; what was
 *                                       synced has to be there ever after, whichever server is killed.
 *                                       A line a sync says how many are synced, and how many syncs had
 *                                       to be done again as an error was told
 *   filetest verify FILE RECORDS SEED   these have to be there
 *   filetest repeat FILE RECORDS [SEED [MS]]   writes, syncs and reads records of one open file, over and over,
 *                                       with so many milliseconds in between. Where the file system
 *                                       cannot keep them, an error has to be told, and it begins again
 *   filetest look FILE                  reads the mount table and the file, over and over: always the same
 *   filetest sessions FOLDER            takes all sessions it can get, and ends without closing them
 *   filetest hostile FOLDER ROUNDS [SEED]   calls with any labels, words, items and messages; the server
 *                                       has to go on serving those who behave. FOLDER "names": the
 *                                       name service
 */
#include "lib/memory.h"
#include "lib/startup.h"
#include "lib/vfs_local.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECORD 512u
#define SYNC_RECORDS 16u
#define LOOKS 8u /* between two lines of look: a line is a test's time to kill something */
#define MS_NS 1000000u
#define PATIENCE 1000 /* tries of one record; a server is restarted less often than that */

static uint64_t seed;

static uint64_t random_next(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static int failed(const char *what, int64_t error)
{
    printf("filetest: %s: %s\n", what, errno_text((long)error));
    return 1;
}

/* ---- work ---- */

/* The bytes of a record depend on its number and the seed of the run alone. */
static void record_make(uint64_t run, uint64_t number, unsigned char *to)
{
    uint64_t x = run * 0x9e3779b97f4a7c15u + number * 0xbf58476d1ce4e5b9u + 1;
    for (unsigned i = 0; i < RECORD; i += 8) {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        memcpy(to + i, &x, 8);
    }
}

/* Writes a record in two pieces; told errors of a lost server are met by doing it again. */
static int record_write(int file, uint64_t run, uint64_t number)
{
    unsigned char record[RECORD];
    uint64_t cut = random_next() % (RECORD + 1);
    record_make(run, number, record);
    int64_t n = vfs_pwrite(file, record, cut, number * RECORD);
    if (n == (int64_t)cut)
        n = vfs_pwrite(file, record + cut, RECORD - cut, number * RECORD + cut);
    return n < 0 ? (int)n : n == (int64_t)(RECORD - cut) ? 0 : -ENOSPC;
}

static int is_lost(int error) { return error == -EREMOTEIO || error == -EIO || error == -ESTALE; }

/* Opens the file, anew if need be. */
static int file_open(const char *path)
{
    int file = -EIO;
    for (int i = 0; i < PATIENCE && file < 0; i++)
        file = vfs_open(path, VFS_READ_WRITE | VFS_CREATE, 0644);
    return file;
}

/* Writes records [first, end) and syncs, again until the sync covers them. *file may be opened anew. */
static int batch(const char *path, int *file, uint64_t run, uint64_t first, uint64_t end,
                 unsigned *again)
{
    int error = -EIO;
    for (int i = 0; i < PATIENCE; i++) {
        error = 0;
        for (uint64_t n = first; n < end && error == 0; n++)
            error = record_write(*file, run, n);
        if (error == 0)
            error = vfs_fsync(*file);
        if (!is_lost(error))
            return error;
        ++*again;
        printf("filetest: %s: done again: %s\n", path, errno_text(error));
        vfs_close(*file);
        *file = file_open(path);
        if (*file < 0)
            return *file;
    }
    return error;
}

/* Reads records [first, end) and compares. */
static int verify(const char *path, uint64_t run, uint64_t first, uint64_t end)
{
    unsigned char want[RECORD], have[RECORD];
    int file = file_open(path);
    if (file < 0)
        return failed(path, file);
    for (uint64_t n = first; n < end; n++) {
        int64_t got = vfs_pread(file, have, RECORD, n * RECORD);
        record_make(run, n, want);
        if (got != RECORD || memcmp(want, have, RECORD) != 0) {
            printf("filetest: record %lu, which was synced, is lost (%ld bytes of it)\n", n,
                   (long)got);
            return 1;
        }
    }
    vfs_close(file);
    return 0;
}

static int work(const char *path, uint64_t records)
{
    uint64_t run = seed, syncs = 0;
    unsigned again = 0;
    int file = file_open(path);
    if (file < 0)
        return failed(path, file);
    for (uint64_t at = 0; at < records; syncs++) {
        uint64_t more = 1 + random_next() % SYNC_RECORDS;
        uint64_t end = at + more < records ? at + more : records;
        int error = batch(path, &file, run, at, end, &again);
        if (error != 0)
            return failed(path, error);
        uint64_t from = random_next() % (at + 1);
        if (verify(path, run, from, from + 8 < end ? from + 8 : end) != 0)
            return 1;
        printf("filetest: %s: %lu of %lu, again %u\n", path, end, records, again);
        at = end;
    }
    vfs_close(file);
    if (verify(path, run, 0, records) != 0)
        return 1;
    printf("filetest: %lu records in %lu syncs, %u of them done again: all are there\n", records,
           syncs, again);
    return 0;
}

/* ---- repeat and look ---- */

/* Writes all records of a run and reads them back, without closing the file. 0, an error that was
   told, or 1: it is not what was written. */
static int round_do(int file, uint64_t run, uint64_t records)
{
    unsigned char want[RECORD], have[RECORD];
    int error = 0;
    for (uint64_t n = 0; n < records && error == 0; n++)
        error = record_write(file, run, n);
    if (error == 0)
        error = vfs_fsync(file);
    for (uint64_t n = 0; n < records && error == 0; n++) {
        int64_t got = vfs_pread(file, have, RECORD, n * RECORD);
        record_make(run, n, want);
        if (got < 0)
            error = (int)got;
        else if (got != RECORD || memcmp(want, have, RECORD) != 0)
            return 1;
    }
    return error;
}

static int repeat(const char *path, uint64_t records, uint64_t pause_ns)
{
    uint64_t sleeps = atm_endpoint_create(0).r[0];
    for (uint64_t n = 1;; n++) {
        int file = file_open(path);
        int error = file < 0 ? file : round_do(file, random_next(), records);
        if (error == 1)
            printf("filetest: %s: round %lu reads what it did not write\n", path, n);
        if (error == 1 || (error != 0 && !is_lost(error)))
            return error == 1 ? 1 : failed(path, error);
        vfs_close(file);
        if (error != 0)
            printf("filetest: %s: begun again: %s\n", path, errno_text(error));
        printf("filetest: %s: round %lu\n", path, n);
        if (pause_ns != 0)
            (void)atm_receive_until(sleeps, atm_clock().r[0] + pause_ns);
    }
}

static int look(const char *path)
{
    struct vfs_image first, image;
    int64_t error = vfs_load(path, &first);
    for (uint64_t n = 1; error == 0; n++) {
        error = vfs_table_read();
        if (error == 0)
            error = vfs_load(path, &image);
        if (error != 0)
            break;
        if (image.bytes != first.bytes || memcmp(image.data, first.data, first.bytes) != 0) {
            printf("filetest: %s: it is another file now\n", path);
            return 1;
        }
        vfs_unload(&image);
        if (n % LOOKS == 0)
            printf("filetest: %s: round %lu\n", path, n / LOOKS);
    }
    return failed(path, error);
}

/* ---- sessions ---- */

static struct vfs_connection *connection_of(const char *path)
{
    struct vfs_connection *c;
    const char *rest;
    struct fs_attr attr;
    int error = vfs_stat(path, &attr); /* which connects */
    if (error == 0)
        error = vfs_connection_find(path, &c, &rest);
    if (error != 0)
        failed(path, error);
    return error == 0 ? c : NULL;
}

/* Opens one more session with pages of its own at va; the answer's label. */
static uint64_t session_open(const struct vfs_connection *c, uint64_t alive, uint64_t va)
{
    struct atm_message *page = atm_message();
    if (memory_map(0, va, 1, PAGE_READ | PAGE_WRITE) != 0)
        return ENOMEM;
    page->item[0] = (struct atm_item){ITEM_HANDLE, alive, RIGHT_SIGNAL, 0};
    page->item[1] = (struct atm_item){ITEM_PAGE, va, PAGE_READ | PAGE_WRITE, 0};
    struct atm_result r = atm_call(c->handle, TAG(FS_OPEN, 0, 2), 0, 0, 0, 0);
    return r.status < 0 ? EIO : TAG_LABEL(r.r[1]);
}

static int sessions(const char *path)
{
    const struct vfs_connection *c = connection_of(path);
    uint64_t window = window_open(), label = 0;
    unsigned got = 0;
    if (c == NULL)
        return 1;
    uint64_t alive = atm_endpoint_create(0).r[0];
    while (got < WINDOW_PAGES && (label = session_open(c, alive, window + got * PAGE_SIZE)) == 0)
        got++;
    printf("filetest: %u sessions more, then: %s\n", got, errno_text((long)label));
    return got > 0 && label == EUSERS ? 0 : 1;
}

/* ---- hostile ---- */

/* Random items: own pages (some read-only), handles of any number. */
static uint64_t items_make(uint64_t window, uint64_t alive)
{
    uint64_t items = random_next() % (MESSAGE_ITEMS_MAX + 1);
    for (uint64_t i = 0; i < items; i++) {
        uint64_t rights = random_next() % 4 == 0 ? PAGE_READ : PAGE_READ | PAGE_WRITE;
        uint64_t page = window + random_next() % 4 * PAGE_SIZE;
        atm_message()->item[i] = random_next() % 3 == 0
                                     ? (struct atm_item){ITEM_HANDLE, alive, RIGHT_SIGNAL, 0}
                                     : (struct atm_item){ITEM_PAGE, page, rights, 0};
    }
    return items;
}

/* Words that often name a session of this program. */
static uint64_t word_make(uint64_t session)
{
    switch (random_next() % 4) {
    case 0:
        return session;
    case 1:
        return random_next() % 5000;
    case 2:
        return random_next();
    default:
        return session + random_next() % 4;
    }
}

/* A message that begins well and goes on at random. */
static void garbage_make(unsigned char *to, uint64_t bytes)
{
    for (uint64_t i = 0; i < 200; i++)
        to[i] = (unsigned char)(random_next() % 3 == 0 ? random_next() : 0);
    memcpy(to, &bytes, 4);
    to[4] = (unsigned char)(random_next() % 64 * 2);
}

/* What a message has behind its registers: text with paths and zeros in it. */
static void text_make(void)
{
    char *text = (char *)&atm_message()->word[REGISTER_WORDS];
    for (size_t i = 0; i < (MESSAGE_WORDS_MAX - REGISTER_WORDS) * 8; i++)
        text[i] = "/tmpdisk\0\0"[random_next() >> 32 & 7];
}

static int hostile(const char *path, uint64_t rounds)
{
    int is_names = strcmp(path, "names") == 0;
    struct vfs_connection *c = connection_of(is_names ? "/tmp" : path);
    uint64_t window = window_open(), answered = 0;
    if (c == NULL || memory_map(0, window, 4, PAGE_READ | PAGE_WRITE) != 0)
        return 1;
    uint64_t alive = atm_endpoint_create(0).r[0];
    for (uint64_t i = 0; i < rounds; i++) {
        uint64_t bytes = 7 + random_next() % 100;
        garbage_make(c->client.buffer, bytes);
        uint64_t tag = TAG(random_next() % 8, random_next() % 64,
                           random_next() % 3 == 0 ? items_make(window, alive) : 0);
        if (random_next() % 2 == 0)
            tag = TAG(FS_CALL, 2, 0);
        text_make();
        struct atm_result r =
            atm_call(is_names ? vfs_names() : c->handle, tag, word_make(c->session),
                     random_next() % 4 == 0 ? random_next() : bytes, 0, 0);
        answered += r.status == 0;
        for (uint64_t k = 0; r.status == 0 && k < TAG_ITEMS(r.r[1]); k++)
            atm_handle_close(atm_message()->item[k].value);
    }
    struct fs_attr attr;
    c->session = 0; /* it may have closed its own */
    int error = vfs_stat(is_names ? "/tmp" : path, &attr);
    printf("filetest: %lu calls, %lu answered; then: %s\n", rounds, answered, errno_text(error));
    return error != 0 && error != -EUSERS;
}

int main(int count, char **word)
{
    const char *deed = count > 2 ? word[1] : "";
    uint64_t number = count > 3 ? strtoul(word[3], NULL, 0) : 0;
    seed = count > 4 ? strtoul(word[4], NULL, 0) | 1 : atm_clock().r[0] | 1;
    if (count > 3)
        printf("filetest: seed %lu\n", seed);
    if (count > 3 && strcmp(deed, "work") == 0)
        return work(word[2], number);
    if (count > 4 && strcmp(deed, "verify") == 0)
        return verify(word[2], seed, 0, number) != 0 ? 1 : printf("filetest: all are there\n") < 0;
    if (count > 3 && strcmp(deed, "repeat") == 0)
        return repeat(word[2], number, count > 5 ? strtoul(word[5], NULL, 0) * MS_NS : 0);
    if (count > 3 && strcmp(deed, "hostile") == 0)
        return hostile(word[2], number);
    if (count == 3 && strcmp(deed, "look") == 0)
        return look(word[2]);
    if (count == 3 && strcmp(deed, "sessions") == 0)
        return sessions(word[2]);
    printf(
        "usage: filetest work FILE RECORDS [SEED] | verify FILE RECORDS SEED | repeat FILE RECORDS "
        "[SEED [MS]] | look FILE | sessions FOLDER | hostile FOLDER ROUNDS [SEED]\n");
    return 2;
}
