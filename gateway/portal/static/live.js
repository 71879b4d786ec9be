// The desk's live updates: what htmx and its extension do not do by themselves.
"use strict";

const MOST_NEWS = 50;
const seen = new Set(); // places in the feed
const by = (id) => document.getElementById(id);
let newest = null; // the line that stood on top before

function say(words, colour) {
  by("live").textContent = words;
  by("live").className = `badge bg-${colour}`;
}

// After an answer that is no stream (a proxy's, while the gateway is away) the extension begins a new one, which
// starts where the page did: what was shown is not shown again.
function takeAwayWhatWasShown() {
  for (let line = by("news").firstElementChild, next; line !== newest; line = next) {
    next = line.nextElementSibling;
    if (seen.has(line.dataset.place)) line.remove();
    seen.add(line.dataset.place);
  }
  newest = by("news").firstElementChild;
}

document.addEventListener("htmx:sseMessage", (event) => {
  if (event.detail.type !== "news") return;
  takeAwayWhatWasShown();
  by("nothing-yet").hidden = true;
  while (by("news").children.length > MOST_NEWS) by("news").lastElementChild.remove();
});
document.addEventListener("htmx:sseOpen", () => {
  say("collegato", "success");
  htmx.trigger("#visits", "again"); // whatever happened while it was not
});
document.addEventListener("htmx:sseError", () => say("collegamento…", "secondary"));
document.addEventListener("htmx:sseClose", () => say("terminato", "danger"));
