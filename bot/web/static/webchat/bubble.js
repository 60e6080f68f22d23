// One message as an element: words, pictures, places, files, choices, time and tick.
import { icon, linked, make, outside, safe, spoken, unseen } from "./nodes.js";
import { clock, say } from "./words.js";

const LONG = { in: 600, out: 1500 };
const LINES = { in: 12, out: 30 };

// `press` gets a button, `share` asks for the citizen's position.
export function bubble(message, { press, share }) {
  const own = message.direction === "in";
  const body = make("div", { class: "bubble" }, unseen(own ? `${say("log.you")}: ` : `${say("log.city")}: `));
  for (const picture of message.photos ?? []) body.append(photo(picture, say("log.photo")));
  for (const item of message.attachments ?? []) body.append(attachment(item));
  if (message.location) body.append(place(message.location));
  if (message.text) body.append(...words(message.text, message.direction));
  else if (body.childNodes.length === 1) body.append(make("em", {}, say("log.unsupported")));
  body.append(stamp(message, own));
  const node = make("article", { class: own ? "message own" : "message", "data-id": message.id }, body);
  if (!own) {
    const row = choices(message, press, share);
    if (row) node.append(row);
  }
  return node;
}

function words(text, direction) {
  const node = make("div", { class: "words" }, ...(direction === "out" ? spoken(text) : linked(text)));
  const long = text.length > LONG[direction] || text.split("\n").length > LINES[direction];
  if (!long) return [node];
  node.classList.add("clamped");
  const more = make("button", { type: "button", class: "more", "aria-expanded": "false" }, say("log.more"));
  more.addEventListener("click", () => {
    const open = !node.classList.toggle("clamped");
    more.setAttribute("aria-expanded", String(open));
    more.textContent = say(open ? "log.less" : "log.more");
  });
  return [node, more];
}

function photo(address, alt) {
  const href = safe(address) ?? (address.startsWith("blob:") ? address : null);
  const image = make("img", { src: href, alt, loading: "lazy", decoding: "async" });
  if (!href || href.startsWith("blob:")) return make("span", { class: "picture" }, image);
  const link = outside(href, image);
  link.className = "picture";
  return link;
}

function attachment(item) {
  const href = safe(item.url ?? "");
  if (!href) return make("span", { class: "file" }, icon("file"), item.title || say("log.file"));
  if (item.kind === "image" && new URL(href).origin === location.origin) return photo(href, item.title || say("log.picture"));
  const link = outside(href, icon(item.kind === "document" ? "file" : "link"), make("span", {}, item.title || href));
  link.className = "file";
  return link;
}

function place({ lat, lon }) {
  const [shownLat, shownLon] = [Number(lat).toFixed(5), Number(lon).toFixed(5)];
  const map = `https://www.openstreetmap.org/?mlat=${shownLat}&mlon=${shownLon}#map=18/${shownLat}/${shownLon}`;
  const text = make("span", {}, say("log.location"), make("small", {}, `${shownLat}, ${shownLon} · `, outside(map, say("log.map"))));
  return make("div", { class: "place" }, icon("pin"), text);
}

function choices(message, press, share) {
  const offered = message.buttons ?? [];
  if (!offered.length && !message.ask_location) return null;
  const row = make("div", { class: "choices", role: "group", "aria-label": say("log.choices") });
  if (message.ask_location) {
    const button = make("button", { type: "button", "data-place": true }, icon("pin"), say("log.share_location"));
    button.addEventListener("click", () => share());
    row.append(button);
  }
  for (const choice of offered) {
    const button = make("button", { type: "button", "data-token": choice.token, "data-title": choice.title, "data-lasting": Boolean(choice.reusable) }, choice.title);
    button.addEventListener("click", () => press(choice));
    row.append(button);
  }
  return row;
}

// Shows which choice was made; the others rest. A lasting one stays ready.
export function choose(node, token) {
  rest(node);
  for (const button of node.querySelectorAll(".choices button[data-token]")) {
    const chosen = button.dataset.token === token && button.disabled;
    if (chosen && !button.classList.contains("chosen")) {
      button.classList.add("chosen");
      button.prepend(icon("tick"));
      button.append(unseen(`, ${say("log.chosen")}`));
    }
  }
}

// The choices of this message no longer count.
export function rest(node) {
  for (const button of node.querySelectorAll(".choices button:not([data-lasting])")) button.disabled = true;
}

function stamp(message, own) {
  const at = new Date(message.created_at);
  const node = make("div", { class: "stamp" }, make("time", { datetime: at.toISOString() }, clock(at)));
  if (own) node.append(make("span", { class: "tick" }));
  return node;
}

const TICKS = { waiting: "clock", sent: "tick", handled: "ticks", failed: "alert" };

export function tick(node, state) {
  const mark = node.querySelector(".tick");
  if (!mark || mark.dataset.state === state) return;
  mark.dataset.state = state;
  mark.className = `tick ${state}`;
  mark.replaceChildren(icon(TICKS[state]), unseen(say(`tick.${state}`)));
}

export function trouble(node, detail, retry, discard) {
  tick(node, "failed");
  const again = make("button", { type: "button" }, say("retry"));
  const away = make("button", { type: "button" }, say("discard"));
  const row = make("div", { class: "trouble", role: "alert" }, make("span", {}, detail || say("tick.failed")), again, away);
  again.addEventListener("click", () => { row.remove(); retry(); });
  away.addEventListener("click", () => { node.remove(); discard(); });
  node.append(row);
}
