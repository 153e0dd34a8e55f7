/* SPDX-License-Identifier: MIT */
/*
 * The binary protocol: a head of 24 bytes, then extras, key and value. Numbers are big-endian. What
 * does not fit together within a message is answered and its body skipped, so the next one is found;
 * only a wrong first byte ends the connection.
 */
#include "engine.h"
#include <string.h>

#define REQUEST 0x80u
#define RESPONSE 0x81u
#define NOT_CREATED 0xffffffffu /* expiry of incr: a key that is not there is not made */

enum opcode {
    OP_GET,
    OP_SET,
    OP_ADD,
    OP_REPLACE,
    OP_DELETE,
    OP_INCR,
    OP_DECR,
    OP_QUIT,
    OP_FLUSH,
    OP_GETQ,
    OP_NOOP,
    OP_VERSION,
    OP_GETK,
    OP_GETKQ,
    OP_APPEND,
    OP_PREPEND,
    OP_STAT,
    OP_SETQ,
    OP_ADDQ,
    OP_REPLACEQ,
    OP_DELETEQ,
    OP_INCRQ,
    OP_DECRQ,
    OP_QUITQ,
    OP_FLUSHQ,
    OP_APPENDQ,
    OP_PREPENDQ,
    OP_VERBOSITY,
    OP_TOUCH,
    OP_GAT,
    OP_GATQ,
    OP_GATK = 0x23,
    OP_GATKQ,
    OP_COUNT
};

enum status {
    STATUS_OK,
    STATUS_NOT_FOUND,
    STATUS_EXISTS,
    STATUS_TOO_LARGE,
    STATUS_INVALID,
    STATUS_NOT_STORED,
    STATUS_NO_NUMBER,
    STATUS_UNKNOWN = 0x81,
    STATUS_NO_MEMORY
};

/* What a message of an opcode may hold. */
struct shape {
    uint8_t known;
    uint8_t quiet;        /* the opcode this one is when it is not quiet, + 1; 0: it is not */
    uint8_t extras_least; /* bytes */
    uint8_t extras_most;
    uint8_t key;   /* 0 none, 1 one, 2 perhaps */
    uint8_t value; /* 1: may hold one */
};

#define PLAIN(least, most, key, value)                                                             \
    {                                                                                              \
        1, 0, least, most, key, value                                                              \
    }
#define QUIET(of, least, most, key, value)                                                         \
    {                                                                                              \
        1, (of) + 1, least, most, key, value                                                       \
    }
static const struct shape shapes[OP_COUNT] = {
    [OP_GET] = PLAIN(0, 0, 1, 0),
    [OP_SET] = PLAIN(8, 8, 1, 1),
    [OP_ADD] = PLAIN(8, 8, 1, 1),
    [OP_REPLACE] = PLAIN(8, 8, 1, 1),
    [OP_DELETE] = PLAIN(0, 0, 1, 0),
    [OP_INCR] = PLAIN(20, 20, 1, 0),
    [OP_DECR] = PLAIN(20, 20, 1, 0),
    [OP_QUIT] = PLAIN(0, 0, 0, 0),
    [OP_FLUSH] = PLAIN(0, 4, 0, 0),
    [OP_GETQ] = QUIET(OP_GET, 0, 0, 1, 0),
    [OP_NOOP] = PLAIN(0, 0, 0, 0),
    [OP_VERSION] = PLAIN(0, 0, 0, 0),
    [OP_GETK] = PLAIN(0, 0, 1, 0),
    [OP_GETKQ] = QUIET(OP_GETK, 0, 0, 1, 0),
    [OP_APPEND] = PLAIN(0, 0, 1, 1),
    [OP_PREPEND] = PLAIN(0, 0, 1, 1),
    [OP_STAT] = PLAIN(0, 0, 2, 0),
    [OP_SETQ] = QUIET(OP_SET, 8, 8, 1, 1),
    [OP_ADDQ] = QUIET(OP_ADD, 8, 8, 1, 1),
    [OP_REPLACEQ] = QUIET(OP_REPLACE, 8, 8, 1, 1),
    [OP_DELETEQ] = QUIET(OP_DELETE, 0, 0, 1, 0),
    [OP_INCRQ] = QUIET(OP_INCR, 20, 20, 1, 0),
    [OP_DECRQ] = QUIET(OP_DECR, 20, 20, 1, 0),
    [OP_QUITQ] = QUIET(OP_QUIT, 0, 0, 0, 0),
    [OP_FLUSHQ] = QUIET(OP_FLUSH, 0, 4, 0, 0),
    [OP_APPENDQ] = QUIET(OP_APPEND, 0, 0, 1, 1),
    [OP_PREPENDQ] = QUIET(OP_PREPEND, 0, 0, 1, 1),
    [OP_VERBOSITY] = PLAIN(4, 4, 0, 0),
    [OP_TOUCH] = PLAIN(4, 4, 1, 0),
    [OP_GAT] = PLAIN(4, 4, 1, 0),
    [OP_GATQ] = QUIET(OP_GAT, 4, 4, 1, 0),
    [OP_GATK] = PLAIN(4, 4, 1, 0),
    [OP_GATKQ] = QUIET(OP_GATK, 4, 4, 1, 0),
};

