/* SPDX-License-Identifier: MIT */
/*
 * lib/vfs.h over the host's files below the folder HOST_ROOT, as far as the servers that are tested on
 * the build machine use it. Test only.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* lib/fs.h defines these, with the same values. */
#undef S_IFMT
#undef S_IFDIR
#undef S_IFREG
#undef S_IFLNK
#undef S_ISDIR
#undef S_ISREG
#include "lib/vfs.h"

#define FILES 8192 /* sockets are among the numbers, too */

static DIR *folders[FILES];

static void host_path(const char *path, char to[PATH_MAX])
{
    snprintf(to, PATH_MAX, "%s%s", getenv("HOST_ROOT"), path);
}

int vfs_open(const char *path, uint32_t flags, uint32_t mode)
{
    char full[PATH_MAX];
    host_path(path, full);
    int fd = open(full, (int)flags, mode); /* the numbers of flags are Linux's */
    if (fd >= FILES) {
        close(fd);
        return -EMFILE;
    }
    return fd < 0 ? -errno : fd;
}

int vfs_close(int file)
{
    if (folders[file] != NULL)
        closedir(folders[file]);
    else
        close(file);
    folders[file] = NULL;
    return 0;
}

int64_t vfs_pread(int file, void *to, size_t bytes, uint64_t offset)
{
    ssize_t n = pread(file, to, bytes, (off_t)offset);
    return n < 0 ? -errno : n;
}

int64_t vfs_borrow(int file, size_t bytes, uint64_t offset, const void **data)
{
    static char buffer[65536];
    *data = buffer;
    return vfs_pread(file, buffer, bytes < sizeof buffer ? bytes : sizeof buffer, offset);
}

int vfs_fstat(int file, struct fs_attr *attr)
{
    struct stat s;
    if (fstat(file, &s) != 0)
        return -errno;
    *attr = (struct fs_attr){.ino = s.st_ino,
                             .mode = s.st_mode,
                             .nlink = (uint32_t)s.st_nlink,
                             .size = (uint64_t)s.st_size,
                             .mtime = (uint64_t)s.st_mtime};
    return 0;
}

int vfs_open_attr(const char *path, uint32_t flags, uint32_t mode, struct fs_attr *attr)
{
    int file = vfs_open(path, flags, mode);
    int status = file < 0 ? file : vfs_fstat(file, attr);
    if (status < 0 && file >= 0)
        (void)vfs_close(file);
    return status < 0 ? status : file;
}

int vfs_stat(const char *path, struct fs_attr *attr)
{
    int file = vfs_open(path, VFS_READ, 0);
    if (file < 0)
        return file;
    int status = vfs_fstat(file, attr);
    close(file);
    return status;
}

int vfs_readdir(int file, struct fs_entry *entry)
{
    if (folders[file] == NULL && (folders[file] = fdopendir(file)) == NULL)
        return -errno;
    struct dirent *d;
    do
        d = readdir(folders[file]);
    while (d != NULL && d->d_name[0] == '.');
    if (d == NULL)
        return 0;
    entry->mode = d->d_type == DT_DIR ? S_IFDIR : S_IFREG;
    snprintf(entry->name, sizeof entry->name, "%s", d->d_name);
    return 1;
}

int64_t vfs_pwrite(int file, const void *from, size_t bytes, uint64_t offset)
{
    ssize_t n = pwrite(file, from, bytes, (off_t)offset);
    return n < 0 ? -errno : n;
}

int vfs_fsetattr(int file, uint32_t which, const struct fs_attr *attr)
{
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = (time_t)attr->mtime}};
    int bad = (which & FS_SET_MODE) != 0 && fchmod(file, attr->mode & 0777) != 0;
    bad |= (which & FS_SET_SIZE) != 0 && ftruncate(file, (off_t)attr->size) != 0;
    bad |= (which & FS_SET_MTIME) != 0 && futimens(file, times) != 0;
    return bad ? -errno : 0;
}

int vfs_setattr(const char *path, uint32_t which, const struct fs_attr *attr)
{
    int file = vfs_open(path, (which & FS_SET_SIZE) != 0 ? VFS_READ_WRITE : VFS_READ, 0);
    int status = file < 0 ? file : vfs_fsetattr(file, which, attr);
    if (file >= 0)
        close(file);
    return status;
}

int vfs_fsync(int file) { return fsync(file) == 0 ? 0 : -errno; }

int vfs_sync(void) { return 0; }

int vfs_mkdir(const char *path, uint32_t mode)
{
    char full[PATH_MAX];
    host_path(path, full);
    return mkdir(full, mode) == 0 ? 0 : -errno;
}

int vfs_remove(const char *path)
{
    char full[PATH_MAX];
    host_path(path, full);
    return unlink(full) == 0 ? 0 : -errno;
}

int vfs_rmdir(const char *path)
{
    char full[PATH_MAX];
    host_path(path, full);
    return rmdir(full) == 0 ? 0 : -errno;
}

int vfs_rename(const char *from, const char *to)
{
    char full_from[PATH_MAX], full_to[PATH_MAX];
    host_path(from, full_from);
    host_path(to, full_to);
    return rename(full_from, full_to) == 0 ? 0 : -errno;
}

int vfs_space(const char *path, struct fs_space *space)
{
    char full[PATH_MAX];
    struct statvfs s;
    host_path(path, full);
    if (statvfs(full, &s) != 0)
        return -errno;
    *space = (struct fs_space){.block_bytes = s.f_frsize,
                               .blocks = s.f_blocks,
                               .free = s.f_bavail,
                               .files = s.f_files,
                               .files_free = s.f_favail};
    return 0;
}

int vfs_mounts(unsigned n, struct vfs_mount *mount)
{
    snprintf(mount->path, sizeof mount->path, "/");
    return n == 0 ? 0 : -ENOENT;
}
