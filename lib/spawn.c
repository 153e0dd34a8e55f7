/* SPDX-License-Identifier: MIT */
/*
 * What a program's file has is put together in a window of the parent's own memory: pages are mapped
 * fresh, filled, shared into the child with the permissions they are to have there, and unmapped
 * here; those of all segments together, as each step is a system call. So no page is ever writable in
 * the child that must not be, and the child's container pays for what the child has.
 */
#include "lib/spawn.h"
#include "lib/elf.h"
#include "lib/memory.h"
#include "lib/sys.h"
#include <string.h>

#define BATCH_PAGES 32u  /* built in the window at a time */
#define STARTUP_PAGES 2u /* from STARTUP_VA on */

_Static_assert(INIT_MESSAGE_VA == STARTUP_VA + PAGE_SIZE,
               "the message page is behind the startup page");

void name_pack(const char *name, uint64_t words[2])
{
    char bytes[16] = {0};
    memcpy(bytes, name, strnlen(name, sizeof bytes));
    memcpy(words, bytes, sizeof bytes);
}

void name_unpack(const uint64_t words[2], char *to)
{
    memcpy(to, words, 16);
    to[16] = 0;
    for (size_t i = 0; to[i] != 0; i++)
        if (to[i] < ' ' || to[i] > '~')
            to[i] = '?';
}

/* Copies the file bytes that belong into [va, va + bytes) of the child to where it is built. */
static void segment_fill(unsigned char *build, const struct elf_segment *s, uint64_t va,
                         uint64_t bytes)
{
    uint64_t from = va > s->va ? va : s->va;
    uint64_t data_end = s->va + s->data_bytes;
    uint64_t to = va + bytes < data_end ? va + bytes : data_end;
    if (from < to)
        memcpy(build + (from - va), s->data + (from - s->va), to - from);
}

/* Pages of a segment that hold bytes of the file; those behind them are zero. */
static uint64_t pages_filled(const struct elf_segment *s)
{
    return s->data_bytes == 0 ? 0 : (s->va % PAGE_SIZE + s->data_bytes + PAGE_SIZE - 1) / PAGE_SIZE;
}

static int64_t piece_load(uint64_t process, uint64_t build, const struct elf_segment *s,
                          uint64_t from, uint64_t pages)
{
    uint64_t va = (s->va / PAGE_SIZE + from) * PAGE_SIZE;
    segment_fill((unsigned char *)(uintptr_t)build, s, va, pages * PAGE_SIZE);
    return memory_share((struct memory_range){0, build}, (struct memory_range){process, va}, pages,
                        s->flags);
}

/* Of the filled pages of all segments, one after the other, the pages from first on. */
static int64_t batch_load(uint64_t process, uint64_t window, const struct elf_program *program,
                          uint64_t first, uint64_t pages)
{
    uint64_t before = 0;
    int64_t status = memory_map(0, window, pages, PAGE_READ | PAGE_WRITE | PAGE_MAX_EXECUTE);
    if (status != 0)
        return status;
    for (uint64_t i = 0; i < program->segments && before < first + pages && status == 0; i++) {
        const struct elf_segment *s = &program->segment[i];
        uint64_t filled = pages_filled(s), left = first + pages - before;
        uint64_t from = first > before ? first - before : 0, to = filled < left ? filled : left;
        if (from < to)
            status = piece_load(process, window + (before + from - first) * PAGE_SIZE, s, from,
                                to - from);
        before += filled;
    }
    memory_unmap(0, window, pages, PAGE_SIZE_4K);
    return status;
}

/* What of a segment the file has nothing of. */
static int64_t rest_map(uint64_t process, const struct elf_segment *s)
{
    uint64_t filled = pages_filled(s);
    uint64_t pages = (s->va % PAGE_SIZE + s->bytes + PAGE_SIZE - 1) / PAGE_SIZE;
    if (pages == filled)
        return 0;
    return memory_map(process, (s->va / PAGE_SIZE + filled) * PAGE_SIZE, pages - filled, s->flags);
}

static int64_t segments_load(uint64_t process, uint64_t window, const struct elf_program *program)
{
    uint64_t filled = 0;
    int64_t status = 0;
    for (uint64_t i = 0; i < program->segments && status == 0; i++) {
        filled += pages_filled(&program->segment[i]);
        status = rest_map(process, &program->segment[i]);
    }
    for (uint64_t done = 0; done < filled && status == 0; done += BATCH_PAGES)
        status = batch_load(process, window, program, done,
                            filled - done < BATCH_PAGES ? filled - done : BATCH_PAGES);
    return status;
}

/* Appends strings, each with its ending 0; gives their number, and 0 in *fits when there is no
   room. */
