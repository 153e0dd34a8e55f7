/* SPDX-License-Identifier: MIT */
/* The reader of cpio archives (lib/cpio.h): finds what is there, and says how an archive is damaged. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/cpio.h"
#include "tests/unit/elf_image.h"

static struct image archive;

static int setup(void **state)
{
    (void)state;
    memset(&archive, 0, sizeof archive);
    cpio_add(&archive, "bin/one", "first file", 10);
    cpio_add(&archive, "./etc/two", "2", 1);
    cpio_add(&archive, "empty", "", 0);
    cpio_end(&archive);
    return 0;
}

/* Walks a copy that ends where its memory ends; how many entries, and what was wrong. */
static int walk(size_t bytes, const char **wrong)
{
    struct cpio c;
    struct cpio_file file;
    int entries = 0;
    unsigned char *copy = malloc(bytes + 1);
    memcpy(copy, archive.byte, bytes);
    cpio_open(&c, copy, bytes);
    for (; cpio_next(&c, &file); entries++) {
        assert_in_range(file.data - copy, 0, bytes);
        assert_true(file.bytes <= bytes - (size_t)(file.data - copy));
        assert_true(strlen(file.name) < bytes);
    }
    *wrong = c.wrong;
    free(copy);
    return entries;
}

static void test_cpio_find_names_with_and_without_prefix(void **state)
{
    (void)state;
    struct cpio_file file;
    assert_true(cpio_find(archive.byte, archive.used, "bin/one", &file));
    assert_int_equal(file.bytes, 10);
    assert_memory_equal(file.data, "first file", 10);
    assert_true(cpio_find(archive.byte, archive.used, "/bin/one", &file));
    assert_true(cpio_find(archive.byte, archive.used, "etc/two", &file));
    assert_string_equal(file.name, "etc/two");
    assert_true(cpio_find(archive.byte, archive.used, "empty", &file));
    assert_int_equal(file.bytes, 0);
    assert_false(cpio_find(archive.byte, archive.used, "bin", &file));
    assert_false(cpio_find(archive.byte, archive.used, "TRAILER!!!", &file));
}

static void test_cpio_walk_whole_is_not_wrong(void **state)
{
    (void)state;
    const char *wrong;
    assert_int_equal(walk(archive.used, &wrong), 3);
    assert_null(wrong);
}

static void test_cpio_walk_truncated_says_so(void **state)
{
    (void)state;
    const char *wrong;
    size_t trailer = 0;
    for (size_t i = 0; i + 10 < archive.used; i++)
        if (memcmp(archive.byte + i, "TRAILER!!!", 10) == 0)
            trailer = i;
    for (size_t bytes = 0; bytes < trailer + 11; bytes++) {
        assert_true(walk(bytes, &wrong) <= 3);
        assert_non_null(wrong);
    }
}

static void test_cpio_walk_damaged_headers_say_so(void **state)
{
    (void)state;
    const char *wrong;
    archive.byte[0] = 'x';
    assert_int_equal(walk(archive.used, &wrong), 0);
    assert_non_null(strstr(wrong, "magic"));
    setup(state);
    archive.byte[54] = 'z';
    walk(archive.used, &wrong);
    assert_non_null(strstr(wrong, "hexadecimal"));
    setup(state);
    memcpy(archive.byte + 54, "ffffffff", 8);
    walk(archive.used, &wrong);
    assert_non_null(strstr(wrong, "longer than what is left"));
    setup(state);
    memcpy(archive.byte + 94, "ffffffff", 8);
    walk(archive.used, &wrong);
    assert_non_null(strstr(wrong, "name"));
    setup(state);
    memcpy(archive.byte + 94, "00000000", 8);
    walk(archive.used, &wrong);
    assert_non_null(strstr(wrong, "name"));
}

static void test_cpio_walk_random_damage_never_reads_outside(void **state)
{
    uint64_t seed = 88172645463325252u;
    const char *wrong;
    for (int round = 0; round < 20000; round++) {
        setup(state);
        for (int n = 0; n < 4; n++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            archive.byte[seed % archive.used] = (uint8_t)("0123456789abcdefF\0z"[seed >> 32 & 15]);
        }
        walk(archive.used, &wrong);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_cpio_find_names_with_and_without_prefix, setup),
        cmocka_unit_test_setup(test_cpio_walk_whole_is_not_wrong, setup),
        cmocka_unit_test_setup(test_cpio_walk_truncated_says_so, setup),
        cmocka_unit_test_setup(test_cpio_walk_damaged_headers_say_so, setup),
        cmocka_unit_test_setup(test_cpio_walk_random_damage_never_reads_outside, setup),
    };
    return cmocka_run_group_tests_name("lib_cpio", tests, NULL, NULL);
}
