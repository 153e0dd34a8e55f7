/* SPDX-License-Identifier: MIT */
/*
 * Tests the PCI server from a client's place, by the deed its argument names. System tests grant it a
 * virtio random-number device (of which a raw request is a few lines) and read what it prints.
 *
 *   list            every function, a line each
 *   drive           a request with its interrupt, DMA memory given back, close; three times over
 *   attack [SEED]   hostile requests, then a good one
 *   die             opens the device, starts a request that never gets an answer, and faults
 *   hold            opens the device and stays
 *   idle            stays
 *   look            opens the device, says what it got, touches it, and closes it
 *   busy            as drive, without end
 *   many            asks for DMA memory until there is no more, gives it back, asks again
 */
#include "lib/error.h"
#include "lib/memory.h"
#include "lib/message.h"
#include "lib/startup.h"
#include "lib/virtio.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DMA_VA 0x320000000000u
#define SPARE_VA 0x310000000000u
#define ATTACKS 4000u
#define REQUEST_BYTES 64u
#define PATIENCE_NS 5000000000u
#define MANY_PIECE 64u

_Noreturn static void fail(const char *what, int64_t status)
{
    printf("pcitest: %s: %s\n", what, pci_error_text(status));
    exit(1);
}

static void expect(int good, const char *what)
{
    if (!good)
        fail(what, 0);
}

static void list(void)
{
    struct pci_info f;
    for (unsigned n = 0; pci_list(n, &f) == 0; n++) {
        char name[17];
        memcpy(name, f.name, 16);
        name[16] = 0;
        printf("%02lx:%02lx.%lx %04lx:%04lx class %06lx vectors %lu owner %s open %lu\n",
               f.place >> 8, f.place / 8 % 32, f.place % 8, f.ids & 0xffff, f.ids >> 16 & 0xffff,
               f.class_irq & 0xffffff, f.class_irq >> 32 & 0xffff, name[0] != 0 ? name : "nobody",
               f.class_irq >> 48 & 1);
        for (unsigned b = 0; b < PCI_BARS; b++)
            if (f.bytes[b] != 0)
                printf("  bar %u %s 0x%lx bytes 0x%lx\n", b, f.bar[b] % 4 == 2 ? "memory" : "ports",
                       f.bar[b] & ~3ul, f.bytes[b]);
    }
}

/* One request for random bytes, waited for by its interrupt. */
static void request(struct virtio_device *d, struct virtio_queue *q, uint64_t endpoint,
                    unsigned char *buffer, uint64_t physical)
{
    uint32_t slot = 0, bytes = 0;
    *virtio_queue_table(q, 0) = (struct virtio_desc){physical, REQUEST_BYTES, VIRTIO_DESC_WRITE, 0};
    memset(buffer, 0, REQUEST_BYTES);
    virtio_queue_put(q, 0, REQUEST_BYTES);
    (void)virtio_queue_listen(q, 1);
    virtio_notify(q);
    struct atm_result r = {-ERR_AGAIN, {0}};
    uint64_t end = atm_clock().r[0] + PATIENCE_NS;
    while (r.status == -ERR_AGAIN)
        r = atm_receive_until(endpoint, end);
    expect(r.status == 0 && (r.r[1] & TAG_EVENT) != 0 && (r.r[2] & 1) != 0, "no interrupt came");
    virtio_queue_ack(d);
    expect(virtio_queue_take(q, &slot, &bytes) == 1 && bytes > 0, "no answer came");
    unsigned different = 0;
    for (uint32_t i = 0; i < bytes; i++)
        different += buffer[i] != 0;
    expect(different > bytes / 4, "the bytes are not random");
}

static struct virtio_device *device_ready(struct virtio_queue *q, uint64_t endpoint)
{
    static struct virtio_device d;
    expect(virtio_open(&d, VIRTIO_RNG) == 0, "there is no device");
    virtio_negotiate(&d, 0);
    virtio_interrupts(&d, &(struct virtio_signals){endpoint, 1, 0});
    virtio_queue_make(&d, q, 0, 8, 1);
    virtio_ready(&d);
    return &d;
}

