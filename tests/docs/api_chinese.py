"""The sentences of the OpenAPI document in Chinese, for docs/API.zh-CN.md."""

CHINESE = {
    # words
    "Scope of a key": "密钥权限",
    "none": "无需密钥",
    "Body": "请求体",
    "Body, may be left out": "请求体，可省略",
    "or": "或",
    "string": "字符串",
    "integer": "整数",
    "number": "数字",
    "boolean": "布尔",
    "object": "对象",
    "array": "数组",
    "null": "null",
    "time": "时间",
    "status": "状态码",
    "means": "含义",
    "parameter": "参数",
    "default": "默认",
    "field": "字段",
    "values": "取值",
    # push
    "Submit a push; 200 means stored.": "提交一条推送；返回 200 表示已落库。",
    "It is stored.": "已落库。",
    "The body is too large.": "请求体过大。",
    "The queue is full, or the store cannot be used; try again.": "队列已满，或存储不可用，请稍后重试。",
    "Submit many pushes in one commit.": "在一个事务中提交多条推送。",
    "Each item is a `Push`. A bad one gets its error, the others go; without room for all, none goes.": (
        "每一项都是一个 `Push`。有误的项返回各自的错误，其余照常；放不下全部时，一条也不接收。"
    ),
    "up to 1000, each a Push": "最多 1000 项，每项是一个 Push",
    "The good ones are stored; `results` are in the order of `pushes`.": (
        "正确的已落库；`results` 与 `pushes` 顺序一致。"
    ),
    "What has become of a push.": "查询推送的结果。",
    "what the push was answered with": "提交推送时返回的任务 ID",
    "The task.": "任务。",
    "There is no such task.": "没有这个任务。",
    # notifications
    "What the last line of defence has raised, newest first.": "最后防线发出的系统通知，最新的在前。",
    "only these": "只看这些",
    "how many to show": "最多返回多少项",
    "how many to pass over": "跳过多少项",
    "A page of them.": "其中一页。",
    "Delete all of them.": "全部删除。",
    "They are gone.": "已全部删除。",
    "How many there are.": "统计数量。",
    "As it is now.": "当前情况。",
    "Mark all as read.": "全部标记为已读。",
    "They are read.": "已全部标记。",
    "One of them; looking does not mark it as read.": "查看一条；查看不会标记为已读。",
    "its id": "它的 ID",
    "The notification.": "这条通知。",
    "There is no such notification.": "没有这条通知。",
    "Delete one.": "删除一条。",
    "It is gone.": "已删除。",
    "Mark one as read; twice changes nothing.": "标记一条为已读；重复标记没有影响。",
    "It is read.": "已标记。",
    # smtp-relay
    "The relay's door.": "SMTP 中继的状态。",
    "What its accounts have sent, and failed to send.": "各账户发送成功和失败的数量。",
    "Since ever.": "累计值，重启后保留。",
    "Its mails, newest first.": "中继的邮件，最新的在前。",
    "only with a recipient in this state; waiting by default": "只看有收件人处于此状态的邮件；默认 waiting",
    "Try mails now.": "立即重试邮件。",
    "So many are tried now.": "立即重试的数量。",
    "Give mails up; their senders are told nothing.": "放弃邮件；不通知发件人。",
    "So many are given up.": "放弃的数量。",
    # operating
    "All actors and processes, failing ones first.": "所有 Actor 和进程，异常的在前。",
    "A page of them. `silent` are processes that did not answer, with the reason.": (
        "其中一页。`silent` 是没有应答的进程及原因。"
    ),
    "only these; sleeping ones are listed only so": "只看这种状态；休眠的只在 sleeping 时列出",
    "only these: recipient, channel, endpoint, account, door, process": (
        "只看这一类：recipient、channel、endpoint、account、door、process"
    ),
    "this one and what stands under it": "这个接收者及其下属",
    "this one and what stands under it; the process may be left out": "这个地址及其下属，可省略进程名",
    "There is no such actor.": "没有这个 Actor。",
    "A new life for an actor and what stands under it, or for a process.": (
        "重启一个 Actor 及其下属，或整个进程；信箱保留。"
    ),
    "It has one. `restarts` is null where nobody could count.": "已重启。无法得知次数时 `restarts` 为 null。",
    "It has not started again in time, or its process is away.": "未能及时启动，或所在进程不在。",
    "Put the configuration file into effect, and restart only what has changed.": (
        "让配置文件生效，只重启有变化的部分。"
    ),
    "With faults in the file: 400, all of them in `errors`, and nothing has changed.": (
        "文件有错误时返回 400，`errors` 列出全部错误，什么都不改变。"
    ),
    "It is in effect.": "已生效。",
    "Some changes need a restart of the service: nothing has changed.": (
        "部分更改需要重启服务：什么都没有改变。"
    ),
    "Nobody has answered, or not every process follows yet.": "没有应答，或部分进程尚未跟随。",
    "What a reload would change.": "查看重新加载会改变什么。",
    "With faults: 400, all of them in `errors`.": "有错误时返回 400，`errors` 列出全部错误。",
    "These differences to what is in effect.": "与生效中的配置相比的差异。",
    "Nobody has answered.": "没有应答。",
    "YAML instead of the service's own file": "YAML 文本，代替服务自己的配置文件",
    # service
    "Whether the service is fit to take a push.": "服务是否能接收推送。",
    "It is. Vendors and accounts that are down stand in `checks` only.": (
        "正常。平台或账户的故障只出现在 `checks` 中。"
    ),
    "It is not: the reason stands in `error`.": "异常，原因见 `error`。",
    "For Prometheus.": "供 Prometheus 抓取的指标。",
    "The text format.": "Prometheus 文本格式。",
    "This document.": "机器可读的接口文档，本页即由它生成。",
    "OpenAPI 3.1.": "OpenAPI 3.1。",
    # shapes
    "Unknown fields are ignored, but not near misses of known ones (`stratgy`).": (
        "未知字段会被忽略，但与已知字段仅差一个字母的（如 `stratgy`）会被拒绝。"
    ),
    "a key of recipients": "recipients 中的键",
    "info when left out; null and the empty text mean: left out": "省略时为 info；null 和空字符串等同于省略",
    "failover when left out; null and the empty text mean: left out": (
        "省略时为 failover；null 和空字符串等同于省略"
    ),
    "by strategy when left out; null and the empty text mean: left out": (
        "省略时按策略推送；null 和空字符串等同于省略"
    ),
    "text when left out; null and the empty text mean: left out": "省略时为 text；null 和空字符串等同于省略",
    "RFC 3339, UTC": "RFC 3339，UTC",
    "the vendor's": "平台返回的错误码",
    "the vendor's words": "平台返回的说明",
    "sent, the answer lost: it may have arrived": "已发出但没有等到应答，可能已送达",
    "the one send carried so many messages": "这一次发送合并了多少条消息",
    "while it waits: for the configured rate (budget), or because the vendor has refused": (
        "等待期间才有：因所配置的限额（budget），或因平台限流（vendor）"
    ),
    "an estimate": "估计值",
    "what it waits for, budget left, an open breaker": "在等待什么、剩余限额、熔断状态",
    "mailboxes that a mail did not reach": "邮件未能送达的邮箱",
    "of the last line of defence": "来自最后防线",
    "the others at this target": "对该目标的其余尝试",
    "seconds": "秒",
    # errors
    "The request makes no sense: `message` says why, `errors` all that is wrong with its fields.": (
        "请求有误：`message` 说明原因，`errors` 列出字段的全部错误。"
    ),
    "A key is needed, or the one shown is none (`auth.keys`).": "需要密钥，或密钥无效（`auth.keys`）。",
    "The key does not open this; without keys: not from here.": (
        "密钥没有此权限；未配置密钥时，不能从此处操作。"
    ),
    "The request was not complete in time.": "请求未能在时限内传完。",
    "This client comes too often (`server.rate_limit`): see `Retry-After`.": (
        "该客户端请求过于频繁（`server.rate_limit`），见 `Retry-After`。"
    ),
    "The headers are too large (`server.max_header_bytes`).": "请求头过大（`server.max_header_bytes`）。",
    "A fault of the service; the log has it under the request's id.": (
        "服务内部错误；日志中可按请求 ID 查找。"
    ),
    "A transfer encoding that the service does not know.": "不支持的传输编码。",
}
