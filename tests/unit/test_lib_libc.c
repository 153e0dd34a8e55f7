/* SPDX-License-Identifier: MIT */
/* The small C library of lib/: printf's formats against the host's, strings, numbers, the heap. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* The host's, before their names are taken. */
static int (*const host_snprintf)(char *, size_t, const char *, ...) = snprintf;
static int (*const host_strcmp)(const char *, const char *) = strcmp;

#include "tests/unit/lib_names.h"

#include "lib/heap.h"
#include "lib/include/stdlib.h"
#include "lib/include/string.h"
int lib_snprintf(char *to, size_t bytes, const char *format, ...);

#define ARENA_BYTES 0x100000u

static unsigned char arena[ARENA_BYTES] __attribute__((aligned(4096)));
static uint64_t arena_used, arena_limit = ARENA_BYTES;
static int aborted;
static jmp_buf abort_place;

void *heap_grow(uint64_t bytes, uint64_t *grown)
{
    uint64_t size = (bytes + 4095) / 4096 * 4096;
    if (size > arena_limit - arena_used)
        return NULL;
    void *place = arena + arena_used;
    arena_used += size;
    *grown = size;
    return place;
}

_Noreturn void lib_abort(void)
{
    aborted++;
    longjmp(abort_place, 1);
}

#define SAME(...)                                                                                  \
    do {                                                                                           \
        char ours[128], theirs[128];                                                               \
        int a = lib_snprintf(ours, sizeof ours, __VA_ARGS__);                                      \
        int b = host_snprintf(theirs, sizeof theirs, __VA_ARGS__);                                 \
        assert_int_equal(a, b);                                                                    \
        assert_int_equal(host_strcmp(ours, theirs), 0);                                            \
    } while (0)

static void test_printf_integers_same_as_host(void **state)
{
    (void)state;
    static const long values[] = {0,         1,        -1, 7, 42, -42, 2147483647, -2147483647 - 1,
                                  INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++) {
        long n = values[i];
        SAME("%d %i %u %x %X %o", (int)n, (int)n, (unsigned)n, (unsigned)n, (unsigned)n,
             (unsigned)n);
        SAME("%ld %lu %lx %#lx %#lo", n, (unsigned long)n, (unsigned long)n, (unsigned long)n,
             (unsigned long)n);
        SAME("%lld|%zu|%jd|%td", (long long)n, (size_t)n, (intmax_t)n, (ptrdiff_t)n);
        SAME("%hd|%hhd|%hu|%hhu", (short)n, (signed char)n, (unsigned short)n, (unsigned char)n);
        SAME("[%8ld] [%-8ld] [%08ld] [%+ld] [% ld]", n, n, n, n, n);
        SAME("[%.5ld] [%12.5ld] [%-12.5ld] [%012.5d]", n, n, n, (int)n);
        SAME("[%*d] [%-*d] [%.*d]", 9, (int)n, 9, (int)n, 4, (int)n);
    }
    SAME("[%.0d] [%5.0d]", 0, 0);
}

static void test_printf_text_same_as_host(void **state)
{
    (void)state;
    SAME("plain");
    SAME("%%|%c|%5c|%-5c|", 'a', 'b', 'c');
    SAME("[%s] [%10s] [%-10s] [%.2s] [%10.2s]", "word", "word", "word", "word", "word");
    SAME("%p", (void *)(uintptr_t)0x1234);
}

static void test_printf_small_buffer_ends_in_zero(void **state)
{
    (void)state;
    char text[4] = "xyz";
    assert_int_equal(lib_snprintf(text, sizeof text, "%s", "abcdef"), 6);
    assert_int_equal(host_strcmp(text, "abc"), 0);
    assert_int_equal(lib_snprintf(text, 1, "abc"), 3);
    assert_int_equal(text[0], 0);
    assert_int_equal(lib_snprintf(NULL, 0, "abc"), 3);
}

