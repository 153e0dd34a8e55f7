/* SPDX-License-Identifier: MIT */
/*
 * The session with the network service; see socket_inside.h and socket_wire.h.
 *
 * Memory is mapped here and shared with the service a group at a time, as it is needed; it stays for as long as the
 * program runs. Chunks are on a stack when nobody uses them.
 */
#include "lib/memory.h"
#include "lib/socket_inside.h"
#include "lib/startup.h"
#include <stdlib.h>
#include <string.h>

#define SESSION_VA 0x380000000000u
#define SLOTS_VA (SESSION_VA + 0x1000000u)
#define CHUNKS_VA (SESSION_VA + 0x10000000u)
#define GROUP_BYTES ((uint64_t)WIRE_GROUP * PAGE_SIZE)
#define SOCKETS_DEFAULT 64u
#define PAGES_DEFAULT 512u
#define OFFER_FIRST 16u
#define OFFER_STEP 32u
#define RESTART_TRIES 3

static struct wire_control *const control = (struct wire_control *)(uintptr_t)SESSION_VA;
static uint16_t *const work = (uint16_t *)(uintptr_t)(SESSION_VA + WIRE_PAGE_WORK * PAGE_SIZE);
static uint16_t *const ready = (uint16_t *)(uintptr_t)(SESSION_VA + WIRE_PAGE_READY * PAGE_SIZE);
static uint16_t *const freed = (uint16_t *)(uintptr_t)(SESSION_VA + WIRE_PAGE_FREE * PAGE_SIZE);

static uint64_t session; /* handle; 0: there is none */
static uint64_t bell_bits;
static uint64_t endpoint; /* signalled by the service */
static int endpoint_given;
static int control_mapped;
static uint32_t sockets_most = SOCKETS_DEFAULT;
static uint32_t chunks_most = 2 * PAGES_DEFAULT;

static struct socket *socket_table;
static uint32_t slot_groups;   /* mapped */
static uint32_t slots_shared;  /* groups the service has */
static uint32_t chunk_groups;  /* mapped */
static uint32_t chunks_shared; /* groups the service has */
static uint16_t *chunk_stack;  /* unused chunks */
static uint32_t chunks_unused;
static uint32_t chunks_sending; /* in send rings */
static uint32_t offer_most = OFFER_FIRST;
static uint64_t work_put;
static uint64_t work_rung; /* work_put when the bell was last rung */
static uint32_t ready_taken;
static uint32_t free_put;
static int active_first = -1;
static int hungry_some; /* 1: a socket is hungry */

static uint32_t load(const uint32_t *from) { return __atomic_load_n(from, __ATOMIC_ACQUIRE); }

static void store(uint32_t *to, uint32_t value) { __atomic_store_n(to, value, __ATOMIC_RELEASE); }

