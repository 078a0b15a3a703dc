"""``pushserver key new``: a key for a client, and its hash for the configuration."""

import json

from pushserver.cli import exit_codes, screen
from pushserver.config.api_key import hash_of, new_key

_HINT = "密钥只显示这一次，请交给客户端保存；哈希写入配置 auth.keys[].hash，重新加载后生效"


def new(*, as_json: bool) -> int:
    """Make a key, and print it and its hash; the exit code. It is stored nowhere."""
    key = new_key()
    if as_json:
        print(json.dumps({"key": key, "hash": hash_of(key)}))
    else:
        print(f"key   {key}\nhash  {hash_of(key)}")
        screen.say(_HINT)
    return exit_codes.OK
