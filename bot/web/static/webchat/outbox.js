// Messages on their way: kept until the city has stored them, sent one by one, in order, under one client_id.
import { forgetPhoto, keep, keepPhoto, recall, recallPhoto } from "./memory.js";
import { refusal, request } from "./session.js";

const listeners = { sent: () => {}, failed: () => {} };
let queue = recall("outbox") ?? [];
let running = false;
let wake = () => {};

export const waiting = () => queue;

export function on(event, handler) {
  listeners[event] = handler;
}

export function clientId() {
  if (crypto.randomUUID) return crypto.randomUUID();
  // Plain http outside localhost has no randomUUID.
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  bytes[6] = (bytes[6] & 0x0f) | 0x40;
  bytes[8] = (bytes[8] & 0x3f) | 0x80;
  const hex = [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join("-");
}

export async function put(entry, blob = null) {
  if (blob) await keepPhoto(entry.client_id, blob);
  queue.push(entry);
  save();
  flush();
}

// Tries at once instead of after the pause.
export function hurry() {
  wake();
  flush();
}

// The stream showed this message: the city has it, whatever became of our request.
export function confirmed(clientId) {
  if (queue.some((entry) => entry.client_id === clientId)) drop(clientId);
}

export async function flush() {
  if (running || queue.length === 0) return;
  running = true;
  let pause = 500;
  while (queue.length > 0) {
    const entry = queue[0];
    try {
      const receipt = await deliver(entry);
      drop(entry.client_id);
      listeners.sent(entry, receipt);
      pause = 500;
    } catch (error) {
      const final = error.status >= 400 && error.status < 500 && ![401, 408, 429].includes(error.status);
      if (final) {
        queue = queue.filter((other) => other !== entry);
        save();
        listeners.failed(entry, error.message);
        continue;
      }
      await rest((error.retryAfter ?? 0) * 1000 || pause);
      pause = Math.min(pause * 2, 8000);
    }
  }
  running = false;
}

async function deliver(entry) {
  if (entry.has_photo && !entry.body.photo) {
    const blob = await recallPhoto(entry.client_id);
    if (blob) {
      const form = new FormData();
      form.append("photo", blob, "foto");
      const upload = await request("/chat/photos", { method: "POST", body: form });
      if (!upload.ok) throw await refusal(upload);
      entry.body.photo = (await upload.json()).media_id;
      save();
    }
  }
  const response = await request("/chat/messages", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ client_id: entry.client_id, ...entry.body }),
  });
  if (!response.ok) throw await refusal(response);
  return response.json();
}

function drop(clientId) {
  queue = queue.filter((entry) => entry.client_id !== clientId);
  save();
  forgetPhoto(clientId);
}

function save() {
  keep("outbox", queue.length ? queue : null);
}

function rest(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, milliseconds);
    wake = () => { clearTimeout(timer); resolve(); };
  });
}
