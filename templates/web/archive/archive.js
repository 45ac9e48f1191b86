// The search of the archive, in the reader's browser: every word must be found, accents do not matter.
"use strict";

const MOST = 100; // results shown
const input = document.getElementById("words");
const results = document.getElementById("results");
const count = document.getElementById("count");

// Each character is folded alone, so that places in the folded text are places in the text.
function folded(character) {
  const plain = character.normalize("NFKD").replace(/[\p{M}\u0640]/gu, "").toLowerCase();
  const base = { "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ة": "ه", "’": "'", "œ": "oe", "æ": "ae", "ß": "ss" };
  return base[plain] ?? plain;
}

function fold(text) {
  let out = "";
  const places = [];
  let at = 0;
  for (const character of text) {
    for (const letter of folded(character)) {
      out += letter;
      places.push(at);
    }
    at += character.length;
  }
  places.push(at);
  return { out, places };
}

const articles = window.articles.map(([path, when, headline, section, source, excerpt, language]) => ({
  path, when, headline, source, excerpt, language,
  all: fold(`${headline}\n${section}\n${source}\n${excerpt}`).out,
  title: fold(headline).out,
}));

// A word of the search begins a word of the text; the Arabic article and one-letter prefixes may stand before.
function finder(word) {
  const quoted = word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");
  return new RegExp(`(?<![\\p{L}\\p{N}])((?:[وفبكل]?ال|لل|[وفبكل])?${quoted})`, "u");
}

function marked(text, finders) {
  const { out, places } = fold(text);
  const spans = [];
  for (const find of finders) {
    for (const hit of out.matchAll(new RegExp(find.source, "gu"))) {
      spans.push([places[hit.index], places[hit.index + hit[0].length]]);
    }
  }
  spans.sort((a, b) => a[0] - b[0]);
  const nodes = [];
  let at = 0;
  for (const [from, to] of spans) {
    if (from < at) continue;
    nodes.push(text.slice(at, from));
    const mark = document.createElement("mark");
    mark.textContent = text.slice(from, to);
    nodes.push(mark);
    at = to;
  }
  nodes.push(text.slice(at));
  return nodes;
}

function shown(article, finders) {
  const item = document.createElement("li");
  const link = document.createElement("a");
  link.href = results.dataset.root + article.path;
  link.append(...marked(article.headline, finders));
  const when = document.createElement("span");
  when.className = "when";
  when.append(...[article.source, article.when].filter(Boolean).join(" · "));
  const excerpt = document.createElement("p");
  excerpt.append(...marked(article.excerpt, finders));
  if (article.language !== results.dataset.language) {
    link.lang = excerpt.lang = article.language;
    link.dir = excerpt.dir = "auto";
  }
  item.append(link, when, excerpt);
  return item;
}

function search() {
  const words = fold(input.value.normalize("NFC")).out.split(/[^\p{L}\p{N}]+/u).filter(Boolean);
  const finders = words.map(finder);
  const hits = words.length ? articles.filter((one) => finders.every((find) => find.test(one.all))) : [];
  const weight = (one) => finders.filter((find) => find.test(one.title)).length;
  hits.sort((a, b) => weight(b) - weight(a));
  results.replaceChildren(...hits.slice(0, MOST).map((one) => shown(one, finders)));
  count.textContent = !words.length ? "" : hits.length ? `${count.dataset.found} ${hits.length}` : count.dataset.nothing;
  const address = new URL(location.href);
  if (words.length) address.searchParams.set("q", input.value);
  else address.searchParams.delete("q");
  try {
    history.replaceState(null, "", address);
  } catch {
    // A page opened from a folder may not change its address.
  }
}

document.getElementById("search").hidden = false;
document.getElementById("search").addEventListener("submit", (event) => event.preventDefault());
input.addEventListener("input", search);
input.value = new URLSearchParams(location.search).get("q") ?? "";
search();
