"""Objects in a bucket of Spaces, or of any other server that speaks S3.

Only this module imports the SDK, and only processes that use a bucket import this module (see ``objects``). It owns
timeouts, retries (one per call) and the translation of the vendor's errors. A place is a bucket's address with a
prefix, ``s3://bucket/prefix``. A key is one of our ids, so that user input never becomes part of an object's name.
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
# For one read from the socket, not for the whole file.
_READ_TIMEOUT_S = 8
_ATTEMPTS = 2
# Without "NoSuchBucket": then the address is wrong, and the files may still exist.
_MISSING = frozenset({"NoSuchKey", "404"})
# The code for a range that starts at or beyond the object's end.
_AT_THE_END = "InvalidRange"
# Our credentials are rejected, so calls about other objects fail too.
_UNKNOWN_CALLER = frozenset({"InvalidAccessKeyId", "SignatureDoesNotMatch", "RequestTimeTooSkewed"})
_TOO_MANY_REQUESTS = 429
_SERVER_ERROR = 500


def put_object(place: str, key: UUID, file: IO[bytes], size_bytes: int) -> None:
    """Write the file, from its beginning, as one object, whole or not at all. Raises FileUnavailable."""
    refuse_open_transaction()
    bucket, name = _address(place, key)
    file.seek(0)
    with _translated("put"):
        _client().put_object(
            Bucket=bucket, Key=name, Body=file, ContentLength=size_bytes, ContentType="application/octet-stream"
        )


def read_object(place: str, key: UUID, start: int, piece_bytes: int) -> Iterator[bytes]:
    """Yield the object's bytes from ``start`` on, or nothing if there is no such object. Raises FileUnavailable."""
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
    """Delete the object if it exists. Raises FileUnavailable."""
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
        # A refusal (no such bucket, wrong credentials) is for an operator to fix; users can then try again.
        log.error("library.object.refused", call=call, code=_code(error))
        raise (FileUnavailable if _concerns_all(error) else ObjectRefused) from error
    except BotoCoreError as error:
        log.warning("library.object.unavailable", call=call, error=type(error).__name__)
        raise FileUnavailable from error


def _client() -> Any:
    # One client per process, because connections must not be shared across a fork.
    return _make_client(os.getpid(), get_settings())


@lru_cache(maxsize=4)
def _make_client(_pid: int, settings: Settings) -> Any:
    key_id, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    if key_id is None or secret is None:
        # Otherwise the SDK would search this machine for other credentials.
        log.error("library.object.refused", call="sign", code="NoKeys")
        raise FileUnavailable
    # Not the SDK's default session, which two threads must not use at the same time.
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
            # Many servers reject checksums in trailers. The mover reads each copy back and compares instead.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        ),
    )
