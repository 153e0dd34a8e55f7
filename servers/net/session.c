/* SPDX-License-Identifier: MIT */
/*
 * Sessions: one for each program that uses the network, with the memory it shares and what it may
 * use. The limits are per badge, so that the programs behind one badge share one allowance.
 */
#include "servers/net/net.h"
#include "servers/net/system.h"
#include <stdlib.h>
#include <string.h>

/* A session's badge: this bit, then generation, then index. Programs named by the manifest or the
   shell have small numbers. */
#define BADGE_MARK (1ul << 62)

struct session session_at[SESSIONS_MAX];
static uint32_t generation;
static size_t sessions_top; /* no session from here on is in use */

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

/* What was written before is seen before what is read after. */
static void fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

uint64_t session_badge(const struct session *s)
{
    return BADGE_MARK | (uint64_t)s->generation << 16 | (uint64_t)(s - session_at);
}

struct session *session_of(uint64_t badge)
{
    uint64_t index = badge & 0xffff;
    if ((badge & BADGE_MARK) == 0 || index >= SESSIONS_MAX)
        return NULL;
    struct session *s = &session_at[index];
    return s->used && !s->dying && session_badge(s) == badge ? s : NULL;
}

struct session *session_open(uint64_t badge, uint64_t endpoint, uint64_t bits)
{
    struct session *free_one = NULL;
    unsigned same = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        if (!session_at[i].used)
            free_one = free_one != NULL ? free_one : &session_at[i];
        else
            same += session_at[i].badge == badge;
    }
    if (free_one == NULL || same >= SESSIONS_A_BADGE)
        return NULL;
    *free_one = (struct session){.used = 1, .generation = ++generation};
    if ((size_t)(free_one - session_at) >= sessions_top)
        sessions_top = (size_t)(free_one - session_at) + 1;
    free_one->badge = badge;
    free_one->endpoint = endpoint;
    free_one->bits = bits;
    return free_one;
}

/* ---- memory ---- */

/* Groups of this kind that all sessions of a badge have. */
static uint32_t badge_groups(uint64_t badge, uint64_t kind)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (session_at[i].used && session_at[i].badge == badge)
            sum += kind == WIRE_KIND_SLOTS ? session_at[i].slot_groups : session_at[i].chunk_groups;
    return sum;
}

static uint32_t share_control(struct session *s, unsigned char *group)
{
    if (s->control != NULL)
        return SOCKET_STATE;
    s->work = (uint16_t *)(void *)(group + WIRE_PAGE_WORK * PAGE_SIZE);
    s->ready = (uint16_t *)(void *)(group + WIRE_PAGE_READY * PAGE_SIZE);
    s->free = (uint16_t *)(void *)(group + WIRE_PAGE_FREE * PAGE_SIZE);
    s->control = (struct wire_control *)(void *)group;
    store(&s->control->work_taken, 0);
    store(&s->control->ready_put, 0);
    store(&s->control->free_taken, 0);
    store(&s->control->starved, 0);
    store(&s->control->bell_armed, 1);
    return 0;
}

static uint32_t share_slots(struct session *s, unsigned char *group)
{
    if (s->slot_groups == WIRE_SLOT_GROUPS ||
        badge_groups(s->badge, WIRE_KIND_SLOTS) >= SLOT_GROUPS_A_BADGE)
        return SOCKET_LIMIT;
    size_t slots = (size_t)(s->slot_groups + 1) * WIRE_SLOTS_A_GROUP;
    struct conn **conns = realloc(s->conn, slots * sizeof(struct conn *));
    if (conns == NULL)
        return SOCKET_MEMORY;
    s->conn = conns;
    uint64_t *at = realloc(s->ready_at, slots * sizeof(uint64_t));
    if (at == NULL)
        return SOCKET_MEMORY;
    s->ready_at = at;
    for (size_t i = slots - WIRE_SLOTS_A_GROUP; i < slots; i++) {
        conns[i] = NULL;
        at[i] = 0;
    }
    s->slots[s->slot_groups++] = (struct wire_slot *)(void *)group;
    return 0;
}

