// Writing to a citizen: Enter sends, "/" offers kept replies, what is unsent survives a change of page.
import { current, refreshCase } from "./parts.js";
import { toast, words } from "./toast.js";

const TYPING = 8000;

export function startComposer(shell) {
  let typed = 0;
  const drafts = (id) => `lawang-draft-${id}`;

  const restore = () => {
    const text = document.getElementById("text");
    if (text && !text.value) text.value = sessionStorage.getItem(drafts(current())) ?? "";
  };
  restore();
  document.body.addEventListener("htmx:afterSettle", restore);

  shell.addEventListener("input", (event) => {
    if (event.target.id !== "text") return;
    sessionStorage.setItem(drafts(current()), event.target.value);
    offer(event.target.value);
    if (event.target.value && Date.now() - typed > TYPING) {
      typed = Date.now();
      post(`/agent/percakapan/${current()}/mengetik`).catch(() => {});
    }
  });
  shell.addEventListener("change", (event) => { if (event.target.id === "file") files(event.target.files); });
  shell.addEventListener("keydown", (event) => {
    if (event.target.id !== "text" || event.isComposing) return;
    const list = document.getElementById("canned");
    if (!list.hidden && choosing(event, list)) return;
    if (event.key === "Enter" && !event.shiftKey) { event.preventDefault(); send(); }
  });
  shell.addEventListener("click", (event) => {
    const one = event.target.closest("#canned [data-shortcut]");
    if (one) fill(one.dataset.shortcut);
  });
  shell.addEventListener("submit", (event) => {
    if (event.target.id !== "composer") return;
    event.preventDefault();
    send();
  });

  async function send() {
    const form = document.getElementById("composer");
    const text = document.getElementById("text");
    const button = document.getElementById("send");
    const conversation = current();
    if (button.disabled || (!text.value.trim() && !form.berkas.files.length)) return;
    // The same key until it has arrived: a try that was answered by nobody is safe to repeat.
    if (!form.kunci.value) form.kunci.value = crypto.randomUUID();
    button.disabled = true;
    try {
      const answer = await post(form.action, new FormData(form));
      if (answer.status === 401) { location.href = "/agent/masuk"; return; }
      if (!answer.ok) {
        const said = new DOMParser().parseFromString(await answer.text(), "text/html").body.textContent.trim();
        toast(said || words.failed, true);
        if (answer.status === 409) refreshCase();
        return;
      }
      sessionStorage.removeItem(drafts(conversation));
      form.reset();
      form.kunci.value = "";
      files([]);
      refreshCase();
    } catch {
      toast(words.offline, true);
    } finally {
      button.disabled = false;
      text.focus();
    }
  }

  function offer(value) {
    const list = document.getElementById("canned");
    const asked = /^\/([a-z0-9_]*)$/i.exec(value);
    list.hidden = !asked;
    if (!asked) return;
    const wanted = asked[1].toLowerCase();
    let first = true;
    for (const one of list.querySelectorAll("[data-shortcut]")) {
      one.hidden = !`${one.dataset.shortcut} ${one.textContent}`.toLowerCase().includes(wanted);
      one.setAttribute("aria-selected", String(!one.hidden && first));
      if (!one.hidden) first = false;
    }
  }

  function choosing(event, list) {
    const shown = [...list.querySelectorAll("[data-shortcut]:not([hidden])")];
    const at = shown.findIndex((one) => one.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") { list.hidden = true; event.stopPropagation(); return true; }
    if (!shown.length) return false;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      const next = (at + (event.key === "ArrowDown" ? 1 : -1) + shown.length) % shown.length;
      shown.forEach((one, index) => one.setAttribute("aria-selected", String(index === next)));
      shown[next].scrollIntoView({ block: "nearest" });
      return true;
    }
    if (event.key === "Enter" || event.key === "Tab") { event.preventDefault(); fill(shown[Math.max(at, 0)].dataset.shortcut); return true; }
    return false;
  }

  async function fill(shortcut) {
    document.getElementById("canned").hidden = true;
    const answer = await fetch(`/agent/percakapan/${current()}/balasan/${shortcut}`, { headers: { "X-Requested-By": "lawang" } }).catch(() => null);
    if (!answer?.ok) { toast(words.failed, true); return; }
    const text = document.getElementById("text");
    text.value = (await answer.json()).text;
    sessionStorage.setItem(drafts(current()), text.value);
    text.focus();
  }

  function files(chosen) {
    const list = document.getElementById("files");
    list.hidden = !chosen.length;
    list.replaceChildren(...[...chosen].map((file) => {
      const item = document.createElement("li");
      item.textContent = file.name;
      return item;
    }));
  }

  const post = (address, body) => fetch(address, { method: "POST", body, headers: { "X-CSRF-Token": shell.dataset.csrf, "X-Requested-By": "lawang" } });
}
