/* SPDX-License-Identifier: MIT */
/*
 * Where things lie in an ext2 file system: byte offsets of the little-endian fields used here, as
 * Linux's fs/ext2/ext2.h and e2fsprogs have them.
 */
#ifndef EXT2_DISK_H
#define EXT2_DISK_H

#define SUPER_OFFSET 1024u
#define SUPER_BYTES 1024u
#define SUPER_MAGIC 0xef53u

enum super_field {
    S_INODES = 0,
    S_BLOCKS = 4,
    S_RESERVED = 8,
    S_BLOCKS_FREE = 12,
    S_INODES_FREE = 16,
    S_FIRST_BLOCK = 20,
    S_BLOCK_SHIFT = 24, /* block bytes are 1024 << this */
    S_BLOCKS_PER_GROUP = 32,
    S_INODES_PER_GROUP = 40,
    S_MOUNTED_AT = 44,
    S_WRITTEN_AT = 48,
    S_MOUNTS = 52,   /* 16 bits */
    S_MAGIC = 56,    /* 16 */
    S_STATE = 58,    /* 16 */
    S_ON_ERROR = 60, /* 16 */
    S_REVISION = 76,
    S_FIRST_INODE = 84,
    S_INODE_BYTES = 88, /* 16 */
    S_COMPATIBLE = 92,
    S_INCOMPATIBLE = 96,
    S_READ_ONLY = 100
};

#define STATE_CLEAN 1u
#define STATE_ERRORS 2u

#define INCOMPATIBLE_FILETYPE 2u
#define READ_ONLY_SPARSE 1u
#define READ_ONLY_LARGE_FILE 2u
#define READ_ONLY_BTREE 4u

#define GROUP_BYTES 32u
enum group_field {
    G_BLOCK_BITMAP = 0,
    G_INODE_BITMAP = 4,
    G_INODE_TABLE = 8,
    G_BLOCKS_FREE = 12, /* 16 bits each */
    G_INODES_FREE = 14,
    G_FOLDERS = 16
};

#define INODE_BYTES_OLD 128u
#define INODE_ROOT 2u
#define INODE_FIRST_OLD 11u
#define INODE_BLOCKS 15u /* 12 direct, then single, double, triple indirect */
#define DIRECT_BLOCKS 12u
enum inode_field {
    I_MODE = 0, /* 16 bits */
    I_SIZE = 4,
    I_ATIME = 8,
    I_CTIME = 12,
    I_MTIME = 16,
    I_DTIME = 20,
    I_LINKS = 26, /* 16 */
    I_SECTORS = 28,
    I_FLAGS = 32,
    I_BLOCK = 40,
    I_GENERATION = 100,
    I_ATTRIBUTES = 104, /* block of extended attributes */
    I_SIZE_HIGH = 108   /* of regular files, with LARGE_FILE */
};

#define FLAG_IMMUTABLE 0x10u
#define FLAG_APPEND 0x20u
#define FLAG_INDEX 0x1000u
#define FLAG_EXTENTS 0x80000u

#define ENTRY_HEAD 8u /* bytes of a directory entry before the name */
#define ENTRY_MIN 12u
enum entry_field { E_INODE = 0, E_BYTES = 4, E_NAME_BYTES = 6, E_KIND = 7, E_NAME = 8 };
enum entry_kind { KIND_UNKNOWN, KIND_FILE, KIND_FOLDER, KIND_LINK = 7 };

#define ATTRIBUTES_MAGIC 0xea020000u
#define ATTRIBUTES_USERS 4u

#define LINKS_MAX 32000u

#endif