static uint32_t share_chunks(struct session *s, unsigned char *group)
{
    if (s->chunk_groups == WIRE_CHUNK_GROUPS ||
        badge_groups(s->badge, WIRE_KIND_CHUNKS) >= CHUNK_GROUPS_A_BADGE)
        return SOCKET_LIMIT;
    if (s->chunk_groups == s->chunk_room) {
        uint32_t room = s->chunk_room == 0 ? 16 : 2 * s->chunk_room;
        unsigned char **chunks = realloc(s->chunks, room * sizeof(unsigned char *));
        if (chunks == NULL)
            return SOCKET_MEMORY;
        s->chunks = chunks;
        s->chunk_room = room;
    }
    s->chunks[s->chunk_groups++] = group;
    return 0;
}

uint32_t session_share(struct session *s, uint64_t kind, unsigned char *group)
{
    if (kind == WIRE_KIND_CONTROL)
        return share_control(s, group);
    if (s->control == NULL)
        return SOCKET_STATE;
    if (kind == WIRE_KIND_SLOTS)
        return share_slots(s, group);
    return kind == WIRE_KIND_CHUNKS ? share_chunks(s, group) : SOCKET_PROTOCOL;
}

struct wire_slot *session_slot(const struct session *s, uint32_t slot)
{
    return &s->slots[slot / WIRE_SLOTS_A_GROUP][slot % WIRE_SLOTS_A_GROUP];
}

struct conn *session_conn(const struct session *s, uint64_t slot)
{
    return slot < (uint64_t)s->slot_groups * WIRE_SLOTS_A_GROUP ? s->conn[slot] : NULL;
}

unsigned char *session_chunk(const struct session *s, uint32_t chunk)
{
    uint32_t group = chunk / WIRE_CHUNKS_A_GROUP;
    if (group >= s->chunk_groups)
        return NULL;
    return s->chunks[group] + (size_t)(chunk % WIRE_CHUNKS_A_GROUP) * WIRE_CHUNK;
}

int session_chunk_take(struct session *s)
{
    uint32_t put = load(&s->control->free_put);
    if (put == s->free_taken)
        return -1;
    if (put - s->free_taken > WIRE_QUEUE) {
        s->broken = 1;
        return -1;
    }
    uint16_t chunk = __atomic_load_n(&s->free[s->free_taken % WIRE_QUEUE], __ATOMIC_RELAXED);
    s->free_taken++;
    store(&s->control->free_taken, s->free_taken);
    if (session_chunk(s, chunk) == NULL) {
        s->broken = 1;
        return -1;
    }
    return chunk;
}

/* ---- the two queues ---- */

void session_ready(struct session *s, uint32_t slot)
{
    if (s->dying || s->broken)
        return;
    s->wake = 1;
    fence();
    uint32_t in_queue = (uint32_t)s->ready_put - load(&s->control->ready_taken);
    if (s->ready_at[slot] > s->ready_put - (in_queue < WIRE_QUEUE ? in_queue : 0))
        return;
    __atomic_store_n(&s->ready[s->ready_put % WIRE_QUEUE], (uint16_t)slot, __ATOMIC_RELAXED);
    s->ready_at[slot] = ++s->ready_put;
    store(&s->control->ready_put, (uint32_t)s->ready_put);
}

/* Those that waited for free chunks get them. */
static void session_refill(struct session *s)
{
    while (s->starved != NULL && load(&s->control->free_put) != s->free_taken && !s->broken) {
        struct conn *c = s->starved;
        s->starved = c->next;
        c->starved = 0;
        c->next = NULL;
        conn_refill(c);
    }
    store(&s->control->starved, s->starved != NULL);
}

/* Those that could not be dealt with in the middle of something else. 1: there are more. */
static int session_later(struct session *s)
{
    for (unsigned n = 0; n < WORK_PIECE && s->later != NULL; n++) {
        struct conn *c = s->later;
        s->later = c->next_later;
        c->later = 0;
        if (c->slot != SLOT_NONE)
            conn_work(c);
        else if (c->lost)
            conn_free(c);
    }
    return s->later != NULL;
}

static void session_work_one(struct session *s)
{
    uint16_t slot = __atomic_load_n(&s->work[s->work_taken % WIRE_QUEUE], __ATOMIC_RELAXED);
    s->work_taken++;
    store(&s->control->work_taken, s->work_taken);
    fence();
    struct conn *c = session_conn(s, slot);
    if (c != NULL)
        conn_work(c);
}

