/* SPDX-License-Identifier: MIT */
/*
 * Commands on the store.
 */
#include "command.h"
#include <stdio.h>

#define RELATIVE_MAX (60 * 60 * 24 * 30) /* seconds; more is a time since 1970 */
#define NUMBER_BYTES 24u

struct command_count command_count;
uint64_t command_epoch;

uint32_t command_expiry(int64_t seconds)
{
    int64_t now = (int64_t)store_now(), at = now + seconds;
    if (seconds == 0)
        return STORE_FOR_EVER;
    if (seconds > RELATIVE_MAX) {
        if (command_epoch == 0)
            return STORE_FOR_EVER;
        at = seconds - (int64_t)command_epoch;
    }
    return at <= now ? (uint32_t)now : (uint32_t)at;
}

uint32_t command_get(struct key key)
{
    uint32_t item = store_find(key.at, key.bytes);
    command_count.get++;
    command_count.get_hit += item != 0;
    command_count.get_miss += item == 0;
    return item;
}

uint32_t command_touch(struct key key, uint32_t expires)
{
    uint32_t item = store_find(key.at, key.bytes);
    command_count.touch++;
    command_count.touch_hit += item != 0;
    command_count.touch_miss += item == 0;
    if (item != 0)
        item_expire(item, expires);
    return item;
}

/* What stands in the way of the update, the present item (0: none) being as it is. */
static enum result update_check(enum update update, uint32_t present, uint64_t cas)
{
    if (update == UPDATE_ADD && present != 0)
        return RESULT_NOT_STORED;
    if ((update == UPDATE_REPLACE || update == UPDATE_APPEND || update == UPDATE_PREPEND) &&
        present == 0)
        return RESULT_NOT_STORED;
    if (update != UPDATE_CAS && cas == 0)
        return RESULT_OK;
    if (present == 0) {
        command_count.cas_miss++;
        return RESULT_NOT_FOUND;
    }
    int same = item_cas(present) == cas;
    command_count.cas_hit += (uint64_t)same;
    command_count.cas_bad += (uint64_t)!same;
    return same ? RESULT_OK : RESULT_EXISTS;
}

/* Links an item with the values of both, in that order, and the present one's flags and expiry. */
static enum result update_join(uint32_t present, uint32_t first, uint32_t second, uint64_t *made)
{
    char key[STORE_KEY_MAX];
    enum result result = RESULT_NO_MEMORY;
    if (item_bytes(first) + item_bytes(second) > STORE_VALUE_MAX)
        return RESULT_TOO_LARGE;
    item_pin(present);
    uint32_t joined =
        item_new(key, item_key(present, key), item_flags(present), item_expires(present));
    if (joined != 0 && item_add_item(joined, first) && item_add_item(joined, second)) {
        item_link(joined);
        *made = item_cas(joined);
        result = RESULT_OK;
    }
    if (joined != 0)
        item_unpin(joined);
    item_unpin(present);
    return result;
}

enum result command_update(enum update update, uint32_t item, uint64_t cas, uint64_t *made)
{
    char key[STORE_KEY_MAX];
    size_t bytes = item_key(item, key);
    uint32_t present = store_find(key, bytes);
    enum result result = update_check(update, present, cas);
    command_count.set++;
    if (result == RESULT_OK && update == UPDATE_APPEND) {
        result = update_join(present, present, item, made);
    } else if (result == RESULT_OK && update == UPDATE_PREPEND) {
        result = update_join(present, item, present, made);
    } else if (result == RESULT_OK) {
        item_link(item);
        *made = item_cas(item);
    }
    item_unpin(item);
    return result;
}

enum result command_delete(struct key key, uint64_t cas)
{
    uint32_t item = store_find(key.at, key.bytes);
    command_count.delete_hit += item != 0;
    command_count.delete_miss += item == 0;
    if (item == 0)
        return RESULT_NOT_FOUND;
    if (cas != 0 && cas != item_cas(item))
        return RESULT_EXISTS;
    item_unlink(item);
    return RESULT_OK;
}

/* Reads a value that is a number: digits, and spaces behind them. */
static int number_read(uint32_t item, uint64_t *value)
{
    char text[NUMBER_BYTES];
    struct item_place place = item_begin(item);
    size_t bytes = item_read(&place, text, sizeof text), i = 0;
    for (*value = 0; i < bytes && text[i] >= '0' && text[i] <= '9'; i++) {
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (*value > (UINT64_MAX - digit) / 10)
            return 0;
        *value = *value * 10 + digit;
    }
    size_t digits = i;
    while (i < bytes && text[i] == ' ')
        i++;
    return digits > 0 && i == bytes && place.left == 0;
}

static enum result number_store(struct key key, uint64_t value, uint32_t flags, uint32_t expires,
                                struct number *made)
{
    char text[NUMBER_BYTES];
    size_t bytes = (size_t)snprintf(text, sizeof text, "%lu", value);
    uint32_t item = item_new(key.at, key.bytes, flags, expires);
    if (item == 0)
        return RESULT_NO_MEMORY;
    enum result result = RESULT_NO_MEMORY;
    if (item_add(item, text, bytes)) {
        item_link(item);
        *made = (struct number){value, item_cas(item)};
        result = RESULT_OK;
    }
    item_unpin(item);
    return result;
}

enum result command_number_new(struct key key, uint64_t value, uint32_t expires, struct number *made)
{
    return number_store(key, value, 0, expires, made);
}

enum result command_count_by(struct key key, int down, uint64_t delta, uint64_t cas,
                             struct number *made)
{
    uint64_t value;
    uint32_t item = store_find(key.at, key.bytes);
    uint64_t *hit = down ? &command_count.decr_hit : &command_count.incr_hit;
    uint64_t *miss = down ? &command_count.decr_miss : &command_count.incr_miss;
    ++*(item != 0 ? hit : miss);
    if (item == 0)
        return RESULT_NOT_FOUND;
    if (cas != 0 && cas != item_cas(item))
        return RESULT_EXISTS;
    if (!number_read(item, &value))
        return RESULT_NO_NUMBER;
    if (down)
        value -= delta < value ? delta : value;
    else
        value += delta;
    return number_store(key, value, item_flags(item), item_expires(item), made);
}
