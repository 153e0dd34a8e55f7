/* SPDX-License-Identifier: MIT */
/*
 * <string.h>. Copy and fill use the string instructions, which every processor since 2013 does fast
 * for the sizes that matter here. strdup is in malloc.c.
 */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t bytes)
{
    void *result = to;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(bytes) : : "memory");
    return result;
}

void *memset(void *to, int byte, size_t bytes)
{
    void *result = to;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(bytes) : "a"(byte) : "memory");
    return result;
}

void *memmove(void *to, const void *from, size_t bytes)
{
    if ((uintptr_t)to - (uintptr_t)from >= bytes)
        return memcpy(to, from, bytes);
    unsigned char *d = to;
    const unsigned char *s = from;
    while (bytes-- > 0)
        d[bytes] = s[bytes];
    return to;
}

int memcmp(const void *a, const void *b, size_t bytes)
{
    const unsigned char *x = a, *y = b;
    for (size_t i = 0; i < bytes; i++)
        if (x[i] != y[i])
            return x[i] < y[i] ? -1 : 1;
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
