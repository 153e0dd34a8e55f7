/* SPDX-License-Identifier: MIT */
/*
 * Record locks of 9P: ranges of bytes of a file that a client's process has locked to read or to
 * write. They bind only those who ask for them. An owner is a session and the client's own number
 * of a process; its locks never stand in its own way, and a new one replaces what it covers of
 * older ones. All of a session's locks go with the session.
 */
#include "lib/ninep_call.h"
#include <string.h>

struct request {
    struct ninep_lock lock;
    uint64_t length; /* as asked: 0 is up to the end of any file */
    char client[FS_NAME_MAX + 1];
};

static int is_owner(const struct ninep_lock *a, const struct ninep_lock *b)
{
    return a->session == b->session && a->process == b->process;
}

static int overlap(const struct ninep_lock *a, const struct ninep_lock *b)
{
    return a->ino == b->ino && a->start <= b->end && b->start <= a->end;
}

/* The lock of another owner that stands in the way; NULL: none. */
static const struct ninep_lock *conflict(const struct ninep_server *server,
                                         const struct ninep_lock *wanted)
{
    for (size_t i = 0; i < NINEP_LOCKS_MAX; i++) {
        const struct ninep_lock *l = &server->lock[i];
        int excludes = l->type == NINEP_LOCK_WRITE || wanted->type == NINEP_LOCK_WRITE;
        if (l->session != NULL && overlap(l, wanted) && !is_owner(l, wanted) && excludes)
            return l;
    }
    return NULL;
}

static struct ninep_lock *lock_free(struct ninep_server *server, const struct ninep_lock *but)
{
    for (size_t i = 0; i < NINEP_LOCKS_MAX; i++)
        if (server->lock[i].session == NULL && &server->lock[i] != but)
            return &server->lock[i];
    return NULL;
}

/* Takes a range out of a lock of the same owner; a lock cut in two gets spare for its second half. */
static void cut(struct ninep_lock *l, const struct ninep_lock *out, struct ninep_lock *spare)
{
    struct ninep_lock old = *l;
    l->session = NULL;
    if (old.start < out->start) {
        *l = old;
        l->end = out->start - 1;
        l = spare;
    }
    if (old.end > out->end) {
        *l = old;
        l->start = out->end + 1;
    }
}

/* Sets or ends a lock whose way is free. At most one old lock can be cut in two: an owner's locks
   do not overlap. So two free entries are enough for all cases. */
static uint8_t lock_set(struct ninep_server *server, const struct ninep_lock *wanted)
{
    struct ninep_lock *place = lock_free(server, NULL);
    struct ninep_lock *spare = lock_free(server, place);
    if (wanted->type != NINEP_LOCK_NONE && (place == NULL || spare == NULL))
        return NINEP_LOCK_ERROR;
    for (size_t i = 0; i < NINEP_LOCKS_MAX; i++) {
        struct ninep_lock *l = &server->lock[i];
        if (l->session == NULL || !is_owner(l, wanted) || !overlap(l, wanted))
            continue;
        if (l->start < wanted->start && l->end > wanted->end && place == NULL)
            return NINEP_LOCK_ERROR;
        cut(l, wanted, wanted->type == NINEP_LOCK_NONE ? place : spare);
    }
    if (wanted->type != NINEP_LOCK_NONE)
        *place = *wanted;
    return NINEP_LOCK_DONE;
}

/* The fields of both messages, which differ in one: flags. */
static int request_take(struct ninep_call *c, struct request *r, int has_flags)
{
    struct ninep_qid qid;
    struct ninep_fid *f = ninep_fid_take(c);
    memset(r, 0, sizeof *r);
    r->lock.type = (uint8_t)ninep_get(&c->in, 1);
    if (has_flags)
        (void)ninep_get(&c->in, 4); /* to wait or not: the client asks again */
    r->lock.start = ninep_get(&c->in, 8);
    r->length = ninep_get(&c->in, 8);
    r->lock.process = (uint32_t)ninep_get(&c->in, 4);
    ninep_get_string(&c->in, r->client, sizeof r->client);
    if (c->in.bad || r->lock.type > NINEP_LOCK_NONE)
        return EINVAL;
    if (f == NULL)
        return EBADF;
    int whole = r->length == 0 || r->length > UINT64_MAX - r->lock.start;
    r->lock.end = whole ? UINT64_MAX : r->lock.start + r->length - 1;
    r->lock.session = c->session;
    int error = ninep_node_qid(c, f->node->node, &qid);
    r->lock.ino = qid.path;
    return error;
}

int ninep_do_lock(struct ninep_call *c)
{
    struct request r;
    int error = request_take(c, &r, 1);
    if (error != 0)
        return error;
    struct ninep_server *server = c->session->server;
    int blocked = r.lock.type != NINEP_LOCK_NONE && conflict(server, &r.lock) != NULL;
    ninep_put(&c->out, blocked ? NINEP_LOCK_BLOCKED : lock_set(server, &r.lock), 1);
    return 0;
}

int ninep_do_getlock(struct ninep_call *c)
{
    struct request r;
    int error = request_take(c, &r, 0);
    if (error != 0)
        return error;
    const struct ninep_lock *l = conflict(c->session->server, &r.lock);
    if (l == NULL || r.lock.type == NINEP_LOCK_NONE) {
        r.lock.type = NINEP_LOCK_NONE;
    } else {
        r.lock = *l;
        r.length = l->end == UINT64_MAX ? 0 : l->end - l->start + 1;
    }
    ninep_put(&c->out, r.lock.type, 1);
    ninep_put(&c->out, r.lock.start, 8);
    ninep_put(&c->out, r.length, 8);
    ninep_put(&c->out, r.lock.process, 4);
    ninep_put_string(&c->out, r.client);
    return 0;
}

void ninep_locks_drop(struct ninep_session *s)
{
    for (size_t i = 0; i < NINEP_LOCKS_MAX; i++)
        if (s->server->lock[i].session == s)
            s->server->lock[i].session = NULL;
}