static void test_strings_find_and_compare(void **state)
{
    (void)state;
    char text[32] = "one two";
    char *rest;
    assert_int_equal(strlen(text), 7);
    assert_true(strcmp("a", "b") < 0 && strcmp("b", "a") > 0 && strcmp("a", "a") == 0);
    assert_true(strcmp("\x80", "a") > 0);
    assert_true(strncmp("abc", "abd", 2) == 0 && strncmp("abc", "abd", 3) < 0);
    assert_ptr_equal(strchr(text, 't'), text + 4);
    assert_ptr_equal(strchr(text, 0), text + 7);
    assert_ptr_equal(strrchr(text, 'o'), text + 6);
    assert_null(strchr(text, 'z'));
    assert_ptr_equal(strstr(text, "two"), text + 4);
    assert_null(strstr(text, "three"));
    assert_ptr_equal(strpbrk(text, "wt"), text + 4);
    assert_int_equal(strlcpy(text, "a much longer text than fits here", 8), 33);
    assert_int_equal(host_strcmp(text, "a much "), 0);
    assert_int_equal(host_strcmp(strtok_r(text, " ", &rest), "a"), 0);
    assert_int_equal(host_strcmp(strtok_r(NULL, " ", &rest), "much"), 0);
    assert_null(strtok_r(NULL, " ", &rest));
}

/* Every length up to a few blocks, every distance either way; what lies around is left alone. */
static void test_memory_functions_every_length_and_distance(void **state)
{
    enum { LENGTH = 200, AROUND = 160, ALL = LENGTH + 2 * AROUND };
    static unsigned char have[ALL], want[ALL], from[ALL];
    (void)state;
    for (int length = 0; length <= LENGTH; length++)
        for (int distance = -140; distance <= 140; distance += length < 80 ? 1 : 7) {
            for (int i = 0; i < ALL; i++)
                have[i] = want[i] = from[i] = (unsigned char)(i * 7 + i / 256);
            memmove(have + AROUND + distance, have + AROUND, (size_t)length);
            for (int i = 0; i < length; i++)
                want[AROUND + distance + i] = from[AROUND + i];
            for (int i = 0; i < ALL; i++)
                assert_int_equal(have[i], want[i]);
            assert_int_equal(memcmp(have, want, ALL), 0);
            memset(have + AROUND, length, (size_t)length);
            memcpy(want + AROUND, have + AROUND, (size_t)length);
            for (int i = 0; i < ALL; i++)
                assert_int_equal(have[i], want[i]);
            for (int i = 0; i < length; i++)
                assert_int_equal(have[AROUND + i], (unsigned char)length);
            if (length > 0) {
                have[AROUND + length - 1] ^= 0x80;
                assert_int_equal(memcmp(have, want, AROUND + (size_t)length - 1), 0);
                int order = have[AROUND + length - 1] < want[AROUND + length - 1] ? -1 : 1;
                assert_int_equal(memcmp(have, want, ALL), order);
            }
        }
}

static void test_memmove_overlapping_both_ways(void **state)
{
    (void)state;
    char text[] = "0123456789";
    memmove(text + 2, text, 6);
    assert_int_equal(host_strcmp(text, "0101234589"), 0);
    memmove(text, text + 2, 6);
    assert_int_equal(host_strcmp(text, "0123454589"), 0);
    assert_true(memcmp("ab", "ac", 2) < 0 && memcmp("ab", "ac", 1) == 0);
}

static void test_strtol_limits_and_bases(void **state)
{
    (void)state;
    char *end;
    assert_int_equal(strtol(" -42x", &end, 10), -42);
    assert_int_equal(*end, 'x');
    assert_int_equal(strtol("0x1F", NULL, 0), 31);
    assert_int_equal(strtol("010", NULL, 0), 8);
    assert_int_equal(strtol("0x", &end, 0), 0);
    assert_int_equal(*end, 'x');
    assert_int_equal(strtol("9223372036854775808", NULL, 10), INT64_MAX);
    assert_int_equal(strtol("-9223372036854775809", NULL, 10), INT64_MIN);
    assert_true(strtoul("18446744073709551616", NULL, 10) == UINT64_MAX);
    assert_true(strtoul("18446744073709551615", NULL, 10) == UINT64_MAX);
    assert_int_equal(strtol("none", &end, 10), 0);
    assert_int_equal(*end, 'n');
}

static int compare_ints(const void *a, const void *b)
{
    int x = *(const int *)a, y = *(const int *)b;
    return x < y ? -1 : x > y;
}

