"use strict";
// Everything that arrived was written by others: it reaches the page as text nodes alone, never as markup.

const PLATFORMS = { feishu: "飞书", dingtalk: "钉钉", wechat: "企业微信", email: "邮件", notice: "系统通知" };
const FAULTS = {
  answer: "脚本应答", delay: "延迟", drip: "慢速应答", drop: "收到后断开", drop_unread: "未读断开", hang: "挂起",
};
const KEEP = 500;
const EVERY = 1000;

const $ = (id) => document.getElementById(id);
const state = { last: 0, filter: "", seen: 0 };

function node(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className) made.className = className;
  for (const child of children) {
    if (child === null || child === undefined) continue;
    made.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return made;
}

const text = (value) => (value === null || value === undefined ? "" : String(value));
const object = (value) => (value !== null && typeof value === "object" && !Array.isArray(value) ? value : {});
const list = (value) => (Array.isArray(value) ? value : []);

function link(href, label) {
  const address = text(href);
  if (!/^https?:\/\//i.test(address)) return node("span", "", label);
  const made = node("a", "", label);
  made.href = address;
  made.target = "_blank";
  made.rel = "noopener noreferrer";
  return made;
}

// The little of Markdown that the three platforms share: bold, italics, code, links, WeCom's colours.
const INLINE = /\*\*(.+?)\*\*|\*([^*\s][^*]*)\*|`([^`]+)`|!?\[([^\]]*)\]\(([^)\s]*)\)|<font color="(info|comment|warning)">(.*?)<\/font>/s;

function inline(source, depth = 0) {
  const out = document.createDocumentFragment();
  let rest = source;
  for (;;) {
    const found = depth < 4 ? INLINE.exec(rest) : null;
    if (!found) break;
    out.append(rest.slice(0, found.index));
    const [whole, bold, italic, code, label, href, colour, coloured] = found;
    if (bold !== undefined) out.append(node("strong", "", inline(bold, depth + 1)));
    else if (italic !== undefined) out.append(node("em", "", inline(italic, depth + 1)));
    else if (code !== undefined) out.append(node("code", "", code));
    else if (label !== undefined) out.append(link(href, label || href));
    else out.append(node("span", colour, inline(coloured, depth + 1)));
    rest = rest.slice(found.index + whole.length);
  }
  out.append(rest);
  return out;
}

function block(line) {
  const heading = /^(#{1,6})\s+(.*)$/.exec(line);
  if (heading) return node("div", `h${Math.min(heading[1].length, 3)}`, inline(heading[2]));
  const quote = /^>\s?(.*)$/.exec(line);
  if (quote) return node("div", "quote", inline(quote[1]));
  const item = /^\s*[-*]\s+(.*)$/.exec(line);
  if (item) return node("div", "item", inline(item[1]));
  if (/^\s*(-{3,}|\*{3,})\s*$/.test(line)) return node("hr");
  return node("div", "", inline(line));
}

function markdown(source) {
  const lines = text(source).split("\n").filter((line) => line.trim());
  return node("div", "md", ...lines.map(block));
}

const inside = (...children) => node("div", "inside", ...children);
const plain = (value) => node("div", "plain", text(value));
const raw = (value) => node("pre", "", node("code", "", JSON.stringify(value, null, 2)));

// Feishu

function feishuText(value) {
  const part = object(value);
  return part.tag === "lark_md" ? markdown(part.content) : plain(part.content);
}

function feishuElement(element) {
  const part = object(element);
  const inner = [...list(part.elements), ...list(part.columns)];
  switch (part.tag) {
    case "div": return node("div", "md", part.text ? feishuText(part.text) : null, ...list(part.fields).map((f) => feishuText(object(f).text)));
    case "markdown": return markdown(part.content);
    case "hr": return node("hr");
    case "note": return node("div", "note", ...inner.map(feishuText));
    case "action": return node("div", "actions", ...list(part.actions).map(feishuElement));
    case "button": return node("div", "actions", link(part.url || object(list(part.behaviors)[0]).default_url, text(object(part.text).content)));
    default: return inner.length ? node("div", "md", ...inner.map(feishuElement)) : plain(part.content || `[${text(part.tag)}]`);
  }
}

function feishuCard(card) {
  const header = object(card.header);
  const elements = list(card.elements).concat(list(object(card.body).elements));
  const colour = /^[a-z]+$/.test(text(header.template)) ? header.template : "";
  const head = card.header ? node("div", `head ${colour}`, text(object(header.title).content)) : null;
  return [head, inside(...elements.map(feishuElement))];
}

function feishuSpan(span) {
  const part = object(span);
  if (part.tag === "a") return link(part.href, text(part.text));
  return node("span", "", part.tag === "at" ? `@${text(part.user_name || part.user_id)}` : text(part.text));
}

function feishu(payload) {
  const content = object(payload.content);
  if (payload.msg_type === "interactive") return feishuCard(object(payload.card));
  if (payload.msg_type === "text") return [inside(plain(content.text))];
  if (payload.msg_type !== "post") return [inside(raw(payload))];
  const post = object(Object.values(object(content.post))[0]);
  const lines = list(post.content).map((line) => node("div", "", ...list(line).map(feishuSpan)));
  return [inside(node("div", "title", text(post.title)), ...lines)];
}

// DingTalk

function dingtalk(payload) {
  const part = object(payload[payload.msgtype]);
  switch (payload.msgtype) {
    case "text": return [inside(plain(part.content))];
    case "markdown": return [inside(markdown(part.text), node("div", "note", `会话列表：${text(part.title)}`))];
    case "link": return [inside(link(part.messageUrl, text(part.title)), plain(part.text))];
    case "actionCard": {
      const buttons = part.btns ? list(part.btns) : [{ title: part.singleTitle, actionURL: part.singleURL }];
      const links = buttons.map((button) => link(object(button).actionURL, text(object(button).title)));
      return [inside(node("div", "title", text(part.title)), markdown(part.text), node("div", "actions", ...links))];
    }
    case "feedCard": return [inside(...list(part.links).map((item) => link(object(item).messageURL, text(object(item).title))))];
    default: return [inside(raw(payload))];
  }
}

// WeCom

function wechatCard(card) {
  const title = object(card.main_title);
  const rows = list(card.horizontal_content_list).map((row) => node("div", "note", `${text(object(row).keyname)}：${text(object(row).value)}`));
  const jumps = list(card.jump_list).map((jump) => link(object(jump).url, text(object(jump).title)));
  return [inside(
    node("div", "note", text(object(card.source).desc)), node("div", "title", text(title.title)), plain(title.desc),
    node("div", "h1", text(object(card.emphasis_content).title)), plain(card.sub_title_text), ...rows,
    node("div", "actions", ...jumps),
  )];
}

function wechat(payload) {
  const part = object(payload[payload.msgtype]);
  switch (payload.msgtype) {
    case "text": return [inside(plain(part.content))];
    case "markdown":
    case "markdown_v2": return [inside(markdown(part.content))];
    case "news": return [inside(...list(part.articles).map((item) => node("div", "md", link(object(item).url, text(object(item).title)), node("div", "note", text(object(item).description)))))];
    case "template_card": return wechatCard(part);
    default: return [inside(raw(payload))];
  }
}

// Mail and notices

function email(payload) {
  const rows = [["发件人", payload.from], ["收件人", list(payload.to).join("、")]];
  for (const refused of list(payload.refused)) rows.push(["被拒绝", `${text(object(refused).mailbox)}（${text(object(refused).reply)}）`]);
  const header = node("dl", "", ...rows.flatMap(([name, value]) => [node("dt", "", name), node("dd", "", text(value))]));
  const body = text(payload.text) || (payload.html ? "（只有 HTML 正文）" : "");
  const made = inside(node("div", "subject", text(payload.subject)), header, node("hr"), plain(body));
  made.classList.add("mail");
  return [made];
}

const NOTICE_COLOURS = { info: "blue", warning: "orange", error: "red" };

function notice(payload) {
  if (payload.title === undefined && payload.message === undefined) return [inside(raw(payload))];
  const details = [payload.source, payload.task_id, payload.timestamp].filter(Boolean).map(text).join(" · ");
  return [
    node("div", `head ${NOTICE_COLOURS[payload.type] || "grey"}`, text(payload.title)),
    inside(plain(payload.message), node("div", "note", details)),
  ];
}

const RENDER = { feishu, dingtalk, wechat, email, notice };

// The feed

function clock(seconds) {
  return new Date(seconds * 1000).toLocaleTimeString("zh-CN", { hour12: false });
}

function bubble(arrival) {
  const payload = arrival.payload;
  if (payload === null || typeof payload !== "object" || Array.isArray(payload)) return node("div", "bubble", inside(payload === null ? node("div", "note", "正文不是 JSON") : raw(payload)));
  return node("div", "bubble", ...RENDER[arrival.platform](payload));
}

function entry(arrival) {
  const made = node("li", arrival.accepted ? "entry" : "entry refused");
  made.dataset.platform = arrival.platform;
  const time = node("time", "", clock(arrival.at));
  const lost = arrival.answered ? null : node("span", "tag fault", "应答丢失");
  made.append(node("div", "meta", badge(arrival.platform), node("span", "who", arrival.robot || "（无令牌）"), lost, time));
  if (!arrival.accepted) made.append(node("div", "refusal", `已拒绝 · ${text(arrival.code)} · ${arrival.text === "(scripted)" ? "脚本应答" : text(arrival.text)}`));
  made.append(bubble(arrival));
  return made;
}

function badge(platform) {
  return node("span", `badge ${platform}`, PLATFORMS[platform]);
}

function show(arrivals) {
  const feed = $("feed");
  for (const arrival of arrivals) feed.prepend(entry(arrival));
  while (feed.children.length > KEEP) feed.lastElementChild.remove();
}

// Who there is

function robotTags(robot) {
  const tags = [
    robot.signed && "签名", robot.keywords.length && `关键词 ${robot.keywords.join("、")}`,
    robot.allowed_ips && "IP 白名单", robot.rate && "限流",
  ].filter(Boolean).map((label) => node("span", "tag", label));
  if (robot.stopped) tags.push(node("span", "tag fault", "已停用"));
  return tags.concat(robot.faults.map((fault) => node("span", "tag fault", FAULTS[fault] || fault)));
}

function sinkTags(sink) {
  const tags = [sink.auth_required ? "需要登录" : sink.auth && "可登录", sink.starttls && "STARTTLS", sink.tls && "TLS"];
  return tags.filter(Boolean).map((label) => node("span", "tag", label))
    .concat(sink.faults.map((stage) => node("span", "tag fault", `${stage} 脚本应答`)));
}

function counted(thing) {
  const refused = thing.count - thing.accepted;
  return node("span", "count", refused ? `${thing.accepted} 条 · 拒绝 ${refused}` : `${thing.accepted} 条`);
}

function side(platform, name, address, thing, tags) {
  const line = node("div", "line", badge(platform), node("span", "name", name), counted(thing));
  return node("li", "robot", line, node("div", "url", address), tags.length ? node("div", "tags", ...tags) : null);
}

function showSide(current) {
  const robots = current.robots.map((robot) => side(robot.platform, robot.token, robot.url, robot, robotTags(robot)));
  const sinks = current.sinks.map((sink) => side("email", sink.name, `smtp://${sink.host}:${sink.port}`, sink, sinkTags(sink)));
  $("robots").replaceChildren(...robots, ...sinks);
  $("no-robots").textContent = current.permissive ? "任何令牌都可以：第一条消息到达时，机器人会自动出现在这里。" : "还没有机器人。";
  $("no-robots").hidden = robots.length + sinks.length > 0;
}