static void dma_round(struct pci_device *d)
{
    uint64_t physical[3];
    uint32_t word[8] = {0};
    uint16_t half[2] = {0};
    expect(pci_config_read(d, 0, 4, word) == 0 && word[0] == 0x10441af4, "its ids");
    expect(pci_config_read(d, 0, sizeof word, word) == 0 && word[0] == 0x10441af4, "and on");
    expect(pci_config_read(d, 2, 2, half) == 0 && half[0] == 0x1044, "its second half word");
    expect(pci_config_read(d, 2, 4, word) == PCI_BAD_REQUEST, "an odd offset");
    expect(pci_config_read(d, 0, 36, word) == PCI_BAD_REQUEST, "more than fits");
    expect(pci_config_read(d, 252, 8, word) == PCI_BAD_REQUEST, "past the end");
    int64_t status = pci_dma_alloc(d, DMA_VA, 3, physical);
    if (status != 0)
        fail("three pages of DMA memory", status);
    expect(physical[0] != physical[1] && physical[0] % PAGE_SIZE == 0, "their addresses");
    expect(pci_dma_free(d, DMA_VA, 3) == 0, "they are given back");
    expect(pci_dma_free(d, DMA_VA, 1) == PCI_BAD_REQUEST, "but once only");
}

/* From open to close; how its interrupts came. */
static const char *drive_round(uint64_t endpoint)
{
    static struct virtio_queue q;
    uint64_t physical = 0;
    struct virtio_device *d = device_ready(&q, endpoint);
    const char *how = d->pci.msi_lines != 0 ? "MSI-X" : "INTx";
    unsigned char *buffer = virtio_dma(d, 1, &physical);
    expect(buffer != NULL, "no DMA memory");
    for (int i = 0; i < 10; i++)
        request(d, &q, endpoint, buffer, physical);
    dma_round(&d->pci);
    memory_unmap(0, (uintptr_t)buffer, 1, PAGE_SIZE_4K);
    memory_unmap(0, (uintptr_t)q.rings, 2, PAGE_SIZE_4K);
    expect(pci_close(&d->pci) == 0, "close");
    return how;
}

static void drive(void)
{
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    for (int round = 0; round < 3; round++) {
        const char *how = drive_round(endpoint);
        printf("round %d: 10 requests by %s\n", round, how);
    }
    puts("drive: done");
}

/* One round after the other; the first is told. */
_Noreturn static void busy(void)
{
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    (void)drive_round(endpoint);
    puts("busy: works");
    for (;;)
        (void)drive_round(endpoint);
}

static uint64_t seed;

static uint64_t chance(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t odd_number(uint64_t id)
{
    static const uint64_t odd[] = {0,          1,         2,          3,          31,
                                   32,         33,        63,         64,         4095,
                                   4096,       0x10000,   DMA_VA,     SPARE_VA,   USER_TOP,
                                   UINT32_MAX, 1ul << 63, UINT64_MAX, STARTUP_VA, PCI_WINDOW_VA};
    uint64_t pick = chance() % 24;
    if (pick < sizeof odd / sizeof odd[0])
        return odd[pick] + (chance() % 8 == 0 ? PAGE_SIZE : 0);
    return pick == 22 ? id : chance();
}

/* A handle of any kind, as an item, at most `items` of them. */
static void odd_items(uint64_t items, uint64_t endpoint)
{
    const uint64_t handles[] = {startup_handle("self"),      endpoint, startup_handle("pci"),
                                startup_handle("container"), 0,        999};
    for (uint64_t i = 0; i < items; i++)
        atm_message()->item[i] =
            (struct atm_item){ITEM_HANDLE, handles[chance() % 6], chance() % 256, 0};
}

static void attack(void)
{
    struct pci_device d;
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    uint64_t pci = startup_handle("pci"), answers = 0;
    int64_t status = pci_open(0, &d);
    if (status != 0)
        fail("open", status);
    for (unsigned i = 0; i < ATTACKS; i++) {
        uint64_t items = chance() % 3 == 0 ? chance() % 4 : 0;
        uint64_t label = chance() % 12, words = chance() % 8 == 0 ? chance() % 65 : 4;
        uint64_t id = chance() % 2 ? d.id : odd_number(d.id);
        odd_items(items, endpoint);
        struct atm_result r = atm_call(pci, TAG(label, words, items), id, odd_number(d.id),
                                       odd_number(d.id), chance());
        answers += r.status == 0;
        for (uint64_t k = 0; r.status == 0 && k < TAG_ITEMS(r.r[1]); k++)
            atm_handle_close(atm_message()->item[k].value);
        if (label == PCI_OPEN && r.status == 0 && TAG_LABEL(r.r[1]) == 0)
            d.id = r.r[2];
        if (r.status == -ERR_PEER || r.status == -ERR_DEAD)
            fail("the PCI server went away", r.status);
    }
    printf("attack: %u requests, %lu answers\n", ATTACKS, answers);
    puts("attack: done");
    drive();
}

/* Leaves a request with the device whose buffer would be written after the end of this program. */
_Noreturn static void die(void)
{
    static struct virtio_queue q;
    uint64_t physical[64];
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    struct virtio_device *d = device_ready(&q, endpoint);
    expect(virtio_dma(d, 64, physical) != NULL, "no DMA memory");
    for (uint32_t slot = 0; slot < q.slots; slot++) {
        *virtio_queue_table(&q, slot) =
            (struct virtio_desc){physical[slot], PAGE_SIZE, VIRTIO_DESC_WRITE, 0};
        virtio_queue_put(&q, slot, PAGE_SIZE);
    }
    virtio_notify(&q);
    abort();
}

_Noreturn static void idle(void)
{
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    for (;;)
        atm_receive(endpoint, 0);
}

_Noreturn static void hold(void)
{
    struct pci_device d;
    int64_t status = pci_open(0, &d);
    printf("hold: %s\n", status == 0 ? "open" : pci_error_text(status));
    idle();
}

/* Reads the first register of every page that is mapped. */
static void bar_look(const struct pci_device *d, unsigned b)
{
    uint64_t pages = (d->bar[b].bytes + PAGE_SIZE - 1) / PAGE_SIZE, mapped = 0;
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t va = d->bar[b].va + i * PAGE_SIZE;
        struct atm_result r = atm_query(0, va);
        if (r.status != 0)
            continue;
        expect((r.r[0] & PAGE_DEVICE) != 0, "it is device memory");
        (void)mmio_read32(va);
        mapped++;
    }
    if (pages != 0)
        printf("look: bar %u, %lu of %lu pages\n", b, mapped, pages);
    if (d->bar[b].port != 0) {
        expect(atm_port_in(d->ports, d->bar[b].port, 1).status == 0, "its first port");
        expect(atm_port_in(d->ports, d->bar[b].port - 1, 1).status == -ERR_ARGUMENT,
               "a port that is not its own");
        printf("look: bar %u, ports\n", b);
    }
}

