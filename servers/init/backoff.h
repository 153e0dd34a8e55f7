/* SPDX-License-Identifier: MIT */
/*
 * How long a program that ends again and again by itself is left alone before it is started again.
 * The first few times it is not; then twice as long each time, up to a bound. Once it has lived for
 * a while all is forgotten. Being killed does not count: that says nothing about the program.
 */
#ifndef INIT_BACKOFF_H
#define INIT_BACKOFF_H

#include <stdint.h>

#define BACKOFF_FREE 4u                /* ends in a row without a wait */
#define BACKOFF_FIRST_NS 1000000000u   /* the first wait */
#define BACKOFF_MOST_NS 32000000000u   /* the longest one */
#define BACKOFF_STEADY_NS 10000000000u /* a life that is long enough */

struct backoff {
    uint64_t started; /* time of the last start, ns since boot */
    uint64_t ends;    /* in a row */
};

/* It was started. */
void backoff_start(struct backoff *b, uint64_t now);

/* It ended by itself: how many ns to wait before the next start; 0: none. */
uint64_t backoff_end(struct backoff *b, uint64_t now);

#endif
