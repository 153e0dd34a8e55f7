/* SPDX-License-Identifier: MIT */
/*
 * The driver of a virtio disk: serves the protocol of lib/block.h. Interrupts and calls arrive on
 * the same endpoint. A call that the device finishes at once is answered at once; any other is saved
 * and answered when its last request is done.
 */
#include "blk.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/supervision.h"
#include <errno.h>
#include <stdio.h>

#define EVENT_INTERRUPT 1ul
#define EVENT_WATCH 2ul

/* Hands the device what was put and takes what is done, until there is nothing to take. */
static void device_run(void)
{
    do {
        jobs_push();
        virtio_notify(&disk.queue);
    } while (disk_reap() > 0 || (virtio_queue_busy(&disk.queue) > 0 &&
                                 virtio_queue_listen(&disk.queue, jobs_patience())));
    if (virtio_queue_busy(&disk.queue) > 0)
        virtio_watch_arm(&disk.device);
}

static void event(uint64_t bits)
{
    if ((bits & EVENT_INTERRUPT) != 0)
        virtio_queue_ack(&disk.device);
    if ((bits & EVENT_CLIENT_ENDED) != 0)
        clients_sweep();
    device_run();
    if ((bits & EVENT_WATCH) != 0)
        virtio_watch(&disk.device, &disk.queue);
}

/* Runs a job that is filled in; its answer, now or later. */
static uint64_t job_run(struct job *job, struct message *m)
{
    job_begin(job);
    device_run();
    if (job_is_over(job))
        return job_finish(job, &m->w[0]);
    job->reply = server_save();
    job->later = 1;
    return SERVER_LATER;
}

static uint64_t info(struct message *m)
{
    m->w[0] = disk.sectors;
    m->w[1] = disk.flags;
    m->w[2] = BLOCK_PAGES_MAX;
    return TAG(0, 3, 0);
}

static uint64_t attach(struct message *m)
{
    uint64_t alive = atm_message()->item[0].value;
    if (TAG_ITEMS(m->tag) != 1 || atm_message()->item[0].kind != ITEM_HANDLE)
        return TAG(EINVAL, 0, 0);
    struct client *client = client_find(m->badge);
    if (client != NULL)
        client_leave(client);
    clients_sweep();
    client = client_attach(m->badge, alive, m->w[0]);
    if (client == NULL) {
        atm_handle_close(alive);
        return TAG(ENOMEM, 0, 0);
    }
    m->w[0] = client->pages;
    return TAG(0, 1, 0);
}

/* The next four pages of the client's buffer. */
static uint64_t take(struct message *m, const struct client *client)
{
    uint64_t items = 0, first = m->w[0];
    for (; items < MESSAGE_ITEMS_MAX && first < client->pages && items < client->pages - first;
         items++)
        atm_message()->item[items] = (struct atm_item){
            ITEM_PAGE, client->va + (first + items) * PAGE_SIZE, PAGE_READ | PAGE_WRITE, 0};
    m->w[0] = items;
    return TAG(0, 1, items);
}

static uint64_t grow(struct message *m, struct client *client)
{
    uint64_t error = client_grow(client, m->w[0]);
    m->w[0] = client->pages;
    return TAG(error, 1, 0);
}

static uint32_t transfer_check(const struct client *client, uint64_t what, uint64_t where)
{
    uint64_t sector = BLOCK_WHAT_SECTOR(what), sectors = BLOCK_WHAT_SECTORS(what);
    uint64_t bytes = (uint64_t)client->pages * PAGE_SIZE;
    if (sectors == 0 || sectors > disk.sectors || sector > disk.sectors - sectors)
        return EINVAL;
    if (where % BLOCK_SECTOR != 0 || where >= bytes || sectors * BLOCK_SECTOR > bytes - where)
        return EINVAL;
    return BLOCK_WHAT_WRITE(what) && (disk.flags & BLOCK_READ_ONLY) != 0 ? EROFS : 0;
}

