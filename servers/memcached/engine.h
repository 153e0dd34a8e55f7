/* SPDX-License-Identifier: MIT */
/*
 * One connection that speaks the memcached protocol, ASCII or binary (its first byte says which), as an
 * engine: bytes in, bytes out, no sockets. Values go straight from what arrives into the store's
 * blocks, and large ones straight from there to what is sent, so a connection needs no more
 * than sizeof(struct engine) bytes and the blocks of the one value it is sending here.
 *
 * A command is begun only when its answer has room (ANSWER_MAX), so an answer is never cut.
 */
#ifndef MEMCACHED_ENGINE_H
#define MEMCACHED_ENGINE_H

#include "command.h"

#define LINE_MAX 2048u   /* bytes of a command line, but for the keys of a get, which have no end */
#define OUT_BYTES 8192u  /* of answers waiting to be given */
#define ANSWER_MAX 4096u /* of the longest answer, values apart */
#define HEAD_BYTES 24u   /* of a binary message */

enum engine_state {
    STATE_COMMAND,   /* collects a line, or a binary head with extras and key */
    STATE_KEYS,      /* ASCII: the keys of a get, one after the other */
    STATE_VALUE,     /* the bytes of a value */
    STATE_VALUE_END, /* ASCII: the line's end behind it */
    STATE_SKIP,      /* so many bytes are of no interest */
    STATE_SKIP_LINE  /* up to the end of the line */
};

enum engine_protocol { PROTOCOL_UNKNOWN, PROTOCOL_ASCII, PROTOCOL_BINARY };

/* The head of a binary request. */
struct binary_head {
    uint8_t opcode;
    uint8_t extras;
    uint16_t key;
    uint32_t body;
    uint32_t opaque; /* as it came */
    uint64_t cas;
};

struct engine {
    enum engine_state state;
    enum engine_protocol protocol;
    int ended;
    uint64_t turns; /* commands begun */

    /* An update whose value arrives. */
    enum update update;
    uint32_t item;      /* pinned; 0: none, the value is skipped */
    uint32_t left;      /* bytes of the value, or of what is skipped, still to come */
    uint64_t cas;       /* that the present item must have; 0: any */
    int quiet;          /* nothing is answered (ASCII: at all; binary: to success) */
    enum result failed; /* of the update before its value has arrived; RESULT_OK: it has not */
    struct binary_head head;

    /* A get whose keys arrive. */
    int get_cas, get_touch, get_time_taken;
    uint32_t get_expires;
    unsigned get_keys;

    uint32_t sending; /* pinned item whose value is given out behind out; 0: none */
    struct item_place place;
    size_t out_at, out_end;
    size_t line_used;
    char line[LINE_MAX];
    char out[OUT_BYTES];
};

void engine_start(struct engine *e);
size_t engine_take(struct engine *e, const void *from, size_t bytes);
size_t engine_give(struct engine *e, void *to, size_t room);
void engine_end(struct engine *e);

/* 1: the answer to what was taken is not all given. */
int engine_has_more(const struct engine *e);
/* 1: between two commands. */
int engine_is_idle(const struct engine *e);

/* For the protocols: answers. */
void engine_put(struct engine *e, const void *from, size_t bytes);
void engine_format(struct engine *e, const char *format, ...)
    __attribute__((__format__(__printf__, 2, 3)));
/* Puts an item's value, or has it given out behind all that is put. */
void engine_put_value(struct engine *e, uint32_t item);
/* Gives the item of the present update up. */
void engine_update_drop(struct engine *e);
/* Keeps bytes of something that has not arrived in whole; 0: there is no room for them. */
int engine_keep(struct engine *e, const char *from, size_t bytes);

/* ascii.c, binary.c: take bytes in any state of theirs; give how many, at least one. */
size_t ascii_take(struct engine *e, const char *from, size_t bytes);
size_t binary_take(struct engine *e, const char *from, size_t bytes);

/* stats.c: each statistic as a name and a value, to put. */
typedef void stats_put(struct engine *e, const char *name, const char *value);
void stats_all(struct engine *e, stats_put *put);
void stats_reset(void);
#define MEMCACHED_VERSION "1.6.0"

#endif