static uint64_t number_at(const char *from, size_t bytes)
{
    uint64_t n = 0;
    for (size_t i = 0; i < bytes; i++)
        n = n << 8 | (unsigned char)from[i];
    return n;
}

static void number_to(char *to, size_t bytes, uint64_t n)
{
    for (size_t i = bytes; i-- > 0; n >>= 8)
        to[i] = (char)(n & 255);
}

/* ---- answers ---- */

/* What a response says beside its opcode and opaque. */
struct response {
    enum status status;
    size_t extras, key, value; /* bytes */
    uint64_t cas;
};

static void put_head(struct engine *e, const struct response *r)
{
    char head[HEAD_BYTES] = {0};
    number_to(head, 1, RESPONSE);
    number_to(head + 1, 1, e->head.opcode);
    number_to(head + 2, 2, r->key);
    number_to(head + 4, 1, r->extras);
    number_to(head + 6, 2, r->status);
    number_to(head + 8, 4, r->extras + r->key + r->value);
    memcpy(head + 12, &e->head.opaque, 4);
    number_to(head + 16, 8, r->cas);
    engine_put(e, head, sizeof head);
}

static void answer_ok(struct engine *e, uint64_t cas)
{
    if (!e->quiet)
        put_head(e, &(struct response){.cas = cas});
}

static void answer_error(struct engine *e, enum status status)
{
    static const char *const texts[] = {
        [STATUS_OK] = "",
        [STATUS_NOT_FOUND] = "Not found",
        [STATUS_EXISTS] = "Data exists for key.",
        [STATUS_TOO_LARGE] = "Too large.",
        [STATUS_INVALID] = "Invalid arguments",
        [STATUS_NOT_STORED] = "Not stored.",
        [STATUS_NO_NUMBER] = "Non-numeric server-side value for incr or decr",
    };
    const char *text = status == STATUS_UNKNOWN     ? "Unknown command"
                       : status == STATUS_NO_MEMORY ? "Out of memory"
                                                    : texts[status];
    put_head(e, &(struct response){.status = status, .value = strlen(text)});
    engine_put(e, text, strlen(text));
}

static void answer_result(struct engine *e, enum result result, uint64_t cas)
{
    static const enum status status[RESULTS] = {
        [RESULT_NOT_STORED] = STATUS_NOT_STORED, [RESULT_EXISTS] = STATUS_EXISTS,
        [RESULT_NOT_FOUND] = STATUS_NOT_FOUND,   [RESULT_TOO_LARGE] = STATUS_TOO_LARGE,
        [RESULT_NO_MEMORY] = STATUS_NO_MEMORY,   [RESULT_NO_NUMBER] = STATUS_NO_NUMBER,
    };
    if (result == RESULT_OK)
        answer_ok(e, cas);
    else
        answer_error(e, status[result]);
}

/* ---- commands: extras and key are in the line, behind the head's place ---- */

static const char *extras_of(const struct engine *e) { return e->line + HEAD_BYTES; }

static struct key key_of(const struct engine *e)
{
    return (struct key){e->line + HEAD_BYTES + e->head.extras, e->head.key};
}

