/* SPDX-License-Identifier: MIT */
/* See net_world.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "servers/net/system.h"
#include "tests/unit/net_world.h"

#define STEP_NS 10000000u

struct world world;
static struct world_frame frame_out_next;
static int started;

/* ---- what lwIP and the service ask for ---- */

#ifndef NET_WORLD_MEMORY /* bench/net.c has the service's own */
void *net_memory_get(size_t bytes) { return malloc(bytes); }
void *net_memory_get_zeroed(size_t count, size_t bytes) { return calloc(count, bytes); }
void net_memory_give(void *block) { free(block); }
#endif

_Noreturn void net_panic(const char *what);
_Noreturn void net_panic(const char *what)
{
    fprintf(stderr, "lwIP: %s\n", what);
    abort();
}

int system_signal(uint64_t endpoint, uint64_t bits)
{
    (void)bits;
    world.signals++;
    return endpoint != world.dead;
}

int system_alive(uint64_t endpoint) { return endpoint != world.dead; }
void system_close(uint64_t handle) { (void)handle; }
uint64_t system_save(void) { return world.save; }

void system_answer(uint64_t reply, uint32_t label, const uint64_t *w, uint32_t words)
{
    (void)w;
    (void)words;
    world.answered = reply;
    world.answer_label = label;
}

void system_unmap(unsigned char *group)
{
    world.groups--;
    free(group);
}

uint64_t system_now(void) { return world.now; }
unsigned char *system_frame(void) { return frame_out_next.bytes; }

void system_frame_send(uint32_t bytes)
{
    if (bytes == 0)
        return;
    frame_out_next.count = bytes;
    if (world.frames == WORLD_FRAMES)
        memmove(&world.sent[0], &world.sent[1], --world.frames * sizeof world.sent[0]);
    world.sent[world.frames++] = frame_out_next;
}

void system_say(const char *text) { (void)text; }

/* ---- time ---- */

void world_start(void)
{
    static const uint8_t mac[6] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    if (started)
        return;
    started = 1;
    world.now = 1000000000;
    world.save = 77;
    stack_start();
    stack_ether_up(mac);
}

void world_turn(void)
{
    stack_time(world.now);
    (void)stack_deadline(); /* winds the timers up */
    for (int n = 0; n < 1000; n++) {
        stack_loopback();
        if (!sessions_work() && !stack_loopback_waits())
            break;
    }
    stack_transmit_again();
    sessions_wake();
}

void world_pass(uint64_t ms)
{
    for (uint64_t done = 0; done < ms * 1000000; done += STEP_NS) {
        world.now += STEP_NS;
        world_turn();
    }
}

/* ---- clients ---- */

unsigned char *world_group(void)
{
    unsigned char *group = aligned_alloc(PAGE_SIZE, WIRE_GROUP * PAGE_SIZE);
    assert(group != NULL);
    memset(group, 0, WIRE_GROUP * PAGE_SIZE);
    return group;
}

void world_group_free(unsigned char *group) { free(group); }

uint32_t client_ask(struct client *c, struct request *r, uint32_t label, uint64_t w0, uint64_t w1)
{
    memset(r, 0, sizeof *r);
    r->badge = session_badge(c->session);
    r->label = label;
    r->words = 2;
    r->w[0] = w0;
    r->w[1] = w1;
    return request_handle(r);
}

uint32_t client_ask_address(struct client *c, uint32_t label, uint64_t slot,
                            const struct socket_address *a)
{
    struct request r = {.badge = session_badge(c->session), .label = label, .words = 4};
    r.w[0] = slot;
    r.w[1] = a->family | (uint64_t)a->port << 32;
    memcpy(&r.w[2], a->ip, 16);
    return request_handle(&r);
}

static unsigned char *client_share(struct client *c, uint64_t kind)
{
    struct request r = {.badge = session_badge(c->session), .label = NET_SHARE, .words = 1};
    r.w[0] = kind;
    r.group = world_group();
    uint32_t label = request_handle(&r);
    if (label != 0 || !r.group_kept) {
        free(r.group);
        return NULL;
    }
    world.groups++;
    return r.group;
}

void client_offer(struct client *c, unsigned first, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        c->free[c->free_put++ % WIRE_QUEUE] = (uint16_t)(first + i);
    c->control->free_put = c->free_put;
}

void client_begin(struct client *c, uint64_t badge, unsigned groups, unsigned offered)
{
    static uint64_t endpoint = 1000;
    struct request r = {.badge = badge, .label = NET_ATTACH, .words = 1, .handle = ++endpoint};
    memset(c, 0, sizeof *c);
    c->badge = badge;
    c->endpoint = endpoint;
    if (request_handle(&r) != 0)
        return;
    c->session = r.give;
    unsigned char *control = client_share(c, WIRE_KIND_CONTROL);
    c->control = (struct wire_control *)(void *)control;
    c->work = (uint16_t *)(void *)(control + WIRE_PAGE_WORK * PAGE_SIZE);
    c->ready = (uint16_t *)(void *)(control + WIRE_PAGE_READY * PAGE_SIZE);
    c->free = (uint16_t *)(void *)(control + WIRE_PAGE_FREE * PAGE_SIZE);
    c->slot = (struct wire_slot *)(void *)client_share(c, WIRE_KIND_SLOTS);
    for (unsigned i = 0; i < groups; i++) {
        unsigned char *group = client_share(c, WIRE_KIND_CHUNKS);
        for (unsigned k = 0; k < WIRE_CHUNKS_A_GROUP; k++)
            c->chunk[c->chunks++] = group + k * WIRE_CHUNK;
    }
    client_offer(c, 0, offered);
}

void client_work(struct client *c, uint16_t slot)
{
    c->work[c->control->work_put % WIRE_QUEUE] = slot;
    c->control->work_put++;
}

void client_die(struct client *c)
{
    world.dead = c->endpoint;
    sessions_reap();
    world.dead = 0;
}