static void test_qsort_random_is_ordered_and_bsearch_finds(void **state)
{
    (void)state;
    int numbers[500];
    unsigned seed = 1;
    for (size_t i = 0; i < 500; i++)
        numbers[i] = (int)((seed = seed * 1103515245u + 12345u) >> 8) % 300;
    int known = numbers[77];
    qsort(numbers, 500, sizeof numbers[0], compare_ints);
    for (size_t i = 1; i < 500; i++)
        assert_true(numbers[i - 1] <= numbers[i]);
    assert_non_null(bsearch(&known, numbers, 500, sizeof numbers[0], compare_ints));
    known = 1000000;
    assert_null(bsearch(&known, numbers, 500, sizeof numbers[0], compare_ints));
}

static void test_malloc_random_sequence_keeps_contents(void **state)
{
    (void)state;
    static unsigned char *block[64];
    static size_t size[64];
    unsigned seed = 7;
    for (int step = 0; step < 20000; step++) {
        size_t i = (seed = seed * 1103515245u + 12345u) >> 16 & 63;
        size_t bytes = (seed = seed * 1103515245u + 12345u) >> 16 & 2047;
        for (size_t k = 0; k < size[i] && block[i] != NULL; k++)
            assert_int_equal(block[i][k], i);
        if (step % 3 == 0) {
            unsigned char *moved = realloc(block[i], bytes);
            assert_non_null(moved);
            for (size_t k = 0; k < bytes && k < size[i] && block[i] != NULL; k++)
                assert_int_equal(moved[k], i);
            block[i] = moved;
        } else {
            free(block[i]);
            block[i] = malloc(bytes);
        }
        assert_non_null(block[i]);
        assert_int_equal((uintptr_t)block[i] % 16, 0);
        size[i] = bytes;
        for (size_t k = 0; k < bytes; k++)
            block[i][k] = (unsigned char)i;
    }
    for (size_t i = 0; i < 64; i++)
        free(block[i]);
    /* All is joined again: what the heap has is one block. */
    uint64_t used = arena_used;
    void *all = malloc(used - 64);
    assert_non_null(all);
    assert_int_equal(arena_used, used);
    free(all);
}

static void test_malloc_no_memory_gives_null(void **state)
{
    (void)state;
    assert_null(malloc(ARENA_BYTES * 2));
    assert_null(malloc(SIZE_MAX));
    assert_null(calloc(SIZE_MAX / 2, 3));
    void *small = malloc(1);
    assert_non_null(small);
    assert_null(realloc(small, SIZE_MAX));
    free(small);
}

static void test_free_twice_aborts(void **state)
{
    (void)state;
    void *block = malloc(10);
    free(block);
    aborted = 0;
    if (setjmp(abort_place) == 0)
        free(block);
    assert_int_equal(aborted, 1);
}

static void test_free_damaged_header_aborts(void **state)
{
    (void)state;
    unsigned char *block = malloc(10);
    unsigned char kept = block[-16];
    block[-16] = (unsigned char)(kept ^ 0x40);
    aborted = 0;
    if (setjmp(abort_place) == 0)
        free(block);
    assert_int_equal(aborted, 1);
    block[-16] = kept;
    free(block);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_printf_integers_same_as_host),
        cmocka_unit_test(test_printf_text_same_as_host),
        cmocka_unit_test(test_printf_small_buffer_ends_in_zero),
        cmocka_unit_test(test_strings_find_and_compare),
        cmocka_unit_test(test_memory_functions_every_length_and_distance),
        cmocka_unit_test(test_memmove_overlapping_both_ways),
        cmocka_unit_test(test_strtol_limits_and_bases),
        cmocka_unit_test(test_qsort_random_is_ordered_and_bsearch_finds),
        cmocka_unit_test(test_malloc_random_sequence_keeps_contents),
        cmocka_unit_test(test_malloc_no_memory_gives_null),
        cmocka_unit_test(test_free_twice_aborts),
        cmocka_unit_test(test_free_damaged_header_aborts),
    };
    return cmocka_run_group_tests_name("lib_libc", tests, NULL, NULL);
}
