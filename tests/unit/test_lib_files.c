/* SPDX-License-Identifier: MIT */
/* Plain data of files: paths (lib/path.c), the initial ramdisk's tree, the editor's text, the console's ring of reports. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <errno.h>

#include <cmocka.h>

#include "lib/path.h"
#include "servers/console/log.h"
#include "servers/fs/initrd.h"
#include "servers/shell/text.h"
#include "tests/unit/disk.h"
#include "tests/unit/elf_image.h"
#include "tests/unit/fs_model.h"

/* ---- paths ---- */

static void absolute_is(const char *folder, const char *path, const char *want)
{
    char to[64];
    assert_int_equal(path_absolute(folder, path, to, sizeof to), 0);
    assert_string_equal(to, want);
}

static void test_path_absolute_dots_and_slashes(void **state)
{
    (void)state;
    absolute_is("/", "/", "/");
    absolute_is("/", ".", "/");
    absolute_is("/a/b", "c", "/a/b/c");
    absolute_is("/a/b", "/c", "/c");
    absolute_is("/a/b", "../c", "/a/c");
    absolute_is("/a/b", "../../../..", "/");
    absolute_is("/", "../x", "/x");
    absolute_is("/a", "./b/./c//d/", "/a/b/c/d");
    absolute_is("/a", "b/..", "/a");
    absolute_is("/a", "...", "/a/...");
    absolute_is("/a", "..b", "/a/..b");
    absolute_is("/a", "//", "/");
}

static void test_path_absolute_refuses(void **state)
{
    char to[16], longer[400], big[1024];
    (void)state;
    assert_int_equal(path_absolute("/a", "", to, sizeof to), -ENOENT);
    assert_int_equal(path_absolute("/123456", "78901234", to, sizeof to),
                     -ENAMETOOLONG); /* 16 and its 0 */
    assert_int_equal(path_absolute("/123456", "7890123", to, sizeof to), 0);
    assert_string_equal(to, "/123456/7890123");
    assert_int_equal(path_absolute("/", "/", to, 1), -ENAMETOOLONG);
    memset(longer, 'x', sizeof longer);
    longer[256] = 0;
    assert_int_equal(path_absolute("/", longer, big, sizeof big), -ENAMETOOLONG);
    longer[255] = 0;
    assert_int_equal(path_absolute("/", longer, big, sizeof big), 0);
}

/* Whatever the text: the result has the form that the header promises, or there is none. */
static void test_path_absolute_random_has_its_form(void **state)
{
    uint64_t seed = random_seed();
    char path[40], to[32];
    (void)state;
    for (int i = 0; i < 200000; i++) {
        size_t n = random_next(&seed) % (sizeof path - 1);
        for (size_t k = 0; k < n; k++)
            path[k] = "/.ab"[random_next(&seed) >> 20 & 3];
        path[n] = 0;
        if (path_absolute("/f/g", path, to, sizeof to) != 0)
            continue;
        assert_true(to[0] == '/' && strlen(to) < sizeof to && strstr(to, "//") == NULL);
        assert_true(strstr(to, "/./") == NULL && strstr(to, "/../") == NULL);
        assert_true(strlen(to) == 1 || to[strlen(to) - 1] != '/');
    }
}

static void test_path_below_joins_and_names(void **state)
{
    char to[8];
    (void)state;
    assert_string_equal(path_below("/", "/a/b"), "a/b");
    assert_string_equal(path_below("/", "/"), "");
    assert_string_equal(path_below("/a", "/a/b"), "b");
    assert_string_equal(path_below("/a", "/a"), "");
    assert_null(path_below("/a", "/ab"));
    assert_null(path_below("/a/b", "/a"));
    assert_string_equal(path_name("/a/b"), "b");
    assert_string_equal(path_name("/"), "");
    assert_string_equal(path_name("b"), "b");
    assert_int_equal(path_join("/", "a", to, sizeof to), 0);
    assert_string_equal(to, "/a");
    assert_int_equal(path_join("/abc/", "de", to, sizeof to), 0);
    assert_string_equal(to, "/abc/de");
    assert_int_equal(path_join("/abc", "def", to, sizeof to), -ENAMETOOLONG);
}

/* ---- the initial ramdisk ---- */

static struct image archive;

static void initrd_make(struct initrd *fs, const char **wrong)
{
    cpio_end(&archive);
    assert_int_equal(initrd_start(fs, archive.byte, archive.used, wrong), 0);
}

static int read_is(struct initrd *fs, const char *path, const char *want)
{
    char got[64];
    uint64_t node;
    uint32_t done = 0;
    int error = fs_walk(&initrd_ops, fs, path, &node);
    if (error == 0)
        error = initrd_ops.read(fs, node, 0, got, sizeof got, &done);
    return error == 0 && done == strlen(want) && memcmp(got, want, done) == 0;
}

