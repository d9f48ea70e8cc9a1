"""Files as objects in a bucket of Spaces, or of any other server that speaks S3.

The only module that imports the SDK, and itself imported only where a file is in a bucket (see ``storage``). It
owns the limits of a call, which is repeated once at most, and the translation of the vendor's errors. A place is a
bucket's address with a prefix, ``s3://bucket/prefix``; a key is an id of ours, so no name of a user's gets in.
"""

import os
from collections.abc import Iterator
from contextlib import closing, contextmanager
from functools import lru_cache
from typing import IO, Any
from urllib.parse import urlsplit
from uuid import UUID

import boto3.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from backend.core.database.transaction import refuse_open_transaction
from backend.core.process.logging import get_logger
from backend.library.errors import FileUnavailable, ObjectRefused
from backend.settings import Settings, get_settings

log = get_logger(__name__)

_CONNECT_TIMEOUT_S = 3
# Between two signs of life, not for the whole of a file.
_READ_TIMEOUT_S = 8
_ATTEMPTS = 2
# A missing bucket is not among them: that is a wrong address, and its files may well be there.
_MISSING = frozenset({"NoSuchKey", "404"})
# Asked for from the end of an object on.
_AT_THE_END = "InvalidRange"
# The bucket does not know who asks, so every object would be refused.
_UNKNOWN_CALLER = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"})
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def put_object(place: str, key: UUID, file: IO[bytes], size_bytes: int) -> None:
    """Write the file, from its beginning, as one object: there as a whole or not at all. Raises FileUnavailable."""
    refuse_open_transaction()
    bucket, name = _address(place, key)
    file.seek(0)
    with _translated("put"):
        _client().put_object(
            Bucket=bucket, Key=name, Body=file, ContentLength=size_bytes, ContentType="application/octet-stream"
        )


def read_object(place: str, key: UUID, start: int, piece_bytes: int) -> Iterator[bytes]:
    """Yield the object's bytes from ``start`` on: nothing when there is no such object. Raises FileUnavailable."""
    refuse_open_transaction()
    bucket, name = _address(place, key)
    with _translated("get"):
        try:
            answer = _client().get_object(Bucket=bucket, Key=name, **({"Range": f"bytes={start}-"} if start else {}))
        except ClientError as error:
            if _code(error) in {*_MISSING, _AT_THE_END}:
                return
            raise
    with closing(answer["Body"]) as body:
        while True:
            with _translated("get"):
                piece = body.read(piece_bytes)
            if not piece:
                return
            yield piece


def delete_object(place: str, key: UUID) -> None:
    """Delete the object, if it is there. Raises FileUnavailable."""
    refuse_open_transaction()
    bucket, name = _address(place, key)
    with _translated("delete"):
        try:
            _client().delete_object(Bucket=bucket, Key=name)
        except ClientError as error:
            if _code(error) not in _MISSING:
                raise


def _address(place: str, key: UUID) -> tuple[str, str]:
    parts = urlsplit(place)
    return parts.netloc, f"{parts.path.strip('/')}/{key}".lstrip("/")


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _concerns_all(error: ClientError) -> bool:
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    return status >= _SERVER_ERROR or status == _TOO_MANY_REQUESTS or _code(error) in _UNKNOWN_CALLER


@contextmanager
def _translated(call: str) -> Iterator[None]:
    try:
        yield
    except ClientError as error:
        # A refusal (no such bucket, a wrong key) needs an operator, and passes for the user once he was there.
        log.error("library.object.refused", call=call, code=_code(error))
        raise (FileUnavailable if _concerns_all(error) else ObjectRefused) from error
    except BotoCoreError as error:
        log.warning("library.object.unavailable", call=call, error=type(error).__name__)
        raise FileUnavailable from error


def _client() -> Any:
    # Of each process its own: connections must not be shared over a fork.
    return _make_client(os.getpid(), get_settings())


@lru_cache(maxsize=4)
def _make_client(_pid: int, settings: Settings) -> Any:
    key_id, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    if key_id is None or secret is None:
        # The SDK would look for other keys of this machine.
        log.error("library.object.refused", call="sign", code="NoKeys")
        raise FileUnavailable
    # A session of its own, because the SDK's common one may not be used by two threads at once.
    return boto3.session.Session().client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=key_id.get_secret_value(),
        aws_secret_access_key=secret.get_secret_value(),
        config=Config(
            connect_timeout=_CONNECT_TIMEOUT_S,
            read_timeout=_READ_TIMEOUT_S,
            retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
            signature_version="s3v4",
            max_pool_connections=settings.gunicorn_threads,
            # Checksums in trailers are refused by many servers; who moves a file reads it again and compares.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
