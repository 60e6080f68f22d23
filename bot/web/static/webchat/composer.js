// Where the citizen writes: text, photos, position. Hands finished messages to `send`.
import { keep, recall } from "./memory.js";
import { Previews } from "./photo.js";
import { whereAmI } from "./place.js";
import { number, say } from "./words.js";

const MAX_TEXT = 5000;

export class Composer {
  constructor(send) {
    const find = (id) => document.getElementById(id);
    this.send = send;
    this.text = find("text");
    this.left = find("left");
    this.notice = find("notice");
    this.attach = find("attach");
    this.menu = find("attach-menu");
    const list = find("previews");
    this.previews = new Previews(
      list,
      () => { list.hidden = this.previews.photos.length === 0; },
      (sentence) => this.complain(sentence),
    );
    find("composer").addEventListener("submit", (event) => { event.preventDefault(); this.submit(); });
    this.text.value = recall("draft") ?? "";
    this.text.addEventListener("input", () => this.typed());
    this.text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.submit();
    });
    this.text.addEventListener("paste", (event) => this.take(event, event.clipboardData));
    document.addEventListener("dragover", (event) => event.preventDefault());
    document.addEventListener("drop", (event) => this.take(event, event.dataTransfer));
    this.wireMenu(find);
    this.typed();
  }

  wireMenu(find) {
    this.attach.addEventListener("click", () => this.openMenu(this.menu.hidden));
    document.addEventListener("click", (event) => {
      if (!this.menu.hidden && !event.target.closest(".attach")) this.openMenu(false);
    });
    document.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.menu.hidden) return;
      this.openMenu(false);
      this.attach.focus();
    });
    for (const [button, input] of [["pick-photo", "photo-file"], ["take-photo", "camera-file"]]) {
      find(button).addEventListener("click", () => { this.openMenu(false); find(input).click(); });
      find(input).addEventListener("change", async () => {
        this.quiet();
        const files = [...find(input).files];
        find(input).value = "";
        await this.previews.add(files);
        this.text.focus();
      });
    }
    find("share-place").addEventListener("click", () => { this.openMenu(false); this.share(); });
  }

  openMenu(open) {
    this.menu.hidden = !open;
    this.attach.setAttribute("aria-expanded", String(open));
    if (open) [...this.menu.querySelectorAll("button")].find((button) => button.offsetParent)?.focus();
  }

  take(event, transfer) {
    const files = [...(transfer?.files ?? [])];
    if (event.type === "drop") event.preventDefault();
    if (!files.length) return;
    event.preventDefault();
    this.quiet();
    this.previews.add(files);
  }

  async share() {
    this.tell(say("place.asking"), false);
    try {
      const location = await whereAmI();
      this.quiet();
      this.send({ location });
    } catch (error) {
      this.complain(error.message);
    }
  }

  typed() {
    const free = MAX_TEXT - this.length();
    this.left.classList.toggle("over", free < 0);
    if (free < 0) this.left.textContent = say("composer.over", { count: number(-free) });
    else this.left.textContent = free <= 300 ? say("composer.left", { count: number(free) }) : "";
    if (!CSS.supports("field-sizing", "content")) {
      this.text.rows = Math.min(6, this.text.value.split("\n").length);
    }
    keep("draft", this.text.value || null);
  }

  // Counted as the city counts: characters, not UTF-16 units.
  length() {
    return [...this.text.value.trim()].length;
  }

  submit() {
    const text = this.text.value.trim();
    if (this.length() > MAX_TEXT) {
      this.text.focus();
      return;
    }
    const photos = this.previews.take();
    if (!text && photos.length === 0) {
      this.text.focus();
      return;
    }
    this.quiet();
    this.text.value = "";
    this.typed();
    photos.forEach(({ blob, address }, place) => this.send(place === 0 && text ? { text } : {}, { blob, address }));
    if (photos.length === 0) this.send({ text });
    this.text.focus();
  }

  complain(sentence) {
    this.tell(sentence, true);
  }

  tell(sentence, bad) {
    this.notice.textContent = sentence;
    this.notice.classList.toggle("calm", !bad);
    this.notice.hidden = false;
  }

  quiet() {
    this.notice.hidden = true;
    this.notice.textContent = "";
  }
}
