// The session pass, fetched with the first message, and requests that carry it.
import { data } from "./words.js";
import { keep, recall } from "./memory.js";

let opening = null;

export const known = () => recall("pass") !== null;

export async function pass() {
  const token = recall("pass");
  if (token) return token;
  opening ??= open().finally(() => { opening = null; });
  return opening;
}

async function open() {
  const response = await fetch("/chat/sessions", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ tenant: data.tenant }),
  });
  if (!response.ok) throw await refusal(response);
  const { token } = await response.json();
  keep("pass", token);
  return token;
}

// Sends a request with the pass. A pass the city no longer knows is replaced once.
export async function request(path, options = {}, again = true) {
  const token = await pass();
  const response = await fetch(path, { ...options, headers: { ...options.headers, Authorization: `Bearer ${token}` } });
  if (response.status === 401 && again) {
    if (recall("pass") === token) keep("pass", null);
    return request(path, options, false);
  }
  return response;
}

export class Refusal extends Error {
  constructor(status, detail, retryAfter) {
    super(detail);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

export async function refusal(response) {
  const problem = await response.json().catch(() => ({}));
  const wait = Number(response.headers.get("Retry-After")) || 0;
  return new Refusal(response.status, problem.detail ?? "", wait);
}
