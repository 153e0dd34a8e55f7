/* SPDX-License-Identifier: MIT */
/*
 * The client's connection to a driver of frames: attaching, and attaching again to one that was
 * restarted, whose pages then take the places of the earlier driver's.
 */
#include "lib/frames.h"
#include "lib/memory.h"
#include "lib/message.h"
#include <errno.h>
#include <string.h>

#define TRIES 8 /* drivers that may die before it counts as failed */

/* 0 or an errno number; the answer is in m. */
static int ask(uint64_t driver, struct message *m)
{
    int64_t status = -ERR_PEER;
    for (int tries = 0; tries < TRIES && status == -ERR_PEER; tries++)
        status = message_call(driver, m);
    if (status == 0)
        return (int)TAG_LABEL(m->tag);
    return status == -ERR_DEAD || status == -ERR_HANDLE ? ENODEV : EIO;
}

static int info(struct frames *f)
{
    struct message m = {.tag = TAG(FRAMES_INFO, 0, 0)};
    int error = ask(f->driver, &m);
    memcpy(f->mac, &m.w[0], sizeof f->mac);
    f->link = m.w[1] != 0;
    return error;
}

/* Says which buffers stay with this side, and that all others are the driver's. */
static void held_put(struct frames *f, struct message *m)
{
    uint64_t words[1 + FRAMES_BUFFERS / 64] = {f->bits};
    for (uint32_t i = 0; i < FRAMES_BUFFERS; i++) {
        if (f->owner[i] == FRAMES_CLIENT)
            words[1 + i / 64] |= 1ul << i % 64;
        else
            f->owner[i] = FRAMES_DRIVER;
    }
    for (uint32_t i = 0; i < sizeof words / sizeof words[0]; i++)
        *(i < REGISTER_WORDS ? &m->w[i] : &atm_message()->word[i]) = words[i];
}

static int attach(struct frames *f)
{
    struct message m = {.tag = TAG(FRAMES_ATTACH, 1 + FRAMES_BUFFERS / 64, 1)};
    held_put(f, &m);
    atm_message()->item[0] =
        (struct atm_item){ITEM_HANDLE, f->endpoint, RIGHT_SIGNAL | RIGHT_COPY, 0};
    int error = ask(f->driver, &m);
    if (error != 0)
        return error;
    if (TAG_ITEMS(m.tag) != 1 || atm_message()->item[0].kind != ITEM_HANDLE)
        return EPROTO;
    if (f->wake != 0)
        atm_handle_close(f->wake);
    f->wake = atm_message()->item[0].value;
    f->wake_bits = m.w[0];
    f->receive_taken = f->transmit_taken = f->receive_put = f->transmit_put = 0;
    f->fresh = f->transmit_free = f->unusable = 0;
    return 0;
}

/* What this side holds in the page at va goes into the one at fresh. */
static void held_copy(const struct frames *f, uint64_t page, uint64_t va, uint64_t fresh)
{
    if (page < FRAMES_CONTROL_PAGES)
        return;
    for (uint32_t half = 0; half < 2; half++)
        if (f->owner[(page - FRAMES_CONTROL_PAGES) * 2 + half] == FRAMES_CLIENT)
            memcpy((char *)(uintptr_t)fresh + half * FRAMES_BUFFER,
                   (const char *)(uintptr_t)va + half * FRAMES_BUFFER, FRAMES_BUFFER);
}

/* Puts the page at fresh to its place va, where there is one of an earlier driver or nothing. */
static int page_place(const struct frames *f, uint64_t page, uint64_t va, uint64_t fresh)
{
    uint64_t flags = page == 0 ? PAGE_READ : PAGE_READ | PAGE_WRITE;
    if (va == fresh)
        return 0;
    if (atm_query(0, va).status == 0) {
        held_copy(f, page, va, fresh);
        memory_unmap(0, va, 1, PAGE_SIZE_4K);
    }
    int64_t status =
        memory_share((struct memory_range){0, fresh}, (struct memory_range){0, va}, 1, flags);
    memory_unmap(0, fresh, 1, PAGE_SIZE_4K);
    return status == 0 ? 0 : ENOMEM;
}

/* Takes the next pages from first on. Their number, or -errno. Where an earlier driver's pages are they come by way of the
   window at *earlier. Those are the first ones, if any: behind one that is not there nothing is, and it is 0 from then on. */
static int pages_take(struct frames *f, uint64_t first, uint64_t *earlier)
{
    struct message m = {.tag = TAG(FRAMES_TAKE, 1, 0), .w = {first}};
    uint64_t left = FRAMES_PAGES - first, place = (uintptr_t)f->theirs + first * PAGE_SIZE;
    if (*earlier != 0 && atm_query(0, place).status != 0)
        *earlier = 0;
    uint64_t window = *earlier != 0 ? *earlier : place;
    atm_message()->receive_va = window;
    atm_message()->receive_pages = left < MESSAGE_ITEMS_MAX ? left : MESSAGE_ITEMS_MAX;
    int error = ask(f->driver, &m);
    atm_message()->receive_va = atm_message()->receive_pages = 0;
    uint64_t count = TAG_ITEMS(m.tag);
    if (error == 0 && count == 0)
        error = EPROTO;
    for (uint64_t i = 0; i < count && error == 0; i++)
        error = page_place(f, first + i, place + i * PAGE_SIZE, window + i * PAGE_SIZE);
    for (uint64_t i = 0; i < count && error != 0; i++)
        memory_unmap(0, window + i * PAGE_SIZE, 1, PAGE_SIZE_4K);
    return error == 0 ? (int)count : -error;
}

int frames_reopen(struct frames *f)
{
    uint64_t window = window_open();
    if (window == 0)
        return ENOMEM;
    int error = ESTALE;
    for (int tries = 0; tries < TRIES && error == ESTALE; tries++) {
        int done = 0, got = 0;
        uint64_t earlier = window;
        error = info(f);
        error = error == 0 ? attach(f) : error;
        for (; error == 0 && done < (int)FRAMES_PAGES; done += got) {
            got = pages_take(f, (uint64_t)done, &earlier);
            error = got < 0 ? -got : 0;
        }
    }
    window_close(window, 0);
    return error == ESTALE ? EIO : error;
}

int frames_open(struct frames *f, uint64_t driver, uint64_t endpoint, uint64_t bits)
{
    *f = (struct frames){.driver = driver, .endpoint = endpoint, .bits = bits};
    uint64_t window = window_open();
    if (window == 0)
        return ENOMEM;
    f->theirs = (const struct frames_page *)(uintptr_t)window;
    f->ours = (struct frames_page *)(uintptr_t)(window + PAGE_SIZE);
    f->buffers = (unsigned char *)(uintptr_t)(window + FRAMES_CONTROL_PAGES * PAGE_SIZE);
    int error = driver == 0 ? ENODEV : frames_reopen(f);
    if (error != 0)
        window_close(window, FRAMES_PAGES);
    return error;
}
