/* SPDX-License-Identifier: MIT */
/*
 * Error numbers of files and the network, with Linux's values: 9P2000.L sends them over the wire.
 * There is no variable errno: functions return the number (positive on the server side of files,
 * negative from the client library). System calls have errors of their own: include/atmos/errors.def.
 */
#ifndef LIBC_ERRNO_H
#define LIBC_ERRNO_H

#define ERRNO_LIST(E)                                                                              \
    E(EPERM, 1, "operation not permitted")                                                         \
    E(ENOENT, 2, "no such file or folder")                                                         \
    E(EINTR, 4, "interrupted")                                                                     \
    E(EIO, 5, "input/output error")                                                                \
    E(ENXIO, 6, "no such device or address")                                                       \
    E(E2BIG, 7, "list too long")                                                                   \
    E(EBADF, 9, "bad file number")                                                                 \
    E(EAGAIN, 11, "not now, try again")                                                            \
    E(ENOMEM, 12, "out of memory")                                                                 \
    E(EACCES, 13, "permission denied")                                                             \
    E(EFAULT, 14, "bad address")                                                                   \
    E(EBUSY, 16, "in use")                                                                         \
    E(EEXIST, 17, "it exists already")                                                             \
    E(EXDEV, 18, "not on the same file system")                                                    \
    E(ENODEV, 19, "no such device or service")                                                     \
    E(ENOTDIR, 20, "not a folder")                                                                 \
    E(EISDIR, 21, "it is a folder")                                                                \
    E(EINVAL, 22, "invalid argument")                                                              \
    E(ENFILE, 23, "too many open files in the system")                                             \
    E(EMFILE, 24, "too many open files")                                                           \
    E(ETXTBSY, 26, "program file in use")                                                          \
    E(EFBIG, 27, "file too large")                                                                 \
    E(ENOSPC, 28, "no space left")                                                                 \
    E(ESPIPE, 29, "cannot seek")                                                                   \
    E(EROFS, 30, "read-only file system")                                                          \
    E(EMLINK, 31, "too many links")                                                                \
    E(EPIPE, 32, "nobody reads any more")                                                          \
    E(EDOM, 33, "argument out of domain")                                                          \
    E(ERANGE, 34, "result too large")                                                              \
    E(EDEADLK, 35, "deadlock")                                                                     \
    E(ENAMETOOLONG, 36, "name too long")                                                           \
    E(ENOLCK, 37, "no more locks")                                                                 \
    E(ENOSYS, 38, "not there")                                                                     \
    E(ENOTEMPTY, 39, "folder not empty")                                                           \
    E(ELOOP, 40, "too many symbolic links")                                                        \
    E(ENODATA, 61, "no data")                                                                      \
    E(EPROTO, 71, "protocol error")                                                                \
    E(EOVERFLOW, 75, "value too large")                                                            \
    E(EILSEQ, 84, "illegal bytes in a name")                                                       \
    E(EUSERS, 87, "too many users")                                                                \
    E(ENOTSOCK, 88, "not a socket")                                                                \
    E(EDESTADDRREQ, 89, "destination address wanted")                                              \
    E(EMSGSIZE, 90, "message too long")                                                            \
    E(EPROTOTYPE, 91, "wrong protocol for this socket")                                            \
    E(ENOPROTOOPT, 92, "no such option of the protocol")                                           \
    E(EPROTONOSUPPORT, 93, "protocol not supported")                                               \
    E(EOPNOTSUPP, 95, "not supported")                                                             \
    E(EAFNOSUPPORT, 97, "kind of address not supported")                                           \
    E(EADDRINUSE, 98, "address in use")                                                            \
    E(EADDRNOTAVAIL, 99, "address not available")                                                  \
    E(ENETDOWN, 100, "network is down")                                                            \
    E(ENETUNREACH, 101, "network unreachable")                                                     \
    E(ECONNABORTED, 103, "connection ended here")                                                  \
    E(ECONNRESET, 104, "connection reset by the other side")                                       \
    E(ENOBUFS, 105, "no buffers left")                                                             \
    E(EISCONN, 106, "connected already")                                                           \
    E(ENOTCONN, 107, "not connected")                                                              \
    E(ETIMEDOUT, 110, "timed out")                                                                 \
    E(ECONNREFUSED, 111, "connection refused")                                                     \
    E(EHOSTUNREACH, 113, "host unreachable")                                                       \
    E(EALREADY, 114, "going on already")                                                           \
    E(EINPROGRESS, 115, "going on")                                                                \
    E(ESTALE, 116, "the file is no longer there")                                                  \
    E(EUCLEAN, 117, "the file system is damaged")                                                  \
    E(EREMOTEIO, 121, "the server of the file system ended in the middle of this")

#define ERRNO_NAME(name, number, text) name = number,
enum errno_number { ERRNO_LIST(ERRNO_NAME) };
#undef ERRNO_NAME
#define EWOULDBLOCK EAGAIN
#define ENOTSUP EOPNOTSUPP

/* What an error number means, for people; of a negative number: of its positive twin. */
const char *errno_text(long number);

#endif
