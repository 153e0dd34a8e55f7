/* SPDX-License-Identifier: MIT */
/*
 * Files by path, for programs. Which file server has a path is asked of the name service (handle
 * "names"), which knows the mount table; the longest mounted prefix wins. A file server that was
 * restarted is connected to again and open files are opened again by path, unseen by the program;
 * only what cannot safely be done twice gives EREMOTEIO then, and so does the next vfs_fsync of a file
 * that was written to and not synced.
 *
 * Functions return 0 (or a count) or a negative error number of errno.h; errno_text() says what it
 * means. Paths without a leading "/" begin at the current folder. Open files: at most VFS_FILES_MAX.
 */
#ifndef LIB_VFS_H
#define LIB_VFS_H

#include "lib/fs.h"
#include <errno.h>

#define VFS_PATH_MAX 1024u /* bytes of a path with its ending 0 */
#define VFS_FILES_MAX 1024u

/* Flags of vfs_open: one of the first three, and any of the others. */
#define VFS_READ 0u
#define VFS_WRITE 1u
#define VFS_READ_WRITE 2u
#define VFS_CREATE 0100u
#define VFS_EXCLUSIVE 0200u /* with VFS_CREATE: EEXIST if it is there */
#define VFS_TRUNCATE 01000u
#define VFS_APPEND 02000u /* each write goes to the end */

/* A file number from 0, or -error. Folders may be opened to read, for vfs_readdir. mode: the
   permissions of a file that is created. */
int vfs_open(const char *path, uint32_t flags, uint32_t mode);
/* The same, and the attributes as they are then: no more work than the open alone. */
int vfs_open_attr(const char *path, uint32_t flags, uint32_t mode, struct fs_attr *attr);
int vfs_close(int file);

/* Bytes done, which may be fewer than asked for; read: 0 at the end. The first two use and move the
   file's position. */
int64_t vfs_read(int file, void *to, size_t bytes);
int64_t vfs_write(int file, const void *from, size_t bytes);
int64_t vfs_pread(int file, void *to, size_t bytes, uint64_t offset);
int64_t vfs_pwrite(int file, const void *from, size_t bytes, uint64_t offset);
/* Reads without a copy: *data points to the bytes, good until the next call of this header. */
int64_t vfs_borrow(int file, size_t bytes, uint64_t offset, const void **data);
int vfs_seek(int file, uint64_t offset);

int vfs_stat(const char *path, struct fs_attr *attr);
int vfs_fstat(int file, struct fs_attr *attr);
int vfs_setattr(const char *path, uint32_t which, const struct fs_attr *attr); /* FS_SET_... */
int vfs_fsetattr(int file, uint32_t which, const struct fs_attr *attr);

/* The next entry of an open folder: 1, or 0 at the end. Mounted folders are among them. */
int vfs_readdir(int file, struct fs_entry *entry);

int vfs_mkdir(const char *path, uint32_t mode);
int vfs_remove(const char *path);                 /* a file */
int vfs_rmdir(const char *path);                  /* an empty folder */
int vfs_rename(const char *from, const char *to); /* EXDEV: on another file system */
/* EREMOTEIO: the server ended before what was written to this file was on the device; write it again.
   It is told once. */
int vfs_fsync(int file);
int vfs_sync(void); /* all of every mounted file system */
int vfs_space(const char *path, struct fs_space *space);

/* The current folder. */
int vfs_cd(const char *path);
const char *vfs_cwd(void);
/* An absolute path without ".", ".." and double "/". -ENAMETOOLONG, -EINVAL (empty). */
int vfs_absolute(const char *path, char to[VFS_PATH_MAX]);

/* A whole file in memory. vfs_load: read-only, shared pages where the file server has such, else
   read into memory of the program's own. vfs_save: writes a whole file, made if it is not there. */
struct vfs_image {
    const unsigned char *data;
    uint64_t bytes;
    uint64_t window; /* for vfs_unload */
    uint64_t pages;
};
int vfs_load(const char *path, struct vfs_image *image);
void vfs_unload(struct vfs_image *image);
int vfs_save(const char *path, const void *data, size_t bytes);

/* The mount table. Mounting wants an unmarked handle of the name service ("shares names" in the
   manifest), else EPERM. endpoint: of a file server, a handle without a mark. */
struct vfs_mount {
    char path[VFS_PATH_MAX];
};
int vfs_mount(const char *path, uint64_t endpoint);
int vfs_unmount(const char *path);
int vfs_bind(const char *path, const char *mounted); /* mounts the server of a mount here, too */
int vfs_mounts(unsigned n, struct vfs_mount *mount); /* the n-th; -ENOENT behind the last */

#endif
