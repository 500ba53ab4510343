/* What every page of the desk does in the browser: what is live, the clocks, the keys, what went wrong. */

const texts = JSON.parse(document.body.dataset.texts);
const byId = (id) => document.getElementById(id);
const announce = (text) => (byId("announcement").textContent = text);
const tell = (name) => document.body.dispatchEvent(new CustomEvent(name));

/* What a browser cannot keep (private windows, no room) is asked again next time. */
const memory = {
  get(name) {
    try {
      return localStorage.getItem(`desk.${name}`);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(`desk.${name}`, value);
    } catch {
      /* kept for this page only */
    }
  },
};

/* --- counts: the bar, the title, alerts ------------------------------------------------------------------- */

const title = document.title;
let counts = null;

function count(now) {
  const before = counts;
  counts = now;
  for (const place of document.querySelectorAll("[data-count]")) {
    const number = now[place.dataset.count];
    place.textContent = number;
    place.hidden = number === 0;
  }
  document.title = now.waiting ? `(${now.waiting}) ${title}` : title;
  if (before === null || before.waiting === now.waiting) return;
  const text = texts.waiting.replace("%(number)s", now.waiting);
  announce(text);
  if (now.waiting > before.waiting) alertOf(text);
}

/* The list is fetched at most every two seconds, and not by all browsers at the same moment. */

const LIST_PAUSE = 2_000;
const LIST_JITTER = 500;
let listTold = 0;
let listTimer = null;

function listChanged() {
  if (listTimer !== null) return;
  const wait = Math.max(listTold + LIST_PAUSE - Date.now(), 0) + Math.random() * LIST_JITTER;
  listTimer = setTimeout(() => {
    listTimer = null;
    listTold = Date.now();
    tell("desk:queue");
  }, wait);
}

/* Alerts: a short sound, and the browser's own when the page is not looked at. Permission is asked on a click. */

const alertsButton = byId("alerts");
let sound = null;

/* Of several open pages one rings: whoever has the lock. Without locks (an address without https) each does. */
let isHerald = !navigator.locks;
let onHerald = () => {};
navigator.locks?.request("desk-herald", () => {
  isHerald = true;
  onHerald();
  return new Promise(() => {});
});

function alertsAreOn() {
  return memory.get("alerts") === "on";
}

function alertOf(text) {
  if (!alertsAreOn() || !isHerald) return;
  ring();
  if (document.hidden && "Notification" in window && Notification.permission === "granted") {
    const notification = new Notification(texts.newWaiting, { body: text, tag: "desk", renotify: true });
    notification.onclick = () => {
      window.focus();
      notification.close();
    };
  }
}

function ring() {
  sound ??= new AudioContext();
  if (sound.state === "suspended") sound.resume();
  const volume = sound.createGain();
  volume.connect(sound.destination);
  volume.gain.setValueAtTime(0.12, sound.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + 0.6);
  for (const [frequency, delay] of [[660, 0], [880, 0.15]]) {
    const tone = sound.createOscillator();
    tone.frequency.value = frequency;
    tone.connect(volume);
    tone.start(sound.currentTime + delay);
    tone.stop(sound.currentTime + 0.6);
  }
}

if (alertsButton) {
  alertsButton.setAttribute("aria-pressed", alertsAreOn());
  alertsButton.addEventListener("click", async () => {
    const on = !alertsAreOn();
    memory.set("alerts", on ? "on" : "off");
    alertsButton.setAttribute("aria-pressed", on);
    announce(on ? texts.alertsOn : texts.alertsOff);
    if (!on) return;
    ring();
    if ("Notification" in window && Notification.permission === "default") await Notification.requestPermission();
  });
}

/* --- what is live ----------------------------------------------------------------------------------------- */

const POLL = 15_000;
const LOST_AFTER = 5_000; /* a connection that is back sooner was never missed */
const SILENCE = 40_000; /* the server says something every 15 seconds */

/* Browsers open six connections to a server at most. A page that nobody looks at lets go of its stream after a while,
   except the one that rings. */
const LET_GO_AFTER = 20_000;

/** The conversations that parts of this page show, as their triggers name them. */
function shownConversations() {
  const triggers = [...document.querySelectorAll('[hx-trigger*="desk:conversation-"]')];
  const named = triggers.flatMap((part) => [...part.getAttribute("hx-trigger").matchAll(/desk:conversation-(\d+)/g)]);
  return [...new Set(named.map((match) => match[1]))];
}

function live(address, countsAddress) {
  let source = null;
  let poll = null;
  let lost = null;
  let heard = Date.now();
  let lettingGo = null;
  let isOff = false;

  function connect() {
    isOff = false;
    heard = Date.now();
    source?.close();
    const query = shownConversations().map((id) => `conversation=${id}`).join("&");
    source = new EventSource(query ? `${address}?${query}` : address);
    source.onopen = alive;
    source.onerror = missed;
    source.addEventListener("alive", alive);
    source.addEventListener("queue", (event) => {
      alive();
      count(JSON.parse(event.data));
      listChanged();
    });
    source.addEventListener("conversation", (event) => {
      alive();
      tell(`desk:conversation-${event.data}`);
    });
  }

  function alive() {
    heard = Date.now();
    clearTimeout(lost);
    lost = null;
    if (poll === null) return;
    clearInterval(poll);
    poll = null;
    byId("connection").textContent = "";
    announce(texts.back);
  }

  function missed() {
    if (poll !== null || lost !== null) return;
    lost = setTimeout(() => {
      lost = null;
      byId("connection").textContent = texts.lost;
      poll = setInterval(look, POLL);
    }, LOST_AFTER);
  }

  /** Without the stream: ask, show what is new, and try to open the stream again. */
  async function look() {
    try {
      const answer = await fetch(countsAddress, { headers: { "HX-Request": "true" } });
      if (answer.status === 401) return location.assign(answer.headers.get("HX-Redirect") ?? "/desk/login");
      if (!answer.ok) return;
      count(await answer.json());
    } catch {
      return;
    }
    lookAgain();
    if (source.readyState === EventSource.CLOSED) connect();
  }

  function lookAgain() {
    listChanged();
    for (const id of shownConversations()) tell(`desk:conversation-${id}`);
  }

  function letGo() {
    if (!document.hidden || isHerald) return;
    isOff = true;
    source.close();
  }

  connect();
  setInterval(() => {
    if (isOff || poll !== null || Date.now() - heard < SILENCE) return;
    missed();
    connect();
  }, 5_000);
  onHerald = () => isOff && connect();
  document.addEventListener("visibilitychange", () => {
    clearTimeout(lettingGo);
    if (document.hidden) lettingGo = setTimeout(letGo, LET_GO_AFTER);
    else if (isOff) {
      connect();
      lookAgain();
    }
  });
  window.addEventListener("pagehide", () => source.close());
  window.addEventListener("pageshow", (event) => event.persisted && connect());
}

