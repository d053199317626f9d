"""A PostgreSQL of one's own in a temporary folder, for benchmarks and tests that kill it."""

import glob
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

__all__ = ["Postgres", "binaries"]

_USERS = ("postgres", "nobody")


def binaries() -> Path | None:
    """Folder of the newest server that is installed, None if there is none."""
    found = shutil.which("initdb")
    folders = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda name: float(name.split("/")[4]))
    if found is not None:
        return Path(found).resolve().parent
    return Path(folders[-1]) if folders else None


class Postgres:
    """One server; as root it runs as another user, because it refuses to be root.

    Args:
        durable: whether it waits for the disk; a killed server loses nothing either way, a failing power does.
    """

    def __init__(self, *, durable: bool = True) -> None:
        folder = binaries()
        if folder is None:
            raise RuntimeError("no PostgreSQL is installed: there is no initdb")
        self._bin, self._durable = folder, durable
        self._user = next((n for n in _USERS if _exists(n)), None) if os.geteuid() == 0 else None
        self.folder = Path(tempfile.mkdtemp(prefix="splitsearch-postgres-"))
        if self._user is not None:
            os.chown(self.folder, pwd.getpwnam(self._user).pw_uid, -1)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self._call("initdb", "-D", str(self.folder / "data"), "-U", "splitsearch", "-A", "trust", "-E", "UTF8", "-N")
        self._server: subprocess.Popen[bytes] | None = None

    def url(self, database: str = "postgres") -> str:
        """As `--storage` takes it."""
        return f"postgresql://splitsearch@127.0.0.1:{self.port}/{database}"

    def start(self) -> None:
        """Starts the server and waits until it answers."""
        (self.folder / "data" / "postmaster.pid").unlink(missing_ok=True)
        options = {"listen_addresses": "127.0.0.1", "port": str(self.port), "unix_socket_directories": str(self.folder)}
        if not self._durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        words = [f"--{name}={value}" for name, value in options.items()]
        for _ in range(30):
            with (self.folder / "log.txt").open("ab") if self._user is None else open(os.devnull, "wb") as log:
                self._server = subprocess.Popen(
                    [str(self._bin / "postgres"), "-D", str(self.folder / "data"), *words],
                    stdout=log, stderr=log, user=self._user, cwd="/",
                )  # fmt: skip
            if self._answers():
                return
            time.sleep(0.5)  # the memory of a killed server is in use until its last process has gone
        raise RuntimeError("PostgreSQL does not start")

    def _answers(self) -> bool:
        assert self._server is not None
        ready = [str(self._bin / "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]
        for _ in range(300):
            if self._server.poll() is not None:
                return False
            if subprocess.run(ready, check=False).returncode == 0:
                return True
            time.sleep(0.1)
        return False

    def create(self, database: str) -> str:
        """Creates an empty database; returns its URL."""
        words = ("-h", "127.0.0.1", "-p", str(self.port), "-U", "splitsearch", database)
        self._call("createdb", *words)
        return self.url(database)

    def kill(self) -> None:
        """Ends the server as a crash would."""
        self._signal(signal.SIGKILL)

    def stop(self) -> None:
        """Ends the server at once, and removes its folder."""
        self._signal(signal.SIGQUIT)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None:
            self._server.send_signal(number)
            self._server.wait()
            self._server = None

    def _call(self, program: str, *words: str) -> None:
        command = [str(self._bin / program), *words]
        done = subprocess.run(command, capture_output=True, text=True, user=self._user, cwd="/", check=False)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr.strip()}")


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
