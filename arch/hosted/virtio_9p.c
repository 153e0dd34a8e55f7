/* SPDX-License-Identifier: MIT */
/*
 * virtio-9p: each chain is a message and room for its answer. The message is copied out before it is looked at, and served by
 * the same server that the guest's own file systems use (lib/ninep_server.h). What is no message at all stops the device; a
 * reset ends the session.
 */
#include <string.h>

#include "arch/hosted/lie.h"
#include "arch/hosted/virtio_9p.h"
#include "lib/ninep_server.h"

#define QUEUE_ENTRIES 64u
#define FIDS_MAX 1024u
#define FEATURE_TAG 0u
#define TAG_MAX 64u

static struct virtio_device device;
static struct virtio_class class = {.name = "virtio-9p",
                                    .type = VIRTIO_9P,
                                    .pci_class = 0x000200,
                                    .queues = 1,
                                    .queue_entries = QUEUE_ENTRIES,
                                    .features = 1u << FEATURE_TAG};
static struct ninep_server server;
static struct ninep_session session;
static uint8_t request[NINEP_MESSAGE_MAX], reply[NINEP_MESSAGE_MAX];

/* Serves one message; bytes of the answer, 0: it was none. */
static uint32_t message_serve(const struct virtio_chain *chain)
{
    uint32_t bytes = (uint32_t)virtio_chain_read(chain, 0, request, sizeof request);
    uint32_t head = bytes > NINEP_WRITE_HEAD ? NINEP_WRITE_HEAD : bytes;
    struct ninep_message m = {request, bytes, request + head, bytes};
    uint64_t room = chain->writable_bytes < sizeof reply ? chain->writable_bytes : sizeof reply;

    if (chain->readable_bytes > sizeof request) {
        return 0;
    }
    return ninep_serve(&session, &m, reply, (uint32_t)room);
}

static void ninep_notify(struct virtio_device *d, uint32_t queue)
{
    struct virtio_chain chain;
    uint64_t lie;
    uint32_t bytes;

    while (virtio_take(d, queue, &chain)) {
        bytes = message_serve(&chain);
        if (bytes == 0) {
            virtio_break(d, "a request is no message of 9P, or leaves no room for an answer");
            return;
        }
        lie = lie_value(LIE_STATUS, bytes);
        if (lie != bytes) {
            memcpy(reply, &lie, sizeof(uint32_t) + 1); /* its size and type */
        }
        (void)virtio_chain_write(&chain, 0, reply, bytes);
        virtio_finish(d, &chain, bytes);
    }
}

static void session_begin(struct virtio_device *d)
{
    (void)d;
    ninep_session_end(&session);
    ninep_session_start(&session, &server, NINEP_MESSAGE_MAX, FIDS_MAX);
}

bool ninep_add(struct share *share, const char *tag)
{
    uint16_t length = (uint16_t)strnlen(tag, TAG_MAX);

    server = (struct ninep_server){.ops = &share_ops, .fs = share};
    memset(&session, 0, sizeof session);
    ninep_session_start(&session, &server, NINEP_MESSAGE_MAX, FIDS_MAX);
    class.config_bytes = 2u + length;
    class.notify = ninep_notify;
    class.reset = session_begin;
    memcpy(device.config, &length, 2);
    memcpy(device.config + 2, tag, length);
    return virtio_add(&device, &class, NULL);
}

void ninep_remove(void) { ninep_session_end(&session); }
