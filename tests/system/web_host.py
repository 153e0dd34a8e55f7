# SPDX-License-Identifier: MIT
"""httpd, memcached and export compiled for the build machine under ASan and UBSan (tests/host), with other people's
clients. What they do inside the system is tests/system/web.py's."""
import os
import socket
import subprocess

import machines
import web
from machines import ROOT, check, on

HOST = ROOT / "build/host"
PORTS = {"httpd": 80, "memcached": 11211, "export": 564}


class Place:
    """One server as a process, with a folder's content at /disk. It must not say anything: sanitizers do."""

    def __init__(self, name, root):
        self.guest = PORTS[name]
        self.host_port = machines.port_free()
        environment = dict(os.environ, HOST_ROOT=str(root), ROOT="/disk", PORT_OFFSET=str(self.host_port - self.guest))
        self.process = subprocess.Popen([machines.need(HOST / name)], env=environment, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def __enter__(self):
        machines.until("the server listens", lambda: self.connect(self.guest))
        return self

    def __exit__(self, kind, why, trace):
        running = self.process.poll() is None
        self.process.kill()
        said = self.process.communicate()[0].decode(errors="replace")
        if kind is None:
            check(running and said == "", "the server runs to the end and says nothing", said)

    def url(self, guest, path="/"):
        return f"http://127.0.0.1:{self.host_port}{path}"

    def connect(self, guest, seconds=30):
        check(guest == self.guest, "this place has one port")
        return socket.create_connection(("127.0.0.1", self.host_port), timeout=seconds)


@on("hosted")
def test_httpd_with_clients(machine):
    with machines.scratch() as folder:
        disk = web.files_make(f"{folder}/disk")
        with Place("httpd", folder) as place:
            web.http_files(place, disk)
            web.http_ranges(place, disk)
            web.http_kept_connections(place)
            web.http_bad_requests(place)
            web.http_load(place, 1)


@on("hosted")
def test_httpd_with_many_connections(machine):
    with machines.scratch() as folder:
        web.files_make(f"{folder}/disk")
        with Place("httpd", folder) as place:
            web.http_many_connections(place, 1000)
            web.http_idle_make_room(place, 1024)


@on("hosted")
def test_memcached_with_clients(machine):
    with machines.scratch() as folder, Place("memcached", folder) as place:
        web.memcached_capable(place)
        web.memcached_values(place)


@on("hosted")
def test_export_with_clients(machine):
    with machines.scratch() as folder:
        disk = web.files_make(f"{folder}/disk")
        with Place("export", folder) as place:
            web.export_read(place, disk)
            web.export_write(place)
            web.export_rubbish(place)
            web.export_read(place, disk)
