/* SPDX-License-Identifier: MIT */
/*
 * The ASCII protocol: lines of words, values as counted bytes behind them.
 */
#include "engine.h"
#include <string.h>

#define WORDS_MAX 8u
#define GET_WORD_MAX 5u /* bytes of "gets " */

struct word {
    const char *at;
    size_t bytes;
};

struct line {
    struct word word[WORDS_MAX];
    size_t words; /* WORDS_MAX + 1: more than that */
};

static const char bad_line[] = "CLIENT_ERROR bad command line format";

static void answer(struct engine *e, const char *text)
{
    if (!e->quiet) {
        engine_put(e, text, strlen(text));
        engine_put(e, "\r\n", 2);
    }
}

static void answer_result(struct engine *e, enum result result, const char *ok)
{
    static const char *const texts[RESULTS] = {
        [RESULT_NOT_STORED] = "NOT_STORED",
        [RESULT_EXISTS] = "EXISTS",
        [RESULT_NOT_FOUND] = "NOT_FOUND",
        [RESULT_TOO_LARGE] = "SERVER_ERROR object too large for cache",
        [RESULT_NO_MEMORY] = "SERVER_ERROR out of memory storing object",
        [RESULT_NO_NUMBER] = "CLIENT_ERROR cannot increment or decrement non-numeric value",
    };
    answer(e, result == RESULT_OK ? ok : texts[result]);
}

/* ---- words ---- */

static void line_split(struct line *l, const char *text, size_t bytes)
{
    size_t at = 0;
    l->words = 0;
    while (l->words <= WORDS_MAX) {
        while (at < bytes && text[at] == ' ')
            at++;
        size_t start = at;
        while (at < bytes && text[at] != ' ')
            at++;
        if (at == start)
            return;
        if (l->words < WORDS_MAX)
            l->word[l->words] = (struct word){text + start, at - start};
        l->words++;
    }
}

static int word_is(struct word w, const char *text)
{
    return w.bytes == strlen(text) && memcmp(w.at, text, w.bytes) == 0;
}

static int number_take(struct word w, uint64_t most, uint64_t *number)
{
    uint64_t n = 0;
    for (size_t i = 0; i < w.bytes; i++) {
        if (w.at[i] < '0' || w.at[i] > '9')
            return 0;
        uint64_t digit = (uint64_t)(w.at[i] - '0');
        if (n > (most - digit) / 10)
            return 0;
        n = n * 10 + digit;
    }
    *number = n;
    return w.bytes > 0;
}

/* A time as clients send it, which may be negative. */
static int time_take(struct word w, uint32_t *expires)
{
    uint64_t n;
    int minus = w.bytes > 0 && w.at[0] == '-';
    if (minus)
        w = (struct word){w.at + 1, w.bytes - 1};
    if (!number_take(w, INT32_MAX, &n))
        return 0;
    *expires = command_expiry(minus ? -(int64_t)n : (int64_t)n);
    return 1;
}

static int key_take(struct word w, struct key *key)
{
    *key = (struct key){w.at, w.bytes};
    return w.bytes > 0 && w.bytes <= STORE_KEY_MAX;
}

/* The last word is "noreply": it is taken off. */
static void noreply_take(struct engine *e, struct line *l)
{
    e->quiet = l->words > 1 && l->words <= WORDS_MAX && word_is(l->word[l->words - 1], "noreply");
    if (e->quiet)
        l->words--;
}

/* ---- updates: set add replace append prepend cas ---- */

/* The value's bytes come and are of no interest; then this is answered. */
static void update_refuse(struct engine *e, const char *text, uint64_t bytes)
{
    answer(e, text);
    e->left = (uint32_t)bytes + 2;
    e->state = STATE_SKIP;
}

static void update_fail(struct engine *e, enum result result)
{
    engine_update_drop(e);
    e->failed = result;
}