static void test_initrd_makes_the_folders_it_needs(void **state)
{
    struct initrd fs;
    struct fs_entry entry = {.next = 0};
    const char *wrong;
    uint64_t node, up;
    (void)state;
    memset(&archive, 0, sizeof archive);
    cpio_add(&archive, "bin/one", "first", 5);
    cpio_add(&archive, "bin/deep/er/two", "second", 6);
    cpio_add(&archive, "bin/one", "not this", 8);
    cpio_add(&archive, "bin/one/below", "a file is no folder", 19);
    cpio_add(&archive, "../out", "no", 2);
    cpio_add(&archive, "three", "", 0);
    initrd_make(&fs, &wrong);
    assert_null(wrong);
    assert_true(read_is(&fs, "bin/one", "first"));
    assert_true(read_is(&fs, "bin/deep/er/two", "second"));
    assert_true(read_is(&fs, "three", ""));
    assert_int_equal(fs_walk(&initrd_ops, &fs, "bin/deep", &node), 0);
    assert_int_equal(initrd_ops.lookup(&fs, node, "..", &up), 0);
    assert_int_equal(initrd_ops.lookup(&fs, up, "one", &node), 0);
    assert_int_equal(initrd_ops.lookup(&fs, node, "below", &node), ENOTDIR);
    assert_int_equal(initrd_ops.root(&fs, &node), 0);
    assert_int_equal(initrd_ops.lookup(&fs, node, "..", &up), 0);
    assert_int_equal(up, node);
    assert_int_equal(initrd_ops.lookup(&fs, node, "out", &up), ENOENT);
    assert_int_equal(initrd_ops.readdir(&fs, node, 0, &entry), 0);
    assert_string_equal(entry.name, "bin");
    assert_true(S_ISDIR(entry.mode));
    assert_int_equal(initrd_ops.readdir(&fs, node, entry.next, &entry), 0);
    assert_string_equal(entry.name, "three");
    assert_int_equal(initrd_ops.readdir(&fs, node, entry.next, &entry), ENOENT);
    assert_int_equal(initrd_ops.readdir(&fs, node, 123456789, &entry), ENOENT);
    initrd_end(&fs);
}

static void test_initrd_refuses_changes(void **state)
{
    struct initrd fs;
    const char *wrong;
    uint64_t node, root;
    uint32_t done;
    struct fs_attr attr = {0};
    struct initrd_node file;
    (void)state;
    memset(&archive, 0, sizeof archive);
    cpio_add(&archive, "a/f", "text", 4);
    initrd_make(&fs, &wrong);
    assert_int_equal(initrd_ops.root(&fs, &root), 0);
    assert_int_equal(initrd_ops.create(&fs, root, "x", S_IFREG, &node), EROFS);
    assert_int_equal(initrd_ops.create(&fs, root, "a", S_IFREG, &node), EEXIST);
    assert_int_equal(initrd_ops.remove(&fs, root, "a", 1), EROFS);
    assert_int_equal(initrd_ops.remove(&fs, root, "x", 1), ENOENT);
    assert_int_equal(initrd_ops.rename(&fs, root, "a", root, "b"), EROFS);
    assert_int_equal(initrd_ops.setattr(&fs, root, FS_SET_SIZE, &attr), EROFS);
    assert_int_equal(fs_walk(&initrd_ops, &fs, "a/f", &node), 0);
    assert_int_equal(initrd_ops.write(&fs, node, 0, "x", 1, &done), EROFS);
    assert_int_equal(initrd_ops.read(&fs, root, 0, &attr, 1, &done), EISDIR);
    assert_int_equal(initrd_file(&fs, "/a/f", &file), 0);
    assert_memory_equal(file.data, "text", 4);
    assert_int_equal(initrd_file(&fs, "/a", &file), EISDIR);
    assert_int_equal(initrd_file(&fs, "/a/g", &file), ENOENT);
    initrd_end(&fs);
}

static void test_initrd_damaged_keeps_what_is_before(void **state)
{
    uint64_t seed = random_seed();
    (void)state;
    for (int round = 0; round < 5000; round++) {
        struct initrd fs;
        const char *wrong;
        struct fs_entry entry = {.next = 0};
        memset(&archive, 0, sizeof archive);
        cpio_add(&archive, "bin/one", "first", 5);
        cpio_add(&archive, "etc/two", "second", 6);
        cpio_end(&archive);
        size_t bytes = random_next(&seed) % (archive.used + 1);
        unsigned char *copy = malloc(bytes + 1); /* reading behind it is seen */
        memcpy(copy, archive.byte, bytes);
        for (int i = 0; bytes > 0 && i < 2; i++)
            copy[random_next(&seed) % bytes] = (uint8_t)("0123/.F\0"[random_next(&seed) >> 30 & 7]);
        assert_int_equal(initrd_start(&fs, copy, bytes, &wrong), 0);
        while (initrd_ops.readdir(&fs, 1, entry.next, &entry) == 0)
            assert_true(strlen(entry.name) <= FS_NAME_MAX);
        initrd_end(&fs);
        free(copy);
    }
}

