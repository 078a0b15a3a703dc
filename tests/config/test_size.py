"""Large configurations load in seconds."""

import gc
import time

from pushserver.config import describe
from pushserver.domain import PlatformName
from tests.config.loading import Load

ENTRY = """\
  ops_%d:
    name: "运维告警组"
    platforms:
      feishu:
        enabled: true
        webhooks:
          - url: "https://open.feishu.cn/open-apis/bot/v2/hook/%d"
            secret: "your-secret"
      dingtalk:
        enabled: true
        webhooks: [{url: "https://oapi.dingtalk.com/robot/send?access_token=xxx"}]
"""


def test_ten_thousand_recipients_load_within_seconds(load_yaml: Load) -> None:
    text = "recipients:\n" + "".join(ENTRY % (n, n) for n in range(10_000))
    started = time.process_time()
    loaded = load_yaml(text)
    assert time.process_time() - started < 15  # 1.5 s on an idle machine; a quadratic step takes minutes
    assert describe(loaded.settings).channels == {PlatformName.FEISHU: 10_000, PlatformName.DINGTALK: 10_000}


def test_the_cycle_collector_is_at_work_again_after_loading(load_yaml: Load) -> None:
    load_yaml.faults("")
    assert gc.isenabled()
