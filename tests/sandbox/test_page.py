import os
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pushserver.sandbox import Sandbox
from tests.sandbox.calling import call, post

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
NASTY = "<script>document.title='broken in'</script><img src=x onerror=\"document.title='broken in'\">"


class Assets(HTMLParser):
    """Collects what a page loads and any script that stands in it."""

    def __init__(self) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.inline: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.loaded += [value for name in ("src", "href") if (value := given.get(name))]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]


def test_the_page_loads_nothing_from_elsewhere(sandbox: Sandbox) -> None:
    page = call("GET", sandbox.url + "/")
    assets = Assets()
    assets.feed(page.raw.decode())
    assert (assets.loaded, assets.inline) == (["data:,", "/page.css", "/page.js"], [])
    for path in ("/page.css", "/page.js"):
        assert call("GET", sandbox.url + path).status == 200
        assert b"//" not in re.sub(rb"https\?:\\/\\/|// .*|smtp://", b"", call("GET", sandbox.url + path).raw)


def test_the_page_may_run_no_script_but_its_own(sandbox: Sandbox) -> None:
    policy = call("GET", sandbox.url + "/").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy


def test_the_script_only_ever_makes_text_of_what_arrived(sandbox: Sandbox) -> None:
    script = call("GET", sandbox.url + "/page.js").raw.decode()
    assert "createTextNode" in script
    for way_in in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "DOMParser"):
        assert way_in not in script


def test_the_page_is_only_read(sandbox: Sandbox) -> None:
    answer = call("POST", sandbox.url + "/", {})
    assert (answer.status, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert call("HEAD", sandbox.url + "/").status == 200


def rendered(url: str, profile: Path) -> str:
    if CHROMIUM is None and os.environ.get("CI") == "true":
        pytest.fail("no Chromium on PATH; CI has to have one for the page's test")
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    flags = (
        "--headless --no-sandbox --disable-gpu --disable-background-networking --disable-component-update "
        "--disable-sync --no-first-run --disable-dev-shm-usage --virtual-time-budget=3000 --dump-dom"
    )
    command = [CHROMIUM, *flags.split(), f"--user-data-dir={profile}", url]
    done = subprocess.run(command, capture_output=True, timeout=60.0, check=True)
    return done.stdout.decode()


def test_a_browser_shows_what_arrived_as_text(sandbox: Sandbox, tmp_path: Path) -> None:
    feishu, notice = sandbox.feishu("t"), sandbox.notice("n")
    header = {"template": "red", "title": {"tag": "plain_text", "content": NASTY}}
    body = {
        "tag": "div",
        "text": {"tag": "lark_md", "content": f"**粗体** [点我](javascript:alert(1)) {NASTY}"},
    }
    post(feishu.url, {"msg_type": "interactive", "card": {"header": header, "elements": [body]}})
    post(notice.url, {"title": NASTY, "message": "值班", "type": "error"})
    post(sandbox.wechat("k").url, {"msgtype": "text", "text": {"content": "企业微信 文本"}})
    post(sandbox.dingtalk("d", keywords=["x"]).url, {"msgtype": "text", "text": {"content": "被拒绝"}})
    page = rendered(sandbox.url + "/", tmp_path)
    assert page.count("&lt;script&gt;") == 3
    assert "<title>PushServer 沙箱</title>" in page
    assert "<img" not in page
    assert "<strong>粗体</strong>" in page
    assert "javascript:" not in page.replace("text/javascript", "")
    assert "企业微信 文本" in page
    assert "已拒绝 · 310000 · keywords not in content" in page


def test_a_browser_explains_an_empty_sandbox(sandbox: Sandbox, tmp_path: Path) -> None:
    page = rendered(sandbox.url + "/", tmp_path)
    assert "还没有收到消息" in page
    assert f"curl -X POST '{sandbox.url}/open-apis/bot/v2/hook/demo'" in page
