/* SPDX-License-Identifier: MIT */
/* The user-side ELF reader (lib/elf.h): each defect has its own message, and no file makes it read outside. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "lib/elf.h"
#include "tests/unit/elf_image.h"

#define PART_FLAGS 4u
#define PART_OFFSET 8u
#define PART_VA 16u
#define PART_FILE_BYTES 32u
#define PART_BYTES 40u

static struct image elf;
static struct elf_program program;

static int setup(void **state)
{
    (void)state;
    elf_make(&elf);
    return 0;
}

/* Reads a copy that ends where its memory ends, so that ASan sees a read behind it. */
static const char *read_exact(size_t bytes)
{
    uint8_t *copy = malloc(bytes + 1);
    memcpy(copy, elf.byte, bytes);
    const char *wrong = elf_read(copy, bytes, &program);
    uint64_t offset;
    (void)elf_symbol(copy, bytes, ELF_CODE_VA, &offset);
    free(copy);
    return wrong;
}

static void assert_wrong(const char *part)
{
    const char *wrong = read_exact(elf.used);
    assert_non_null(wrong);
    if (strstr(wrong, part) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", wrong, part);
}

static void test_elf_read_good_gives_segments(void **state)
{
    (void)state;
    assert_null(read_exact(elf.used));
    assert_int_equal(program.entry, ELF_CODE_VA);
    assert_int_equal(program.segments, 2);
    assert_int_equal(program.segment[1].va, ELF_DATA_VA);
    assert_int_equal(program.segment[1].data_bytes, 16);
}

static void test_elf_read_truncated_anywhere_is_an_error(void **state)
{
    (void)state;
    size_t data_end = 0;
    for (unsigned n = 0; n < 2; n++) {
        uint64_t offset, bytes;
        memcpy(&offset, elf.byte + ELF_PH(n) + PART_OFFSET, 8);
        memcpy(&bytes, elf.byte + ELF_PH(n) + PART_FILE_BYTES, 8);
        if (offset + bytes > data_end)
            data_end = offset + bytes;
    }
    for (size_t bytes = 0; bytes < data_end; bytes++)
        assert_non_null(read_exact(bytes));
    assert_null(read_exact(data_end));
}

static void test_elf_read_other_kinds_of_file(void **state)
{
    (void)state;
    image_put(&elf, 0, 1, 0);
    assert_wrong("no ELF magic");
    elf_make(&elf);
    image_put(&elf, 4, 1, 1);
    assert_wrong("not a 64-bit");
    elf_make(&elf);
    image_put(&elf, 18, 2, 183);
    assert_wrong("another machine");
    elf_make(&elf);
    image_put(&elf, 16, 2, 3);
    assert_wrong("fixed addresses");
    elf_make(&elf);
    image_put(&elf, ELF_PHENTSIZE, 2, 32);
    assert_wrong("wrong size");
    elf_make(&elf);
    image_put(&elf, ELF_PHNUM, 2, 0);
    assert_wrong("no program headers");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1), 4, 3);
    assert_wrong("dynamically linked");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1), 4, 7);
    assert_wrong("thread-local");
}

static void test_elf_read_headers_outside_file(void **state)
{
    (void)state;
    image_put(&elf, ELF_PHOFF, 8, elf.used);
    assert_wrong("cut off");
    image_put(&elf, ELF_PHOFF, 8, UINT64_MAX - 8);
    assert_wrong("cut off");
    elf_make(&elf);
    image_put(&elf, ELF_PHNUM, 2, 65535);
    assert_non_null(read_exact(elf.used));
}

static void test_elf_read_segment_outside_file(void **state)
{
    (void)state;
    image_put(&elf, ELF_PH(1) + PART_OFFSET, 8, UINT64_MAX - 4);
    assert_wrong("truncated");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1) + PART_FILE_BYTES, 8, UINT64_MAX);
    assert_wrong("truncated");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1) + PART_BYTES, 8, 8);
    assert_wrong("longer in the file");
}

static void test_elf_read_segment_addresses(void **state)
{
    (void)state;
    image_put(&elf, ELF_PH(1) + PART_VA, 8, 0);
    assert_wrong("outside the addresses");
    image_put(&elf, ELF_PH(1) + PART_VA, 8, UINT64_MAX - 4095);
    assert_wrong("outside the addresses");
    image_put(&elf, ELF_PH(1) + PART_VA, 8, ELF_TOP - 8);
    assert_wrong("outside the addresses");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1) + PART_BYTES, 8, 1u << 30);
    assert_wrong("too large");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1) + PART_VA, 8, ELF_CODE_VA + 100);
    assert_wrong("share a page");
    elf_make(&elf);
    image_put(&elf, ELF_PH(1) + PART_FLAGS, 4, 7);
    assert_wrong("writable and executable");
    elf_make(&elf);
    image_put(&elf, ELF_ENTRY, 8, ELF_DATA_VA);
    assert_wrong("entry point");
}

