/* SPDX-License-Identifier: MIT */
/*
 * The network service: one loop over the driver's frames, its clients' requests and shared memory,
 * and lwIP's timers. A turn does a bounded piece of each, so that nobody starves; when a turn leaves
 * nothing to do, the service says so in its shared pages, looks once more, and waits for a signal, a message or the
 * next deadline.
 *
 * Without a network device the loopback interface works; the device may come later, or come again.
 */
#include "lib/error.h"
#include "lib/frames.h"
#include "lib/heap.h"
#include "lib/memory.h"
#include "lib/random.h"
#include "lib/startup.h"
#include "lib/supervision.h"
#include "lib/sys.h"
#include "servers/net/net.h"
#include "servers/net/system.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EVENT_FRAMES (1ul << 56) /* bits below: sessions */
#define FRAMES_PIECE 64u
#define REAP_NS 1000000000u
#define TURNS_A_CLOCK 16u

/* Where clients' groups of pages are mapped. */
#define GROUPS_VA 0x300000000000u
#define GROUPS_MAX 32768u
#define GROUP_BYTES ((uint64_t)WIRE_GROUP * PAGE_SIZE)

static uint64_t endpoint;
static struct frames frames;
static int driver;       /* 1: frames is open */
static int frame_buffer; /* reserved by system_frame */
static uint64_t now;
static uint64_t reaped; /* when */

static uint16_t group_free[GROUPS_MAX]; /* given back */
static uint32_t groups_free;
static uint32_t groups_used; /* so many were ever used */
static uint64_t group_next;  /* address for the next that comes; 0: none left */

/* ---- system.h ---- */

int system_signal(uint64_t to, uint64_t bits) { return atm_signal(to, bits).status == 0; }

int system_alive(uint64_t handle)
{
    struct atm_result r = atm_handle_info(handle);
    return r.status == 0 && r.r[0] != KIND_NONE;
}

void system_close(uint64_t handle) { atm_handle_close(handle); }

uint64_t system_save(void)
{
    struct atm_result r = atm_reply_save();
    return r.status == -ERR_NO_CALL ? SYSTEM_GONE : r.status == 0 ? r.r[0] : 0;
}

/* Words 4 up go into the message page, the others into registers. */
static void words_put(const uint64_t *w, uint32_t words, uint64_t first[REGISTER_WORDS])
{
    for (uint32_t i = 0; i < words; i++)
        *(i < REGISTER_WORDS ? &first[i] : &atm_message()->word[i]) = w[i];
}

void system_answer(uint64_t reply, uint32_t label, const uint64_t *w, uint32_t words)
{
    uint64_t first[REGISTER_WORDS] = {0};
    words_put(w, words, first);
    struct atm_result r =
        atm_reply(reply, TAG(label, words, 0), first[0], first[1], first[2], first[3]);
    if (r.status < 0)
        atm_handle_close(reply); /* it gave up, or died */
}

void system_unmap(unsigned char *group)
{
    uint64_t va = (uintptr_t)group;
    memory_unmap(0, va, WIRE_GROUP, PAGE_SIZE_4K);
    group_free[groups_free++] = (uint16_t)((va - GROUPS_VA) / GROUP_BYTES);
}

uint64_t system_now(void) { return atm_clock().r[0]; }

void system_say(const char *text) { atm_log((uintptr_t)text, strlen(text)); }

_Noreturn void net_panic(const char *what);
_Noreturn void net_panic(const char *what)
{
    system_say(what);
    abort();
}

/* ---- the driver ---- */

static void driver_down(void)
{
    driver = 0;
    stack_ether_down();
}

/* Goes on with the address that the device has now; what came to another one is lost. */
static void driver_up(void)
{
    static uint8_t mac[sizeof frames.mac];
    if (driver && memcmp(mac, frames.mac, sizeof mac) != 0) {
        system_say("net: the device has another hardware address now; connections are lost");
        driver_down();
    }
    memcpy(mac, frames.mac, sizeof mac);
    driver = 1;
    stack_ether_up(mac);
    stack_transmit_again();
}

/* Opens it, or opens it again: its buffers are then all given up and fresh. */
static void driver_open(void)
{
    int error = frames.theirs == NULL
                    ? frames_open(&frames, startup_handle("ether0"), endpoint, EVENT_FRAMES)
                    : frames_reopen(&frames);
    if (error != 0) {
        if (driver)
            driver_down();
        return;
    }
    driver_up();
}

unsigned char *system_frame(void)
{
    unsigned char *data;
    frame_buffer = driver ? frames_reserve(&frames, &data) : -1;
    return frame_buffer >= 0 ? data : NULL;
}

void system_frame_send(uint32_t bytes) { frames_send(&frames, frame_buffer, bytes); }

/* 1: there may be more. */
static int frames_turn(void)
{
    unsigned char *data;
    uint32_t bytes;
    for (unsigned n = 0; n < FRAMES_PIECE; n++) {
        int buffer = frames_receive(&frames, &data, &bytes);
        if (buffer == -2) {
            system_say("net: the driver broke the rules of its rings; attaching again");
            driver_open();
            return 1;
        }
        if (buffer < 0)
            return 0;
        stack_input(data, bytes);
        frames_release(&frames, buffer);
    }
    return 1;
}

/* ---- requests ---- */

static void group_prepare(void)
{
    if (group_next == 0) {
        uint64_t index = groups_free > 0            ? group_free[--groups_free]
                         : groups_used < GROUPS_MAX ? groups_used++
                                                    : GROUPS_MAX;
        group_next = index == GROUPS_MAX ? 0 : GROUPS_VA + index * GROUP_BYTES;
    }
    atm_message()->receive_va = group_next;
    atm_message()->receive_pages = group_next != 0 ? WIRE_GROUP : 0;
}

