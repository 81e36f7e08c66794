"""A file appears whole, checked and under its own name, or not at all.

The bytes go into a file that has no name yet (O_TMPFILE): a process that is killed, and a disk that runs full, leave
nothing behind. Where the system offers no such file, it is a named one beside the target, removed on failure.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

Check = Callable[[str], object]


def write_whole(path: Path, data: bytes, check: Check) -> None:
    """Replace `path` by `data`, after `check` has read it back from the disk; any failure leaves what was there."""
    beside = path.with_name(f".{uuid4().hex}.part")
    with _unnamed(beside) as (descriptor, name, publish):
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(descriptor, rest) :]
        os.fsync(descriptor)
        check(name)
        publish()
    try:
        beside.replace(path)
    except BaseException:
        beside.unlink(missing_ok=True)
        raise
    _settle(path.parent)


@contextmanager
def _unnamed(beside: Path) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """An open file in the folder of `beside`, a path to read it by, and what gives it the name `beside`."""
    try:
        proc = os.open("/proc/self/fd", os.O_RDONLY)
    except OSError:
        proc = -1
    try:
        descriptor = os.open(beside.parent, os.O_TMPFILE | os.O_RDWR, 0o666) if proc >= 0 else -1
    except (AttributeError, OSError):  # no such flag, file system or folder: the other way says which
        descriptor = -1
    try:
        if descriptor < 0:
            with _named(beside) as named:
                yield named, str(beside), lambda: None
            return

        def publish() -> None:  # src_dir_fd makes this linkat, which follows the link in /proc to the file
            os.link(str(descriptor), beside, src_dir_fd=proc, follow_symlinks=True)

        yield descriptor, f"/proc/self/fd/{descriptor}", publish
    finally:
        for opened in (descriptor, proc):
            if opened >= 0:
                os.close(opened)


@contextmanager
def _named(beside: Path) -> Iterator[int]:
    """An open file of that name, which is removed again on failure."""
    descriptor = os.open(beside, os.O_CREAT | os.O_EXCL | os.O_RDWR | getattr(os, "O_BINARY", 0), 0o666)
    try:
        yield descriptor
    except BaseException:
        os.close(descriptor)
        beside.unlink(missing_ok=True)
        raise
    os.close(descriptor)


def _settle(folder: Path) -> None:
    """Let the new name survive a loss of power, where the system can sync a folder."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
