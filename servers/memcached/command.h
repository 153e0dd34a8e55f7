/* SPDX-License-Identifier: MIT */
/*
 * What the commands do to the store, the same for both protocols.
 */
#ifndef MEMCACHED_COMMAND_H
#define MEMCACHED_COMMAND_H

#include "store.h"

enum result {
    RESULT_OK,
    RESULT_NOT_STORED, /* add: it is there; replace, append, prepend: it is not */
    RESULT_EXISTS,     /* the cas number is another by now */
    RESULT_NOT_FOUND,
    RESULT_TOO_LARGE,
    RESULT_NO_MEMORY,
    RESULT_NO_NUMBER, /* the value is no number, and cannot be counted up or down */
    RESULTS
};

enum update { UPDATE_SET, UPDATE_ADD, UPDATE_REPLACE, UPDATE_APPEND, UPDATE_PREPEND, UPDATE_CAS };

/* The counts that "stats" shows. */
struct command_count {
    uint64_t get, get_hit, get_miss, set, flush, touch, touch_hit, touch_miss;
    uint64_t delete_hit, delete_miss, incr_hit, incr_miss, decr_hit, decr_miss;
    uint64_t cas_hit, cas_miss, cas_bad;
    uint64_t bytes_read, bytes_written;
};
extern struct command_count command_count;

/* Seconds since 1970 when the store's time was 0; 0: not known, and times after 1970 never come. */
extern uint64_t command_epoch;

/* From what clients send (0 never, < 0 at once, up to 30 days from now, else since 1970) to the
   store's time. */
uint32_t command_expiry(int64_t seconds);

struct key {
    const char *at;
    size_t bytes;
};

/* Looks a key up for get, counted. */
uint32_t command_get(struct key key);

/* Changes the expiry: the item, or 0. */
uint32_t command_touch(struct key key, uint32_t expires);

/* Ends an update with an item that has its whole value, and unpins it. cas: 0, or the number the
   present item must have. *made: the cas number the stored item has. */
enum result command_update(enum update update, uint32_t item, uint64_t cas, uint64_t *made);

enum result command_delete(struct key key, uint64_t cas);

struct number {
    uint64_t value, cas;
};

/* Counts up or down (not below 0), modulo 2^64. */
enum result command_count_by(struct key key, int down, uint64_t delta, uint64_t cas,
                             struct number *made);

/* Stores a number as a value. */
enum result command_number_new(struct key key, uint64_t value, uint32_t expires,
                               struct number *made);

#endif
