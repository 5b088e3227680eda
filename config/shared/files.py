"""
Files that people handed over, kept as they came: under their digest, so that the same file is kept once.

The place is Django's default storage: a folder under `var/files`, or an object store named in `STORAGES`.
"""

from __future__ import annotations

import hashlib
from typing import IO, BinaryIO

from django.core.files import File
from django.core.files.storage import default_storage

_BLOCK_BYTES = 1024 * 1024


def keep(stream: BinaryIO, *, folder: str) -> str:
    """Keep a file from its beginning and give its key; a file that is kept already gets the same key again."""
    digest = hashlib.sha256()
    stream.seek(0)
    while block := stream.read(_BLOCK_BYTES):
        digest.update(block)
    name = digest.hexdigest()
    key = f"{folder}/{name[:2]}/{name}"
    if not default_storage.exists(key):
        stream.seek(0)
        default_storage.save(key, File(stream))
    stream.seek(0)
    return key


def open_kept(key: str) -> IO[bytes]:
    """
    A kept file, for reading.

    :raises FileNotFoundError: nothing is kept under this key
    """
    kept: IO[bytes] = default_storage.open(key, "rb")
    return kept


def delete(key: str) -> None:
    """Delete a kept file for good, once nothing names it any more; one that is gone already stays gone."""
    default_storage.delete(key)
