// The editor's preview: asks whether the issue has changed, and shows it again where it was.
"use strict";

const EVERY = 400; // milliseconds between two questions
const body = document.body.dataset;
const at = (id) => document.getElementById(id);
const choice = { kind: "mail", scheme: "light", language: "" };
let state = null;

function element(name, text, kind) {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function edition() {
  return state.editions.find((one) => one.language === choice.language) || state.editions[0];
}

function address(one) {
  const asked = new URLSearchParams({ version: state.version });
  if (choice.scheme === "dark") asked.set("dark", "1");
  if (!at("pictures").checked) asked.set("bare", "1");
  if (at("reader").value.trim()) asked.set("reader", at("reader").value.trim());
  return `/${choice.kind}/${encodeURIComponent(one.language)}?${asked}`;
}

// A new state of the same mail is shown at the place where the old one was.
function show(frame, url) {
  const before = frame.contentWindow;
  const same = frame.dataset.url && frame.dataset.url.split("?")[0] === url.split("?")[0];
  const place = same && before ? before.scrollY : 0;
  frame.onload = () => frame.contentWindow.scrollTo({ top: place, behavior: "instant" });
  frame.dataset.url = url;
  before.location.replace(url);
}

function press() {
  for (const button of document.querySelectorAll("button[data-set]")) {
    button.setAttribute("aria-pressed", String(choice[button.dataset.set] === button.dataset.to));
  }
}

function drawLanguages() {
  const buttons = state.editions.map((one) => {
    const button = element("button", one.name);
    button.type = "button";
    button.lang = one.language;
    button.dataset.set = "language";
    button.dataset.to = one.language;
    return button;
  });
  at("languages").replaceChildren(...buttons);
}

function drawFindings() {
  const items = state.findings.map((finding) => {
    const item = element("li", "", finding.severity);
    item.append(element("b", body[finding.severity]), " ", element("span", finding.sentence));
    if (finding.remedy) item.append(element("p", finding.remedy));
    item.append(element("code", `${finding.place}  ${finding.code}`));
    return item;
  });
  if (!items.length && !state.trouble) items.push(element("li", body.nothing, "none"));
  at("findings").replaceChildren(...items);
  at("count").textContent = state.findings.length ? `(${state.findings.length})` : "";
}

function kilobytes(octets) {
  return `${(octets / 1000).toFixed(1)} kB`;
}

function draw() {
  const trouble = state.trouble;
  at("trouble").hidden = !trouble;
  if (trouble) {
    at("trouble").children[0].textContent = trouble.sentence;
    at("trouble").children[1].textContent = trouble.hint;
  }
  at("title").firstElementChild.textContent = state.number ? `${state.title} · ${state.number}` : state.title;
  document.title = at("title").textContent;
  at("status").textContent = state.at;
  at("status").title = body.watching;
  at("status").className = "";
  const unknown = state.reader && !state.reader.known ? body.unknown : "";
  at("reader").title = state.reader_trouble || unknown || (state.reader ? state.reader.name : "");
  at("reader").setAttribute("aria-invalid", String(Boolean(state.reader_trouble)));
  drawFindings();
  drawLanguages();
  const one = state.editions.length ? edition() : null;
  for (const figure of document.querySelectorAll("figure, .inbox")) figure.hidden = !one;
  at("stale").hidden = !one || !one.stale || Boolean(trouble);
  if (one) {
    choice.language = one.language;
    at("sender").textContent = state.sender;
    at("subject").textContent = one.subject;
    at("subject").parentElement.dir = one.direction;
    at("preheader").textContent = one.preheader && `– ${one.preheader}`;
    at("size").textContent =
      `HTML ${kilobytes(one.html_octets)} ${body.clipped} · ${kilobytes(one.octets)} ${body.message}`;
    at("size").className = one.html_octets >= state.limit ? "over" : "";
    const url = address(one);
    for (const frame of [at("desk"), at("phone")]) {
      frame.parentElement.classList.toggle("text", choice.kind === "text");
      frame.style.colorScheme = choice.scheme;
      if (frame.dataset.url !== url) show(frame, url);
    }
  }
  press();
}

async function ask(since) {
  const asked = new URLSearchParams({ since });
  if (at("reader").value.trim()) asked.set("reader", at("reader").value.trim());
  const answer = await fetch(`/state?${asked}`);
  if (answer.status === 200) {
    const reader = state && state.reader;
    state = await answer.json();
    const chosen = state.reader && state.reader.known && state.reader.language;
    if (chosen && (!reader || reader.language !== chosen)) choice.language = chosen;
    draw();
  } else if (answer.status !== 204) {
    throw new Error(String(answer.status));
  } else if (at("status").className) {
    draw();
  }
}

async function follow() {
  try {
    if (!document.hidden || !state) await ask(state ? state.version : "");
  } catch (lost) {
    at("status").className = "lost";
    at("status").textContent = body.lost;
  }
  setTimeout(follow, EVERY);
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button[data-set]");
  if (!button || !state) return;
  choice[button.dataset.set] = button.dataset.to;
  draw();
});
at("pictures").addEventListener("change", () => state && draw());
at("reader").addEventListener("change", () => ask("").catch(() => {}));
for (const [name, value] of new URLSearchParams(location.hash.slice(1))) {
  if (name in choice) choice[name] = value;
}
follow();