static void update_begin(struct engine *e, const struct line *l, enum update update)
{
    struct key key;
    uint64_t flags, bytes, cas = 0;
    uint32_t expires;
    size_t words = update == UPDATE_CAS ? 6 : 5;
    if (l->words < words) {
        answer(e, "ERROR");
        return;
    }
    if (l->words > words || !number_take(l->word[4], INT32_MAX - 2, &bytes)) {
        answer(e, bad_line);
        return;
    }
    if (!key_take(l->word[1], &key) || !number_take(l->word[2], UINT32_MAX, &flags) ||
        !time_take(l->word[3], &expires) ||
        (update == UPDATE_CAS && !number_take(l->word[5], UINT64_MAX, &cas))) {
        update_refuse(e, bad_line, bytes);
        return;
    }
    if (bytes > STORE_VALUE_MAX) {
        (void)command_delete(key, 0); /* what is there is out of date */
        update_refuse(e, "SERVER_ERROR object too large for cache", bytes);
        return;
    }
    e->update = update;
    e->cas = cas;
    e->left = (uint32_t)bytes;
    e->failed = RESULT_OK;
    e->item = item_new(key.at, key.bytes, (uint32_t)flags, expires);
    if (e->item == 0)
        update_fail(e, RESULT_NO_MEMORY);
    e->state = bytes > 0 ? STATE_VALUE : STATE_VALUE_END;
}

static size_t value_take(struct engine *e, const char *from, size_t bytes)
{
    size_t n = bytes < e->left ? bytes : e->left;
    if (e->item != 0 && !item_add(e->item, from, n))
        update_fail(e, RESULT_NO_MEMORY);
    e->left -= (uint32_t)n;
    if (e->left == 0)
        e->state = STATE_VALUE_END;
    return n;
}

/* "\r\n" or "\n"; anything else is no end, and all up to one is skipped. */
static size_t value_end_take(struct engine *e, const char *from)
{
    uint64_t made;
    if (from[0] == '\r' && e->line_used == 0)
        return (size_t)engine_keep(e, from, 1);
    e->line_used = 0;
    e->state = STATE_COMMAND;
    if (from[0] != '\n') {
        engine_update_drop(e);
        answer(e, "CLIENT_ERROR bad data chunk");
        e->state = STATE_SKIP_LINE;
        return 1;
    }
    enum result result = e->failed;
    if (result == RESULT_OK)
        result = command_update(e->update, e->item, e->update == UPDATE_CAS ? e->cas : 0, &made);
    e->item = 0;
    answer_result(e, result, "STORED");
    return 1;
}

/* ---- get gets gat gats: keys without end, one at a time ---- */

/* Does the line, of which this is the begin, get? Gives how long the command's word is. */
static size_t get_recognize(struct engine *e, const char *text, size_t bytes)
{
    static const struct {
        const char *word;
        int cas, touch;
    } gets[] = {{"get ", 0, 0}, {"gets ", 1, 0}, {"gat ", 0, 1}, {"gats ", 1, 1}};
    for (size_t i = 0; i < sizeof gets / sizeof gets[0]; i++) {
        size_t n = strlen(gets[i].word);
        if (bytes < n || memcmp(text, gets[i].word, n) != 0)
            continue;
        e->get_cas = gets[i].cas;
        e->get_touch = gets[i].touch;
        e->get_time_taken = 0;
        e->get_keys = 0;
        return n;
    }
    return 0;
}

static void get_answer(struct engine *e, struct key key)
{
    uint32_t item = e->get_touch ? command_touch(key, e->get_expires) : 0;
    if (!e->get_touch || item != 0)
        item = command_get(key);
    if (item == 0)
        return;
    engine_put(e, "VALUE ", 6);
    engine_put(e, key.at, key.bytes);
    if (e->get_cas)
        engine_format(e, " %u %u %lu\r\n", item_flags(item), item_bytes(item), item_cas(item));
    else
        engine_format(e, " %u %u\r\n", item_flags(item), item_bytes(item));
    engine_put_value(e, item);
}

/* One word of the list is whole. 0: it ends the line's being of any use. */
static int get_word(struct engine *e, struct word w)
{
    struct key key;
    if (w.bytes == 0)
        return 1;
    if (e->get_touch && !e->get_time_taken) {
        e->get_time_taken = 1;
        if (time_take(w, &e->get_expires))
            return 1;
        answer(e, "CLIENT_ERROR invalid exptime argument");
        return 0;
    }
    if (!key_take(w, &key)) {
        answer(e, bad_line);
        return 0;
    }
    e->get_keys++;
    get_answer(e, key);
    return 1;
}