static void test_elf_read_random_damage_never_reads_outside(void **state)
{
    (void)state;
    uint64_t seed = 88172645463325252u;
    for (int round = 0; round < 20000; round++) {
        elf_make(&elf);
        for (int n = 0; n < 6; n++) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            image_put(&elf, seed % 176, 1, seed >> 32 & 255);
        }
        const char *wrong = read_exact(elf.used);
        assert_true(wrong != NULL || program.segments <= ELF_SEGMENTS_MAX);
    }
}

/* Appends a symbol table with one function, and its strings. */
static void symbols_add(void)
{
    size_t strings = elf.used, symbols = strings + 16, sections = symbols + 48;
    elf.used = sections + 2 * 64;
    memset(elf.byte + strings, 0, elf.used - strings);
    memcpy(elf.byte + strings + 1, "begin", 6);
    image_put(&elf, symbols + 24, 4, 1);
    image_put(&elf, symbols + 24 + 4, 1, 2);
    image_put(&elf, symbols + 24 + 6, 2, 1);
    image_put(&elf, symbols + 24 + 8, 8, ELF_CODE_VA);
    image_put(&elf, symbols + 24 + 16, 8, 32);
    image_put(&elf, sections + 4, 4, 3);
    image_put(&elf, sections + 24, 8, strings);
    image_put(&elf, sections + 32, 8, 16);
    image_put(&elf, sections + 64 + 4, 4, 2);
    image_put(&elf, sections + 64 + 24, 8, symbols);
    image_put(&elf, sections + 64 + 32, 8, 48);
    image_put(&elf, sections + 64 + 40, 4, 0);
    image_put(&elf, 40, 8, sections);
    image_put(&elf, 60, 2, 2);
}

static void test_elf_symbol_inside_function_gives_offset(void **state)
{
    (void)state;
    uint64_t offset = 99;
    symbols_add();
    const char *name = elf_symbol(elf.byte, elf.used, ELF_CODE_VA + 5, &offset);
    assert_non_null(name);
    assert_string_equal(name, "begin");
    assert_int_equal(offset, 5);
    assert_null(elf_symbol(elf.byte, elf.used, ELF_CODE_VA + 32, &offset));
    assert_null(elf_symbol(elf.byte, elf.used, ELF_CODE_VA - 1, &offset));
}

static void test_elf_symbol_damaged_tables_give_none(void **state)
{
    (void)state;
    symbols_add();
    size_t whole = elf.used, sections = whole - 128, symbols = sections - 48;
    uint64_t offset;
    for (size_t bytes = 0; bytes < whole; bytes++)
        (void)read_exact(bytes);
    image_put(&elf, symbols + 24, 4, 0x7fffffff);
    assert_null(elf_symbol(elf.byte, whole, ELF_CODE_VA, &offset));
    image_put(&elf, symbols + 24, 4, 1);
    image_put(&elf, sections + 32, 8, UINT64_MAX);
    assert_null(elf_symbol(elf.byte, whole, ELF_CODE_VA, &offset));
    image_put(&elf, sections + 64 + 40, 4, UINT32_MAX);
    assert_null(elf_symbol(elf.byte, whole, ELF_CODE_VA, &offset));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_elf_read_good_gives_segments, setup),
        cmocka_unit_test_setup(test_elf_read_truncated_anywhere_is_an_error, setup),
        cmocka_unit_test_setup(test_elf_read_other_kinds_of_file, setup),
        cmocka_unit_test_setup(test_elf_read_headers_outside_file, setup),
        cmocka_unit_test_setup(test_elf_read_segment_outside_file, setup),
        cmocka_unit_test_setup(test_elf_read_segment_addresses, setup),
        cmocka_unit_test_setup(test_elf_read_random_damage_never_reads_outside, setup),
        cmocka_unit_test_setup(test_elf_symbol_inside_function_gives_offset, setup),
        cmocka_unit_test_setup(test_elf_symbol_damaged_tables_give_none, setup),
    };
    return cmocka_run_group_tests_name("lib_elf", tests, NULL, NULL);
}
