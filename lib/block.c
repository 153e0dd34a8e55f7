/* SPDX-License-Identifier: MIT */
/*
 * Client of a disk driver. The buffer is a window of the driver's DMA pages. When the driver was
 * restarted the window's old pages are still this program's memory: each is copied into one of the
 * new driver's and replaced by it, at the same address.
 */
#include "lib/block.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TRIES 8 /* drivers that may die of one call before it counts as failed */

struct connection {
    uint64_t driver; /* handle */
    uint64_t alive;  /* own endpoint: dies with this program */
};

/* A call that may find the driver dead, in which case its next life answers it. 0 or an errno number;
   the answer is in m. */
static int ask(uint64_t driver, struct message *m)
{
    int64_t status = -ERR_PEER;
    for (int tries = 0; tries < TRIES && status == -ERR_PEER; tries++)
        status = message_call(driver, m);
    if (status == 0)
        return (int)TAG_LABEL(m->tag);
    return status == -ERR_DEAD || status == -ERR_HANDLE ? ENODEV : EIO;
}

/* Takes the next pages of the buffer, of which left are missing, to va. Their number, or -errno. */
static int64_t pages_take(const struct connection *c, uint64_t first, uint64_t left, uint64_t va)
{
    struct message m = {.tag = TAG(BLOCK_TAKE, 1, 0), .w = {first}};
    struct atm_message *page = atm_message();
    uint64_t kept_va = page->receive_va, kept_pages = page->receive_pages; /* a server's own */
    page->receive_va = va;
    page->receive_pages = left < MESSAGE_ITEMS_MAX ? left : MESSAGE_ITEMS_MAX;
    int error = ask(c->driver, &m);
    page->receive_va = kept_va;
    page->receive_pages = kept_pages;
    if (error != 0)
        return -error;
    return m.w[0] == TAG_ITEMS(m.tag) && m.w[0] > 0 ? (int64_t)m.w[0] : -EPROTO;
}

/* Replaces count pages at va by those at fresh, which get their content. */
static int pages_replace(uint64_t va, uint64_t fresh, uint64_t count)
{
    memcpy((void *)(uintptr_t)fresh, (const void *)(uintptr_t)va, count * PAGE_SIZE);
    memory_unmap(0, va, count, PAGE_SIZE_4K);
    int64_t status = memory_share((struct memory_range){0, fresh}, (struct memory_range){0, va},
                                  count, PAGE_READ | PAGE_WRITE);
    memory_unmap(0, fresh, count, PAGE_SIZE_4K);
    return status == 0 ? 0 : ENOMEM;
}

/* Asks for pages pages; how many there are, or -errno. */
static int64_t attach(const struct connection *c, uint32_t pages)
{
    struct message m = {.tag = TAG(BLOCK_ATTACH, 1, 1), .w = {pages}};
    atm_message()->item[0] = (struct atm_item){ITEM_HANDLE, c->alive, RIGHT_COPY, 0};
    int error = ask(c->driver, &m);
    if (error != 0)
        return -error;
    return m.w[0] > 0 && m.w[0] <= pages ? (int64_t)m.w[0] : -EPROTO;
}

/* Attaches again at a driver that was restarted. A buffer that is not wholly this program's is given back: the driver would
   write what is in it to the disk. */
static int reattach(struct block_device *device)
{
    const struct connection *c = device->context;
    uint64_t window = window_open();
    if (window == 0)
        return ENOMEM;
    int64_t got = attach(c, device->pages);
    int error = got < 0 ? (int)-got : got < device->pages ? ENOMEM : 0;
    for (uint32_t done = 0; error == 0 && done < device->pages;) {
        got = pages_take(c, done, device->pages - done, window);
        error = got < 0 ? (int)-got
                        : pages_replace((uintptr_t)device->buffer + (uint64_t)done * PAGE_SIZE,
                                        window, (uint64_t)got);
        done += got > 0 ? (uint32_t)got : 0;
    }
    window_close(window, 0);
    if (error != 0)
        (void)ask(c->driver, &(struct message){.tag = TAG(BLOCK_DETACH, 0, 0)});
    return error;
}

/* A call, repeated after attaching again where the driver has been restarted. fill puts the request
   together, each time. */
typedef void fill_request(struct message *m, const void *what);

static int request(struct block_device *device, struct message *m, fill_request *fill,
                   const void *what)
{
    const struct connection *c = device->context;
    int error = ESTALE;
    for (int tries = 0; tries < TRIES && error == ESTALE; tries++) {
        fill(m, what);
        error = ask(c->driver, m);
        if (error == ESTALE) {
            error = reattach(device);
            error = error == 0 ? ESTALE : error;
        }
    }
    return error == ESTALE ? EIO : error;
}

struct batch {
    const struct block_request *request;
    unsigned count;
};

static void transfer_fill(struct message *m, const void *what)
{
    const struct batch *batch = what;
    uint64_t words[1 + 2 * BLOCK_BATCH];
    words[0] = batch->count;
    for (unsigned i = 0; i < batch->count; i++) {
        const struct block_request *r = &batch->request[i];
        words[1 + 2 * i] = BLOCK_WHAT(r->sector, r->sectors, r->write != 0);
        words[2 + 2 * i] = BLOCK_WHERE(r->page, r->offset);
    }
    unsigned count = 1 + 2 * batch->count;
    for (unsigned i = 0; i < count; i++)
        *(i < REGISTER_WORDS ? &m->w[i] : &atm_message()->word[i]) = words[i];
    m->tag = TAG(BLOCK_TRANSFER, count, 0);
}