/* ---- the editor's text ---- */

static void stored_is(const struct text *t, const char *want)
{
    char all[256] = {0};
    assert_int_equal(text_bytes(t), strlen(want));
    text_store(t, all);
    assert_string_equal(all, want);
}

static void test_text_keys_change_it(void **state)
{
    struct text t;
    (void)state;
    assert_int_equal(text_load(&t, "one\ntwo", 7), 0);
    stored_is(&t, "one\ntwo\n");
    text_move(&t, 0, 2);
    assert_int_equal(text_break(&t), 0);
    stored_is(&t, "on\ne\ntwo\n");
    assert_int_equal(text_insert_byte(&t, 'X'), 0);
    assert_int_equal(text_erase_before(&t), 0);
    assert_int_equal(text_erase_before(&t), 0); /* joins */
    stored_is(&t, "one\ntwo\n");
    text_move(&t, 0, 1);
    assert_int_equal(text_erase_at(&t), 0);
    stored_is(&t, "onetwo\n");
    text_move(&t, 5, 9);
    assert_int_equal(t.column, 6);
    assert_int_equal(text_erase_at(&t), 0); /* nothing behind the end */
    text_cut_line(&t);
    stored_is(&t, "");
    assert_int_equal(text_erase_before(&t), 0);
    assert_true(t.changed);
    text_free(&t);
    assert_int_equal(text_load(&t, "", 0), 0);
    stored_is(&t, "");
    assert_false(t.changed);
    text_free(&t);
}

static void test_text_random_keys_keep_the_cursor_inside(void **state)
{
    uint64_t seed = random_seed();
    struct text t;
    (void)state;
    assert_int_equal(text_load(&t, "a\n\nbc\n", 6), 0);
    for (int i = 0; i < 100000; i++) {
        uint64_t r = random_next(&seed);
        int status = 0;
        if (r % 8 < 3)
            status = text_insert_byte(&t, (char)(r >> 32));
        else if (r % 8 == 3)
            status = text_break(&t);
        else if (r % 8 == 4)
            status = text_erase_before(&t);
        else if (r % 8 == 5)
            status = text_erase_at(&t);
        else if (r % 8 == 6)
            text_move(&t, (long)(r >> 40) % 9 - 4, (long)(r >> 50) % 9 - 4);
        else if ((r >> 40) % 16 == 0 || t.lines > 50)
            text_cut_line(&t);
        assert_int_equal(status, 0);
        assert_true(t.lines > 0 && t.row < t.lines && t.column <= t.line[t.row].bytes);
    }
    text_free(&t);
}

/* ---- reports ---- */

static void test_log_keeps_the_newest_lines(void **state)
{
    static struct log log;
    static char all[LOG_BYTES + 1];
    uint64_t at = 0;
    char line[64];
    (void)state;
    log_put(&log, 1234567890, "first ", 6);
    log_put(&log, 2000000000, "line\nsecond\n", 12);
    size_t n = log_get(&log, &at, all, sizeof all);
    all[n] = 0;
    assert_string_equal(all, "[    1.234567] first line\n[    2.000000] second\n");
    assert_int_equal(log_get(&log, &at, all, sizeof all), 0);
    for (int i = 0; i < 3000; i++)
        log_put(&log, (uint64_t)i * 1000, line,
                (size_t)snprintf(line, sizeof line, "report %d\n", i));
    at = 0;
    n = log_get(&log, &at, all, LOG_BYTES);
    all[n] = 0;
    assert_true(n > LOG_BYTES - 64 && all[0] == '[');
    assert_non_null(strstr(all, "report 2999\n"));
    assert_null(strstr(all, "first"));
    assert_int_equal(log_get(&log, &at, all, sizeof all), 0);
    at = UINT64_MAX;
    assert_int_equal(log_get(&log, &at, all, sizeof all), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_path_absolute_dots_and_slashes),
        cmocka_unit_test(test_path_absolute_refuses),
        cmocka_unit_test(test_path_absolute_random_has_its_form),
        cmocka_unit_test(test_path_below_joins_and_names),
        cmocka_unit_test(test_initrd_makes_the_folders_it_needs),
        cmocka_unit_test(test_initrd_refuses_changes),
        cmocka_unit_test(test_initrd_damaged_keeps_what_is_before),
        cmocka_unit_test(test_text_keys_change_it),
        cmocka_unit_test(test_text_random_keys_keep_the_cursor_inside),
        cmocka_unit_test(test_log_keeps_the_newest_lines),
    };
    return cmocka_run_group_tests_name("lib_files", tests, NULL, NULL);
}
