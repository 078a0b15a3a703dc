"""How often a webhook may be used where the configuration does not say: the vendors' limits and a margin.

Others may use the same robot by hand, and a message that is degraded costs two calls: hence the margin.

- Feishu: 100 a minute and 5 a second for a bot,
  https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
- DingTalk: 20 a minute for a robot, beyond that it may be locked for ten,
  https://open.dingtalk.com/document/orgapp/custom-robot-access
- WeCom: 20 a minute for a robot, https://developer.work.weixin.qq.com/document/path/91770
"""

from collections.abc import Mapping
from typing import Final

from pushserver.config import Rate
from pushserver.domain import PlatformName

VENDOR_RATES: Final[Mapping[PlatformName, tuple[Rate, ...]]] = {
    PlatformName.FEISHU: (Rate(5, 1.0), Rate(90, 60.0)),
    PlatformName.DINGTALK: (Rate(18, 60.0),),
    PlatformName.WECHAT: (Rate(18, 60.0),),
}
