# SPDX-License-Identifier: MIT
"""A small 9P2000.L client, for what diod's tools do not do: writing, renaming, removing. Errors of the server are raised as
OSError with their number."""
import struct


class Client:
    def __init__(self, connection, msize=65536):
        self.connection, self.next_fid = connection, 1
        self.msize, version = self._version(msize)
        if version != b"9P2000.L":
            raise OSError(0, version)
        self.root = 0
        self._call(104, struct.pack("<II", 0, 0xffffffff) + _text("root") + _text("/") + struct.pack("<I", 0))

    def _version(self, msize):
        answer = self._call(100, struct.pack("<I", msize) + _text("9P2000.L"), tag=0xffff)
        return struct.unpack("<I", answer[:4])[0], answer[6:]

    def _call(self, kind, body, tag=1):
        self.connection.sendall(struct.pack("<IBH", len(body) + 7, kind, tag) + body)
        size, answer, back = struct.unpack("<IBH", self._take(7))
        body = self._take(size - 7)
        if back != tag:
            raise OSError(0, f"tag {back} for {tag}")
        if answer == 7:
            raise OSError(struct.unpack("<I", body)[0], "9P error")
        if answer != kind + 1:
            raise OSError(0, f"answer {answer} for {kind}")
        return body

    def _take(self, count):
        got = b""
        while len(got) < count:
            piece = self.connection.recv(count - len(got))
            if not piece:
                raise OSError(0, "the connection was ended")
            got += piece
        return got

    def walk(self, path, fid=0):
        names = [name for name in path.split("/") if name]
        new, self.next_fid = self.next_fid, self.next_fid + 1
        answer = self._call(110, struct.pack("<IIH", fid, new, len(names)) + b"".join(map(_text, names)))
        if struct.unpack("<H", answer[:2])[0] != len(names):
            raise OSError(2, "9P error")
        return new

    def clunk(self, fid):
        self._call(120, struct.pack("<I", fid))

    def open(self, path, flags=0):
        fid = self.walk(path)
        self._call(12, struct.pack("<II", fid, flags))
        return fid

    def create(self, folder, name, flags=2, mode=0o644):
        fid = self.walk(folder)
        self._call(14, struct.pack("<I", fid) + _text(name) + struct.pack("<III", flags, mode, 0))
        return fid

    def write(self, fid, offset, data):
        return struct.unpack("<I", self._call(118, struct.pack("<IQI", fid, offset, len(data)) + data))[0]

    def read(self, fid, offset, count):
        return self._call(116, struct.pack("<IQI", fid, offset, count))[4:]

    def size(self, fid):
        return struct.unpack_from("<Q", self._call(24, struct.pack("<IQ", fid, 0x7ff)), 49)[0]

    def truncate(self, fid, size):
        self._call(26, struct.pack("<IIIIIQQQQQ", fid, 8, 0, 0, 0, size, 0, 0, 0, 0))

    def mkdir(self, folder, name):
        fid = self.walk(folder)
        self._call(72, struct.pack("<I", fid) + _text(name) + struct.pack("<II", 0o755, 0))
        self.clunk(fid)

    def rename(self, folder, name, to, new_name):
        a, b = self.walk(folder), self.walk(to)
        self._call(74, struct.pack("<I", a) + _text(name) + struct.pack("<I", b) + _text(new_name))
        self.clunk(a)
        self.clunk(b)

    def unlink(self, folder, name, is_folder=False):
        fid = self.walk(folder)
        try:
            self._call(76, struct.pack("<I", fid) + _text(name) + struct.pack("<I", 0x200 if is_folder else 0))
        finally:
            self.clunk(fid)

    def fsync(self, fid):
        self._call(50, struct.pack("<II", fid, 0))

    def names(self, path, count=8000):
        fid, offset, names = self.open(path), 0, []
        while True:
            data = self._call(40, struct.pack("<IQI", fid, offset, count))[4:]
            if not data:
                self.clunk(fid)
                return names
            while data:
                offset, _, length = struct.unpack_from("<QBH", data, 13)
                names.append(data[24:24 + length].decode())
                data = data[24 + length:]


def _text(text):
    data = text.encode()
    return struct.pack("<H", len(data)) + data