static void command_getting(struct engine *e, unsigned op)
{
    uint32_t item = 0;
    int touch = op == OP_GAT || op == OP_GATK;
    int with_key = op == OP_GETK || op == OP_GATK;
    if (touch)
        item = command_touch(key_of(e), command_expiry((int64_t)number_at(extras_of(e), 4)));
    if (!touch || item != 0)
        item = command_get(key_of(e));
    if (item == 0) {
        if (!e->quiet)
            answer_error(e, STATUS_NOT_FOUND);
        return;
    }
    char flags[4];
    size_t key = with_key ? e->head.key : 0;
    number_to(flags, 4, item_flags(item));
    put_head(e, &(struct response){
                    .extras = 4, .key = key, .value = item_bytes(item), .cas = item_cas(item)});
    engine_put(e, flags, sizeof flags);
    engine_put(e, key_of(e).at, key);
    engine_put_value(e, item);
}

static void command_touching(struct engine *e)
{
    uint32_t item = command_touch(key_of(e), command_expiry((int64_t)number_at(extras_of(e), 4)));
    if (item == 0)
        answer_error(e, STATUS_NOT_FOUND);
    else
        answer_ok(e, item_cas(item));
}

static void command_counting(struct engine *e, int down)
{
    struct number made;
    char value[8];
    const char *extras = extras_of(e);
    uint64_t expires = number_at(extras + 16, 4);
    enum result result = command_count_by(key_of(e), down, number_at(extras, 8), e->head.cas, &made);
    if (result == RESULT_NOT_FOUND && expires != NOT_CREATED)
        result = command_number_new(key_of(e), number_at(extras + 8, 8),
                                    command_expiry((int64_t)expires), &made);
    if (result != RESULT_OK) {
        answer_result(e, result, 0);
        return;
    }
    if (e->quiet)
        return;
    number_to(value, 8, made.value);
    put_head(e, &(struct response){.value = 8, .cas = made.cas});
    engine_put(e, value, sizeof value);
}

static void command_flush(struct engine *e)
{
    uint64_t delay = e->head.extras == 4 ? number_at(extras_of(e), 4) : 0;
    command_count.flush++;
    if (delay == 0)
        store_flush();
    else
        store_flush_at(command_expiry((int64_t)delay));
    answer_ok(e, 0);
}

static void stat_message(struct engine *e, const char *name, const char *value)
{
    put_head(e, &(struct response){.key = strlen(name), .value = strlen(value)});
    engine_put(e, name, strlen(name));
    engine_put(e, value, strlen(value));
}

static void command_stats(struct engine *e)
{
    struct key key = key_of(e);
    if (key.bytes == 0)
        stats_all(e, stat_message);
    else if (key.bytes == 5 && memcmp(key.at, "reset", 5) == 0)
        stats_reset();
    answer_ok(e, 0); /* without name: the end */
}

static void command_version(struct engine *e)
{
    put_head(e, &(struct response){.value = sizeof MEMCACHED_VERSION - 1});
    engine_put(e, MEMCACHED_VERSION, sizeof MEMCACHED_VERSION - 1);
}

/* Commands without a value. */
static void command_run(struct engine *e, unsigned op)
{
    switch (op) {
    case OP_DELETE:
        answer_result(e, command_delete(key_of(e), e->head.cas), 0);
        break;
    case OP_INCR:
    case OP_DECR:
        command_counting(e, op == OP_DECR);
        break;
    case OP_QUIT:
        answer_ok(e, 0);
        e->ended = 1;
        break;
    case OP_FLUSH:
        command_flush(e);
        break;
    case OP_NOOP:
    case OP_VERBOSITY:
        answer_ok(e, 0);
        break;
    case OP_VERSION:
        command_version(e);
        break;
    case OP_STAT:
        command_stats(e);
        break;
    case OP_TOUCH:
        command_touching(e);
        break;
    default:
        command_getting(e, op);
    }
}

/* ---- updates ---- */

static void update_finish(struct engine *e)
{
    uint64_t made = 0;
    enum result result = e->failed;
    e->state = STATE_COMMAND;
    if (result == RESULT_OK)
        result = command_update(e->update, e->item, e->head.cas, &made);
    e->item = 0;
    /* The binary protocol has names of its own for two of these. */
    if (result == RESULT_NOT_STORED && e->update == UPDATE_ADD)
        result = RESULT_EXISTS;
    else if (result == RESULT_NOT_STORED && e->update == UPDATE_REPLACE)
        result = RESULT_NOT_FOUND;
    answer_result(e, result, made);
}