if (document.body.dataset.events) live(document.body.dataset.events, document.body.dataset.counts);

/* --- clocks ----------------------------------------------------------------------------------------------- */

const locale = `${document.documentElement.lang}-MA`;
const units = Object.fromEntries(
  ["minute", "hour", "day"].map((unit) => [
    unit,
    new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "short" }),
  ]),
);

function duration(milliseconds) {
  const minutes = Math.floor(Math.max(milliseconds, 0) / 60_000);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const two = (large, unit, small, smaller) =>
    small ? `${units[unit].format(large)} ${units[smaller].format(small)}` : units[unit].format(large);
  if (minutes < 1) return `< ${units.minute.format(1)}`;
  if (hours < 1) return units.minute.format(minutes);
  if (days < 1) return two(hours, "hour", minutes % 60, "minute");
  return two(days, "day", hours % 24, "hour");
}

function tick() {
  for (const time of document.querySelectorAll("time[data-since], time[data-until]")) {
    const moment = Date.parse(time.dateTime);
    const left = moment - Date.now();
    const text = time.hasAttribute("data-since") ? duration(-left) : left > 0 ? duration(left) : texts.ended;
    if (time.textContent !== text) time.textContent = text;
  }
}

setInterval(tick, 10_000);

/* --- keys ------------------------------------------------------------------------------------------------- */

const keysDialog = byId("keys");
const keysSwitch = byId("keys-on");
let afterG = 0;

function isTyping(target) {
  return target.isContentEditable || target.matches("input:not([type=checkbox], [type=radio]), select, textarea");
}

function moved(step) {
  const rows = [...document.querySelectorAll("[data-rows] > *")].filter((row) => row.querySelector("a, button"));
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.contains(document.activeElement));
  const next = rows[at < 0 ? (step > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + step, 0), rows.length - 1)];
  next.querySelector("a, button").focus();
  next.scrollIntoView({ block: "nearest" });
}

const actions = {
  j: () => moved(1),
  k: () => moved(-1),
  "?": () => keysDialog.showModal(),
  "/": () => {
    const field = document.querySelector("input[type=search]");
    const place = document.querySelector('[data-go="r"]');
    if (field) field.focus();
    else place?.click();
  },
};

function pressed(event) {
  const isOthers = event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented;
  if (isOthers || document.querySelector("dialog[open]")) return;
  if (event.key === "Escape") {
    if (!closeMenus() && isTyping(event.target)) event.target.blur();
    return;
  }
  if (isTyping(event.target) || !keysSwitch.checked) return;
  if (Date.now() < afterG) {
    afterG = 0;
    const place = [...document.querySelectorAll("[data-go]")].find((each) => each.dataset.go === event.key);
    if (place) {
      event.preventDefault();
      place.click();
    }
    return;
  }
  if (event.key === "g") afterG = Date.now() + 1_500;
  else if (event.key in actions) {
    event.preventDefault();
    actions[event.key]();
  }
}

/** Close what is open of the menus; whether there was one. */
function closeMenus(except = null) {
  const open = [...document.querySelectorAll("details.menu[open]")].filter((menu) => !menu.contains(except));
  for (const menu of open) {
    const hadFocus = menu.contains(document.activeElement);
    menu.open = false;
    if (hadFocus) menu.querySelector("summary").focus();
  }
  return open.length > 0;
}

document.addEventListener("click", (event) => closeMenus(event.target));

if (keysDialog) {
  keysSwitch.checked = memory.get("keys") !== "off";
  keysSwitch.addEventListener("change", () => memory.set("keys", keysSwitch.checked ? "on" : "off"));
  byId("show-keys").addEventListener("click", () => keysDialog.showModal());
  document.addEventListener("keydown", pressed);
}

/* --- what went wrong -------------------------------------------------------------------------------------- */

let hideProblem = null;

function problem(text) {
  byId("problems").textContent = text;
  clearTimeout(hideProblem);
  hideProblem = setTimeout(() => (byId("problems").textContent = ""), 12_000);
}

document.addEventListener("htmx:responseError", (event) => {
  const request = event.detail.xhr;
  const isText = (request.getResponseHeader("Content-Type") ?? "").startsWith("text/plain");
  if (request.status !== 401) problem(isText && request.responseText ? request.responseText : texts.failed);
});
document.addEventListener("htmx:sendError", (event) => {
  /* What the page asks for by itself is asked again; only a person's own doing is worth a word. */
  if (event.detail.requestConfig.verb !== "get") problem(texts.unreachable);
});
document.addEventListener("htmx:afterSwap", tick);
