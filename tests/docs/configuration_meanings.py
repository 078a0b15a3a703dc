"""What each key of the configuration means to an operator; what may stand there is read from the models."""

MEANINGS = {
    # server
    "server.port": "HTTP port; 0 takes any free one",
    "server.host": "address to listen on",
    "server.mode": "read for compatibility; changes nothing",
    "server.read_timeout": "from a request's first byte until it is complete",
    "server.write_timeout": "for a client to take in its answer",
    "server.max_header_bytes": "bytes of a request's headers before it is refused with 431",
    "server.trusted_proxies": (
        "reverse proxies whose `X-Forwarded-For` says who the client is; anybody else's is ignored"
    ),
    "server.cors": "whose pages may use the API from a browser (CORS); nobody's by default",
    "server.rate_limit": (
        "requests of one client (an address; of IPv6 its /64) to each gateway process before 429 with "
        "`Retry-After`; a client may come that often at once, then at an even pace; `/health` is free"
    ),
    # auth
    "auth.keys[].name": "what people call the key",
    "auth.keys[].hash": "what `pushserver key new` has printed; the key itself stands nowhere",
    "auth.keys[].scopes": (
        "`push`: submit pushes; `read`: tasks, notices (also marking them as read), actors, relay, metrics; "
        "`operate`: restart, reload, delete, and the relay's queue"
    ),
    "auth.keys[].recipients": "it may push to these only, sees their tasks and nothing else; by default all",
    # log
    "log.level": "the least serious lines that are written; `warning` is read as `warn`",
    "log.format": "`json`: one compact object a line; `text`: words and `key=value`",
    "log.output": "where lines go",
    "log.file_path": "the main file; `error.log`, `info.log` and `debug.log` stand beside it",
    "log.max_size": "MB at which a file is rotated",
    "log.max_backups": "rotated files that are kept, of each of the four; 0 keeps all",
    "log.max_age": "days that a rotated file is kept; 0 keeps it for good",
    "log.compress": "compress rotated files, all but the newest",
    # queue
    "queue.worker_count": "sends under way at once, in the whole service: its delivery processes share them",
    "queue.buffer_size": "the backlog: pushes accepted and not finished before new ones are refused with 503",
    "queue.timeout": "for one send; one that takes 3 s longer (a mail: 3 times this, and 3 s) is given up",
    "queue.max_concurrent_per_platform": "the same for each platform",
    "queue.batch_size": "messages that the store takes into one commit",
    "queue.retry_count": "further rounds after a passing failure",
    "queue.retry_delay": "before the first further round; doubles with each, up to a tenth longer by chance",
    "queue.max_wait": "that a push waits for the budget of webhooks before it fails as rate-limited",
    "queue.reserve": "the part of each webhook's rate that only pushes of `type: error` may use",
    # digest
    "digest.enabled": "merge messages that wait for budget into one, so that all arrive soon",
    "digest.after": "that a message waits for budget before it is merged with others",
    "digest.over": "or: more than so many wait for the same webhook",
    # the breaker
    "breaker.enabled": "leave webhooks and mail servers alone for a while that fail again and again",
    "breaker.failures": "in a row, after which it opens; a broken webhook opens it at once",
    "breaker.rest": "until it is tried again with one message, or a call that nobody sees (Feishu)",
    "breaker.max_rest": "each rest is twice as long as the one before, up to this",
    # task
    "task.cleanup_interval": "between two looks for tasks past their `max_age`",
    "task.max_age": "that a finished task can be asked for; unfinished ones are never deleted",
    # notifications
    "notifications.max_count": "system notifications kept, the newest",
    # storage
    "storage.url": "the database, as SQLAlchemy writes it; today `sqlite:///FILE` only",
    "storage.durability": (
        "what an accepted push survives: `process`: any crash or kill of the service; `power`: "
        "a power failure too, for an fsync with each commit"
    ),
    # processes
    "processes.gateway": "processes for HTTP; `auto`: one for every four CPUs, at least one",
    "processes.delivery": "processes for delivery; `auto`: one for each CPU that is left, at least one",
    "processes.pin": "pin each process to one CPU, in turn; everything but `off` does",
    "processes.idle_after": "after which an idle recipient's actors sleep; the next push wakes them",
    "processes.max_awake": "actors awake in a process before the longest idle ones are put to sleep",
    "processes.shutdown_timeout": "for what is under way when the service is asked to stop",
    "processes.inline": "everything in one process: less memory, for small machines and for tests",
    "processes.metrics_per_actor": "metrics for every actor that is awake, not only for every kind",
    # http
    "http.proxy": "proxy for webhooks and HTTP notices; the environment's proxies are not used",
    "http.ca_file": "PEM file with the authorities to trust instead of the usual ones (mail: beside them)",
    # smtp_relay
    "smtp_relay.enabled": "whether the relay listens; needs `auth`",
    "smtp_relay.port": "SMTP port; 0 takes any free one",
    "smtp_relay.host": "address to listen on",
    "smtp_relay.from_policy": "the sender: the account everywhere, in the envelope, or as it came",
    "smtp_relay.max_age": "that a mail is tried for before it is returned",
    "smtp_relay.auth.username": "the relay's one user",
    "smtp_relay.auth.password": "and its password",
    "smtp_relay.tls.cert": "certificate (PEM); with `key` it switches STARTTLS on",
    "smtp_relay.tls.key": "its private key (PEM)",
    "smtp_relay.tls.require": "refuse AUTH and MAIL before STARTTLS",
    "smtp_relay.limits.message_bytes": "bytes of one mail",
    "smtp_relay.limits.recipients": "mailboxes of one mail",
    "smtp_relay.limits.connections": "connections at once",
    "smtp_relay.limits.connections_per_address": "connections at once from one address",
    "smtp_relay.limits.data_bytes": "bytes of DATA being received at once, in all",
    "smtp_relay.limits.idle": "without a command before the connection is closed",
    "smtp_relay.limits.auth_failures": "failed logins before the connection is closed",
    "smtp_relay.limits.bad_commands": "unknown commands before the connection is closed",
    "smtp_relay.accounts[].host": "the mail server",
    "smtp_relay.accounts[].port": "465 means TLS from the first byte, any other STARTTLS",
    "smtp_relay.accounts[].username": "empty for a server that wants no login",
    "smtp_relay.accounts[].password": "needed with a username",
    "smtp_relay.accounts[].from": "the sender's address; by default the username",
    "smtp_relay.accounts[].tls": "`false` sends in plain text",
    "smtp_relay.accounts[].timeout": "for each step of a mail",
    "smtp_relay.accounts[].name": "what logs, statistics and metrics call it; by default `account-1`, …",
    "smtp_relay.accounts[].enabled": "whether it is used",
    "smtp_relay.accounts[].weight": "its share of the mails",
    "smtp_relay.accounts[].connections": "connections kept open at most",
    # recipients
    "recipients.*.name": "the recipient's name for people; by default its alias",
    "recipients.*.digest.enabled": "`false` keeps this recipient's messages apart; by default as in `digest`",
    "recipients.*.digest.after": "the same for this recipient",
    "recipients.*.digest.over": "the same for this recipient",
    "recipients.*.platforms.email.enabled": "whether the channel exists for pushes",
    "recipients.*.platforms.email.smtp.host": "the mail server",
    "recipients.*.platforms.email.smtp.port": "465 means TLS from the first byte, any other STARTTLS",
    "recipients.*.platforms.email.smtp.username": "empty for a server that wants no login",
    "recipients.*.platforms.email.smtp.password": "needed with a username",
    "recipients.*.platforms.email.smtp.from": "the sender's address; by default the username",
    "recipients.*.platforms.email.smtp.tls": "`false` sends in plain text, for servers inside only",
    "recipients.*.platforms.email.smtp.timeout": "each step of a mail; `queue.timeout` where that is less",
    "recipients.*.platforms.email.recipients[].email": "a reader's address",
    "recipients.*.platforms.email.recipients[].name": "and name",
    "recipients.*.platforms.system.enabled": "whether the channel exists for pushes",
    # system
    "system.enabled": "`false` is the same as leaving the whole block out",
}