static void fence(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

uint32_t sockets_known(void) { return slot_groups * WIRE_SLOTS_A_GROUP; }

struct socket *socket_at(int s)
{
    if (s < 0 || (uint32_t)s >= sockets_known() || socket_table[s].use != SOCKET_OPEN)
        return NULL;
    return &socket_table[s];
}

struct socket *socket_any(int s) { return &socket_table[s]; }

struct wire_slot *socket_slot(int s) { return (struct wire_slot *)(uintptr_t)SLOTS_VA + s; }

int session_has_endpoint(void) { return endpoint_given; }
uint64_t session_endpoint(void) { return endpoint; }

/* ---- asking ---- */

static int64_t ask_until(uint64_t handle, struct message *m, uint64_t deadline)
{
    struct atm_result r;
    do
        r = deadline == SOCKET_FOREVER ? atm_call(handle, m->tag, m->w[0], m->w[1], m->w[2], m->w[3])
                                       : atm_call_until(handle, m->tag, m->w, deadline);
    while (r.status == -ERR_AGAIN);
    if (r.status == -ERR_TIMEOUT)
        return -SOCKET_TIMED_OUT;
    if (r.status == -ERR_PEER)
        return -SOCKET_RESTARTED;
    if (r.status == -ERR_DEAD || r.status == -ERR_HANDLE)
        return -SOCKET_NO_SERVICE;
    if (r.status < 0)
        return r.status;
    *m = (struct message){r.r[0], r.r[1], {r.r[2], r.r[3], r.r[4], r.r[5]}};
    return -(int64_t)TAG_LABEL(m->tag);
}

static int64_t ask(uint64_t handle, struct message *m)
{
    return ask_until(handle, m, SOCKET_FOREVER);
}

/* Shares the group of pages at va. */
static int64_t group_share(uint64_t kind, uint64_t va)
{
    struct message m = {.tag = TAG(NET_SHARE, 1, WIRE_GROUP), .w = {kind}};
    for (uint64_t i = 0; i < WIRE_GROUP; i++)
        atm_message()->item[i] =
            (struct atm_item){ITEM_PAGE, va + i * PAGE_SIZE, PAGE_READ | PAGE_WRITE, 0};
    return ask(session, &m);
}

static int64_t groups_share(void)
{
    int64_t status = group_share(WIRE_KIND_CONTROL, SESSION_VA);
    for (; status == 0 && slots_shared < slot_groups; slots_shared++)
        status = group_share(WIRE_KIND_SLOTS, SLOTS_VA + slots_shared * GROUP_BYTES);
    for (; status == 0 && chunks_shared < chunk_groups; chunks_shared++)
        status = group_share(WIRE_KIND_CHUNKS, CHUNKS_VA + chunks_shared * GROUP_BYTES);
    return status;
}

static void session_forget(void)
{
    if (session != 0)
        atm_handle_close(session);
    session = 0;
    slots_shared = chunks_shared = 0;
}

static int64_t endpoint_make(void)
{
    if (endpoint != 0)
        return 0;
    struct atm_result r = atm_endpoint_create(0);
    endpoint = r.status == 0 ? r.r[0] : 0;
    return r.status;
}

/* One try. */
static int64_t attach(uint64_t net)
{
    struct message m = {.tag = TAG(NET_ATTACH, 1, 1), .w = {SOCKET_WAKE}};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SIGNAL, 0};
    int64_t status = ask(net, &m);
    if (status != 0)
        return status;
    if (TAG_ITEMS(m.tag) != 1 || atm_message()->item[0].kind != ITEM_HANDLE)
        return -SOCKET_PROTOCOL;
    session = atm_message()->item[0].value;
    bell_bits = m.w[0];
    memset(control, 0, PAGE_SIZE);
    work_put = work_rung = 0;
    ready_taken = free_put = 0;
    status = groups_share();
    if (status != 0)
        session_forget();
    return status;
}

int64_t session_get(void)
{
    uint64_t net = startup_handle("net");
    int64_t status = endpoint_make();
    if (session != 0 || status != 0)
        return status;
    if (net == 0)
        return -SOCKET_NO_SERVICE;
    if (!control_mapped) {
        status = memory_map(0, SESSION_VA, WIRE_GROUP, PAGE_READ | PAGE_WRITE);
        if (status != 0)
            return status;
        control_mapped = 1;
    }
    for (int tries = 0; tries < RESTART_TRIES; tries++) {
        status = attach(net);
        if (status != -SOCKET_RESTARTED)
            break;
    }
    return status;
}

int64_t socket_setup(uint32_t sockets, uint32_t pages, uint64_t given)
{
    if (session != 0 || control_mapped)
        return -SOCKET_STATE;
    if (sockets == 0 || sockets > WIRE_SOCKETS_MAX || pages < WIRE_GROUP ||
        pages > WIRE_CHUNKS_MAX / 2)
        return -ERR_ARGUMENT;
    sockets_most = sockets;
    chunks_most = 2 * pages;
    endpoint = given;
    endpoint_given = given != 0;
    return session_get();
}

/* ---- beginning anew ---- */

/* No chunk is in use; all sockets are as new. */
static void memory_reset(void)
{
    chunks_unused = chunks_sending = 0;
    for (uint32_t c = chunk_groups * WIRE_CHUNKS_A_GROUP; c > 0; c--)
        chunk_stack[chunks_unused++] = (uint16_t)(c - 1);
    for (uint32_t i = 0; i < sockets_known(); i++) {
        struct socket *s = &socket_table[i];
        memset(socket_slot((int)i), 0, sizeof(struct wire_slot));
        s->tx_put = s->tx_end = s->tx_freed = s->rx_taken = s->rx_freed = 0;
        s->work_at = 0;
        s->unreported = 0;
        s->hungry = s->connecting = 0;
    }
}

