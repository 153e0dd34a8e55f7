/* SPDX-License-Identifier: MIT */
/*
 * Marks what a fuzz target's core writes. Compile core/ with clang -fsanitize-coverage=inline-8bit-counters,trace-stores
 * and link this file, itself compiled without coverage. Copies and fills that the compiler makes of structures are not
 * stores to that pass; under ASan they are calls of __asan_memcpy and the like, caught here by linking with
 * -Wl,--wrap=__asan_memcpy,--wrap=__asan_memmove,--wrap=__asan_memset.
 */
#include "arch/hosted/snapshot.h"

void __sanitizer_cov_store1(uint8_t *address);
void __sanitizer_cov_store2(uint16_t *address);
void __sanitizer_cov_store4(uint32_t *address);
void __sanitizer_cov_store8(uint64_t *address);
void __sanitizer_cov_store16(void *address);
void *__real___asan_memcpy(void *to, const void *from, size_t bytes);
void *__real___asan_memmove(void *to, const void *from, size_t bytes);
void *__real___asan_memset(void *to, int value, size_t bytes);
void *__wrap___asan_memcpy(void *to, const void *from, size_t bytes);
void *__wrap___asan_memmove(void *to, const void *from, size_t bytes);
void *__wrap___asan_memset(void *to, int value, size_t bytes);

void __sanitizer_cov_store1(uint8_t *address) { hosted_mark_dirty(address); }

void __sanitizer_cov_store2(uint16_t *address) { hosted_mark_dirty(address); }

void __sanitizer_cov_store4(uint32_t *address) { hosted_mark_dirty(address); }

void __sanitizer_cov_store8(uint64_t *address) { hosted_mark_dirty(address); }

void __sanitizer_cov_store16(void *address) { hosted_mark_dirty(address); }

void *__wrap___asan_memcpy(void *to, const void *from, size_t bytes)
{
    hosted_mark_range(to, bytes);
    return __real___asan_memcpy(to, from, bytes);
}

void *__wrap___asan_memmove(void *to, const void *from, size_t bytes)
{
    hosted_mark_range(to, bytes);
    return __real___asan_memmove(to, from, bytes);
}

void *__wrap___asan_memset(void *to, int value, size_t bytes)
{
    hosted_mark_range(to, bytes);
    return __real___asan_memset(to, value, bytes);
}