ROBOT_MEANINGS = {
    "enabled": "whether the channel exists for pushes",
    "webhooks[].url": "the webhook; the token in it is a secret and is never shown",
    "webhooks[].secret": "the signing secret (Feishu, DingTalk); empty for a robot without one",
    "webhooks[].name": "what results and logs call it, unique in its channel; by default `feishu-1`, …",
    "webhooks[].rate": (
        "how often it may be used: `5/s`, `90/min`, a list of such, or `off`; by default a little less than "
        "the vendor's limit: Feishu 5/s and 90/min, DingTalk and WeCom 18/min"
    ),
    "webhooks[].reserve": "the part of its rate that only errors may use; by default `queue.reserve`",
    "webhooks[].proxy": "proxy for this webhook alone, before `http.proxy`",
}

NOTICE_MEANINGS = {
    "notifications[].type": (
        "`console`: a banner on stdout; `file`: a file of its own for each; "
        "`syslog`: the application's log; `http`: a POST"
    ),
    "notifications[].name": "what results and logs call it; by default `console-1`, …",
    "notifications[].enabled": "whether it is used",
    "notifications[].path": "directory for `file`",
    "notifications[].url": "for `http`; 2xx is success",
    "notifications[].timeout": "for `http`, instead of `queue.timeout`",
    "notifications[].headers": "for `http`",
}

for _platform in ("feishu", "dingtalk", "wechat"):
    MEANINGS |= {f"recipients.*.platforms.{_platform}.{key}": text for key, text in ROBOT_MEANINGS.items()}
for _place in ("recipients.*.platforms.system", "system"):
    MEANINGS |= {f"{_place}.{key}": text for key, text in NOTICE_MEANINGS.items()}
