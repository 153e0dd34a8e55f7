/* SPDX-License-Identifier: MIT */
/*
 * A growing set of numbers. Where memory is short it forgets instead of failing: fit for asking
 * whether something may have been there before.
 */
#ifndef LIB_SET_H
#define LIB_SET_H

#include <stddef.h>
#include <stdint.h>

struct set {          /* begins as zeros */
    uint32_t *number; /* 0: free */
    uint32_t room, used;
};

/* Adds a number; 1: it was there (or one that counts as the same: 0 and 1 do). */
int set_add(struct set *set, uint32_t number);
void set_end(struct set *set);

/* A number for bytes. */
uint32_t set_hash(const void *bytes, size_t count);

#endif