/* Word number i of a message. */
static uint64_t word(const struct message *m, uint32_t i)
{
    return i < REGISTER_WORDS ? m->w[i] : atm_message()->word[i];
}

static uint64_t transfer(struct message *m, struct client *client)
{
    uint64_t count = m->w[0];
    if (count == 0 || count > BLOCK_BATCH || TAG_WORDS(m->tag) < 1 + 2 * count)
        return TAG(EINVAL, 0, 0);
    struct job *job = job_new(client, JOB_READ);
    if (job == NULL)
        return TAG(EAGAIN, 0, 0);
    uint32_t error = 0;
    for (uint32_t i = 0; i < count && error == 0; i++) {
        job->what[i] = word(m, 1 + 2 * i);
        job->where[i] = word(m, 2 + 2 * i);
        error = transfer_check(client, job->what[i], job->where[i]);
    }
    if (error != 0) {
        job_finish(job, &m->w[0]);
        return TAG(error, 0, 0);
    }
    job->count = (uint32_t)count;
    return job_run(job, m);
}

static uint64_t flush(struct message *m, struct client *client)
{
    if ((disk.flags & BLOCK_CAN_FLUSH) == 0)
        return TAG(0, 0, 0);
    struct job *job = job_new(client, JOB_FLUSH);
    return job != NULL ? job_run(job, m) : TAG(EAGAIN, 0, 0);
}

static uint64_t discard(struct message *m, struct client *client)
{
    uint64_t sector = m->w[0], sectors = m->w[1];
    if ((disk.flags & BLOCK_CAN_DISCARD) == 0)
        return TAG(EOPNOTSUPP, 0, 0);
    if ((disk.flags & BLOCK_READ_ONLY) != 0)
        return TAG(EROFS, 0, 0);
    if (TAG_WORDS(m->tag) < 2 || sectors == 0 || sectors > disk.sectors ||
        sector > disk.sectors - sectors)
        return TAG(EINVAL, 0, 0);
    struct job *job = job_new(client, JOB_DISCARD);
    if (job == NULL)
        return TAG(EAGAIN, 0, 0);
    job->what[0] = sector;
    job->where[0] = sectors;
    return job_run(job, m);
}

/* Handles in a message that is not to have any are closed. */
static void items_drop(const struct message *m)
{
    for (uint64_t i = 0; i < TAG_ITEMS(m->tag); i++)
        if (atm_message()->item[i].kind == ITEM_HANDLE)
            atm_handle_close(atm_message()->item[i].value);
}

static uint64_t client_message(struct message *m, struct client *client)
{
    switch (TAG_LABEL(m->tag)) {
    case BLOCK_TAKE:
        return take(m, client);
    case BLOCK_TRANSFER:
        return transfer(m, client);
    case BLOCK_FLUSH:
        return flush(m, client);
    case BLOCK_DISCARD:
        return discard(m, client);
    case BLOCK_GROW:
        return grow(m, client);
    case BLOCK_DETACH:
        client_leave(client);
        return TAG(0, 0, 0);
    default:
        return TAG(EINVAL, 0, 0);
    }
}

static uint64_t message(struct message *m)
{
    if (TAG_LABEL(m->tag) == BLOCK_ATTACH && TAG_ITEMS(m->tag) == 1)
        return attach(m);
    if (TAG_ITEMS(m->tag) != 0) {
        items_drop(m);
        return TAG(EINVAL, 0, 0);
    }
    if (TAG_LABEL(m->tag) == BLOCK_INFO)
        return info(m);
    struct client *client = client_find(m->badge);
    return client != NULL ? client_message(m, client) : TAG(ESTALE, 0, 0);
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
    if (disk_open(server.endpoint, EVENT_INTERRUPT) != 0)
        return 0; /* there is no such disk */
    virtio_watch_begin(&disk.device, server.endpoint, EVENT_WATCH);
    server_run(&server);
    return 1;
}
