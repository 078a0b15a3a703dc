"""Secrets reach whoever asks for them by name, and nobody else."""

import pytest

from pushserver.config import describe
from tests.config.loading import RECIPIENTS, Load

PLANTED = "hunter2"

VALID = """\
storage: {url: "postgresql://u:hunter2@db/x"}
http: {proxy: "http://u:hunter2@proxy"}
smtp_relay:
  enabled: true
  auth: {username: u, password: hunter2}
  accounts: [{host: h, username: a@example.com, password: hunter2}]
recipients:
  ops:
    platforms:
      feishu: {webhooks: [{url: "https://h/hunter2", secret: hunter2, proxy: "http://u:hunter2@proxy"}]}
      dingtalk: {webhooks: [{url: "https://h/?access_token=hunter2"}]}
      email:
        smtp: {host: h, username: a@example.com, password: hunter2}
        recipients: [{email: b@example.com}]
      system: {notifications: [{type: http, url: "http://h/hunter2", headers: {X-Token: hunter2}}]}
system: {notifications: [{type: http, url: "http://h/hunter2", headers: {Authorization: Bearer hunter2}}]}
"""


def test_settings_do_not_show_their_secrets(load_yaml: Load) -> None:
    loaded = load_yaml(VALID)
    for value in (loaded, loaded.settings, describe(loaded.settings), *loaded.settings.recipients.values()):
        assert PLANTED not in repr(value)
        assert PLANTED not in str(value)
    assert loaded.settings.storage.url == "postgresql://u:hunter2@db/x"


@pytest.mark.parametrize(
    "text",
    [
        "recipients: {a: {platforms: {feishu: {webhooks: 'https://h/hunter2'}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'ftp://h/hunter2'}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'https://h:hunter2/'}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'https://[hunter2'}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{'https://h/hunter2': x}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'http://h/', secret: [hunter2]}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'http://h/', secrt: hunter2}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'http://h/', proxy: hunter2}]}}}}",
        "recipients: {a: {platforms: {feishu: {webhooks: [{url: 'http://h/', rate: hunter2}]}}}}",
        "recipients: {a: {platforms: {email: {smtp: 'smtp://u:hunter2@h'}}}}",
        "recipients: {a: {platforms: {email: {smtp: {host: 'u:hunter2@h'}}}}}",
        "recipients: {a: {platforms: {email: {smtp: {host: h, from: hunter2}}}}}",
        "recipients: {a: {platforms: {system: {notifications: [{type: http, headers: Bearer hunter2}]}}}}",
        'recipients: {a: {platforms: {system: {notifications: [{type: http, headers: {X: "hunter2\\n"}}]}}}}',
        "recipients: {}\nstorage: {url: 'postgres://u:hunter2@h'}",
        "recipients: {}\nhttp: {proxy: 'socks5://u:hunter2@h'}",
        "recipients: {}\nsmtp_relay: {auth: hunter2}",
        "recipients: {}\nsmtp_relay: {auth: {password: {hunter: hunter2}}}",
        "recipients: {}\nprocesses: {gateway: hunter2}",
        "a: *hunter2",
        "a: !hunter2 x",
        "a: &hunter2 b: c",
        "a: 'hunter2",
        'a: "\\hunter2"',
        "a: @hunter2",
        "a: `hunter2",
        "a: %hunter2",
        "hunter2",
        "%hunter2 x\n---\na: b",
        "a: |hunter2\n",
    ],
)
def test_faults_do_not_show_secrets(load_yaml: Load, text: str) -> None:
    faults = load_yaml.faults(text)
    assert faults
    assert PLANTED not in "\n".join(faults)


def test_a_secret_from_the_environment_does_not_show_either(load_yaml: Load) -> None:
    server = "server: {port: '${P}', mode: '${P}'}"
    log = "log: {compress: '${P}', level: '${P}'}"
    text = f"{server}\n{log}\n{RECIPIENTS}"
    faults = load_yaml.faults(text, P=PLANTED, STORAGE_URL=PLANTED)
    assert len(faults) == 5
    assert PLANTED not in "\n".join(faults)