/* One call's worth of requests. */
static int batch_transfer(struct block_device *device, struct block_request *requests,
                          unsigned count)
{
    struct message m = {0};
    struct batch batch = {requests, count};
    int error = request(device, &m, transfer_fill, &batch);
    uint64_t failed = error == 0 ? 0 : TAG_WORDS(m.tag) > 0 ? m.w[0] : UINT64_MAX;
    for (unsigned i = 0; i < count; i++)
        requests[i].status = (failed >> i & 1) != 0 ? error : 0;
    return error;
}

/* Whether a request's numbers fit the words of a message; the driver checks the rest. */
static int fits(const struct block_request *r)
{
    return r->sector >> 48 == 0 && r->sectors > 0 && r->sectors <= BLOCK_SECTORS_MAX &&
           r->offset < PAGE_SIZE;
}

static int all_fit(struct block_request *requests, unsigned count)
{
    int fit = 1;
    for (unsigned i = 0; i < count; i++) {
        requests[i].status = EINVAL;
        fit &= fits(&requests[i]);
    }
    return fit;
}

static int block_transfer(struct block_device *device, struct block_request *requests,
                          unsigned count)
{
    int first = 0;
    if (!all_fit(requests, count))
        return EINVAL;
    while (count > 0) {
        unsigned piece = count < BLOCK_BATCH ? count : BLOCK_BATCH;
        int error = batch_transfer(device, requests, piece);
        first = first == 0 ? error : first;
        requests += piece;
        count -= piece;
    }
    return first;
}

static void flush_fill(struct message *m, const void *what)
{
    (void)what;
    m->tag = TAG(BLOCK_FLUSH, 0, 0);
}

static int block_flush(struct block_device *device)
{
    struct message m = {0};
    return request(device, &m, flush_fill, NULL);
}

static void discard_fill(struct message *m, const void *what)
{
    const uint64_t *sectors = what;
    m->tag = TAG(BLOCK_DISCARD, 2, 0);
    m->w[0] = sectors[0];
    m->w[1] = sectors[1];
}

static int block_discard(struct block_device *device, uint64_t sector, uint64_t sectors)
{
    struct message m = {0};
    const uint64_t what[2] = {sector, sectors};
    return request(device, &m, discard_fill, what);
}

static int info(struct block_device *device, const struct connection *c)
{
    struct message m = {.tag = TAG(BLOCK_INFO, 0, 0)};
    int error = ask(c->driver, &m);
    if (error != 0)
        return error;
    device->sectors = m.w[0];
    device->read_only = (m.w[1] & BLOCK_READ_ONLY) != 0;
    device->can_flush = (m.w[1] & BLOCK_CAN_FLUSH) != 0;
    device->can_discard = (m.w[1] & BLOCK_CAN_DISCARD) != 0;
    return 0;
}

/* Maps more of the buffer into its window, up to `pages` pages. */
static int buffer_extend(struct block_device *device, uint32_t pages)
{
    uint64_t window = (uintptr_t)device->buffer;
    while (device->pages < pages) {
        int64_t taken = pages_take(device->context, device->pages, pages - device->pages,
                                   window + (uint64_t)device->pages * PAGE_SIZE);
        if (taken < 0)
            return (int)-taken;
        device->pages += (uint32_t)taken;
    }
    return 0;
}

static int buffer_take(struct block_device *device, const struct connection *c, uint32_t pages)
{
    int64_t got = attach(c, pages < BLOCK_PAGES_MAX ? pages : BLOCK_PAGES_MAX);
    device->pages = 0;
    return got < 0 ? (int)-got : buffer_extend(device, (uint32_t)got);
}

static void grow_fill(struct message *m, const void *what)
{
    const uint32_t *pages = what;
    m->tag = TAG(BLOCK_GROW, 1, 0);
    m->w[0] = *pages;
}

static int block_grow(struct block_device *device, uint32_t pages)
{
    struct message m = {0};
    if (pages > device->pages_most)
        return EINVAL;
    int error = request(device, &m, grow_fill, &pages);
    if (error != 0)
        return error;
    return m.w[0] >= pages ? buffer_extend(device, pages) : EPROTO;
}

static int connect(struct block_device *device, struct connection *c, uint32_t pages)
{
    struct atm_result r = atm_endpoint_create(0);
    if (r.status != 0)
        return ENOMEM;
    c->alive = r.r[0];
    int error = info(device, c);
    for (int tries = 0; error == 0 && tries < TRIES; tries++) {
        error = buffer_take(device, c, pages);
        if (error != ESTALE)
            return error;
        memory_unmap(0, (uintptr_t)device->buffer, device->pages, PAGE_SIZE_4K);
        error = 0;
    }
    return error == 0 ? EIO : error;
}

int block_open(struct block_device *device, const char *name, uint32_t pages)
{
    *device = (struct block_device){
        .transfer = block_transfer,
        .flush = block_flush,
        .discard = block_discard,
        .grow = block_grow,
    };
    struct connection *c = calloc(1, sizeof *c);
    if (c == NULL || pages == 0) {
        free(c);
        return pages == 0 ? EINVAL : ENOMEM;
    }
    c->driver = startup_handle(name);
    device->context = c;
    device->buffer = (unsigned char *)(uintptr_t)window_open();
    int error = c->driver == 0 ? ENODEV : device->buffer == NULL ? ENOMEM : 0;
    if (error == 0)
        error = connect(device, c, pages);
    if (error != 0)
        block_close(device);
    return error;
}

void block_close(struct block_device *device)
{
    struct connection *c = device->context;
    struct message m = {.tag = TAG(BLOCK_DETACH, 0, 0)};
    if (device->buffer != NULL)
        window_close((uintptr_t)device->buffer, device->pages);
    if (c != NULL && c->alive != 0) {
        (void)ask(c->driver, &m);
        object_destroy(c->alive);
        atm_handle_close(c->alive);
    }
    free(c);
    *device = (struct block_device){0};
}