static int64_t ask_about(uint32_t label, int s, const struct socket_address *a, uint64_t number)
{
    struct message m = {.tag = TAG(label, a != NULL ? 4 : 2, 0), .w = {(uint64_t)s, number}};
    if (a != NULL) {
        m.w[1] = a->family | (uint64_t)a->port << 32;
        memcpy(&m.w[2], a->ip, 16);
    }
    return ask(session, &m);
}

/* Listening and datagram sockets are made again. */
static int64_t socket_again(int n, struct socket *s)
{
    int64_t status = ask_about(NET_OPEN, n, NULL, s->type);
    if (status == 0 && s->bound)
        status = ask_about(NET_BIND, n, &s->local, 0);
    if (status == 0 && s->listens)
        status = ask_about(NET_LISTEN, n, NULL, s->backlog);
    if (status == 0 && s->type != SOCKET_TCP && s->peer.family != 0)
        status = ask_about(NET_CONNECT, n, &s->peer, 0);
    return status;
}

static void sockets_again(void)
{
    for (uint32_t i = 0; i < sockets_known(); i++) {
        struct socket *s = &socket_table[i];
        if (s->use == SOCKET_CLOSING)
            s->use = SOCKET_UNUSED;
        if (s->use != SOCKET_OPEN)
            continue;
        int64_t status = -SOCKET_RESTARTED;
        if (session != 0 && (s->listens || s->type != SOCKET_TCP))
            status = socket_again((int)i, s);
        s->status = status == 0 ? 0 : SOCKET_RESTARTED;
        socket_activate((int)i);
    }
}

/* The service was restarted. */
static void session_lost(void)
{
    session_forget();
    memory_reset();
    (void)session_get();
    sockets_again();
    offer_most = OFFER_FIRST;
    if (session != 0)
        session_offer();
}

int64_t session_ask(struct message *m) { return session_ask_until(m, SOCKET_FOREVER); }

int64_t session_ask_until(struct message *m, uint64_t deadline)
{
    int64_t status = session_get();
    if (status != 0)
        return status;
    status = ask_until(session, m, deadline);
    if (status == -SOCKET_RESTARTED || status == -SOCKET_NO_SERVICE)
        session_lost();
    return status;
}

void session_check(void)
{
    struct message m = {.tag = TAG(NET_ADDRESS, 2, 0), .w = {UINT64_MAX}};
    if (session != 0)
        (void)session_ask(&m);
}

/* ---- slots and chunks ---- */

static int64_t slots_grow(void)
{
    uint64_t va = SLOTS_VA + slot_groups * GROUP_BYTES;
    size_t sockets = (size_t)(slot_groups + 1) * WIRE_SLOTS_A_GROUP;
    struct socket *table = realloc(socket_table, sockets * sizeof *table);
    if (table == NULL)
        return -ERR_QUOTA;
    socket_table = table;
    memset(&table[sockets - WIRE_SLOTS_A_GROUP], 0, WIRE_SLOTS_A_GROUP * sizeof *table);
    int64_t status = memory_map(0, va, WIRE_GROUP, PAGE_READ | PAGE_WRITE);
    if (status == 0)
        status = group_share(WIRE_KIND_SLOTS, va);
    if (status != 0) {
        memory_unmap(0, va, WIRE_GROUP, PAGE_SIZE_4K);
        return status;
    }
    slot_groups++;
    slots_shared++;
    return 0;
}

static int slot_find(void)
{
    static uint32_t at; /* goes round, so that a number is not taken again at once */
    for (uint32_t n = 0; n < sockets_known(); n++) {
        at = at + 1 < sockets_known() ? at + 1 : 0;
        if (at < sockets_most && socket_table[at].use == SOCKET_UNUSED)
            return (int)at;
    }
    return -1;
}

