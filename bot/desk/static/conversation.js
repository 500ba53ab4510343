/* The page of a conversation: what is new is put in its place, nothing that somebody reads or writes is lost. */

const talk = document.getElementById("talk");
const transcript = document.getElementById("transcript");
const newer = document.getElementById("newer");
const words = JSON.parse(talk.dataset.texts);
const CLOSE_TO_END = 80; /* pixels from the end within which one reads what comes in */
const TYPING = 8_000;

const original = new WeakMap(); /* what an entry was made of, before somebody unfolded a part of it */
const isAtEnd = () => transcript.scrollHeight - transcript.scrollTop - transcript.clientHeight < CLOSE_TO_END;
const toEnd = () => (transcript.scrollTop = transcript.scrollHeight);
const parsed = (html) => new DOMParser().parseFromString(html, "text/html").body;

function remember(entries) {
  for (const entry of entries) original.set(entry, entry.outerHTML);
}

/* --- what is new ------------------------------------------------------------------------------------------ */

/** Put entries in order behind those they follow; change those that changed. The customer's new words, if any. */
function merge(entries) {
  let before = null;
  let said = null;
  for (const entry of entries) {
    const html = entry.outerHTML;
    const known = document.getElementById(entry.id);
    if (known === null) {
      if (before === null) transcript.append(entry);
      else before.after(entry);
      original.set(entry, html);
      before = entry;
      if (entry.matches(".message.in")) said = entry;
    } else if (original.get(known) === html) {
      before = known;
    } else {
      const wasOpen = [...known.querySelectorAll("details")].map((part) => part.open);
      known.replaceWith(entry);
      original.set(entry, html);
      entry.querySelectorAll("details").forEach((part, index) => (part.open = wasOpen[index] ?? false));
      before = entry;
    }
  }
  return said;
}

/** Show another state of `id` when its key is another. */
function replaced(id, fresh) {
  const shown = document.getElementById(id);
  if (!fresh || !shown || shown.dataset.key === fresh.dataset.key) return;
  shown.replaceWith(fresh);
  htmx.process(fresh);
}

function show(html) {
  const bundle = parsed(html).firstElementChild;
  if (!bundle?.dataset.last) return;
  const follow = isAtEnd();
  const count = transcript.childElementCount;
  transcript.querySelector(".empty")?.remove();
  const said = merge([...bundle.querySelector(".entries").children]);
  transcript.dataset.last = Math.max(Number(transcript.dataset.last), Number(bundle.dataset.last));
  if (follow) toEnd();
  else if (transcript.childElementCount > count) newer.hidden = false;
  if (said) {
    const text = said.querySelector(".text")?.textContent ?? "";
    document.getElementById("announcement").textContent = words.newInbound.replace("%(text)s", text);
  }
  replaced("standing", bundle.querySelector("#standing"));
  replaced("actions", bundle.querySelector("#actions"));
  const seen = document.querySelector("#close-form [name=seen]");
  if (seen) seen.value = bundle.dataset.seen;
  showTyping(bundle.querySelector("#typing"));
  refreshComposer();
  if (bundle.dataset.more === "1") lookAgain();
}

/** Ask for what is new; a page of earlier messages has nothing new. */
function lookAgain() {
  const trigger = transcript.getAttribute("hx-trigger");
  if (trigger) htmx.trigger(document.body, trigger.split(" ")[0]);
}

transcript.addEventListener("htmx:configRequest", (event) => {
  if (event.target === transcript) event.detail.parameters.after = transcript.dataset.last;
});
transcript.addEventListener("htmx:afterRequest", (event) => {
  if (event.target === transcript && event.detail.successful) show(event.detail.xhr.responseText);
});

/* Earlier messages come in above: what is read stays where it is, and a day is named once. */
let heightBefore = 0;
transcript.addEventListener("htmx:beforeSwap", () => (heightBefore = transcript.scrollHeight));
transcript.addEventListener("htmx:afterSettle", () => {
  const days = new Set();
  for (const day of transcript.querySelectorAll(".day")) {
    if (days.has(day.id)) day.remove();
    days.add(day.id);
  }
  remember([...transcript.children].filter((entry) => !original.has(entry)));
  /* htmx says so of every entry: what was made up for once is not to be made up for again. */
  transcript.scrollTop += transcript.scrollHeight - heightBefore;
  heightBefore = transcript.scrollHeight;
});

transcript.addEventListener("scroll", () => isAtEnd() && (newer.hidden = true), { passive: true });
newer.addEventListener("click", () => {
  toEnd();
  newer.hidden = true;
});
/* A picture that has loaded is taller than its place was. */
let follows = true;
transcript.addEventListener("load", () => follows && toEnd(), true);
transcript.addEventListener("scroll", () => (follows = isAtEnd()), { passive: true });

/* --- others who are typing -------------------------------------------------------------------------------- */

let forgetTyping = null;

function showTyping(fresh) {
  const shown = document.getElementById("typing");
  if (!shown || !fresh) return;
  if (shown.textContent !== fresh.textContent) shown.replaceChildren(...fresh.childNodes);
  clearTimeout(forgetTyping);
  forgetTyping = setTimeout(() => shown.replaceChildren(), TYPING);
}

/* --- writing ---------------------------------------------------------------------------------------------- */

/** Other things may be done now (taken, window closed): show the form for them, with what was typed. */
function refreshComposer() {
  const composer = document.getElementById("composer");
  const key = document.getElementById("actions").dataset.key;
  if (!composer || composer.dataset.key === key || composer.dataset.asked === key) return;
  composer.dataset.asked = key;
  const text = document.getElementById("body")?.value;
  htmx.ajax("GET", `${location.pathname}/composer`, { target: composer, swap: "outerHTML" }).then(() => {
    const field = document.getElementById("body");
    if (field && text) {
      field.value = text;
      grow(field);
    }
  });
}

function grow(field) {
  field.rows = Math.min(Math.max(field.value.split("\n").length, Math.ceil(field.value.length / 70), 3), 12);
}

document.addEventListener("input", (event) => event.target.id === "body" && grow(event.target));
document.addEventListener("keydown", (event) => {
  const form = event.target.closest?.("#reply, #note-form");
  if (form && event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("textarea")) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("click", (event) => {
  const place = event.target.closest?.("[data-place]");
  if (!place) return;
  const field = document.getElementById("body");
  const at = field.value.indexOf(place.dataset.place);
  field.focus();
  if (at >= 0) field.setSelectionRange(at, at + place.dataset.place.length);
});
document.addEventListener("htmx:afterSwap", (event) => {
  /* Swapped by its own form, or by an answer that was picked: the agent goes on writing. */
  if (!["composer", "writing"].includes(event.detail.target?.id) || event.detail.requestConfig.verb === "get") return;
  const field = document.getElementById("body");
  if (!field) return;
  grow(field);
  field.focus();
  field.setSelectionRange(field.value.length, field.value.length);
  const canned = document.getElementById("canned");
  if (canned) canned.open = false;
  if (event.detail.target.id === "composer") toEnd();
});
document.addEventListener("change", (event) => {
  if (event.target.matches("#reply [type=file]")) {
    const name = event.target.files[0]?.name;
    if (name) document.getElementById("file-hint").textContent = name;
  }
});

/* --- the 24 hours ----------------------------------------------------------------------------------------- */

setInterval(() => {
  const closes = document.querySelector("#window-closes time");
  if (closes && Date.parse(closes.dateTime) <= Date.now()) lookAgain();
}, 5_000);

remember(transcript.children);
toEnd();
const body = document.getElementById("body");
if (body) grow(body);
