// Follows the conversation over server-sent events and comes back after every break, from the last id.
import { refusal, request } from "./session.js";

const SILENCE = 30_000;

export class Stream {
  constructor({ message, progress, link }) {
    this.handlers = { message, progress };
    this.link = link;
    this.last = 0;
    this.heard = 0;
    this.started = false;
    this.wake = () => {};
  }

  start() {
    if (this.started) return;
    this.started = true;
    this.run();
    setInterval(() => { if (Date.now() - this.heard > SILENCE) this.controller?.abort(); }, 5_000);
  }

  // Looks again now: the network came back, or the tab was asleep.
  hurry() {
    if (Date.now() - this.heard > SILENCE / 2) this.controller?.abort();
    this.wake();
  }

  async run() {
    let pause = 500;
    for (;;) {
      try {
        this.controller = new AbortController();
        this.heard = Date.now();
        const response = await request(`/chat/stream?after=${this.last}`, { signal: this.controller.signal });
        if (!response.ok) throw await refusal(response);
        this.link(true);
        pause = 500;
        await this.read(response.body);
      } catch (error) {
        this.link(false);
        await this.rest((error.retryAfter ?? 0) * 1000 || pause * (0.75 + Math.random() / 2));
        pause = Math.min(pause * 2, 8_000);
      }
    }
  }

  async read(body) {
    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      this.heard = Date.now();
      const blocks = (rest + value).split("\n\n");
      rest = blocks.pop();
      blocks.forEach((block) => this.dispatch(block));
    }
  }

  dispatch(block) {
    const fields = {};
    for (const line of block.split("\n")) {
      const colon = line.indexOf(": ");
      if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
    }
    if (!fields.data) return;
    if (fields.id) this.last = Math.max(this.last, Number(fields.id));
    this.handlers[fields.event]?.(JSON.parse(fields.data));
  }

  rest(milliseconds) {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.wake = () => { clearTimeout(timer); resolve(); };
    });
  }
}
