"""Files with SQL, of which only those are read that lie in the projection's folder."""

from __future__ import annotations

from pathlib import Path

from everlog_server.cli.projection_folders.places import SqlText

BYTES_MAX = 256 * 1024


class FileError(Exception):
    """The file can't be taken; the message goes on after its name."""


def read_sql(folder: Path, name: str) -> SqlText:
    """Read a file by its path within the folder. Raises FileError.

    A definition may be from anybody: it must not show what lies beside it to a server.
    """
    path = folder / name
    try:
        if not path.resolve(strict=True).is_relative_to(folder.resolve(strict=True)):
            raise FileError("is not inside the folder")
        if not path.is_file():
            raise FileError("is no file")
        with path.open("rb") as file:
            content = file.read(BYTES_MAX + 1)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        why = error.strerror if isinstance(error, OSError) else error
        raise FileError(f"can't be read: {why}") from None
    if len(content) > BYTES_MAX:
        raise FileError(f"has more than {BYTES_MAX:,} bytes")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"is not UTF-8: {error.reason} at byte {error.start}") from None
    if "\0" in text:
        raise FileError("has a NUL, which SQL can't have")
    return SqlText(str(path), text)
