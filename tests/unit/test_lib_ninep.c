/* SPDX-License-Identifier: MIT */
/*
 * The 9P server (lib/ninep_*.c) message by message: versions, walks, fids and their bound, what is malformed, locks,
 * what is refused; and the client against answers that lie.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "lib/ninep_client.h"
#include "lib/ninep_call.h"
#include "servers/ramfs/ramfs.h"
#include "tests/unit/disk.h"

#define FIDS 8u

static struct ramfs fs;
static struct ninep_server server;
static struct ninep_session session, second;
static unsigned char request[70000], reply[NINEP_MESSAGE_MAX];
static struct ninep_client client;

static uint64_t now(void) { return 1700000000; }

/* Serves what lies in request, from memory that is exactly as long; the answer's bytes. */
static uint32_t serve(struct ninep_session *s, uint32_t bytes)
{
    unsigned char *head = malloc(bytes + 1);
    memcpy(head, request, bytes);
    uint32_t data = bytes < NINEP_WRITE_HEAD ? bytes : NINEP_WRITE_HEAD;
    struct ninep_message m = {head, bytes, head + data, bytes};
    uint32_t answer = ninep_serve_several(s, &m, reply, sizeof reply);
    free(head);
    return answer;
}

static int exchange(struct ninep_client *c, uint32_t bytes, uint32_t *answer)
{
    memcpy(request, c->buffer, bytes);
    *answer = serve(c->context, bytes);
    memcpy(c->buffer, reply, *answer);
    return *answer == 0 ? EPROTO : 0;
}

