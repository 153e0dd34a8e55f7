/* SPDX-License-Identifier: MIT */
/*
 * The driver of a virtio source of random bytes (virtio 1.2, 5.4): serves the protocol of
 * lib/random.h. A pool is filled by the device ahead of what is asked for; a call that finds too
 * little in it waits. Every byte is handed out once.
 */
#include "lib/random.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/virtio.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define EVENT_INTERRUPT 1ul
#define EVENT_WATCH 2ul
#define POOL (2 * PAGE_SIZE)
#define WAITING_MAX 32u

static struct virtio_device device;
static struct virtio_queue queue;
static const unsigned char *page; /* the device writes it */

static unsigned char pool[POOL];
static size_t pool_bytes; /* at its front */

/* Calls that wait, in order. */
static struct {
    uint64_t reply;
    size_t bytes;
} waiting[WAITING_MAX];
static size_t waiting_first, waiting_count;

static void fill_begin(void)
{
    if (virtio_queue_busy(&queue) > 0 || pool_bytes > POOL - PAGE_SIZE)
        return;
    virtio_queue_put(&queue, 0, PAGE_SIZE);
    virtio_notify(&queue);
}

/* Takes what the device gave. 1: something. */
static int fill_end(void)
{
    uint32_t slot, bytes;
    int taken = virtio_queue_take(&queue, &slot, &bytes);
    if (taken < 0)
        virtio_fail(&device, queue.lie);
    if (taken == 0)
        return 0;
    if (bytes == 0)
        virtio_fail(&device, "it gives no random bytes");
    memcpy(pool + pool_bytes, page, bytes);
    pool_bytes += bytes;
    return 1;
}

/* Takes bytes out of the pool into an answer. */
static uint64_t answer(uint64_t w[REGISTER_WORDS], size_t bytes)
{
    pool_bytes -= bytes;
    uint64_t words = message_put(w, pool + pool_bytes, bytes);
    memset(pool + pool_bytes, 0, bytes);
    w[0] = bytes;
    return TAG(0, words, 0);
}

static void waiting_answer(void)
{
    while (waiting_count > 0 && waiting[waiting_first].bytes <= pool_bytes) {
        uint64_t w[REGISTER_WORDS], reply = waiting[waiting_first].reply;
        uint64_t tag = answer(w, waiting[waiting_first].bytes);
        waiting_first = (waiting_first + 1) % WAITING_MAX;
        waiting_count--;
        if (atm_reply(reply, tag, w[0], w[1], w[2], w[3]).status != 0) /* the client died */
            atm_handle_close(reply);
    }
}

static void run(void)
{
    do {
        while (fill_end())
            ;
        waiting_answer();
        fill_begin();
    } while (virtio_queue_busy(&queue) > 0 && virtio_queue_listen(&queue, 1));
    if (virtio_queue_busy(&queue) > 0)
        virtio_watch_arm(&device);
}

static void event(uint64_t bits)
{
    if ((bits & EVENT_INTERRUPT) != 0)
        virtio_queue_ack(&device);
    run();
    if ((bits & EVENT_WATCH) != 0)
        virtio_watch(&device, &queue);
}

static uint64_t wait(size_t bytes)
{
    uint64_t reply = waiting_count < WAITING_MAX ? server_save() : 0;
    if (reply == 0)
        return TAG(EAGAIN, 0, 0);
    size_t last = (waiting_first + waiting_count++) % WAITING_MAX;
    waiting[last].reply = reply;
    waiting[last].bytes = bytes;
    run();
    return SERVER_LATER;
}

static uint64_t message(struct message *m)
{
    uint64_t bytes = m->w[0];
    for (uint64_t i = 0; i < TAG_ITEMS(m->tag); i++) /* nobody asked for them */
        if (atm_message()->item[i].kind == ITEM_HANDLE)
            atm_handle_close(atm_message()->item[i].value);
    if (TAG_LABEL(m->tag) != RANDOM_GET || TAG_WORDS(m->tag) < 1 || bytes == 0 ||
        bytes > RANDOM_PIECE)
        return TAG(EINVAL, 0, 0);
    if (waiting_count > 0 || bytes > pool_bytes)
        return wait(bytes);
    uint64_t tag = answer(m->w, bytes);
    fill_begin();
    return tag;
}

static int open(uint64_t endpoint)
{
    struct virtio_signals signals = {endpoint, EVENT_INTERRUPT, 0};
    uint64_t physical;
    if (virtio_open(&device, VIRTIO_RNG) != 0)
        return 0;
    virtio_negotiate(&device, 0);
    virtio_interrupts(&device, &signals);
    virtio_queue_make(&device, &queue, 0, 1, 1);
    page = virtio_dma(&device, 1, &physical);
    if (page == NULL)
        virtio_fail(&device, "there is no memory for its bytes");
    *virtio_queue_table(&queue, 0) = (struct virtio_desc){physical, PAGE_SIZE, VIRTIO_DESC_WRITE, 0};
    virtio_ready(&device);
    virtio_watch_begin(&device, endpoint, EVENT_WATCH);
    return 1;
}

int main(void)
{
    struct server server = {.message = message, .event = event};
    server.endpoint = startup_handle("serve");
    if (server.endpoint == 0) {
        fprintf(stderr, "%s: it was given no endpoint (\"serves\" in the manifest)\n",
                startup_name());
        return 2;
    }
    if (!open(server.endpoint))
        return 0; /* there is no such device */
    run();
    server_run(&server);
    return 1;
}