static void look(void)
{
    struct pci_device d;
    uint64_t endpoint = atm_endpoint_create(0).r[0];
    for (int round = 0; round < 2; round++) {
        int64_t status = pci_open(0, &d);
        if (status != 0)
            fail("open", status);
        printf("look: %04x:%04x, %u lines\n", d.vendor, d.device, d.msi_lines);
        for (unsigned b = 0; b < PCI_BARS; b++)
            bar_look(&d, b);
        status = pci_irq(&d, 0, endpoint, 1);
        printf("look: interrupt: %s\n", status == 0 ? "claimed" : pci_error_text(status));
        expect(pci_close(&d) == 0, "close");
    }
    puts("look: done");
}

/* As many pieces as come; they are given back. */
static uint64_t pieces_take(struct pci_device *d)
{
    static uint64_t physical[MANY_PIECE];
    uint64_t pieces = 0;
    int64_t status = 0;
    while (status == 0 && pieces < 100000) {
        status = pci_dma_alloc(d, DMA_VA + pieces * MANY_PIECE * PAGE_SIZE, MANY_PIECE, physical);
        pieces += status == 0;
    }
    printf("many: %s\n", pci_error_text(status));
    for (uint64_t i = 0; i < pieces; i++)
        expect(pci_dma_free(d, DMA_VA + i * MANY_PIECE * PAGE_SIZE, MANY_PIECE) == 0, "free");
    return pieces;
}

static void many(void)
{
    struct pci_device d;
    int64_t status = pci_open(0, &d);
    if (status != 0)
        fail("open", status);
    uint64_t first = pieces_take(&d), second = pieces_take(&d);
    printf("many: %s, %s\n", first > 0 ? "some" : "none", first == second ? "again" : "less");
}

int main(int argc, char **argv)
{
    const char *deed = argc > 1 ? argv[1] : "list";
    seed = argc > 2 ? strtoul(argv[2], NULL, 0) | 1 : 88172645463325252u;
    if (strcmp(deed, "list") == 0)
        list();
    else if (strcmp(deed, "drive") == 0)
        drive();
    else if (strcmp(deed, "attack") == 0)
        attack();
    else if (strcmp(deed, "die") == 0)
        die();
    else if (strcmp(deed, "hold") == 0)
        hold();
    else if (strcmp(deed, "look") == 0)
        look();
    else if (strcmp(deed, "idle") == 0)
        idle();
    else if (strcmp(deed, "busy") == 0)
        busy();
    else if (strcmp(deed, "many") == 0)
        many();
    else
        printf("usage: pcitest list | drive | attack [SEED] | die | hold | idle | look | busy | "
               "many\n");
    return 0;
}
