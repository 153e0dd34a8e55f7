/* SPDX-License-Identifier: MIT */
/*
 * The driver of a virtio network device: serves the protocol of lib/frames.h to one client. It is
 * woken by an interrupt, the client's signal or a message, and moves buffers until there is nothing
 * to move; only then it asks to be woken again. So under load it polls.
 */
#include "lib/server.h"
#include "lib/startup.h"
#include "net.h"
#include <errno.h>
#include <stdio.h>

#define EVENT_QUEUES 1ul
#define EVENT_CONFIG 2ul
#define EVENT_CLIENT 4ul
#define EVENT_WATCH 8ul

/* Frames for the client, and its buffers back to the device. How many were moved. Without a client
   they stay where they are, until the device has no more buffers. */
static uint32_t receive_run(void)
{
    uint32_t buffer, bytes, moved = 0;
    for (; client_there() && ether_receive_take(&buffer, &bytes); moved++)
        client_receive_put(buffer, bytes);
    for (; client_receive_take(&buffer); moved++)
        ether_receive_put(buffer);
    return moved;
}

/* Frames for the device, and the sent ones' buffers back to the client. */
static uint32_t transmit_run(void)
{
    uint32_t buffer, bytes, moved = 0;
    for (; ether_transmit_take(&buffer); moved++)
        if (client_there())
            client_transmit_put(buffer);
    for (; ether.slots_free > 0 && client_transmit_take(&buffer, &bytes); moved++)
        ether_transmit_put(buffer, bytes);
    return moved;
}

static void run(void)
{
    client_awake();
    do {
        do {
            ether_notify();
            client_notify();
        } while (transmit_run() + receive_run() > 0);
    } while (client_there() && (client_listen() || ether_listen()));
    if (virtio_queue_busy(&ether.transmit) > 0)
        virtio_watch_arm(&ether.device);
}

static void event(uint64_t bits)
{
    if ((bits & EVENT_QUEUES) != 0)
        virtio_queue_ack(&ether.device);
    if ((bits & EVENT_CONFIG) != 0)
        virtio_config_ack(&ether.device);
    run();
    if ((bits & EVENT_WATCH) != 0)
        virtio_watch(&ether.device, &ether.transmit);
}

static uint64_t info(struct message *m)
{
    m->w[0] = ether.mac;
    m->w[1] = (uint64_t)ether_link();
    return TAG(0, 2, 0);
}

static uint64_t request(struct message *m)
{
    if (TAG_LABEL(m->tag) == FRAMES_ATTACH && TAG_ITEMS(m->tag) == 1 &&
        atm_message()->item[0].kind == ITEM_HANDLE)
        return client_attach(m, startup_handle("serve"), EVENT_CLIENT);
    for (uint64_t i = 0; i < TAG_ITEMS(m->tag); i++) /* nobody asked for them */
        if (atm_message()->item[i].kind == ITEM_HANDLE)
            atm_handle_close(atm_message()->item[i].value);
    switch (TAG_LABEL(m->tag)) {
    case FRAMES_INFO:
        return info(m);
    case FRAMES_TAKE:
        return client_take(m);
    default:
        return TAG(EINVAL, 0, 0);
    }
}

static uint64_t message(struct message *m)
{
    uint64_t label = TAG_LABEL(m->tag);
    uint64_t tag = request(m);
    if (label == FRAMES_ATTACH)
        run();
    return tag;
}

int main(void)
{
    struct server server = {.message = message, .event = event};
    server.endpoint = startup_handle("serve");
    struct virtio_signals signals = {server.endpoint, EVENT_QUEUES, EVENT_CONFIG};
    if (server.endpoint == 0) {
        fprintf(stderr, "%s: it was given no endpoint (\"serves\" in the manifest)\n",
                startup_name());
        return 2;
    }
    if (ether_open(&signals) != 0)
        return 0; /* there is no such device */
    virtio_watch_begin(&ether.device, server.endpoint, EVENT_WATCH);
    if (client_open() != 0)
        virtio_fail(&ether.device, "there is no memory for its control pages");
    server_run(&server);
    return 1;
}