static int setup(void **state)
{
    static unsigned char buffer[NINEP_MESSAGE_MAX];
    (void)state;
    memset(&server, 0, sizeof server);
    assert_int_equal(ramfs_start(&fs, 1 << 20, now), 0);
    server.ops = &ramfs_ops;
    server.fs = &fs;
    ninep_session_start(&session, &server, NINEP_MESSAGE_MAX, FIDS);
    ninep_session_start(&second, &server, NINEP_MESSAGE_MAX, FIDS);
    client = (struct ninep_client){buffer, sizeof buffer, 0, 0, exchange, &session};
    assert_int_equal(ninep_version(&client), 0);
    assert_int_equal(ninep_attach(&client, 0, ""), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    ninep_session_end(&session);
    ninep_session_end(&second);
    ramfs_end(&fs);
    assert_int_equal(fs.used, 0);
    return 0;
}

/* A message of the test's own: type and bytes of fields. The error number of the answer, 0: none. */
static int raw(struct ninep_session *s, uint8_t type, const void *fields, size_t bytes)
{
    struct ninep_writer w = ninep_begin(request, sizeof request);
    memcpy(request + NINEP_HEAD, fields, bytes);
    w.used += bytes;
    uint32_t all = ninep_finish(&w, type, 7);
    uint32_t answer = serve(s, all);
    struct ninep_reader r = {reply, answer, 0};
    assert_int_equal(ninep_get(&r, 4), answer);
    uint64_t kind = ninep_get(&r, 1);
    assert_int_equal(ninep_get(&r, 2), 7);
    if (kind == type + 1u)
        return 0;
    assert_int_equal(kind, NINEP_LERROR + 1);
    int error = (int)ninep_get(&r, 4);
    assert_false(r.bad);
    assert_true(error != 0 || type == NINEP_AUTH); /* 0: none is wanted */
    return error;
}

static void test_version_unknown_is_said_and_clunks_all(void **state)
{
    (void)state;
    assert_int_equal(session.fids, 1);
    assert_int_equal(raw(&session, NINEP_TVERSION,
                         "\0\1\0\0\6\0"
                         "9P2000",
                         12),
                     EINVAL); /* msize 256 */
    assert_int_equal(session.fids, 1);
    assert_int_equal(raw(&session, NINEP_TVERSION,
                         "\0\20\0\0\6\0"
                         "9P2000",
                         12),
                     0);
    assert_memory_equal(reply + 7, "\0\20\0\0\7\0unknown", 13);
    assert_int_equal(session.fids, 0);
    assert_int_equal(session.msize, 4096);
}

static void test_walk_partial_makes_no_fid(void **state)
{
    (void)state;
    assert_int_equal(ninep_mkdir(&client, 0, "a", 0755), 0);
    assert_int_equal(raw(&session, NINEP_WALK, "\0\0\0\0\1\0\0\0\2\0\1\0a\1\0b", 16), 0);
    assert_memory_equal(reply + 7, "\1\0", 2); /* one qid of two */
    assert_int_equal(session.fids, 1);
    assert_int_equal(ninep_walk(&client, 0, 1, "b"), ENOENT);
    assert_int_equal(ninep_walk(&client, 0, 1, "a/../a"), 0);
    assert_int_equal(ninep_walk(&client, 1, 1, ""), 0);
    assert_int_equal(ninep_walk(&client, 0, 1, ""), EBADF); /* in use */
    assert_int_equal(ninep_walk(&client, 9, 2, ""), EBADF);
    assert_int_equal(ninep_walk(&client, 0, NINEP_NO_FID, ""), EBADF);
    assert_int_equal(session.fids, 2);
}

static void test_walk_deeper_than_one_message(void **state)
{
    char path[200] = "";
    (void)state;
    for (int i = 0; i < 40; i++) {
        uint32_t fid = i == 0 ? 0 : 1;
        if (fid == 1)
            assert_int_equal(ninep_walk(&client, 0, 1, path), 0);
        assert_int_equal(ninep_mkdir(&client, fid, "d", 0755), 0);
        if (fid == 1)
            assert_int_equal(ninep_clunk(&client, 1), 0);
        strcat(path, "/d");
    }
    assert_int_equal(ninep_walk(&client, 0, 1, path), 0);
    strcat(path, "/x");
    assert_int_equal(ninep_walk(&client, 0, 2, path), ENOENT);
    assert_int_equal(session.fids, 2); /* what the first part made is gone */
}

static void test_attach_to_a_folder(void **state)
{
    struct fs_attr attr;
    (void)state;
    assert_int_equal(ninep_mkdir(&client, 0, "a", 0755), 0);
    assert_int_equal(ninep_attach(&client, 1, "/a/"), 0);
    assert_int_equal(ninep_getattr(&client, 1, &attr), 0);
    assert_true(S_ISDIR(attr.mode) && attr.ino == 2);
    assert_int_equal(ninep_attach(&client, 2, "/a/x"), ENOENT);
    assert_int_equal(ninep_attach(&client, 1, ""), EBADF);
    /* A fid of authentication that nobody made. */
    assert_int_equal(raw(&session, NINEP_ATTACH, "\3\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0", 16), EBADF);
}

static void test_fids_are_bounded(void **state)
{
    uint32_t fid = 1;
    (void)state;
    while (ninep_walk(&client, 0, fid * 1000003u, "") == 0)
        fid++;
    assert_int_equal(fid, FIDS);
    assert_int_equal(ninep_walk(&client, 0, 5, ""), EMFILE);
    assert_int_equal(ninep_attach(&client, 5, ""), EMFILE);
    assert_int_equal(ninep_clunk(&client, 1000003u), 0);
    assert_int_equal(ninep_walk(&client, 0, 5, ""), 0);
    for (uint32_t i = 2; i < FIDS; i++)
        assert_int_equal(ninep_clunk(&client, i * 1000003u), 0);
    assert_int_equal(ninep_clunk(&client, 2000006u), EBADF);
    assert_int_equal(session.fids, 2);
}

static void test_malformed_messages_are_refused(void **state)
{
    (void)state;
    uint64_t seed = random_seed();
    assert_int_equal(serve(&session, 0), 0);
    memcpy(request, "\6\0\0\0x\1\0", 7);
    assert_int_equal(serve(&session, 6), 0);
    memcpy(request, "\10\0\0\0x\1\0", 7);
    assert_int_equal(serve(&session, 7), 0); /* says 8, is 7 */
    for (uint8_t type = 0; type < 255; type++)
        if (type != NINEP_FLUSH && type != NINEP_LERROR &&
            type != NINEP_AUTH) { /* 7 is an error's own number */
            int error = raw(&session, type, "", 0);
            assert_true(error == EINVAL || error == EBADF || error == EOPNOTSUPP);
        }
    /* Names no file may have. */
    assert_int_equal(ninep_mkdir(&client, 0, "", 0755), EINVAL);
    assert_int_equal(ninep_mkdir(&client, 0, ".", 0755), EINVAL);
    assert_int_equal(ninep_mkdir(&client, 0, "..", 0755), EINVAL);
    assert_int_equal(ninep_mkdir(&client, 0, "a/b", 0755), EINVAL);
    assert_int_equal(raw(&session, NINEP_MKDIR, "\0\0\0\0\3\0a\0b\0\0\0\0\0\0\0\0", 17), EINVAL);
    char longer[302];
    memset(longer, 'n', sizeof longer);
    longer[300] = 0;
    assert_int_equal(ninep_mkdir(&client, 0, longer, 0755), ENAMETOOLONG);
    longer[255] = 0;
    assert_int_equal(ninep_mkdir(&client, 0, longer, 0755), 0);
    for (int i = 0; i < 100000; i++) { /* any fields at all: an answer, and no harm */
        uint8_t fields[64];
        for (size_t k = 0; k < sizeof fields; k++)
            fields[k] = (uint8_t)(random_next(&seed) >> 60 == 0 ? random_next(&seed) : 0);
        (void)raw(&session, (uint8_t)(random_next(&seed) % 126), fields, random_next(&seed) % 65);
    }
}

static void test_write_with_a_false_count_is_refused(void **state)
{
    (void)state;
    assert_int_equal(ninep_walk(&client, 0, 1, ""), 0);
    assert_int_equal(ninep_lcreate(&client, 1, "f", NINEP_OPEN_READ_WRITE, 0644), 0);
    assert_int_equal(raw(&session, NINEP_WRITE, "\1\0\0\0\0\0\0\0\0\0\0\0\5\0\0\0hell", 20), EINVAL);
    assert_int_equal(raw(&session, NINEP_WRITE, "\1\0\0\0\0\0\0\0\0\0\0\0\377\377\377\377hell", 20),
                     EINVAL);
    assert_int_equal(raw(&session, NINEP_WRITE, "\1\0\0\0\0\0\0\0\0\0\0\0\3\0\0\0hell", 20), 0);
    assert_int_equal(
        raw(&session, NINEP_WRITE, "\1\0\0\0\377\377\377\377\377\377\377\377\4\0\0\0hell", 20),
        EFBIG);
    struct fs_attr attr;
    assert_int_equal(ninep_getattr(&client, 1, &attr), 0);
    assert_int_equal(attr.size, 3);
}

static void test_open_rules(void **state)
{
    const void *data;
    uint32_t done;
    struct ninep_reader entries;
    (void)state;
    assert_int_equal(ninep_walk(&client, 0, 1, ""), 0);
    assert_int_equal(ninep_lopen(&client, 1, NINEP_OPEN_WRITE), EISDIR);
    assert_int_equal(ninep_lopen(&client, 1, NINEP_OPEN_ACCESS), EINVAL);
    assert_int_equal(ninep_read(&client, 1, 0, 10, &data, &done), EBADF); /* not open */
    assert_int_equal(ninep_lopen(&client, 1, NINEP_OPEN_READ), 0);
    assert_int_equal(ninep_lopen(&client, 1, NINEP_OPEN_READ), EBADF);
    assert_int_equal(ninep_read(&client, 1, 0, 10, &data, &done), EISDIR);
    assert_int_equal(ninep_readdir(&client, 1, 0, 500, &entries), 0);
    assert_int_equal(entries.left, 0);
    assert_int_equal(ninep_walk(&client, 0, 2, ""), 0);
    assert_int_equal(ninep_lcreate(&client, 2, "f", NINEP_OPEN_WRITE, 0644), 0);
    assert_int_equal(ninep_read(&client, 2, 0, 10, &data, &done), EBADF); /* to write only */
    assert_int_equal(ninep_write(&client, 2, 0, "abc", 3, 0, &done), 0);
    assert_int_equal(ninep_readdir(&client, 1, 0, 20, &entries), EINVAL); /* room for none */
    assert_int_equal(ninep_walk(&client, 0, 3, "f"), 0);
    assert_int_equal(ninep_lopen(&client, 3, NINEP_OPEN_FOLDER), ENOTDIR);
    assert_int_equal(ninep_lopen(&client, 3, NINEP_OPEN_READ), 0);
    assert_int_equal(ninep_write(&client, 3, 0, "x", 1, 0, &done), EBADF);
    assert_int_equal(ninep_walk(&client, 0, 4, ""), 0);
    assert_int_equal(ninep_lcreate(&client, 4, "f", NINEP_OPEN_WRITE | NINEP_OPEN_EXCLUSIVE, 0644),
                     EEXIST);
    assert_int_equal(ninep_lcreate(&client, 4, "f", NINEP_OPEN_WRITE | NINEP_OPEN_APPEND, 0644), 0);
    assert_int_equal(ninep_write(&client, 4, 0, "def", 3, 1, &done), 0);
    assert_int_equal(ninep_read(&client, 3, 0, 10, &data, &done), 0);
    assert_int_equal(done, 6);
    assert_memory_equal(data, "abcdef", 6);
}

static void test_remove_and_rename_by_fid(void **state)
{
    (void)state;
    assert_int_equal(ninep_walk(&client, 0, 1, ""), 0);
    assert_int_equal(ninep_lcreate(&client, 1, "f", NINEP_OPEN_WRITE, 0644), 0);
    assert_int_equal(raw(&session, NINEP_RENAME, "\1\0\0\0\0\0\0\0\1\0g", 11), 0);
    assert_int_equal(ninep_walk(&client, 0, 2, "f"), ENOENT);
    assert_int_equal(ninep_walk(&client, 0, 2, "g"), 0);
    assert_int_equal(raw(&session, NINEP_REMOVE, "\1\0\0\0", 4), 0);
    assert_int_equal(ninep_clunk(&client, 1), EBADF);
    assert_int_equal(raw(&session, NINEP_REMOVE, "\2\0\0\0", 4),
                     ENOENT); /* and the fid is gone all the same */
    assert_int_equal(ninep_clunk(&client, 2), EBADF);
    assert_int_equal(raw(&session, NINEP_RENAME, "\0\0\0\0\0\0\0\0\1\0g", 11),
                     EOPNOTSUPP); /* the root */
}

static void test_what_is_not_there_is_refused(void **state)
{
    (void)state;
    assert_int_equal(raw(&session, NINEP_XATTRWALK, "\0\0\0\0\1\0\0\0\1\0a", 11), EOPNOTSUPP);
    assert_int_equal(raw(&session, NINEP_SYMLINK, "\0\0\0\0\1\0a\1\0b\0\0\0\0", 14), EOPNOTSUPP);
    assert_int_equal(raw(&session, NINEP_READLINK, "\0\0\0\0", 4), EOPNOTSUPP);
    assert_int_equal(raw(&session, NINEP_LINK, "\0\0\0\0\0\0\0\0\1\0a", 11), EOPNOTSUPP);
    assert_int_equal(raw(&session, NINEP_MKNOD, "\0\0\0\0\1\0a\0\20\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 23),
                     EOPNOTSUPP);
    assert_int_equal(raw(&session, NINEP_FLUSH, "\7\0", 2), 0);
}

static void test_several_at_once_stop_at_the_first_error(void **state)
{
    struct fs_attr attr;
    (void)state;
    client.several = 1;
    assert_int_equal(ninep_mkdir(&client, 0, "a", 0755), 0);
    assert_int_equal(ninep_walk_getattr(&client, 0, 1, "a", &attr), 0);
    assert_int_equal(attr.ino, 2);
    assert_int_equal(session.fids, 1);
    assert_int_equal(ninep_walk_getattr(&client, 0, 1, "x", &attr), ENOENT);
    assert_int_equal(ninep_walk_getattr(&client, 0, 1, "a/x", &attr), ENOENT);
    assert_int_equal(ninep_walk_getattr(&client, 0, 0, "a", &attr), 0); /* the fid itself goes down */
    assert_int_equal(session.fids, 0);
    assert_int_equal(ninep_attach(&client, 0, ""), 0);
    assert_int_equal(ninep_walk_open(&client, 0, 1, "a", NINEP_OPEN_WRITE, &attr), EISDIR);
    assert_int_equal(session.fids, 1); /* what the walk made is gone */
    assert_int_equal(ninep_walk_open(&client, 0, 1, "a", NINEP_OPEN_READ, &attr), 0);
    assert_int_equal(attr.ino, 2);
    assert_int_equal(session.fids, 2);
    /* Deeper than one walk goes. */
    char path[64] = "a";
    for (int i = 0; i < 20; i++)
        strcat(path, "/.");
    assert_int_equal(ninep_walk_getattr(&client, 0, 2, path, &attr), 0);
    assert_int_equal(attr.ino, 2);
    /* Messages that do not end where the whole does. */
    memcpy(request, "\7\0\0\0\170\1\0\7\0\0\0", 11);
    assert_int_equal(serve(&session, 11),
                     NINEP_HEAD + 4); /* the first fails, the rest is not looked at */
    memcpy(request, "\11\0\0\0\154\1\0\1\0\7\0\0\0", 13);
    assert_int_equal(serve(&session, 13), 0);
}

/* ---- locks ---- */

/* Status of a lock of a session: a process's, from start for length bytes. */
static int lock(struct ninep_session *s, uint8_t type, uint64_t start, uint64_t length,
                uint32_t process)
{
    unsigned char fields[40];
    struct ninep_writer w = {fields, 0, sizeof fields, 0};
    ninep_put(&w, 0, 4);
    ninep_put(&w, type, 1);
    ninep_put(&w, 0, 4);
    ninep_put(&w, start, 8);
    ninep_put(&w, length, 8);
    ninep_put(&w, process, 4);
    ninep_put_string(&w, "host");
    assert_int_equal(raw(s, NINEP_LOCK, fields, w.used), 0);
    return reply[NINEP_HEAD];
}

static int attach_second(void)
{
    unsigned char *buffer = client.buffer;
    struct ninep_client other = {buffer, NINEP_MESSAGE_MAX, 0, 0, exchange, &second};
    return ninep_attach(&other, 0, "");
}

static void test_locks_exclude_and_split(void **state)
{
    (void)state;
    assert_int_equal(attach_second(), 0);
    assert_int_equal(lock(&session, NINEP_LOCK_WRITE, 0, 100, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&second, NINEP_LOCK_READ, 99, 1, 1), NINEP_LOCK_BLOCKED);
    assert_int_equal(lock(&session, NINEP_LOCK_READ, 50, 1, 2),
                     NINEP_LOCK_BLOCKED); /* another process */
    assert_int_equal(lock(&session, NINEP_LOCK_NONE, 40, 20, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&second, NINEP_LOCK_WRITE, 40, 20, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&second, NINEP_LOCK_WRITE, 39, 1, 1), NINEP_LOCK_BLOCKED);
    assert_int_equal(lock(&second, NINEP_LOCK_WRITE, 60, 0, 1), NINEP_LOCK_BLOCKED);
    assert_int_equal(lock(&second, NINEP_LOCK_WRITE, 100, 0, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&session, NINEP_LOCK_READ, UINT64_MAX, 1, 1), NINEP_LOCK_BLOCKED);
    ninep_locks_drop(&second);
    assert_int_equal(lock(&session, NINEP_LOCK_READ, 0, 0, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&second, NINEP_LOCK_READ, 0, 0, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&second, NINEP_LOCK_WRITE, 5, 1, 1), NINEP_LOCK_BLOCKED);
}

static void test_locks_are_bounded(void **state)
{
    (void)state;
    uint64_t got = 0;
    while (got < 1000 && lock(&session, NINEP_LOCK_WRITE, got * 2, 1, 1) == NINEP_LOCK_DONE)
        got++;
    assert_true(got >= NINEP_LOCKS_MAX - 1 && got <= NINEP_LOCKS_MAX);
    assert_int_equal(lock(&session, NINEP_LOCK_NONE, 0, 1, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&session, NINEP_LOCK_NONE, 0, 0, 1), NINEP_LOCK_DONE);
    assert_int_equal(lock(&session, NINEP_LOCK_WRITE, 0, 0, 1), NINEP_LOCK_DONE);
}

static void test_getlock_tells_who(void **state)
{
    (void)state;
    static const char ask[] = "\0\0\0\0\1\5\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\1\0h";
    assert_int_equal(lock(&session, NINEP_LOCK_READ, 0, 10, 77), NINEP_LOCK_DONE);
    assert_int_equal(raw(&session, NINEP_GETLOCK, ask, sizeof ask - 1), 0);
    assert_memory_equal(reply + 7, "\0\0\0\0\0\0\0\0\0\12\0\0\0\0\0\0\0\115\0\0\0", 21);
    assert_int_equal(lock(&session, NINEP_LOCK_NONE, 0, 10, 77), NINEP_LOCK_DONE);
    assert_int_equal(raw(&session, NINEP_GETLOCK, ask, sizeof ask - 1), 0);
    assert_int_equal(reply[7], NINEP_LOCK_NONE);
}

/* ---- answers that lie ---- */

static uint64_t liar;

/* Anything at all as an answer, of any length the room has. */
static int lie(struct ninep_client *c, uint32_t bytes, uint32_t *answer)
{
    uint8_t type = c->buffer[4];
    (void)bytes;
    *answer = (uint32_t)(random_next(&liar) % 200);
    for (uint32_t i = 0; i < *answer; i++)
        c->buffer[i] = (unsigned char)(random_next(&liar) % 4 == 0 ? random_next(&liar) : 0);
    if (random_next(&liar) % 8 != 0) { /* mostly a head that is right */
        struct ninep_writer w = {c->buffer, 0, 7, 0};
        ninep_put(&w, *answer, 4);
        ninep_put(&w, random_next(&liar) % 8 == 0 ? NINEP_LERROR + 1 : type + 1u, 1);
        ninep_put(&w, type == NINEP_TVERSION ? NINEP_NO_TAG : 1, 2);
    }
    return 0;
}

static void test_client_survives_answers_that_lie(void **state)
{
    (void)state;
    unsigned good = 0;
    liar = random_seed();
    for (int i = 0; i < 200000; i++) {
        unsigned char *buffer = malloc(NINEP_MESSAGE_MIN); /* reading behind it is seen */
        struct ninep_client c = {buffer, NINEP_MESSAGE_MIN, 0, 0, lie, NULL};
        const void *data = NULL;
        uint32_t done = 0;
        char text[64];
        struct fs_attr attr;
        struct fs_space space;
        struct fs_entry entry;
        struct ninep_reader entries;
        if (ninep_read(&c, 1, 0, 300, &data, &done) == 0) {
            good++;
            assert_true((const unsigned char *)data + done <= buffer + NINEP_MESSAGE_MIN);
        }
        if (ninep_readdir(&c, 1, 0, 300, &entries) == 0)
            while (ninep_entry_next(&entries, &entry))
                assert_true(strlen(entry.name) <= FS_NAME_MAX);
        (void)ninep_write(&c, 1, 0, "abc", 3, 0, &done);
        assert_true(done <= 3);
        (void)ninep_getattr(&c, 1, &attr);
        (void)ninep_statfs(&c, 1, &space);
        (void)ninep_readlink(&c, 1, text, sizeof text);
        (void)ninep_walk(&c, 0, 1, "a/b");
        c.several = i % 2;
        (void)ninep_walk_getattr(&c, 0, 1, "a/b", &attr);
        (void)ninep_walk_open(&c, 0, 1, "a/b", 0, &attr);
        (void)ninep_version(&c);
        assert_true(c.room >= NINEP_MESSAGE_MIN);
        free(buffer);
    }
    assert_true(good > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_version_unknown_is_said_and_clunks_all, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk_partial_makes_no_fid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_walk_deeper_than_one_message, setup, teardown),
        cmocka_unit_test_setup_teardown(test_attach_to_a_folder, setup, teardown),
        cmocka_unit_test_setup_teardown(test_fids_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_malformed_messages_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_write_with_a_false_count_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_open_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_remove_and_rename_by_fid, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_not_there_is_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(test_several_at_once_stop_at_the_first_error, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(test_locks_exclude_and_split, setup, teardown),
        cmocka_unit_test_setup_teardown(test_locks_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_getlock_tells_who, setup, teardown),
        cmocka_unit_test(test_client_survives_answers_that_lie),
    };
    return cmocka_run_group_tests_name("lib_ninep", tests, NULL, NULL);
}