static void keys_end(struct engine *e)
{
    e->state = STATE_COMMAND;
    answer(e, e->get_keys > 0 ? "END" : "ERROR");
}

static size_t keys_take(struct engine *e, const char *from, size_t bytes)
{
    size_t n = 0;
    while (n < bytes && from[n] != ' ' && from[n] != '\n' && from[n] != '\r')
        n++;
    if (n == bytes || e->line_used > 0) { /* it is not whole, or was not */
        if (e->line_used + n > STORE_KEY_MAX + 1 || !engine_keep(e, from, n)) {
            e->line_used = 0;
            e->state = STATE_SKIP_LINE;
            answer(e, bad_line);
            return n < bytes ? n : bytes;
        }
        if (n == bytes)
            return n;
    }
    struct word w = e->line_used > 0 ? (struct word){e->line, e->line_used} : (struct word){from, n};
    e->line_used = 0;
    if (!get_word(e, w)) {
        e->state = STATE_SKIP_LINE;
        return n;
    }
    if (from[n] != '\n')
        return n + 1;
    /* The end is taken with the last key unless that one's value is being given out. */
    if (e->sending != 0)
        return n;
    keys_end(e);
    return n + 1;
}

/* ---- other commands ---- */

static void command_incr(struct engine *e, struct line *l)
{
    struct key key;
    struct number made;
    uint64_t delta;
    int down = l->word[0].at[0] == 'd';
    if (l->words != 3) {
        answer(e, "ERROR");
    } else if (!key_take(l->word[1], &key)) {
        answer(e, bad_line);
    } else if (!number_take(l->word[2], UINT64_MAX, &delta)) {
        answer(e, "CLIENT_ERROR invalid numeric delta argument");
    } else {
        enum result result = command_count_by(key, down, delta, 0, &made);
        if (result == RESULT_OK && !e->quiet)
            engine_format(e, "%lu\r\n", made.value);
        else if (result != RESULT_OK)
            answer_result(e, result, "");
    }
}

static void command_remove(struct engine *e, struct line *l)
{
    struct key key;
    if (l->words < 2)
        answer(e, "ERROR");
    else if (l->words > 3 || (l->words == 3 && !word_is(l->word[2], "0")))
        answer(e, "CLIENT_ERROR bad command line format.  Usage: delete <key> [noreply]");
    else if (!key_take(l->word[1], &key))
        answer(e, bad_line);
    else
        answer_result(e, command_delete(key, 0), "DELETED");
}

static void command_touching(struct engine *e, struct line *l)
{
    struct key key;
    uint32_t expires;
    if (l->words != 3)
        answer(e, "ERROR");
    else if (!key_take(l->word[1], &key))
        answer(e, bad_line);
    else if (!time_take(l->word[2], &expires))
        answer(e, "CLIENT_ERROR invalid exptime argument");
    else
        answer(e, command_touch(key, expires) != 0 ? "TOUCHED" : "NOT_FOUND");
}

static void command_flush(struct engine *e, struct line *l)
{
    uint64_t delay = 0;
    if (l->words > 2 || (l->words == 2 && !number_take(l->word[1], INT32_MAX, &delay))) {
        answer(e, bad_line);
        return;
    }
    command_count.flush++;
    if (delay == 0)
        store_flush();
    else
        store_flush_at(command_expiry((int64_t)delay));
    answer(e, "OK");
}

static void stat_line(struct engine *e, const char *name, const char *value)
{
    engine_format(e, "STAT %s %s\r\n", name, value);
}

/* Parts that memcached has and this store has not are empty. */
static int stats_known(struct word w)
{
    static const char *const parts[] = {"settings", "items", "slabs", "sizes", "conns"};
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (word_is(w, parts[i]))
            return 1;
    return 0;
}

static void command_stats(struct engine *e, struct line *l)
{
    if (l->words == 1) {
        stats_all(e, stat_line);
        answer(e, "END");
    } else if (l->words == 2 && word_is(l->word[1], "reset")) {
        stats_reset();
        answer(e, "RESET");
    } else {
        answer(e, stats_known(l->word[1]) ? "END" : "ERROR");
    }
}