static void update_begin(struct engine *e, unsigned op)
{
    static const enum update updates[] = {[OP_SET] = UPDATE_SET,
                                          [OP_ADD] = UPDATE_ADD,
                                          [OP_REPLACE] = UPDATE_REPLACE,
                                          [OP_APPEND] = UPDATE_APPEND,
                                          [OP_PREPEND] = UPDATE_PREPEND};
    struct key key = key_of(e);
    uint32_t flags = 0, expires = 0;
    e->left = e->head.body - e->head.extras - e->head.key;
    if (e->left > STORE_VALUE_MAX) {
        (void)command_delete(key, 0); /* what is there is out of date */
        answer_error(e, STATUS_TOO_LARGE);
        e->state = STATE_SKIP;
        return;
    }
    if (e->head.extras == 8) {
        flags = (uint32_t)number_at(extras_of(e), 4);
        expires = command_expiry((int64_t)number_at(extras_of(e) + 4, 4));
    }
    e->update = updates[op];
    e->failed = RESULT_OK;
    e->item = item_new(key.at, key.bytes, flags, expires);
    if (e->item == 0)
        e->failed = RESULT_NO_MEMORY;
    e->state = STATE_VALUE;
    if (e->left == 0)
        update_finish(e);
}

static size_t value_take(struct engine *e, const char *from, size_t bytes)
{
    size_t n = bytes < e->left ? bytes : e->left;
    if (e->item != 0 && !item_add(e->item, from, n)) {
        engine_update_drop(e);
        e->failed = RESULT_NO_MEMORY;
    }
    e->left -= (uint32_t)n;
    if (e->left == 0)
        update_finish(e);
    return n;
}

/* ---- messages ---- */

static void head_read(struct engine *e)
{
    const char *head = e->line;
    e->head = (struct binary_head){
        .opcode = (uint8_t)head[1],
        .extras = (uint8_t)head[4],
        .key = (uint16_t)number_at(head + 2, 2),
        .body = (uint32_t)number_at(head + 8, 4),
        .cas = number_at(head + 16, 8),
    };
    memcpy(&e->head.opaque, head + 12, 4);
}

/* STATUS_OK: the message is one that can be done. */
static enum status head_check(const struct binary_head *h)
{
    if (h->opcode >= OP_COUNT || !shapes[h->opcode].known)
        return STATUS_UNKNOWN;
    const struct shape *s = &shapes[h->opcode];
    uint32_t rest = h->body - h->extras - h->key;
    if ((uint32_t)h->extras + h->key > h->body || h->extras < s->extras_least ||
        h->extras > s->extras_most || (h->extras != s->extras_least && h->extras != 4))
        return STATUS_INVALID;
    if (h->key > STORE_KEY_MAX || (s->key == 0 && h->key != 0) || (s->key == 1 && h->key == 0) ||
        (s->value == 0 && rest != 0))
        return STATUS_INVALID;
    return STATUS_OK;
}

/* The head is there: what cannot be done is answered now, and its body skipped. */
static void head_done(struct engine *e)
{
    head_read(e);
    e->quiet = 0;
    enum status status = head_check(&e->head);
    if ((unsigned char)e->line[0] != REQUEST) {
        e->ended = 1;
    } else if (status != STATUS_OK) {
        answer_error(e, status);
        e->line_used = 0;
        e->left = e->head.body;
        e->state = e->left > 0 ? STATE_SKIP : STATE_COMMAND;
    }
}

/* Head, extras and key are there. */
static void message_run(struct engine *e)
{
    const struct shape *s = &shapes[e->head.opcode];
    unsigned op = s->quiet > 0 ? s->quiet - 1u : e->head.opcode;
    e->line_used = 0;
    e->turns++;
    e->quiet = s->quiet > 0;
    if (s->value)
        update_begin(e, op);
    else
        command_run(e, op);
}

size_t binary_take(struct engine *e, const char *from, size_t bytes)
{
    if (e->state == STATE_VALUE)
        return value_take(e, from, bytes);
    size_t whole =
        e->line_used < HEAD_BYTES ? HEAD_BYTES : HEAD_BYTES + (size_t)e->head.extras + e->head.key;
    size_t wish = whole - e->line_used, n = bytes < wish ? bytes : wish;
    (void)engine_keep(e, from, n); /* it fits: extras and key have been checked */
    if (n < wish)
        return n;
    if (whole == HEAD_BYTES)
        head_done(e);
    if (!e->ended && e->line_used > 0 &&
        e->line_used == HEAD_BYTES + (size_t)e->head.extras + e->head.key)
        message_run(e);
    return n;
}
