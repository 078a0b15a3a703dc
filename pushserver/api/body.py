"""Reads a request's body: JSON up to a limit, whatever ``Content-Type`` it claims."""

import json
from typing import Final

import falcon

PUSH_LIMIT: Final = 1024 * 1024
"""The most bytes that one push may have."""
BATCH_LIMIT: Final = 8 * 1024 * 1024
"""The most bytes that a batch of pushes may have."""


def read_json(req: falcon.Request, limit: int) -> object:
    """The decoded body.

    Raises:
        falcon.HTTPContentTooLarge: It has more than ``limit`` bytes.
        falcon.HTTPBadRequest: It is not UTF-8, not JSON, or nested too deeply; ``description`` says which.
    """
    # The server reads the whole body, chunked or not, before it asks the application: the length is known.
    if (req.content_length or 0) > limit:
        raise falcon.HTTPContentTooLarge(description=f"请求体不能超过 {limit} 字节")
    return _decode(req.bounded_stream.read())


def _decode(body: bytes) -> object:
    if not body:
        raise falcon.HTTPBadRequest(description="请求体为空，需要JSON对象")
    try:
        # PowerShell and some editors put a byte order mark before UTF-8.
        return json.loads(body.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise falcon.HTTPBadRequest(description=f"请求体不是UTF-8编码（第 {error.start + 1} 字节）") from None
    except json.JSONDecodeError as error:
        where = f"第 {error.lineno} 行第 {error.colno} 列"
        raise falcon.HTTPBadRequest(description=f"请求体不是有效的JSON（{where}: {error.msg}）") from None
    except ValueError:
        raise falcon.HTTPBadRequest(description="请求体中的数字过长") from None
    except RecursionError:
        raise falcon.HTTPBadRequest(description="请求体嵌套过深") from None
