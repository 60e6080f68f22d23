// The list of messages: order, days, groups, ticks, and where the reader is.
import { bubble, choose, rest, tick } from "./bubble.js";
import { make } from "./nodes.js";
import { dayKey, dayName, say } from "./words.js";

const NEAR = 90;

export class Talk {
  constructor(handlers) {
    this.log = document.getElementById("log");
    this.list = document.getElementById("messages");
    this.pill = document.getElementById("pill");
    this.typing = document.getElementById("typing");
    this.welcome = document.getElementById("starters");
    this.handlers = handlers;
    this.byId = new Map();
    this.byClient = new Map();
    this.handledUpto = 0;
    this.unread = 0;
    this.log.addEventListener("scroll", () => { if (this.atEnd()) this.seen(); }, { passive: true });
    this.pill.addEventListener("click", () => this.toEnd(true));
    new ResizeObserver(() => { if (this.stuck) this.toEnd(); }).observe(this.log);
    new ResizeObserver(() => { if (this.stuck) this.toEnd(); }).observe(this.list);
    this.stuck = true;
    this.log.addEventListener("scroll", () => { this.stuck = this.atEnd(); }, { passive: true });
  }

  // A message of the city's list; the echo of one of ours takes its place.
  add(message) {
    if (this.byId.has(message.id)) return;
    const mine = message.client_id && this.byClient.get(message.client_id);
    const pressed = message.button && !message.text ? this.titleOf(message.button) : null;
    const node = bubble(pressed ? { ...message, text: pressed } : message, this.handlers);
    node.dataset.at = message.created_at;
    if (mine) mine.remove();
    if (message.client_id) this.byClient.set(message.client_id, node);
    this.byId.set(message.id, node);
    this.place(node, message.id);
    if (message.direction === "in") {
      tick(node, message.id <= this.handledUpto || message.status === "handled" ? "handled" : "sent");
      if (message.button) this.markChosen(message.button);
      if (message.location) this.placeShared();
    } else if (message.buttons?.length) this.restBefore(node);
    this.arrived(message.direction === "out");
  }

  // One of ours that the city has not confirmed yet.
  addPending(message) {
    const node = bubble({ ...message, direction: "in", id: "" }, this.handlers);
    node.dataset.at = message.created_at;
    this.byClient.set(message.client_id, node);
    this.list.append(node);
    this.tidy();
    tick(node, "waiting");
    this.welcome.hidden = true;
    this.toEnd();
    return node;
  }

  confirm(clientId) {
    const node = this.byClient.get(clientId);
    if (node && !node.dataset.id) tick(node, "sent");
  }

  progress({ handled_upto: upto }) {
    this.handledUpto = upto;
    for (const [id, node] of this.byId) if (id <= upto && node.classList.contains("own")) tick(node, "handled");
  }

  markChosen(token) {
    const button = this.buttonOf(token);
    if (button) choose(button.closest(".message"), token);
  }

  // A new offer ends the older ones, as it does in the city's books.
  restBefore(node) {
    for (const other of this.list.querySelectorAll(".message:has(.choices)")) {
      if (other === node) break;
      rest(other);
    }
  }

  placeShared() {
    for (const button of this.list.querySelectorAll("[data-place]")) button.disabled = true;
  }

  buttonOf(token) {
    return this.list.querySelector(`[data-token="${CSS.escape(token)}"]`);
  }

  titleOf(token) {
    return this.buttonOf(token)?.dataset.title;
  }

  place(node, id) {
    let next = null;
    for (const other of [...this.list.querySelectorAll(".message")].reverse()) {
      const otherId = Number(other.dataset.id || Infinity);
      if (otherId < id) break;
      next = other;
    }
    this.list.insertBefore(node, next);
    this.tidy();
    this.welcome.hidden = true;
  }

  // Day lines and groups follow from the order alone.
  tidy() {
    for (const line of this.list.querySelectorAll(".day")) line.remove();
    let day = "";
    let before = null;
    for (const node of this.list.querySelectorAll(".message")) {
      const at = new Date(node.dataset.at);
      const own = node.classList.contains("own");
      const newDay = dayKey(at) !== day;
      if (newDay) {
        day = dayKey(at);
        node.before(make("p", { class: "day" }, make("time", { datetime: day }, dayName(at))));
      }
      node.classList.toggle("joined", !newDay && before === own);
      before = own;
    }
  }

  showTyping(on) {
    if (this.typing.hidden === !on) return;
    this.typing.hidden = !on;
    if (this.stuck) this.toEnd();
  }

  arrived(foreign) {
    if (this.stuck) this.toEnd();
    else if (foreign) {
      this.unread += 1;
      this.pill.querySelector("span").textContent =
        this.unread === 1 ? say("log.new_one") : say("log.new_many", { count: this.unread });
      this.pill.hidden = false;
    }
  }

  atEnd() {
    return this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < NEAR;
  }

  toEnd(focus = false) {
    this.log.scrollTop = this.log.scrollHeight;
    this.stuck = true;
    this.seen();
    if (focus) this.log.focus({ preventScroll: true });
  }

  seen() {
    this.unread = 0;
    this.pill.hidden = true;
  }
}
