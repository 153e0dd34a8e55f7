/* SPDX-License-Identifier: MIT */
/*
 * <string.h>. Copy, fill and compare go by words of eight bytes, aligned or not: as fast as the
 * string instructions for the sizes that matter here, and several times faster where instructions
 * are emulated. They use no vector registers, which would then have to be switched with every
 * thread. strdup is in malloc.c.
 */
#include <stdint.h>
#include <string.h>

/* Eight bytes anywhere, of anything. */
typedef uint64_t word __attribute__((__may_alias__, __aligned__(1)));
#define WORD sizeof(word)
#define BLOCK (8 * WORD)

static inline uint64_t load(const unsigned char *at) { return *(const word *)(const void *)at; }

static inline void store(unsigned char *at, uint64_t value) { *(word *)(void *)at = value; }

/* All is loaded before anything is stored, so to may lie in from. */
static inline void block_copy(unsigned char *to, const unsigned char *from)
{
    uint64_t a = load(from), b = load(from + WORD), c = load(from + 2 * WORD);
    uint64_t d = load(from + 3 * WORD), e = load(from + 4 * WORD), f = load(from + 5 * WORD);
    uint64_t g = load(from + 6 * WORD), h = load(from + 7 * WORD);
    store(to, a);
    store(to + WORD, b);
    store(to + 2 * WORD, c);
    store(to + 3 * WORD, d);
    store(to + 4 * WORD, e);
    store(to + 5 * WORD, f);
    store(to + 6 * WORD, g);
    store(to + 7 * WORD, h);
}

/* Upwards: right as long as to is not within from. The last word is loaded before a store can reach
   it. */
static void copy_up(unsigned char *to, const unsigned char *from, size_t bytes)
{
    if (bytes < WORD) {
        while (bytes-- > 0)
            *to++ = *from++;
        return;
    }
    uint64_t last = load(from + bytes - WORD);
    unsigned char *end = to + bytes - WORD;
    for (; bytes >= BLOCK; bytes -= BLOCK, to += BLOCK, from += BLOCK)
        block_copy(to, from);
    for (; bytes > WORD; bytes -= WORD, to += WORD, from += WORD)
        store(to, load(from));
    store(end, last);
}

static void copy_down(unsigned char *to, const unsigned char *from, size_t bytes)
{
    if (bytes < WORD) {
        while (bytes-- > 0)
            to[bytes] = from[bytes];
        return;
    }
    uint64_t first = load(from);
    for (; bytes >= BLOCK; bytes -= BLOCK)
        block_copy(to + bytes - BLOCK, from + bytes - BLOCK);
    for (; bytes > WORD; bytes -= WORD)
        store(to + bytes - WORD, load(from + bytes - WORD));
    store(to, first);
}

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    copy_up(to, from, bytes);
    return to;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        copy_up(to, from, bytes);
    else
        copy_down(to, from, bytes);
    return to;
}

void *memset(void *to, int byte, size_t bytes)
{
    unsigned char *at = to;
    uint64_t value = (unsigned char)byte * 0x0101010101010101u;
    for (; bytes >= BLOCK; bytes -= BLOCK, at += BLOCK)
        for (size_t i = 0; i < BLOCK; i += WORD)
            store(at + i, value);
    for (; bytes >= WORD; bytes -= WORD, at += WORD)
        store(at, value);
    while (bytes-- > 0)
        *at++ = (unsigned char)byte;
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;
    for (; bytes >= WORD && load(x) == load(y); bytes -= WORD)
        x += WORD, y += WORD;
    for (; bytes > 0; bytes--, x++, y++)
        if (*x != *y)
            return *x < *y ? -1 : 1;
    return 0;
}

void *memchr(const void *in, int byte, size_t bytes)
{
    const unsigned char *s = in;
    for (size_t i = 0; i < bytes; i++)
        if (s[i] == (unsigned char)byte)
            return (void *)(uintptr_t)(s + i);
    return NULL;
}

size_t strlen(const char *s)
{
    size_t n = 0;
    while (s[n] != 0)
        n++;
    return n;
}

size_t strnlen(const char *s, size_t most)
{
    size_t n = 0;
    while (n < most && s[n] != 0)
        n++;
    return n;
}

int strncmp(const char *a, const char *b, size_t most)
{
    for (size_t i = 0; i < most; i++) {
        unsigned char x = (unsigned char)a[i], y = (unsigned char)b[i];
        if (x != y)
            return x < y ? -1 : 1;
        if (x == 0)
            break;
    }
    return 0;
}

int strcmp(const char *a, const char *b) { return strncmp(a, b, SIZE_MAX); }

char *strcpy(char *restrict to, const char *restrict from)
{
    return memcpy(to, from, strlen(from) + 1);
}

char *strncpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t n = strnlen(from, bytes);
    memcpy(to, from, n);
    memset(to + n, 0, bytes - n);
    return to;
}

size_t strlcpy(char *restrict to, const char *restrict from, size_t bytes)
{
    size_t n = strlen(from);
    if (bytes > 0) {
        size_t fits = n < bytes ? n : bytes - 1;
        memcpy(to, from, fits);
        to[fits] = 0;
    }
    return n;
}

char *strncat(char *restrict to, const char *restrict from, size_t most)
{
    size_t have = strlen(to), n = strnlen(from, most);
    memcpy(to + have, from, n);
    to[have + n] = 0;
    return to;
}

char *strcat(char *restrict to, const char *restrict from) { return strncat(to, from, SIZE_MAX); }

char *strchr(const char *s, int c)
{
    for (;; s++) {
        if (*s == (char)c)
            return (char *)(uintptr_t)s;
        if (*s == 0)
            return NULL;
    }
}

char *strrchr(const char *s, int c)
{
    const char *found = NULL;
    for (;; s++) {
        if (*s == (char)c)
            found = s;
        if (*s == 0)
            return (char *)(uintptr_t)found;
    }
}

char *strstr(const char *s, const char *find)
{
    size_t n = strlen(find);
    for (; strncmp(s, find, n) != 0; s++)
        if (*s == 0)
            return NULL;
    return (char *)(uintptr_t)s;
}

size_t strspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) != NULL)
        n++;
    return n;
}

size_t strcspn(const char *s, const char *set)
{
    size_t n = 0;
    while (s[n] != 0 && strchr(set, s[n]) == NULL)
        n++;
    return n;
}

char *strpbrk(const char *s, const char *set)
{
    s += strcspn(s, set);
    return *s == 0 ? NULL : (char *)(uintptr_t)s;
}

char *strtok_r(char *restrict s, const char *restrict set, char **restrict rest)
{
    if (s == NULL)
        s = *rest;
    s += strspn(s, set);
    if (*s == 0) {
        *rest = s;
        return NULL;
    }
    char *end = s + strcspn(s, set);
    *rest = end;
    if (*end != 0) {
        *end = 0;
        *rest = end + 1;
    }
    return s;
}
