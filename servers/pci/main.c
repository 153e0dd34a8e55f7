/* SPDX-License-Identifier: MIT */
/*
 * The PCI server: finds the devices, and gives each to the program that the manifest names, see
 * lib/pci.h. At its start it stops and resets every device that could be somebody's, so that none
 * goes on with what a server before this one had let it do. A client can only name devices it was
 * granted, and every handle that a message brings and that is not kept is closed.
 */
#include "config.h"
#include "dma.h"
#include "grants.h"
#include "lib/pci.h"
#include "lib/server.h"
#include "lib/startup.h"
#include "lib/supervision.h"
#include "owner.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW_FIRST 0xe0000000u /* where a PC has no RAM and no devices of its own; */
#define WINDOW_END 0xfec00000u
#define WINDOW_BYTES 0x10000000u /* or behind ECAM, when that is above 4 GiB */
#define ECAM_BUS_BYTES 0x100000u

static struct grant grants[GRANTS_MAX];
static size_t grant_count;
static struct ecam ecam;

/* ---- answers ---- */

static uint64_t answer_words(struct message *m, const void *from, size_t words, size_t items)
{
    uint64_t w[MESSAGE_WORDS_MAX] = {0};
    memcpy(w, from, words * 8);
    memcpy(m->w, w, sizeof m->w);
    if (words > REGISTER_WORDS)
        memcpy(&atm_message()->word[REGISTER_WORDS], &w[REGISTER_WORDS],
               (words - REGISTER_WORDS) * 8);
    return TAG(0, words, items);
}

static size_t item_add(size_t items, uint64_t handle)
{
    if (handle == 0)
        return items;
    atm_message()->item[items] =
        (struct atm_item){ITEM_HANDLE, handle, RIGHTS_ALL & ~RIGHT_DESTROY, 0};
    return items + 1;
}

/* A handle of this kind that came with a message; 0: none did. Closes all others; KIND_NONE: all. */
static uint64_t item_take(const struct message *m, uint64_t kind, uint64_t rights)
{
    uint64_t taken = 0;
    for (size_t i = 0; i < TAG_ITEMS(m->tag); i++) {
        struct atm_item item = atm_message()->item[i];
        if (item.kind != ITEM_HANDLE)
            continue;
        struct atm_result r = atm_handle_info(item.value);
        if (taken == 0 && r.status == 0 && kind != KIND_NONE && r.r[0] == kind &&
            (r.r[1] & rights) == rights)
            taken = item.value;
        else
            atm_handle_close(item.value);
    }
    return taken;
}

/* ---- requests ---- */

static uint64_t request_open(struct message *m)
{
    uint64_t process = item_take(m, KIND_PROCESS, RIGHT_READ | RIGHT_WRITE);
    const struct grant *g = grant_find(grants, grant_count, m->badge, m->w[0]);
    size_t n = g == NULL ? function_count : grant_function(g, functions, function_count);
    if (process == 0)
        return TAG(PCI_BAD_REQUEST, 0, 0);
    if (n == function_count) {
        atm_handle_close(process);
        return TAG(PCI_ABSENT, 0, 0);
    }
    struct opened out;
    uint64_t status = owner_open(n, &(struct opening){m->badge, process, m->w[1], g->pages}, &out);
    if (status != 0)
        return TAG(status, 0, 0);
    size_t items = item_add(item_add(0, out.irqs), out.ports);
    return answer_words(m, &out.answer, sizeof out.answer / 8, items);
}

static uint64_t config_space_read(struct message *m, size_t n)
{
    uint32_t value[PCI_CONFIG_PIECE / 4] = {0};
    uint64_t offset = m->w[1], bytes = m->w[2], width = bytes < 4 ? bytes : 4;
    if (bytes == 0 || bytes == 3 || bytes % width != 0 || bytes > PCI_CONFIG_PIECE)
        return TAG(PCI_BAD_REQUEST, 0, 0);
    if (offset % width != 0 || offset >= CONFIG_BYTES || bytes > CONFIG_BYTES - offset)
        return TAG(PCI_BAD_REQUEST, 0, 0);
    for (uint64_t i = 0; i * 4 < bytes; i++)
        value[i] = config.read(config.context, functions[n].place, (uint32_t)(offset + i * 4),
                               (uint32_t)width);
    return answer_words(m, value, (bytes + 7) / 8, 0);
}

static uint64_t request_dma(struct message *m, size_t n)
{
    uint64_t words[1 + PCI_DMA_PIECE] = {m->w[2]};
    uint64_t status = owner_dma_alloc(n, &(struct dma_wish){m->w[1], m->w[2], m->w[3]}, &words[1]);
    if (status != 0)
        return TAG(status, 0, 0);
    return answer_words(m, words, 1 + m->w[2], 0);
}

static uint64_t request_irq(struct message *m, size_t n, uint64_t endpoint)
{
    if (endpoint == 0)
        return TAG(PCI_BAD_REQUEST, 0, 0);
    return TAG(owner_irq(n, endpoint, m->w[1]), 0, 0);
}

/* Requests about a device that the program has open. */
static uint64_t request_device(struct message *m)
{
    uint64_t label = TAG_LABEL(m->tag);
    uint64_t endpoint = item_take(m, label == PCI_IRQ ? KIND_ENDPOINT : KIND_NONE, RIGHT_SIGNAL);
    size_t n = owner_find(m->w[0], m->badge);
    if (n == FUNCTIONS_MAX) {
        if (endpoint != 0)
            atm_handle_close(endpoint);
        return TAG(PCI_REFUSED, 0, 0);
    }
    switch (label) {
    case PCI_CLOSE:
        owner_close(n);
        return TAG(0, 0, 0);
    case PCI_CONFIG_READ:
        return config_space_read(m, n);
    case PCI_IRQ:
        return request_irq(m, n, endpoint);
    case PCI_IRQ_ACK:
        return TAG(owner_irq_ack(n), 0, 0);
    case PCI_DMA_ALLOC:
        return request_dma(m, n);
    default:
        return TAG(owner_dma_free(n, m->w[1], m->w[2]), 0, 0);
    }
}

