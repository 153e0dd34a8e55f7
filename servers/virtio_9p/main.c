/* SPDX-License-Identifier: MIT */
/*
 * The driver of a virtio 9P device (virtio 1.2, 5.11; QEMU's -device virtio-9p-pci, the hosted machine's --share): a
 * folder of the host, served on as any file system is. One request is at the device at a time. What the device wrote is
 * copied before it is read, so it cannot change under the reader.
 */
#include "lib/ninep_remote.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/virtio.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define INTERRUPT 1ul
#define TYPE_9P 0x01021997u /* as Linux's statfs tells it */
#define FEATURE_TAG 1ul
#define PAGES (NINEP_MESSAGE_MAX / PAGE_SIZE) /* of a message */
#define STRIDE (2 * PAGES)                    /* descriptors: a message and its answer */

static struct virtio_device device;
static struct virtio_queue queue;
static uint64_t endpoint; /* of the device's interrupts alone */
static unsigned char *request, *answer;
static uint64_t request_physical[PAGES], answer_physical[PAGES];
static unsigned char buffer[NINEP_MESSAGE_MAX];

/* Pages as descriptors from number first on; the number behind them. */
static uint16_t pages_put(uint16_t first, const uint64_t *physical, uint32_t bytes, uint16_t flags)
{
    struct virtio_desc *table = virtio_queue_table(&queue, 0);
    for (uint32_t at = 0; at < bytes; at += PAGE_SIZE, first++) {
        uint32_t piece = bytes - at < PAGE_SIZE ? bytes - at : PAGE_SIZE;
        table[first] = (struct virtio_desc){physical[at / PAGE_SIZE], piece,
                                            flags | VIRTIO_DESC_NEXT, (uint16_t)(first + 1)};
    }
    return first;
}

/* Waits for the answer; its bytes. */
static uint32_t answer_wait(void)
{
    uint32_t slot, bytes;
    uint64_t end = atm_clock().r[0] + VIRTIO_PATIENCE_NS;
    for (;;) {
        int taken = virtio_queue_take(&queue, &slot, &bytes);
        if (taken > 0)
            return bytes;
        if (taken < 0)
            virtio_fail(&device, queue.lie);
        if (virtio_queue_listen(&queue, 1))
            continue;
        (void)server_hold();
        int64_t status = atm_receive_until(endpoint, end).status;
        if (status == -ERR_TIMEOUT)
            virtio_fail(&device, "it does not answer a request");
        virtio_queue_ack(&device);
    }
}

static int exchange(struct ninep_client *c, uint32_t bytes, uint32_t *done)
{
    memcpy(request, c->buffer, bytes);
    uint16_t end = pages_put(0, request_physical, bytes, 0);
    end = pages_put(end, answer_physical, c->room, VIRTIO_DESC_WRITE);
    virtio_queue_table(&queue, 0)[end - 1].flags = VIRTIO_DESC_WRITE;
    virtio_queue_put(&queue, 0, c->room);
    virtio_notify(&queue);
    *done = answer_wait();
    memcpy(c->buffer, answer, *done);
    return 0;
}

static int64_t open(void)
{
    struct atm_result r = atm_endpoint_create(0);
    int64_t status = virtio_open(&device, VIRTIO_9P);
    if (status != 0)
        return status;
    endpoint = r.r[0];
    virtio_negotiate(&device, FEATURE_TAG);
    virtio_interrupts(&device, &(struct virtio_signals){endpoint, INTERRUPT, 0});
    virtio_queue_make(&device, &queue, 0, STRIDE, STRIDE);
    request = virtio_dma(&device, PAGES, request_physical);
    answer = virtio_dma(&device, PAGES, answer_physical);
    if (r.status != 0 || request == NULL || answer == NULL)
        virtio_fail(&device, "there is no memory for its messages");
    virtio_ready(&device);
    return 0;
}

/* Whatever the host keeps the folder on: here it is one of 9P. */
static int space(void *fs, struct fs_space *space)
{
    int error = ninep_remote_ops.space(fs, space);
    space->type = TYPE_9P;
    return error;
}

int main(void)
{
    static struct ninep_remote remote;
    static struct fs_ops ops;
    static struct ninep_client client = {
        .buffer = buffer, .room = sizeof buffer, .exchange = exchange};
    uint64_t serve = startup_handle("serve");
    if (serve == 0) {
        fprintf(stderr, "%s: it was given no endpoint (\"serves\" in the manifest)\n",
                startup_name());
        return 2;
    }
    if (open() != 0)
        return 0; /* there is no such device */
    int error = ninep_remote_start(&remote, &client);
    if (error != 0) {
        fprintf(stderr, "%s: its device does not speak 9P2000.L: %s\n", startup_name(),
                errno_text(error));
        virtio_stop(&device);
        return 1;
    }
    ops = ninep_remote_ops;
    ops.space = space;
    (void)fs_serve(&ops, &remote, serve);
    return 1;
}
