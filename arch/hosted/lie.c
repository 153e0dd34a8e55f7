/* SPDX-License-Identifier: MIT */
/* Devices that lie: which kinds were asked for, when the next lie comes, and what it is. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_ring.h"

#define RATE_DEFAULT 64u
#define RATE_MOST 1000000u
#define STORM_INTERRUPTS 2000u

static uint32_t kinds; /* a bit each */
static uint32_t rate = RATE_DEFAULT;
static uint64_t left = UINT64_MAX; /* so many more lies */
static uint64_t state = 1;
static struct virtio_device *storm; /* whose interrupts come for nothing, */
static uint32_t storm_left;         /* this many times more */

#define LIE_TEXT(name, text, meaning) text,
#define LIE_MEANING(name, text, meaning) meaning,
static const char *const kind_name[] = {LIE_KINDS(LIE_TEXT)};
static const char *const kind_meaning[] = {LIE_KINDS(LIE_MEANING)};

/* xorshift64: the state is never 0. */
static uint64_t random_next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static uint32_t kinds_named(const char *text, size_t length)
{
    if (length == 3 && memcmp(text, "all", 3) == 0) {
        return (1u << LIE_COUNT) - 1;
    }
    for (uint32_t i = 0; i < LIE_COUNT; i++) {
        if (strlen(kind_name[i]) == length && memcmp(kind_name[i], text, length) == 0) {
            return 1u << i;
        }
    }
    return 0;
}

/* ",N" at *text, a number from 1 to RATE_MOST, which is then behind it. False: there is something else. */
static bool number_take(const char **text, uint32_t *value)
{
    char *end;
    unsigned long number;

    if ((*text)[0] != ',' || (*text)[1] < '0' || (*text)[1] > '9') {
        return false;
    }
    number = strtoul(*text + 1, &end, 10);
    *text = end;
    *value = (uint32_t)number;
    return number != 0 && number <= RATE_MOST;
}

bool lie_start(const char *text, uint64_t seed)
{
    size_t length = strcspn(text, ",");
    uint32_t named = kinds_named(text, length), most;

    text += length;
    if (*text != 0 && !number_take(&text, &rate)) {
        return false;
    }
    if (*text != 0) {
        if (!number_take(&text, &most) || *text != 0) {
            return false;
        }
        left = most;
    }
    kinds |= named;
    state = seed * 0x9e3779b97f4a7c15u + 1;
    state = state == 0 ? 1 : state;
    return named != 0;
}

void lie_help(void)
{
    printf("\nKinds of lies:\n");
    for (uint32_t i = 0; i < LIE_COUNT; i++) {
        printf("  %-16s %s\n", kind_name[i], kind_meaning[i]);
    }
    printf("  %-16s all of these\n", "all");
}

bool lie_now(enum lie_kind kind)
{
    if ((kinds >> kind & 1u) == 0 || left == 0 || random_next() % rate != 0) {
        return false;
    }
    left -= left != UINT64_MAX;
    return true;
}

uint64_t lie_value(enum lie_kind kind, uint64_t truth)
{
    if (!lie_now(kind)) {
        return truth;
    }
    switch (random_next() % 5) {
    case 0:
        return UINT64_MAX;
    case 1:
        return truth + 1;
    case 2:
        return truth + 1 + random_next() % 512;
    case 3:
        return truth ^ 1ull << random_next() % 64;
    default:
        return random_next();
    }
}

void lie_storm(struct virtio_device *d)
{
    if (lie_now(LIE_STORM)) {
        storm = d;
        storm_left = STORM_INTERRUPTS;
    }
}

bool lie_poll(void)
{
    if (storm_left == 0) {
        return false;
    }
    storm_left--;
    virtio_interrupt(storm, (uint32_t)(random_next() % (storm->class->queues + 1)),
                     storm_left % 8 == 0);
    return true;
}