/* What came with the message; what does not fit is given back. */
static void items_take(struct request *r, uint64_t items)
{
    const struct atm_message *m = atm_message();
    unsigned pages = 0, good = 0;
    for (uint64_t i = 0; i < items; i++) {
        if (m->item[i].kind == ITEM_HANDLE && r->handle == 0) {
            r->handle = m->item[i].value;
        } else if (m->item[i].kind == ITEM_HANDLE) {
            atm_handle_close(m->item[i].value);
        } else {
            pages++;
            good += m->item[i].rights == (PAGE_READ | PAGE_WRITE);
        }
    }
    if (pages == WIRE_GROUP && good == WIRE_GROUP)
        r->group = (unsigned char *)(uintptr_t)group_next;
    else if (pages > 0)
        memory_unmap(0, group_next, pages, PAGE_SIZE_4K);
}

static void items_return(const struct request *r)
{
    if (r->handle != 0 && !r->handle_kept)
        atm_handle_close(r->handle);
    if (r->group != NULL && !r->group_kept)
        memory_unmap(0, group_next, WIRE_GROUP, PAGE_SIZE_4K);
    if (r->group_kept)
        group_next = 0;
}

static void request_answer(const struct request *r, uint32_t label)
{
    uint64_t first[REGISTER_WORDS] = {0};
    uint64_t items = 0;
    uint32_t words = label == 0 ? r->answer_words : 0;
    words_put(r->w, words, first);
    if (label == 0 && r->give != NULL) {
        atm_message()->item[items++] =
            (struct atm_item){ITEM_HANDLE, endpoint, RIGHT_SEND | RIGHT_GRANT | RIGHT_SIGNAL,
                              session_badge(r->give) * 2};
    }
    struct atm_result a =
        atm_reply(0, TAG(label, words, items), first[0], first[1], first[2], first[3]);
    if (a.status == 0)
        return;
    if (r->give != NULL)
        session_end(r->give);
    (void)atm_reply(0, TAG(SOCKET_PROTOCOL, 0, 0), 0, 0, 0, 0);
}

/* For whoever looks for the reason: the heap and lwIP's bound are all that can refuse. Once, as a
   client could ask for ever. */
static void memory_tell(uint32_t request)
{
    static int told;
    char text[160];
    if (told)
        return;
    told = 1;
    snprintf(text, sizeof text, "net: no memory for request %u: lwIP has %zu KiB; the heap: %s",
             request, net_memory_total() / 1024,
             heap_error() == 0 ? "could always grow" : atm_error_text(heap_error()));
    system_say(text);
}

static void message_handle(const struct atm_result *m)
{
    static struct request r; /* large, and one at a time */
    uint64_t tag = m->r[1];
    memset(&r, 0, sizeof r);
    r.badge = m->r[0];
    r.label = (uint32_t)TAG_LABEL(tag);
    r.words = (uint32_t)TAG_WORDS(tag);
    for (uint32_t i = 0; i < r.words; i++)
        r.w[i] = i < REGISTER_WORDS ? m->r[2 + i] : atm_message()->word[i];
    items_take(&r, TAG_ITEMS(tag));
    /* A handle to something that cannot be signalled is as good as none. */
    if (r.handle != 0 && atm_handle_info(r.handle).r[0] != KIND_ENDPOINT) {
        atm_handle_close(r.handle);
        r.handle = 0;
    }
    uint32_t label = request_handle(&r);
    if (label == SOCKET_MEMORY)
        memory_tell(r.label);
    items_return(&r);
    if ((tag & TAG_CALL) != 0 && !r.later)
        request_answer(&r, label);
}

/* ---- the loop ---- */

static int turn(void)
{
    static unsigned turns;
    if (turns++ % TURNS_A_CLOCK == 0)
        now = system_now();
    stack_time(now);
    int more = driver ? frames_turn() : 0;
    stack_loopback();
    more |= sessions_work(); /* what all of that left to do, too */
    more |= stack_loopback_waits();
    if (now - reaped > REAP_NS) {
        reaped = now;
        sessions_reap();
    }
    stack_transmit_again();
    sessions_wake();
    if (driver)
        frames_kick(&frames);
    return more;
}

/* Without a device time is not kept for its own sake: clients' deaths are noticed as they show. */
static uint64_t deadline(void)
{
    uint64_t first = stack_deadline();
    if (driver && sessions_alive() && reaped + REAP_NS < first)
        first = reaped + REAP_NS + 1;
    return first;
}

static struct atm_result wait(int more)
{
    group_prepare();
    if (more || (driver && !frames_sleep(&frames)))
        return atm_receive(endpoint, TAG_NONBLOCK);
    uint64_t until = deadline();
    struct atm_result r =
        until == UINT64_MAX ? atm_receive(endpoint, 0) : atm_receive_until(endpoint, until);
    if (driver)
        frames_awake(&frames);
    if (r.status == -ERR_TIMEOUT)
        now = system_now();
    return r;
}

static void random_start(void)
{
    uint64_t key[2];
    if (random_get(key, sizeof key) != 0)
        key[0] = key[1] = system_now();
    net_random_key(key);
}

int main(void)
{
    int more = 1;
    endpoint = startup_handle("serve");
    if (endpoint == 0)
        return 1;
    random_start();
    stack_start();
    now = system_now();
    driver_open();
    for (;;) {
        struct atm_result r = wait(more);
        if (r.status == -ERR_DEAD || r.status == -ERR_HANDLE)
            return 1;
        if (r.status == 0 && (r.r[1] & TAG_EVENT) == 0)
            message_handle(&r);
        else if (r.status == 0 && (r.r[2] & EVENT_RESTARTED) != 0)
            driver_open();
        more = turn();
    }
}
