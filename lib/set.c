/* SPDX-License-Identifier: MIT */
/*
 * A set of numbers: an open hash table, at most three quarters full.
 */
#include "lib/set.h"
#include <stdlib.h>

#define ROOM_FIRST 64u

static uint32_t *place_of(const struct set *set, uint32_t number)
{
    uint32_t at = number * 0x9e3779b1u;
    while (set->number[at & (set->room - 1)] != 0 && set->number[at & (set->room - 1)] != number)
        at++;
    return &set->number[at & (set->room - 1)];
}

static void grow(struct set *set)
{
    struct set larger = {.room = set->room == 0 ? ROOM_FIRST : set->room * 2, .used = set->used};
    larger.number = calloc(larger.room, sizeof *larger.number);
    if (larger.number == NULL)
        return;
    for (uint32_t i = 0; i < set->room; i++)
        if (set->number[i] != 0)
            *place_of(&larger, set->number[i]) = set->number[i];
    free(set->number);
    *set = larger;
}

int set_add(struct set *set, uint32_t number)
{
    number += number == 0;
    if (set->used >= set->room / 4 * 3)
        grow(set);
    if (set->room == 0)
        return 0;
    uint32_t *place = place_of(set, number);
    if (*place == number)
        return 1;
    if (set->used < set->room - 1) { /* one stays free, so that searches end */
        *place = number;
        set->used++;
    }
    return 0;
}

void set_end(struct set *set)
{
    free(set->number);
    *set = (struct set){0};
}

uint32_t set_hash(const void *bytes, size_t count)
{
    const unsigned char *b = bytes;
    uint32_t hash = 0x811c9dc5u;
    for (size_t i = 0; i < count; i++)
        hash = (hash ^ b[i]) * 0x01000193u;
    return hash;
}
