/* SPDX-License-Identifier: MIT */
/*
 * <stdlib.h> but for the heap (malloc.c) and the end of a program (start.c).
 */
#include <ctype.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A number as written: its digits, its sign, and whether it left 64 bits. */
struct number {
    uint64_t value;
    int negative;
    int overflow;
};

static int digit_value(char c)
{
    if (isdigit(c))
        return c - '0';
    if (isalpha(c))
        return tolower(c) - 'a' + 10;
    return 99;
}

/* The base a number is written in, and s moved behind its prefix. */
static int number_base(const char **s, int base)
{
    const char *p = *s;
    int hex = p[0] == '0' && (p[1] == 'x' || p[1] == 'X') && isxdigit(p[2]);
    if (hex && (base == 0 || base == 16)) {
        *s = p + 2;
        return 16;
    }
    if (base == 0)
        return p[0] == '0' ? 8 : 10;
    return base;
}

static struct number number_read(const char *s, char **end, int base)
{
    struct number n = {0, 0, 0};
    const char *p = s;
    while (isspace(*p))
        p++;
    if (*p == '-' || *p == '+')
        n.negative = *p++ == '-';
    base = number_base(&p, base);
    const char *first = p;
    for (; digit_value(*p) < base; p++) {
        uint64_t digit = (uint64_t)digit_value(*p);
        if (n.value > (UINT64_MAX - digit) / (uint64_t)base)
            n.overflow = 1;
        else
            n.value = n.value * (uint64_t)base + digit;
    }
    if (end != NULL)
        *end = (char *)(uintptr_t)(p == first ? s : p);
    return n;
}

unsigned long strtoul(const char *restrict s, char **restrict end, int base)
{
    struct number n = number_read(s, end, base);
    if (n.overflow)
        return ULONG_MAX;
    return n.negative ? 0 - n.value : n.value;
}

long strtol(const char *restrict s, char **restrict end, int base)
{
    struct number n = number_read(s, end, base);
    if (n.negative)
        return n.overflow || n.value > LONG_MAX ? LONG_MIN : -(long)n.value;
    return n.overflow || n.value > LONG_MAX ? LONG_MAX : (long)n.value;
}

long long strtoll(const char *restrict s, char **restrict end, int base)
{
    return strtol(s, end, base);
}

unsigned long long strtoull(const char *restrict s, char **restrict end, int base)
{
    return strtoul(s, end, base);
}

int atoi(const char *s) { return (int)strtol(s, NULL, 10); }

long atol(const char *s) { return strtol(s, NULL, 10); }

int abs(int n) { return n < 0 ? -n : n; }

long labs(long n) { return n < 0 ? -n : n; }

static void swap_bytes(unsigned char *a, unsigned char *b, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        unsigned char t = a[i];
        a[i] = b[i];
        b[i] = t;
    }
}

/* Moves element i of a heap of count elements down to its place. */
static void heap_sink(unsigned char *base, size_t i, size_t count, size_t bytes,
                      int (*compare)(const void *, const void *))
{
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= count)
            return;
        if (child + 1 < count && compare(base + child * bytes, base + (child + 1) * bytes) < 0)
            child++;
        if (compare(base + i * bytes, base + child * bytes) >= 0)
            return;
        swap_bytes(base + i * bytes, base + child * bytes, bytes);
        i = child;
    }
}

/* Heap sort: no recursion, no worst case. */
void qsort(void *base, size_t count, size_t bytes, int (*compare)(const void *, const void *))
{
    for (size_t i = count / 2; i-- > 0;)
        heap_sink(base, i, count, bytes, compare);
    for (size_t n = count; n-- > 1;) {
        swap_bytes(base, (unsigned char *)base + n * bytes, bytes);
        heap_sink(base, 0, n, bytes, compare);
    }
}

void *bsearch(const void *key, const void *base, size_t count, size_t bytes,
              int (*compare)(const void *, const void *))
{
    const unsigned char *low = base;
    while (count > 0) {
        const unsigned char *middle = low + count / 2 * bytes;
        int order = compare(key, middle);
        if (order == 0)
            return (void *)(uintptr_t)middle;
        if (order > 0) {
            low = middle + bytes;
            count--;
        }
        count /= 2;
    }
    return NULL;
}
