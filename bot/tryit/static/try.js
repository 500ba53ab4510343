// The three phones. Everything shown is inserted as text; nothing is kept in the browser.

const texts = JSON.parse(document.body.dataset.texts);
const phones = new Map([...document.querySelectorAll(".phone")].map((section) => [section.dataset.channel, section]));
const tabs = [...document.querySelectorAll("[role=tab]")];
const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" });

const RABAT = { latitude: 34.0209, longitude: -6.8416 };
const NOTICE_MS = 4000;
const NEAR_END_PX = 120;
const KILOBYTES = { style: "unit", unit: "kilobyte", unitDisplay: "short" };

let stream;

function element(name, properties = {}, ...children) {
  const node = Object.assign(document.createElement(name), properties);
  node.append(...children.filter((child) => child != null));
  return node;
}

function icon(name, label) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `static/icons.svg#${name}`);
  svg.setAttribute("class", `icon ${name}`);
  if (label) {
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", label);
  } else {
    svg.setAttribute("aria-hidden", "true");
  }
  svg.append(use);
  return svg;
}

// What a phone is and who holds it

const customer = (phone) => phone.querySelector("select").selectedOptions[0];

function activate(phone) {
  for (const other of phones.values()) other.classList.toggle("active", other === phone);
  for (const tab of tabs) {
    const selected = tab.getAttribute("aria-controls") === phone.id;
    tab.setAttribute("aria-selected", selected);
    tab.tabIndex = selected ? 0 : -1;
  }
}

const active = () => document.querySelector(".phone.active");

// Sending

async function send(phone, what) {
  const { value, dataset } = customer(phone);
  const action = { from: value, name: dataset.name, language: dataset.language, ...what };
  try {
    const answer = await fetch(`customer/${phone.dataset.channel}`, {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(action),
    });
    if (!answer.ok) throw new Error((await answer.json()).error);
  } catch {
    notice(phone, texts.not_sent);
    return false;
  }
  return true;
}

async function sendTyped(phone) {
  const field = phone.querySelector("textarea");
  const text = field.value;
  if (!text.trim()) return;
  field.value = "";
  if (!(await send(phone, { text })) && !field.value) field.value = text;
}

function notice(phone, text) {
  const line = phone.querySelector(".notice");
  line.textContent = text;
  clearTimeout(line.timer);
  line.timer = setTimeout(() => (line.textContent = ""), NOTICE_MS);
}

// Showing

function show(message) {
  const phone = phones.get(message.channel);
  const list = phone.querySelector(".screen ol");
  const screen = list.parentElement;
  const nearEnd = screen.scrollHeight - screen.scrollTop - screen.clientHeight < NEAR_END_PX;
  const item = element("li", { className: message.mine ? "mine" : "theirs" });
  item.dataset.id = message.id;
  item.dataset.mine = message.mine;
  item.append(bubble(message));
  const choices = message.buttons.filter(({ kind }) => kind === "reply" || kind === "list_item");
  if (choices.length) item.append(choiceButtons(phone, choices));
  const old = [...list.children].find(({ dataset }) => dataset.id === message.id && dataset.mine === item.dataset.mine);
  if (old) old.replaceWith(item);
  else list.append(item);
  phone.querySelector(".empty").hidden = true;
  if (!message.mine && !old) showKeyboard(phone, message.buttons);
  if (!old || nearEnd) screen.scrollTop = screen.scrollHeight;
}

function bubble(message) {
  const box = element("div", { className: `bubble ${message.content}` });
  box.append(...(message.file ? sentAlong(message) : [body(message)]), meta(message));
  return box;
}

// A picture or a document from the house, which opens by itself in full, and its caption.
function sentAlong({ file, text }) {
  const link = element("a", { href: file.url, target: "_blank", rel: "noopener" });
  if (file.content_type.startsWith("image/")) {
    const { url: src, width, height } = file;
    const place = width ? { width, height } : {}; // kept until the picture is there
    link.append(element("img", { src, alt: texts.picture, title: texts.enlarge, ...place }));
  } else {
    const size = new Intl.NumberFormat(document.documentElement.lang, KILOBYTES).format(Math.ceil(file.size / 1000));
    link.className = "card";
    link.append(icon("document"), element("bdi", { textContent: file.name }), element("small", { textContent: size }));
  }
  return text ? [link, element("p", { dir: "auto", textContent: text })] : [link];
}

function body({ content, text }) {
  switch (content) {
    case "text":
      return element("p", { dir: "auto", textContent: text });
    case "sticker":
      return element("img", { src: "static/bulb.svg", alt: texts.sticker, width: 96, height: 96 });
    case "photo":
      return element("img", { src: "static/meter.jpg", alt: texts.photo, width: 240, height: 180 });
    case "location":
      return element("p", { className: "card" }, icon("place"), element("span", { textContent: texts.location }));
    case "contact":
      return element(
        "p",
        { className: "card" },
        icon("contact"),
        element("span", { textContent: texts.contact }),
        element("bdi", { textContent: text }),
      );
    default:
      return element("p", { dir: "auto", textContent: text || texts.other });
  }
}

