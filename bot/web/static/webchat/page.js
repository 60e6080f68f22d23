// Ties the page together: composer → outbox → city → stream → talk.
import { trouble } from "./bubble.js";
import { Composer } from "./composer.js";
import { recallPhoto } from "./memory.js";
import * as outbox from "./outbox.js";
import { known } from "./session.js";
import { Stream } from "./stream.js";
import { Talk } from "./talk.js";
import { data, say } from "./words.js";

const talk = new Talk({ press: (choice) => post({ button: choice.token }, null, choice.title), share: () => composer.share() });
const composer = new Composer(post);
const link = document.getElementById("link");
const owner = document.getElementById("owner");
let online = true;
let settled = false;
let owned = "bot";
let expecting = 0;

const stream = new Stream({
  message(message) {
    if (message.client_id) outbox.confirmed(message.client_id);
    talk.add(message);
    refreshTyping();
  },
  progress(progress) {
    owned = progress.owner;
    expecting = progress.waiting;
    talk.progress(progress);
    owner.hidden = owned === "bot";
    owner.textContent = owned === "bot" ? "" : say(`state.${owned}`);
    refreshTyping();
    settle();
  },
  link(up) {
    online = up;
    refreshLink();
  },
});

function post(body, photo = null, title = null) {
  const entry = { client_id: outbox.clientId(), body, at: new Date().toISOString(), has_photo: Boolean(photo), title };
  show(entry, photo?.address);
  if (body.button) talk.markChosen(body.button);
  if (body.location) talk.placeShared();
  outbox.put(entry, photo?.blob);
  refreshTyping();
  stream.start();
}

function show(entry, address = null) {
  return talk.addPending({
    client_id: entry.client_id,
    created_at: entry.at,
    text: entry.title ?? entry.body.text,
    location: entry.body.location,
    photos: address ? [address] : [],
  });
}

outbox.on("sent", (entry) => {
  talk.confirm(entry.client_id);
  refreshTyping();
});

outbox.on("failed", (entry, detail) => {
  const node = talk.byClient.get(entry.client_id);
  if (!node) return;
  const discard = () => talk.byClient.delete(entry.client_id);
  trouble(node, detail, async () => {
    const blob = entry.has_photo ? await recallPhoto(entry.client_id) : null;
    node.remove();
    discard();
    const { photo, ...body } = entry.body;
    post(blob ? body : entry.body, blob ? { blob, address: URL.createObjectURL(blob) } : null, entry.title);
  }, discard);
  refreshTyping();
});

function refreshTyping() {
  const unanswered = expecting > 0 || (online && outbox.waiting().length > 0);
  talk.showTyping(unanswered && owned === "bot");
}

function refreshLink() {
  const state = !navigator.onLine ? "state.offline" : online ? null : "state.reconnecting";
  link.hidden = state === null;
  link.textContent = state ? say(state) : "";
  refreshTyping();
}

// New messages are read out only once the history is in its place.
function settle() {
  if (settled) return;
  settled = true;
  talk.toEnd();
  setTimeout(() => talk.log.setAttribute("aria-live", "polite"), 500);
}

function hurry() {
  refreshLink();
  outbox.hurry();
  stream.hurry();
}

for (const button of document.querySelectorAll("[data-say]")) {
  button.addEventListener("click", () => { post({ text: button.dataset.say }); composer.text.focus(); });
}
window.addEventListener("online", hurry);
window.addEventListener("offline", refreshLink);
document.addEventListener("visibilitychange", () => { if (!document.hidden) hurry(); });
document.getElementById("close")?.addEventListener("click", () => window.parent.postMessage({ lawang: "close" }, "*"));

for (const entry of outbox.waiting()) {
  const blob = entry.has_photo ? await recallPhoto(entry.client_id) : null;
  show(entry, blob ? URL.createObjectURL(blob) : null);
}
if (known() || outbox.waiting().length > 0) stream.start();
else settle();
outbox.flush();
refreshLink();
if (!data.embedded && matchMedia("(hover: hover) and (pointer: fine)").matches) composer.text.focus();