function example(current) {
  const robot = current.robots.find((one) => one.platform === "feishu" && !one.signed);
  const url = robot ? robot.url : `${current.url}/open-apis/bot/v2/hook/demo`;
  return `curl -X POST '${url}' \\\n  -H 'Content-Type: application/json' \\\n  -d '{"msg_type":"text","content":{"text":"你好，沙箱"}}'`;
}

// Filters

function filter(name, label) {
  const made = node("button", "", label);
  made.type = "button";
  made.setAttribute("aria-pressed", String(state.filter === name));
  made.addEventListener("click", () => { state.filter = name; showFilters(); arrange(); });
  return made;
}

function showFilters() {
  const names = Object.entries(PLATFORMS).map(([name, label]) => filter(name, label));
  $("filters").replaceChildren(filter("", "全部"), ...names);
}

function arrange() {
  let shown = 0;
  for (const item of $("feed").children) {
    item.hidden = Boolean(state.filter) && item.dataset.platform !== state.filter;
    shown += item.hidden ? 0 : 1;
  }
  $("empty").hidden = $("feed").children.length > 0;
  $("nothing").hidden = shown > 0 || !$("empty").hidden;
}

// Keeping up

async function refresh() {
  const answer = await fetch(`/sandbox/state?after=${state.last}&limit=${KEEP}`);
  const current = await answer.json();
  if (current.last < state.last) return forget();
  if (current.count < state.seen) $("feed").replaceChildren();
  state.last = current.last;
  state.seen = current.count;
  show(current.arrivals);
  showSide(current);
  $("curl").textContent = example(current);
  arrange();
  status(true, `每秒刷新 · 共收到 ${current.count} 条`);
}

function forget() {
  state.last = state.seen = 0;
  $("feed").replaceChildren();
}

function status(up, label) {
  $("pulse").className = up ? "pulse" : "pulse off";
  $("live").textContent = label;
}

async function follow() {
  try {
    await refresh();
  } catch {
    status(false, "沙箱没有应答，正在重试…");
  }
  setTimeout(follow, EVERY);
}

$("clear").addEventListener("click", async () => {
  await fetch("/sandbox/journal", { method: "DELETE" });
  await refresh();
});

showFilters();
follow();