static void command_verbosity(struct engine *e, struct line *l)
{
    uint64_t level; /* this server says nothing about its work: any level is as good */
    answer(e, l->words == 2 && number_take(l->word[1], UINT32_MAX, &level) ? "OK" : "ERROR");
}

static void command_version(struct engine *e, struct line *l)
{
    (void)l;
    answer(e, "VERSION " MEMCACHED_VERSION);
}

static void command_quit(struct engine *e, struct line *l)
{
    (void)l;
    e->ended = 1;
}

static void command_get_none(struct engine *e, struct line *l)
{
    (void)l;
    answer(e, "ERROR");
}

static void line_run(struct engine *e, const char *text, size_t bytes)
{
    static const char *const updates[] = {"set", "add", "replace", "append", "prepend", "cas"};
    static const struct {
        const char *word;
        int may_be_quiet; /* "noreply" means something */
        void (*run)(struct engine *, struct line *);
    } commands[] = {
        {"incr", 1, command_incr},       {"decr", 1, command_incr},
        {"delete", 1, command_remove},   {"touch", 1, command_touching},
        {"flush_all", 1, command_flush}, {"verbosity", 1, command_verbosity},
        {"stats", 0, command_stats},     {"version", 0, command_version},
        {"quit", 0, command_quit},       {"get", 0, command_get_none},
    };
    struct line l;
    line_split(&l, text, bytes);
    e->quiet = 0;
    for (size_t i = 0; l.words > 0 && i < sizeof updates / sizeof updates[0]; i++)
        if (word_is(l.word[0], updates[i])) {
            noreply_take(e, &l);
            update_begin(e, &l, (enum update)i);
            return;
        }
    for (size_t i = 0; l.words > 0 && i < sizeof commands / sizeof commands[0]; i++)
        if (word_is(l.word[0], commands[i].word)) {
            if (commands[i].may_be_quiet)
                noreply_take(e, &l);
            commands[i].run(e, &l);
            return;
        }
    answer(e, "ERROR");
}

static void keys_begin(struct engine *e)
{
    e->line_used = 0;
    e->quiet = 0;
    e->turns++;
    e->state = STATE_KEYS;
}

/* The line is whole: it is taken from the copy, as what arrives lies in memory that others can change. */
static void line_end(struct engine *e)
{
    size_t used = e->line_used;
    e->line_used = 0;
    e->turns++;
    used -= used > 1 && e->line[used - 2] == '\r' ? 2 : 1;
    line_run(e, e->line, used);
}

static size_t line_take(struct engine *e, const char *from, size_t bytes)
{
    /* A line that came in pieces is looked at byte by byte while it may be a get. */
    if (e->line_used > 0 && e->line_used < GET_WORD_MAX)
        bytes = 1;
    const char *end = memchr(from, '\n', bytes);
    size_t n = end == NULL ? bytes : (size_t)(end - from) + 1;
    size_t get = e->line_used == 0 ? get_recognize(e, from, n) : 0;
    if (get > 0) {
        keys_begin(e);
        return get;
    }
    if (!engine_keep(e, from, n)) {
        e->line_used = 0;
        e->quiet = 0;
        e->state = end == NULL ? STATE_SKIP_LINE : STATE_COMMAND;
        answer(e, "CLIENT_ERROR line too long");
    } else if (get_recognize(e, e->line, e->line_used) == e->line_used) {
        keys_begin(e);
    } else if (end != NULL) {
        line_end(e);
    }
    return n;
}

size_t ascii_take(struct engine *e, const char *from, size_t bytes)
{
    const char *end;
    switch (e->state) {
    case STATE_KEYS:
        return keys_take(e, from, bytes);
    case STATE_VALUE:
        return value_take(e, from, bytes);
    case STATE_VALUE_END:
        return value_end_take(e, from);
    case STATE_SKIP_LINE:
        end = memchr(from, '\n', bytes);
        if (end != NULL)
            e->state = STATE_COMMAND;
        return end == NULL ? bytes : (size_t)(end - from) + 1;
    default:
        return line_take(e, from, bytes);
    }
}
