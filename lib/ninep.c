/* SPDX-License-Identifier: MIT */
/* Fields of 9P messages; see ninep.h. Nothing that was written is ever read back: the buffer may be
   shared with somebody who changes it. */
#include "lib/ninep.h"
#include <string.h>

uint64_t ninep_get(struct ninep_reader *r, unsigned bytes)
{
    uint64_t value = 0;
    if (r->left < bytes) {
        r->bad = 1;
        r->left = 0;
        return 0;
    }
    for (unsigned i = 0; i < bytes; i++)
        value |= (uint64_t)r->at[i] << (8 * i);
    r->at += bytes;
    r->left -= bytes;
    return value;
}

void ninep_get_qid(struct ninep_reader *r, struct ninep_qid *qid)
{
    qid->type = (uint8_t)ninep_get(r, 1);
    qid->version = (uint32_t)ninep_get(r, 4);
    qid->path = ninep_get(r, 8);
}

void ninep_skip(struct ninep_reader *r, size_t bytes)
{
    size_t n = bytes < r->left ? bytes : r->left;
    r->bad |= n < bytes;
    r->at += n;
    r->left -= n;
}

void ninep_get_string(struct ninep_reader *r, char *to, size_t room)
{
    size_t bytes = ninep_get(r, 2);
    to[0] = 0;
    if (bytes > r->left || bytes >= room) {
        r->bad = 1;
        ninep_skip(r, bytes);
        return;
    }
    memcpy(to, r->at, bytes);
    to[bytes] = 0;
    r->bad |= strlen(to) != bytes;
    ninep_skip(r, bytes);
}

void ninep_put(struct ninep_writer *w, uint64_t value, unsigned bytes)
{
    if (w->full || w->room - w->used < bytes) {
        w->full = 1;
        return;
    }
    for (unsigned i = 0; i < bytes; i++)
        w->start[w->used++] = (unsigned char)(value >> (8 * i));
}

void ninep_put_qid(struct ninep_writer *w, const struct ninep_qid *qid)
{
    ninep_put(w, qid->type, 1);
    ninep_put(w, qid->version, 4);
    ninep_put(w, qid->path, 8);
}

void ninep_put_string(struct ninep_writer *w, const char *s)
{
    size_t bytes = strlen(s);
    if (bytes > UINT16_MAX || w->full || w->room - w->used < 2 + bytes) {
        w->full = 1;
        return;
    }
    ninep_put(w, bytes, 2);
    memcpy(w->start + w->used, s, bytes);
    w->used += bytes;
}

struct ninep_writer ninep_begin(void *to, size_t room)
{
    return (struct ninep_writer){to, NINEP_HEAD, room, room < NINEP_HEAD};
}

uint32_t ninep_finish(struct ninep_writer *w, uint8_t type, uint16_t tag)
{
    struct ninep_writer head = {w->start, 0, NINEP_HEAD, 0};
    if (w->full)
        return 0;
    ninep_put(&head, w->used, 4);
    ninep_put(&head, type, 1);
    ninep_put(&head, tag, 2);
    return (uint32_t)w->used;
}