int session_slot_take(enum socket_type type)
{
    int64_t status = session_get();
    if (status != 0)
        return (int)status;
    int n = slot_find();
    if (n < 0 && sockets_known() < sockets_most) {
        status = slots_grow();
        if (status == -SOCKET_RESTARTED)
            session_lost();
        if (status != 0)
            return (int)status;
        n = slot_find();
    }
    if (n < 0)
        return -SOCKET_NONE_FREE;
    uint64_t work_at = socket_table[n].work_at;
    uint8_t active = socket_table[n].active;
    int next = socket_table[n].next_active;
    socket_table[n] = (struct socket){.use = SOCKET_OPEN, .type = (uint8_t)type};
    socket_table[n].work_at = work_at;
    socket_table[n].active = active;
    socket_table[n].next_active = next;
    struct wire_slot *slot = socket_slot(n);
    slot->tx_put = slot->rx_taken = slot->want = 0;
    session_offer();
    return n;
}

static int chunks_grow(void)
{
    uint64_t va = CHUNKS_VA + chunk_groups * GROUP_BYTES;
    size_t chunks = (size_t)(chunk_groups + 1) * WIRE_CHUNKS_A_GROUP;
    if (chunks > chunks_most || session == 0)
        return 0;
    uint16_t *stack = realloc(chunk_stack, chunks * sizeof *stack);
    if (stack == NULL)
        return 0;
    chunk_stack = stack;
    if (memory_map(0, va, WIRE_GROUP, PAGE_READ | PAGE_WRITE) != 0)
        return 0;
    if (group_share(WIRE_KIND_CHUNKS, va) != 0) {
        memory_unmap(0, va, WIRE_GROUP, PAGE_SIZE_4K);
        return 0;
    }
    for (size_t c = chunks; c > chunks - WIRE_CHUNKS_A_GROUP; c--)
        chunk_stack[chunks_unused++] = (uint16_t)(c - 1);
    chunk_groups++;
    chunks_shared++;
    return 1;
}

static int chunk_get(void)
{
    if (chunks_unused == 0 && !chunks_grow())
        return -1;
    return chunk_stack[--chunks_unused];
}

int session_send_chunk_get(void)
{
    int chunk = chunks_sending < chunks_most / 4 * 3 ? chunk_get() : -1;
    chunks_sending += chunk >= 0;
    return chunk;
}

void session_send_chunk_put(uint32_t chunk)
{
    chunks_sending -= chunks_sending > 0;
    session_chunk_put(chunk);
}

unsigned char *session_chunk_at(uint32_t chunk)
{
    if (chunk >= chunk_groups * WIRE_CHUNKS_A_GROUP)
        return NULL;
    return (unsigned char *)(uintptr_t)CHUNKS_VA + (size_t)chunk * WIRE_CHUNK;
}

void session_chunk_put(uint32_t chunk)
{
    if (chunks_unused < chunk_groups * WIRE_CHUNKS_A_GROUP && session_chunk_at(chunk) != NULL)
        chunk_stack[chunks_unused++] = (uint16_t)chunk;
}

void session_offer(void)
{
    uint32_t offered = free_put - load(&control->free_taken);
    if (offered >= offer_most / 2 && !load(&control->starved))
        return;
    if (load(&control->starved) && offer_most + OFFER_STEP <= WIRE_QUEUE)
        offer_most += OFFER_STEP;
    for (; offered < offer_most; offered++) {
        /* The last quarter is for sending. */
        if (chunks_unused == 0 && (chunk_groups + 1) * WIRE_CHUNKS_A_GROUP > chunks_most / 4 * 3)
            break;
        int chunk = chunk_get();
        if (chunk < 0)
            break;
        __atomic_store_n(&freed[free_put++ % WIRE_QUEUE], (uint16_t)chunk, __ATOMIC_RELAXED);
    }
    store(&control->free_put, free_put);
    fence();
    if (load(&control->starved) && offered > 0) {
        work_rung = work_put - 1; /* the bell is for the chunks */
        session_bell();
    }
}

/* ---- the queues ---- */

void session_work(int s)
{
    fence();
    uint32_t waiting = (uint32_t)work_put - load(&control->work_taken);
    if (socket_table[s].work_at > work_put - (waiting < WIRE_QUEUE ? waiting : 0))
        return;
    __atomic_store_n(&work[work_put % WIRE_QUEUE], (uint16_t)s, __ATOMIC_RELAXED);
    socket_table[s].work_at = ++work_put;
    store(&control->work_put, (uint32_t)work_put);
}

