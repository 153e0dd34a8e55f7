/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine's PCI bus: one bus of 32 slots, configured through ports 0xcf8 and 0xcfc or the ECAM window, whose
 * devices have 64-bit memory BARs, MSI-X and one INTx line each. A device model fills in a struct pci_device and adds it;
 * transport and models (virtio.h) build on nothing but this header and the three machine_ functions at its end, which the
 * native machine (machine.c) and the unit tests each provide. One thread; all values come from the guest and are legal.
 */
#ifndef HOSTED_PCI_H
#define HOSTED_PCI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PCI_SLOTS 32u
#define PCI_BARS 6u
#define PCI_CONFIG_BYTES 256u /* of each function; the rest of its 4 KiB of ECAM reads as 0 */
#define PCI_MSIX_MAX 16u      /* vectors of a device */

#define PCI_PORT_ADDRESS 0xcf8u
#define PCI_PORT_DATA 0xcfcu

/* Physical addresses, above any RAM the machine may have (64 GiB): arch_is_device_memory says yes to all of these. */
#define PCI_ECAM_BASE 0x1000000000u
#define PCI_ECAM_BYTES 0x100000u /* bus 0 alone */
#define PCI_WINDOW_BASE 0x1000100000u
#define PCI_WINDOW_BYTES 0xf00000u /* BARs, page aligned */

/* Line 16 + slot % 8 is what a slot's INTx pin drives: level, high when any device on it asks. */
#define PCI_INTX_FIRST 16u
#define PCI_INTX_LINES 8u

#define PCI_NO_VECTOR 0xffffu

struct pci_device;

/* A memory BAR. Accesses are 1, 2, 4 or 8 bytes wide, naturally aligned, and within bytes. */
struct pci_window {
    uint32_t bytes; /* a power of two from 4096; 0: no such BAR */
    uint64_t (*read)(struct pci_device *d, uint32_t offset, uint32_t width);
    void (*write)(struct pci_device *d, uint32_t offset, uint32_t width, uint64_t value);
};

struct pci_device {
    uint8_t config[PCI_CONFIG_BYTES];   /* as the guest reads it */
    uint8_t writable[PCI_CONFIG_BYTES]; /* bits of it the guest may change */
    struct pci_window window[PCI_BARS]; /* each takes two BAR registers: 0, 2, 4 */
    uint32_t vectors;                   /* MSI-X table entries; 0: no MSI-X */
    uint32_t msix_offset;               /* of its capability in config */
    struct {
        uint64_t address;
        uint32_t data;
        uint32_t masked; /* bit 0 */
    } msix[PCI_MSIX_MAX];
    uint32_t msix_pending; /* a bit a vector: raised while masked */
    bool intx;             /* the device asserts its pin */
    uint32_t slot;         /* on the bus, given by pci_add */
    uint32_t next_cap;     /* where the next capability goes: pci_add_capability */
    void *model;           /* the owner's */
    /* Around accesses of config beyond the header: after a write, before a read. NULL: nothing. */
    void (*config_access)(struct pci_device *d, uint32_t offset, uint32_t width, bool write);
};

/* Little-endian numbers of 1 to 8 bytes, as registers are. */
uint64_t pci_bytes_get(const uint8_t *from, uint32_t width);
void pci_bytes_put(uint8_t *to, uint32_t width, uint64_t value);

/* ---- what a model calls ---- */

/* Starts the config space of a device: ids, class, INTx pin. class_code: base, sub, interface (0x010000: SCSI). */
void pci_device_init(struct pci_device *d, uint16_t vendor, uint16_t device, uint32_t class_code);

/* Appends a capability (bytes from its id on; its next pointer is filled in); returns its offset. */
uint32_t pci_add_capability(struct pci_device *d, const uint8_t *bytes, uint32_t count);

/* MSI-X with so many vectors, its table and pending bits in BAR bar (0, 2 or 4), which it makes. */
void pci_add_msix(struct pci_device *d, uint32_t bar, uint32_t vectors);

/* Puts it into the next free slot, with its BARs assigned. False: the bus is full. It stays for good. */
bool pci_add(struct pci_device *d);

/* Raises MSI-X vector v (nothing while masked by its entry, then when unmasked); PCI_NO_VECTOR: nothing. */
void pci_msix_raise(struct pci_device *d, uint32_t v);
bool pci_msix_enabled(const struct pci_device *d);

/* Level of the device's INTx pin. */
void pci_intx_set(struct pci_device *d, bool high);

/* True if the device may read and write memory (the guest's bus master bit). */
bool pci_may_master(const struct pci_device *d);

/* ---- what the machine calls ---- */

/* Puts the host bridge into slot 0. Without it there is no bus: ports and windows read as all ones. */
void pci_start(void);

/* Takes every device off the bus (unit tests). */
void pci_clear(void);

/* An access of the guest. port: one of the eight from PCI_PORT_ADDRESS. */
uint32_t pci_port_in(uint16_t port, uint32_t width);
void pci_port_out(uint16_t port, uint32_t width, uint32_t value);
/* physical: anything; width 1, 2, 4 or 8. Where nothing is, and unaligned, reads are all ones and writes are ignored. */
uint64_t pci_memory_read(uint64_t physical, uint32_t width);
void pci_memory_write(uint64_t physical, uint32_t width, uint64_t value);

/* ---- what the machine provides ---- */

/* Host address of guest memory [physical, physical + bytes) that a device may read and write; NULL: not RAM, not all of
   it, or memory that holds no program's pages. */
uint8_t *machine_memory(uint64_t physical, uint64_t bytes);

/* A device writes data to address as a message-signalled interrupt. */
void machine_message(uint64_t address, uint32_t data);

/* Level of an interrupt line. */
void machine_line(uint32_t line, bool high);

/* One line for the person at the terminal about what a device was made to do. */
void machine_report(const char *device, const char *what);

#endif