/* 1: not all is done. */
static int session_work(struct session *s)
{
    uint32_t put = load(&s->control->work_put);
    if (put - s->work_taken > WIRE_QUEUE)
        s->broken = 1;
    for (unsigned n = 0; n < WORK_PIECE && put != s->work_taken && !s->broken; n++)
        session_work_one(s);
    if (s->starved != NULL)
        session_refill(s);
    int more = session_later(s);
    if (s->broken) {
        system_say("net: a client broke the rules of its queues; its session is ended");
        session_end(s);
        return 0;
    }
    if (more || put != s->work_taken)
        return 1;
    if (load(&s->control->bell_armed) != 0)
        return 0;
    store(&s->control->bell_armed, 1);
    fence();
    return load(&s->control->work_put) != s->work_taken;
}

int sessions_work(void)
{
    int more = 0;
    for (size_t i = 0; i < sessions_top; i++)
        if (session_at[i].dying)
            more |= session_later(&session_at[i]);
        else if (session_at[i].used && session_at[i].control != NULL)
            more |= session_work(&session_at[i]);
    return more;
}

static void session_wake(struct session *s)
{
    s->wake = 0;
    if (s->waits != 0 && load(&s->control->ready_taken) != (uint32_t)s->ready_put) {
        system_answer(s->waits, 0, NULL, 0);
        s->waits = 0;
        return;
    }
    if (load(&s->control->asleep) == 0)
        return;
    store(&s->control->asleep, 0);
    if (!system_signal(s->endpoint, s->bits))
        session_end(s);
}

void sessions_wake(void)
{
    for (size_t i = 0; i < sessions_top; i++)
        if (session_at[i].wake && session_at[i].used && !session_at[i].dying)
            session_wake(&session_at[i]);
}

/* ---- the end ---- */

static void session_free(struct session *s)
{
    for (uint32_t i = 0; i < s->slot_groups; i++)
        system_unmap((unsigned char *)s->slots[i]);
    for (uint32_t i = 0; i < s->chunk_groups; i++)
        system_unmap(s->chunks[i]);
    if (s->control != NULL)
        system_unmap((unsigned char *)s->control);
    free(s->chunks);
    free(s->conn);
    free(s->ready_at);
    *s = (struct session){0};
    while (sessions_top > 0 && !session_at[sessions_top - 1].used)
        sessions_top--;
}

/* Aborts connections, all or those that the client had not closed: how many are left. */
static unsigned conns_abort(struct session *s, int all)
{
    unsigned left = 0;
    for (uint32_t i = 0; i < s->slot_groups * WIRE_SLOTS_A_GROUP; i++) {
        struct conn *c = s->conn[i];
        if (c == NULL)
            continue;
        if (!all && c->closing && c->pcb.tcp != NULL && !c->broken) {
            left++;
            continue;
        }
        conn_abort(c);
        conn_free(c);
    }
    return left;
}

static void handles_close(struct session *s)
{
    system_close(s->endpoint);
    if (s->waits != 0)
        system_close(s->waits);
    if (s->resolves != 0)
        system_close(s->resolves);
    s->endpoint = s->waits = s->resolves = 0;
}

void session_end(struct session *s)
{
    uint32_t broken = s->broken;
    /* What it asked for last, closing above all, still counts. */
    for (unsigned n = 0; s->control != NULL && !broken && n < WIRE_QUEUE; n++) {
        if (load(&s->control->work_put) == s->work_taken)
            break;
        session_work_one(s);
    }
    handles_close(s);
    s->dying = 1;
    s->dying_since = system_now();
    if (conns_abort(s, broken != 0) == 0)
        session_free(s);
}

void sessions_reap(void)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++) {
        struct session *s = &session_at[i];
        if (!s->used)
            continue;
        if (!s->dying && !system_alive(s->endpoint))
            session_end(s);
        else if (s->dying) {
            int late = system_now() - s->dying_since > ORPHAN_NS;
            if (conns_abort(s, late) == 0)
                session_free(s);
        }
    }
}

int sessions_alive(void)
{
    for (size_t i = 0; i < SESSIONS_MAX; i++)
        if (session_at[i].used)
            return 1;
    return 0;
}
