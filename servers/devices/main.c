/* SPDX-License-Identifier: MIT */
/* Lists the PCI devices: place, ids, what each is, which program has it, interrupts, registers. */
#include "lib/pci.h"
#include <stdio.h>
#include <string.h>

struct name {
    uint32_t number;
    const char *text;
};

/* Virtio devices of any age, by subsystem or device id. */
static const char *virtio_name(uint32_t device)
{
    static const struct name names[] = {
        {0x1041, "virtio network"}, {0x1042, "virtio disk"},    {0x1043, "virtio console"},
        {0x1044, "virtio random"},  {0x1045, "virtio balloon"}, {0x1048, "virtio SCSI"},
        {0x1049, "virtio share"},   {0x1050, "virtio display"}, {0x1052, "virtio input"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == device)
            return names[i].text;
    return "virtio device";
}

/* By class and subclass; by class alone. */
static const char *class_name(uint32_t class_code)
{
    static const struct name names[] = {
        {0x0106, "SATA controller"}, {0x0108, "NVMe disk"},        {0x0c03, "USB controller"},
        {0x0c05, "SMBus"},           {0x0600, "host bridge"},      {0x0601, "ISA bridge"},
        {0x0604, "PCI bridge"},      {0x01, "storage controller"}, {0x02, "network controller"},
        {0x03, "display"},           {0x04, "multimedia"},         {0x06, "bridge"},
        {0x0c, "serial bus"}};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (names[i].number == class_code >> 8 ||
            (names[i].number < 0x100 && names[i].number == class_code >> 16))
            return names[i].text;
    return "device";
}

/* What the device's registers take in memory, in KiB. */
static uint64_t memory_of(const struct pci_info *f)
{
    uint64_t bytes = 0;
    for (unsigned b = 0; b < PCI_BARS; b++)
        if (f->bar[b] % 4 == 2)
            bytes += f->bytes[b];
    return bytes / 1024;
}

static void device_show(const struct pci_info *f)
{
    char owner[17] = {0}, interrupts[24];
    uint32_t vendor = f->ids & 0xffff, device = f->ids >> 16 & 0xffff;
    uint32_t class_code = f->class_irq & 0xffffff;
    uint64_t vectors = f->class_irq >> 32 & 0xffff, line = f->class_irq >> 24 & 0xff;
    int virtio = vendor == 0x1af4 && device >= 0x1040 && device < 0x1080;
    memcpy(owner, f->name, 16);
    if (vectors != 0)
        snprintf(interrupts, sizeof interrupts, "%lu messages", vectors);
    else if (line != 0 && line != 255)
        snprintf(interrupts, sizeof interrupts, "line %lu", line);
    else
        strlcpy(interrupts, "none", sizeof interrupts);
    printf("%02lx:%02lx.%lx  %04x:%04x  %-19s %-12s %-7s %-11s %5lu KiB\n", f->place >> 8,
           f->place / 8 % 32, f->place % 8, vendor, device,
           virtio ? virtio_name(device) : class_name(class_code), owner[0] != 0 ? owner : "-",
           (f->class_irq >> 48 & 1) != 0 ? "in use" : "free", interrupts, memory_of(f));
}

int main(void)
{
    struct pci_info f;
    int64_t status = pci_list(0, &f);
    if (status == PCI_ABSENT || status == -ERR_DEAD) {
        printf("no PCI devices\n");
        return 0;
    }
    if (status == 0)
        printf(
            "PLACE    ID         WHAT                PROGRAM      STATE   INTERRUPTS  REGISTERS\n");
    for (unsigned n = 1; status == 0; n++) {
        device_show(&f);
        status = pci_list(n, &f);
    }
    if (status == PCI_ABSENT)
        return 0;
    fprintf(stderr, "devices: %s\n", pci_error_text(status));
    return 1;
}