/* ---- what anybody may ask ---- */

/* The grant of a device; NULL: it is nobody's. */
static const struct grant *grant_of(size_t n)
{
    for (size_t i = 0; i < grant_count; i++)
        if (grant_function(&grants[i], functions, function_count) == n)
            return &grants[i];
    return NULL;
}

static void info_owner(struct pci_info *info, size_t n)
{
    const struct grant *g = grant_of(n);
    if (g == NULL)
        return;
    info->owner = g->program;
    memcpy(info->name, g->name, sizeof info->name);
}

static uint64_t request_list(struct message *m)
{
    size_t n = m->w[0] < function_count ? (size_t)m->w[0] : function_count;
    if (n == function_count)
        return TAG(PCI_ABSENT, 0, 0);
    const struct function *f = &functions[n];
    struct pci_info info = {.place = f->place};
    info.ids = f->vendor | (uint64_t)f->device << 16 | (uint64_t)f->subsystem_vendor << 32 |
               (uint64_t)f->subsystem << 48;
    info.class_irq = f->class_code | (uint64_t)(f->line & 255) << 24 |
                     (uint64_t)f->msix_vectors << 32 | (uint64_t)(owner_of(n) != 0) << 48;
    info_owner(&info, n);
    for (uint32_t b = 0; b < PCI_BARS; b++) {
        info.bar[b] = f->bar[b].address | f->bar[b].kind;
        info.bytes[b] = f->bar[b].bytes;
    }
    return answer_words(m, &info, sizeof info / 8, 0);
}

static uint64_t request_present(struct message *m)
{
    uint64_t count = 0;
    for (size_t i = 0; i < grant_count; i++)
        count += grants[i].program == m->w[0] &&
                 grant_function(&grants[i], functions, function_count) < function_count;
    return answer_words(m, &count, 1, 0);
}

/* ---- the server ---- */

static uint64_t request(struct message *m)
{
    switch (TAG_LABEL(m->tag)) {
    case PCI_OPEN:
        return request_open(m);
    case PCI_LIST:
        (void)item_take(m, KIND_NONE, 0);
        return request_list(m);
    case PCI_PRESENT:
        (void)item_take(m, KIND_NONE, 0);
        return request_present(m);
    case PCI_CLOSE:
    case PCI_CONFIG_READ:
    case PCI_IRQ:
    case PCI_IRQ_ACK:
    case PCI_DMA_ALLOC:
    case PCI_DMA_FREE:
        return request_device(m);
    default:
        (void)item_take(m, KIND_NONE, 0);
        return TAG(PCI_BAD_REQUEST, 0, 0);
    }
}

static void event(uint64_t bits)
{
    if ((bits & EVENT_CLIENT_ENDED) != 0)
        owners_check();
    owner_lines(bits & ~(EVENT_CLIENT_ENDED | EVENT_RESTARTED));
}

/* "base:first:last" in hexadecimal. */
static void ecam_read_environment(void)
{
    const char *text = getenv("ECAM");
    char *end = NULL;
    if (text == NULL)
        return;
    ecam.base = strtoul(text, &end, 16);
    ecam.first = *end == ':' ? strtoul(end + 1, &end, 16) : 0;
    ecam.last = *end == ':' ? strtoul(end + 1, &end, 16) : 0;
    if (ecam.first > ecam.last || ecam.last > 255)
        ecam.base = 0;
}

/* Where BARs may go: there is room for them behind ECAM, or where a PC has it. */
static struct layout layout_of(void)
{
    struct layout layout = {{WINDOW_FIRST, WINDOW_END}, {0, 0}, device_usable};
    if (ecam.base == 0)
        return layout;
    uint64_t end = ecam.base + (ecam.last + 1) * ECAM_BUS_BYTES;
    layout.taken = (struct window){ecam.base + ecam.first * ECAM_BUS_BYTES, end};
    layout.window.first = end;
    if (end >= WINDOW_END)
        layout.window.end = end + WINDOW_BYTES;
    return layout;
}

static void devices_find(void)
{
    int more = 0;
    ecam_read_environment();
    config = config_open(&ecam);
    function_count = functions_find(&config, (uint32_t)ecam.last, functions, &more);
    if (more)
        fprintf(stderr, "pci: there are more than %u devices; the rest is not used\n",
                FUNCTIONS_MAX);
    struct layout layout = layout_of();
    functions_place(&config, functions, function_count, &layout);
}

/* Every device that somebody may open starts from its reset state. */
static void devices_stop(void)
{
    const char *text = getenv("GRANTS");
    grant_count = text == NULL ? 0 : grants_read(text, grants);
    for (size_t n = 0; n < function_count; n++)
        if (grant_of(n) != NULL) {
            owner_stop(n);
            owner_lines_reserve(n);
        }
}

int main(void)
{
    serve = startup_handle("serve");
    const struct server server = {.endpoint = serve, .message = request, .event = event};
    if (serve == 0 || config_memory() == 0 || config_ports() == 0 || config_irqs() == 0 ||
        !dma_start()) {
        fprintf(stderr, "pci: it was given no endpoint, memory, ports, irqs or keeper of memory\n");
        return 1;
    }
    devices_find();
    devices_stop();
    server_run(&server);
    return 1;
}
