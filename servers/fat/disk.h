/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in a FAT file system: byte offsets of little-endian fields, as Microsoft's
 * specification (fatgen103) has them.
 */
#ifndef FAT_DISK_H
#define FAT_DISK_H

enum boot_field {
    B_SECTOR_BYTES = 11, /* 16 bits */
    B_CLUSTER_SECTORS = 13,
    B_RESERVED = 14,      /* 16, sectors before the first table */
    B_TABLES = 16,        /* 8 */
    B_ROOT_ENTRIES = 17,  /* 16; 0: FAT32 */
    B_SECTORS_16 = 19,    /* 16; 0: see B_SECTORS */
    B_TABLE_SECTORS = 22, /* 16; 0: FAT32 */
    B_SECTORS = 32,
    B_STATE = 37, /* 8; FAT12 and FAT16 */
    B_TABLE_SECTORS_32 = 36,
    B_FLAGS_32 = 40,   /* 16: bit 7: one table only, bits 0 to 3 say which */
    B_VERSION_32 = 42, /* 16 */
    B_ROOT_32 = 44,    /* first cluster of the root */
    B_INFO_32 = 48,    /* 16, sector of the counts */
    B_STATE_32 = 65,
    B_SIGNATURE = 510 /* 16 */
};
#define BOOT_SIGNATURE 0xaa55u
#define STATE_DIRTY 1u

enum info_field { N_LEAD = 0, N_SIGNATURE = 484, N_FREE = 488, N_NEXT = 492 };
#define INFO_LEAD 0x41615252u
#define INFO_SIGNATURE 0x61417272u

#define SLOT_BYTES 32u
#define SLOT_FREE 0xe5u
#define SLOT_END 0u
#define SLOT_E5 0x05u /* stands for 0xe5 as a name's first byte */
enum slot_field {
    D_NAME = 0, /* 8 and 3 bytes */
    D_ATTRIBUTES = 11,
    D_CASE = 12,
    D_CREATED_TIME = 14,
    D_CREATED_DATE = 16,
    D_ACCESSED_DATE = 18,
    D_CLUSTER_HIGH = 20,
    D_TIME = 22,
    D_DATE = 24,
    D_CLUSTER = 26,
    D_SIZE = 28
};
#define SHORT_BYTES 11u
#define ATTRIBUTE_READ_ONLY 0x01u
#define ATTRIBUTE_VOLUME 0x08u
#define ATTRIBUTE_FOLDER 0x10u
#define ATTRIBUTE_ARCHIVE 0x20u
#define ATTRIBUTE_LONG 0x0fu
#define CASE_BASE_LOWER 0x08u
#define CASE_TAIL_LOWER 0x10u

#define LONG_LAST 0x40u     /* in the first byte of the slot with the name's end */
#define LONG_UNITS 13u      /* of UTF-16 in a slot */
#define LONG_UNITS_MAX 255u /* of a name */
#define LONG_SLOTS_MAX 20u
#define L_CHECKSUM 13

#define FOLDER_BYTES_MAX 0x200000u /* 65,536 slots */

#endif
