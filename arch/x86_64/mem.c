/* SPDX-License-Identifier: MIT */
/* The four functions a C compiler may call on its own. Their contracts are the C standard's. */
#include <stddef.h>
#include <stdint.h>

void *memset(void *to, int byte, size_t count);
void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
int memcmp(const void *a, const void *b, size_t count);

/* Eight bytes at a time, then what is left. */
void *memset(void *to, int byte, size_t count)
{
    void *at = to;
    size_t words = count / 8;
    uint64_t fill = (unsigned char)byte * 0x0101010101010101ul;
    __asm__ volatile("rep stosq" : "+D"(at), "+c"(words) : "a"(fill) : "memory");
    count %= 8;
    __asm__ volatile("rep stosb" : "+D"(at), "+c"(count) : "a"(fill) : "memory");
    return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count)
{
    void *at = to;
    size_t words = count / 8;
    __asm__ volatile("rep movsq" : "+D"(at), "+S"(from), "+c"(words) : : "memory");
    count %= 8;
    __asm__ volatile("rep movsb" : "+D"(at), "+S"(from), "+c"(count) : : "memory");
    return to;
}

void *memmove(void *to, const void *from, size_t count)
{
    unsigned char *target = to;
    const unsigned char *source = from;
    if (target <= source)
        for (size_t i = 0; i < count; i++)
            target[i] = source[i];
    else
        for (size_t i = count; i > 0; i--)
            target[i - 1] = source[i - 1];
    return to;
}

int memcmp(const void *a, const void *b, size_t count)
{
    const unsigned char *left = a, *right = b;
    for (size_t i = 0; i < count; i++)
        if (left[i] != right[i])
            return left[i] < right[i] ? -1 : 1;
    return 0;
}