static uint64_t strings_put(struct startup *page, size_t *used, const char *const *list, int *fits)
{
    uint64_t count = 0;
    for (; list != NULL && list[count] != NULL; count++) {
        size_t bytes = strlen(list[count]) + 1;
        if (bytes > sizeof page->text - *used || count == STARTUP_WORDS) {
            *fits = 0;
            return count;
        }
        memcpy(page->text + *used, list[count], bytes);
        *used += bytes;
    }
    return count;
}

/* Copies a handle into the child and notes its number there. That of a server that is gone for good
   it does not get: to the child it is as if nobody had it. */
static int64_t handle_give(struct startup *page, uint64_t process, const struct spawn_handle *h)
{
    if (page->handles == STARTUP_HANDLES)
        return -ERR_FULL;
    struct atm_result r = atm_handle_copy(process, h->number, h->rights, h->badge);
    if (r.status == -ERR_DEAD)
        return 0;
    if (r.status < 0)
        return r.status;
    struct startup_handle *entry = &page->handle[page->handles++];
    strlcpy(entry->name, h->name, sizeof entry->name);
    entry->number = r.r[0];
    return 0;
}

static int64_t handles_give(struct startup *page, uint64_t process, const struct spawn *s)
{
    int64_t status = 0;
    for (size_t i = 0; status == 0 && i < s->handle_count; i++)
        status = handle_give(page, process, &s->handles[i]);
    const struct spawn_handle self = {"self", process, RIGHT_READ | RIGHT_WRITE | RIGHT_COPY, 0};
    if (status == 0 && s->self)
        status = handle_give(page, process, &self);
    return status;
}

static int64_t startup_fill(struct startup *page, uint64_t process, const struct spawn *s)
{
    size_t used = 0;
    int fits = 1;
    page->magic = STARTUP_MAGIC;
    page->epoch = startup_epoch();
    page->arguments = strings_put(page, &used, s->arguments, &fits);
    page->environment = strings_put(page, &used, s->environment, &fits);
    if (!fits)
        return -ERR_ARGUMENT;
    return handles_give(page, process, s);
}

/* The startup page, which the child may write, as argv points into it, and the message page behind it. */
static int64_t startup_load(uint64_t process, uint64_t window, const struct spawn *s)
{
    const uint64_t rw = PAGE_READ | PAGE_WRITE;
    int64_t status = memory_map(0, window, STARTUP_PAGES, rw);
    if (status != 0)
        return status;
    struct startup *page = (struct startup *)(uintptr_t)window;
    status = startup_fill(page, process, s);
    if (status == 0)
        status = memory_share((struct memory_range){0, window},
                              (struct memory_range){process, STARTUP_VA}, STARTUP_PAGES, rw);
    memory_unmap(0, window, STARTUP_PAGES, PAGE_SIZE_4K);
    return status;
}

static int64_t memory_load(uint64_t process, uint64_t window, const struct spawn *s,
                           struct spawned *out)
{
    struct elf_program program;
    out->step = elf_read(s->image, s->bytes, &program);
    if (out->step != NULL)
        return -ERR_ARGUMENT;
    out->step = "load its segments";
    int64_t status = segments_load(process, window, &program);
    if (status != 0)
        return status;
    out->step = "make its startup and message pages";
    status = startup_load(process, window, s);
    if (status != 0)
        return status;
    out->step = "map its stack";
    status = memory_map(process, STACK_TOP - (uint64_t)STACK_PAGES * PAGE_SIZE, STACK_PAGES,
                        PAGE_READ | PAGE_WRITE);
    if (status == 0 && s->initrd_bytes != 0)
        status = memory_share((struct memory_range){0, s->initrd_va},
                              (struct memory_range){process, INITRD_VA},
                              (s->initrd_bytes + PAGE_SIZE - 1) / PAGE_SIZE, PAGE_READ);
    if (status != 0)
        return status;
    out->step = "create its thread";
    struct atm_result r = atm_thread_create(process, program.entry, STACK_TOP, 0,
                                            SETUP(s->priority, s->cpu), INIT_MESSAGE_VA);
    out->thread = r.r[0];
    return r.status;
}

struct spawned spawn_program(const struct spawn *s)
{
    struct spawned out = {0, 0, 0, "create its process"};
    uint64_t name[2];
    name_pack(s->name, name);
    struct atm_result r =
        atm_process_create(s->container, s->death_endpoint, s->death_bits, name[0], name[1]);
    if (r.status < 0) {
        out.status = r.status;
        return out;
    }
    uint64_t window = window_open();
    out.status = window == 0 ? -ERR_QUOTA : memory_load(r.r[0], window, s, &out);
    if (window != 0)
        window_close(window, 0);
    if (out.status != 0) {
        object_destroy(r.r[0]);
        atm_handle_close(r.r[0]);
        out.thread = 0;
        return out;
    }
    out.process = r.r[0];
    return out;
}
