import threading

import pytest

from pushserver.sandbox import NothingArrivedError, NotRunningError, Sandbox
from tests.sandbox.calling import StandingClock, post


def text(content: str) -> dict[str, object]:
    return {"msg_type": "text", "content": {"text": content}}


def test_an_arrival_tells_all_about_the_call(sandbox: Sandbox, clock: StandingClock) -> None:
    robot = sandbox.feishu("t")
    clock.advance(5.0)
    post(robot.url, text("磁盘"), {"Content-Type": "application/json", "X-Mark": "7"})
    [arrival] = robot.arrivals
    assert (arrival.number, arrival.at, arrival.platform, arrival.robot) == (
        1,
        1_700_000_005.0,
        "feishu",
        "t",
    )
    assert (arrival.accepted, arrival.code, arrival.text, arrival.answered) == (True, 0, "", True)
    assert (arrival.payload, arrival.words) == (text("磁盘"), "磁盘")
    assert (arrival.size, arrival.peer) == (
        len('{"msg_type": "text", "content": {"text": ""}}') + 6,
        "127.0.0.1",
    )
    assert arrival.headers["x-mark"] == "7"


def test_words_are_what_people_read(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    header = {"template": "red", "title": {"tag": "plain_text", "content": "标题"}}
    button = {"tag": "button", "url": "https://x", "text": {"tag": "plain_text", "content": "打开"}}
    card = {"header": header, "elements": [{"tag": "markdown", "content": "正文"}, button]}
    post(robot.url, {"msg_type": "interactive", "card": card})
    assert robot.messages[0].words == "标题\n正文\n打开"


def test_refused_calls_are_kept_apart_from_accepted_ones(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", keywords=["告警"])
    for content in ("告警 1", "正常", "告警 2"):
        post(robot.url, text(content))
    assert [arrival.words for arrival in robot.arrivals] == ["告警 1", "正常", "告警 2"]
    assert [arrival.words for arrival in robot.messages] == ["告警 1", "告警 2"]
    assert (robot.journal.count, robot.count) == (3, 2)


def test_numbers_run_over_all_robots_and_strays(sandbox: Sandbox) -> None:
    first, second = sandbox.feishu("a"), sandbox.feishu("b")
    for url in (first.url, second.url, first.url + "x", first.url):
        post(url, text("hi"))
    assert [arrival.number for arrival in first.arrivals] == [1, 4]
    assert [arrival.number for arrival in second.arrivals] == [2]
    assert [arrival.number for arrival in sandbox.arrivals()] == [1, 2, 3, 4]
    assert [arrival.number for arrival in sandbox.arrivals(after=1, limit=2)] == [3, 4]
    assert sandbox.arrivals(limit=0) == []


def test_only_the_newest_are_kept_and_all_are_counted() -> None:
    with Sandbox(journal=2) as sandbox:
        robot = sandbox.feishu("t")
        for number in range(5):
            post(robot.url, text(str(number)))
        assert [arrival.words for arrival in robot.messages] == ["3", "4"]
        assert robot.count == 5


def test_a_journal_of_none_only_counts() -> None:
    with Sandbox(journal=0) as sandbox:
        robot = sandbox.feishu("t")
        post(robot.url, text("hi"))
        assert (robot.arrivals, robot.count, sandbox.count) == ([], 1, 1)
        assert robot.wait(1) == []


def test_clearing_forgets_messages_and_counts(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    post(robot.url, text("hi"))
    sandbox.clear()
    assert (robot.arrivals, robot.count, sandbox.count) == ([], 0, 0)
    post(robot.url, text("again"))
    assert [arrival.number for arrival in robot.arrivals] == [2]


def test_waiting_ends_with_the_arrival(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t")
    threads = [threading.Thread(target=post, args=(robot.url, text(str(number)))) for number in range(3)]
    for thread in threads:
        thread.start()
    assert {arrival.words for arrival in robot.wait(3)} == {"0", "1", "2"}
    for thread in threads:
        thread.join()


def test_waiting_can_be_for_anything_anywhere(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", keywords=["告警"])
    thread = threading.Thread(target=post, args=(robot.url, text("正常")))
    thread.start()
    sandbox.wait_for(lambda sandbox: sandbox.count == 1)
    robot.wait_for(lambda journal: journal.count == 1 and journal.accepted_count == 0)
    thread.join()


def test_waiting_in_vain_says_what_did_arrive(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("t", keywords=["告警"])
    post(robot.url, text("正常"))
    with pytest.raises(NothingArrivedError, match=r"waited 0.01 s in vain; so far 1 arrived, 0 accepted"):
        robot.wait(1, timeout=0.01)
    with pytest.raises(TimeoutError, match=r"so far 1 arrived"):
        sandbox.wait_for(lambda _: False, timeout=0.01)


def test_what_arrived_can_be_read_after_the_end() -> None:
    with Sandbox() as sandbox:
        robot = sandbox.feishu("t")
        post(robot.url, text("hi"))
    assert [arrival.words for arrival in robot.messages] == ["hi"]
    with pytest.raises(NotRunningError, match=r"call start\(\) first"):
        _ = sandbox.url
    sandbox.close()


def test_no_token_or_secret_is_in_a_repr(sandbox: Sandbox) -> None:
    robot = sandbox.feishu("tok-1", secret="s3cret")
    sink = sandbox.smtp(credentials={"name": "passw0rd"})
    seen = repr((robot, robot.settings, sandbox, sink, sink.settings))
    assert all(hidden not in seen for hidden in ("tok-1", "s3cret", "passw0rd"))