void session_bell(void)
{
    if (work_rung == work_put || session == 0)
        return;
    work_rung = work_put;
    fence();
    if (load(&control->bell_armed) == 0)
        return;
    store(&control->bell_armed, 0);
    (void)atm_signal(session, bell_bits);
}

void socket_flush(void)
{
    if (control_mapped)
        session_bell();
}

void socket_activate(int s)
{
    if (socket_table[s].active)
        return;
    socket_table[s].active = 1;
    socket_table[s].next_active = active_first;
    active_first = s;
}

int socket_active_first(void) { return active_first; }
void socket_active_list(int first) { active_first = first; }

/* The service is done with a closed socket: its chunks and its number are free. */
static void slot_release(int n)
{
    struct socket *s = &socket_table[n];
    const struct wire_slot *slot = socket_slot(n);
    uint32_t rx_end = load(&slot->rx_end);
    if (rx_end - s->rx_freed <= WIRE_RING)
        for (; s->rx_freed != rx_end; s->rx_freed += WIRE_CHUNK)
            session_chunk_put(slot->rx_chunk[s->rx_freed / WIRE_CHUNK % WIRE_RING_CHUNKS]);
    for (; s->tx_freed != s->tx_end; s->tx_freed += WIRE_CHUNK)
        session_send_chunk_put(slot->tx_chunk[s->tx_freed / WIRE_CHUNK % WIRE_RING_CHUNKS]);
    s->use = SOCKET_UNUSED;
}

void session_hungry(int s)
{
    socket_table[s].hungry = 1;
    hungry_some = 1;
    for (uint32_t i = 0; i < sockets_known(); i++) {
        struct socket *other = &socket_table[i];
        struct wire_slot *slot = socket_slot((int)i);
        if (other->use == SOCKET_OPEN && other->tx_put != load(&slot->tx_taken)) {
            other->want |= WIRE_WANT_ROOM;
            store(&slot->want, other->want);
        }
    }
}

/* Sockets that found no chunk to send with may find one now. */
static void hungry_activate(void)
{
    hungry_some = 0;
    for (uint32_t i = 0; i < sockets_known(); i++)
        if (socket_table[i].hungry) {
            socket_table[i].hungry = 0;
            socket_activate((int)i);
        }
}

void session_collect(void)
{
    if (session == 0)
        return;
    uint32_t put = load(&control->ready_put);
    for (uint32_t n = 0; n < WIRE_QUEUE && ready_taken != put; n++) {
        uint16_t s = __atomic_load_n(&ready[ready_taken % WIRE_QUEUE], __ATOMIC_RELAXED);
        ready_taken++;
        store(&control->ready_taken, ready_taken);
        fence();
        if (s >= sockets_known())
            continue;
        if (socket_table[s].use == SOCKET_CLOSING) {
            if ((load(&socket_slot(s)->state) & WIRE_FREE) != 0)
                slot_release(s);
        } else if (socket_table[s].use == SOCKET_OPEN) {
            socket_reclaim(s);
            socket_activate(s);
        }
    }
    if (hungry_some && chunks_unused > 0)
        hungry_activate();
    session_offer();
}

int session_sleep(void)
{
    if (session == 0)
        return 1;
    store(&control->asleep, 1);
    fence();
    session_bell();
    if (load(&control->ready_put) == ready_taken)
        return 1;
    store(&control->asleep, 0);
    return 0;
}

int64_t session_wait(uint64_t deadline)
{
    const uint64_t w[4] = {0};
    if (session == 0)
        return -SOCKET_RESTARTED;
    if (load(&control->ready_put) != ready_taken)
        return 0;
    work_rung = work_put;
    struct atm_result r = deadline == SOCKET_FOREVER
                              ? atm_call(session, TAG(NET_WAIT, 0, 0), 0, 0, 0, 0)
                              : atm_call_until(session, TAG(NET_WAIT, 0, 0), w, deadline);
    if (r.status == -ERR_TIMEOUT)
        return -ERR_TIMEOUT;
    if (r.status == -ERR_AGAIN)
        return 0;
    if (r.status < 0 || TAG_LABEL(r.r[1]) != 0)
        session_lost();
    return 0;
}