// An SMS from the house says how many parts it cost; ticks tell how far a message came.
function meta({ channel, mine, at, parts, encoding, state, error }) {
  const line = element("p", { className: "meta" });
  if (channel === "sms" && !mine) {
    const count = parts === 1 ? texts.parts_one : texts.parts_many.replace("{count}", parts);
    line.append(element("span", { className: "parts", textContent: encoding ? `${count} · ${encoding}` : count }));
  }
  line.append(element("time", { dateTime: at, textContent: clock.format(new Date(at)) }));
  if (state && (mine || channel === "sms")) {
    const label = state === "failed" && error ? `${texts.failed} (${error})` : texts[state];
    const name = { sent: "tick", delivered: "ticks", read: "ticks", failed: "alert" }[state];
    const mark = element("span", { className: `state ${state}`, title: label }, icon(name, label));
    if (state === "failed") mark.append(label);
    line.append(mark);
  }
  return line;
}

function choiceButtons(phone, buttons) {
  const group = element("div", { className: "choices" });
  for (const { title, token } of buttons) {
    const button = element("button", { type: "button", dir: "auto", textContent: title });
    button.addEventListener("click", () => send(phone, { button: token }));
    group.append(button);
  }
  return group;
}

function showKeyboard(phone, buttons) {
  const keys = buttons.filter(({ kind }) => kind === "text" || kind === "share_phone");
  phone.querySelector(".keyboard").replaceChildren(
    ...keys.map(({ title, kind }) => {
      const key = element("button", { type: "button", dir: "auto", textContent: title });
      const what = () => (kind === "share_phone" ? { contact: customer(phone).value } : { text: title });
      key.addEventListener("click", () => send(phone, what()));
      return key;
    }),
  );
}

function clear(phone) {
  phone.querySelector(".screen ol").replaceChildren();
  phone.querySelector(".keyboard").replaceChildren();
  phone.querySelector(".empty").hidden = false;
}

// One stream for the three phones; it begins with all that is on their screens.
function listen() {
  stream?.close();
  const query = new URLSearchParams();
  for (const [channel, phone] of phones) query.append("phone", `${channel}:${customer(phone).value}`);
  stream = new EventSource(`customer/events?${query}`);
  stream.addEventListener("open", () => {
    for (const phone of phones.values()) {
      phone.querySelector(".screen").setAttribute("aria-live", "off"); // the past is not news
      clear(phone);
    }
  });
  stream.addEventListener("ready", () => {
    document.body.dataset.ready = "true";
    for (const phone of phones.values()) phone.querySelector(".screen").setAttribute("aria-live", "polite");
  });
  stream.addEventListener("message", (event) => show(JSON.parse(event.data)));
  stream.addEventListener("notice", (event) => {
    const { channel, text } = JSON.parse(event.data);
    notice(phones.get(channel), text);
  });
  stream.addEventListener("error", () => notice(active(), texts.lost));
}

// What the visitor does

for (const phone of phones.values()) {
  phone.addEventListener("focusin", () => activate(phone));
  phone.addEventListener("pointerdown", () => activate(phone));
  phone.querySelector("select").addEventListener("change", () => {
    phone.querySelector(".who p").textContent = customer(phone).dataset.about;
    listen();
  });
  phone.querySelector("form").addEventListener("submit", (event) => {
    event.preventDefault();
    sendTyped(phone);
  });
  phone.querySelector("textarea").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      sendTyped(phone);
    }
  });
  for (const button of phone.querySelectorAll(".attach [data-media]")) {
    button.addEventListener("click", () => send(phone, { media: button.dataset.media }));
  }
  phone.querySelector("[data-location]").addEventListener("click", () => send(phone, { location: RABAT }));
  phone.querySelector("[data-contact]")?.addEventListener("click", () => send(phone, { contact: customer(phone).value }));
}

for (const chip of document.querySelectorAll(".chip")) {
  chip.addEventListener("click", () => {
    const { text, media } = chip.dataset;
    send(active(), text ? { text } : { media });
    active().scrollIntoView({ block: "nearest" });
  });
}

for (const [index, tab] of tabs.entries()) {
  tab.addEventListener("click", () => {
    const phone = document.getElementById(tab.getAttribute("aria-controls"));
    const screen = phone.querySelector(".screen");
    activate(phone);
    screen.scrollTop = screen.scrollHeight; // could not scroll while it was hidden
  });
  tab.addEventListener("keydown", ({ key }) => {
    const forward = document.documentElement.dir === "rtl" ? "ArrowLeft" : "ArrowRight";
    const back = document.documentElement.dir === "rtl" ? "ArrowRight" : "ArrowLeft";
    const step = { [forward]: 1, [back]: -1 }[key];
    if (step) {
      const next = tabs[(index + step + tabs.length) % tabs.length];
      next.focus();
      next.click();
    }
  });
}

activate(active());
listen();
