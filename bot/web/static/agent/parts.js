// Keeps the list and the open conversation as they are now, without taking what is being written away.
const PARTS = ["head", "log", "foot", "card"];
const shown = new WeakMap();
let rowsTimer, caseTimer, wanted = 0, missed = false, pressing = false;

// The next key writes the answer, on a screen where that does not open a keyboard.
function ready() {
  if (matchMedia("(min-width: 821px)").matches) document.getElementById("text")?.focus();
}

export const current = () => document.getElementById("case")?.dataset.conversation;

export function startParts(shell) {
  document.body.addEventListener("htmx:afterSettle", (event) => {
    if (event.detail.target?.id === "case" || event.target?.id === "case") {
      document.body.classList.toggle("open", Boolean(current()));
      toEnd();
      ready();
    }
    choose();
    ages();
  });
  // Seldom opened, so filled only then. A toggle does not bubble.
  shell.addEventListener("toggle", (event) => {
    const list = event.target.matches("details.teach[open]") && event.target.querySelector("select");
    if (list && list.options.length === 1) list.append(document.getElementById("intents").content.cloneNode(true));
  }, true);
  shell.addEventListener("click", (event) => {
    const link = event.target.closest("a");
    if (link?.classList.contains("card-link")) {
      event.preventDefault();
      document.getElementById("card").classList.toggle("shown");
    } else if (link?.dataset.alarm) link.remove();
    if (event.target.id === "card-close") document.getElementById("card").classList.remove("shown");
    if (event.target.id === "older") older();
    for (const menu of document.querySelectorAll("details.menu[open]"))
      if (!menu.contains(event.target)) menu.open = false;
    const card = document.querySelector(".card.shown");
    if (card && !card.contains(event.target) && !link?.classList.contains("card-link")) card.classList.remove("shown");
  });
  // What had to wait while somebody chose from a list or pressed a button is shown as soon as they have.
  const catchUp = () => { if (missed) { missed = false; refreshCase(); } };
  shell.addEventListener("focusout", catchUp);
  // Lists and days open a window of the browser's own, which may keep the end of the press to itself.
  shell.addEventListener("pointerdown", (event) => { pressing = Boolean(event.target.closest("button, summary, a")); }, true);
  for (const end of ["pointerup", "pointercancel", "blur"])
    addEventListener(end, () => setTimeout(() => { pressing = false; catchUp(); }), true);
  ready();
  toEnd();
}

export function heard(event) {
  // Neither is to be seen in a list or its tabs: a shift that begins does not make everybody fetch for everybody.
  if (event.kind !== "message_status" && event.kind !== "presence") refreshRows();
  if (event.conversation && event.conversation === current()) refreshCase();
}

export function refreshRows() {
  // What comes meanwhile is in it; it does not put it off, or a busy desk would never see its list again.
  rowsTimer ??= setTimeout(() => {
    rowsTimer = undefined;
    const rows = document.getElementById("rows");
    if (!rows || rows.dataset.slug === "cari") return;
    const query = new URLSearchParams(new FormData(document.getElementById("filters")));
    const top = rows.scrollTop;
    htmx.ajax("GET", `/agent/kotak/${rows.dataset.slug}?${query}`, { target: "#rows", swap: "outerHTML" })
      .then(() => { const fresh = document.getElementById("rows"); if (fresh) fresh.scrollTop = top; });
  }, 60);
}

export function refreshCase(lines = 0) {
  clearTimeout(caseTimer);
  wanted = Math.max(wanted, lines);
  caseTimer = setTimeout(async () => {
    const open = document.getElementById("case");
    const conversation = current();
    if (!conversation) return;
    const count = Math.max(Number(open.dataset.lines), wanted);
    wanted = 0;
    const answer = await fetch(`/agent/kotak/${open.dataset.slug}/${conversation}/segar?baris=${count}`, {
      headers: { "X-Requested-By": "lawang" },
    }).catch(() => null);
    if (!answer?.ok || current() !== conversation) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const id of PARTS) put(document.getElementById(id), fresh.getElementById(id));
    const now = document.getElementById("case");
    const next = fresh.getElementById("case");
    now.dataset.state = next.dataset.state;
    now.dataset.lines = next.dataset.lines;
    ages();
  }, 40);
}

function put(old, fresh) {
  if (!old || !fresh) return;
  if (old.id === "foot" && old.dataset.state === fresh.dataset.state) return;
  const html = fresh.innerHTML;
  if (shown.get(old) === html) return;
  const active = old.contains(document.activeElement) ? document.activeElement : null;
  // A list that is open, a field that could not be found again, or a button that is being pressed is not taken
  // from under somebody's hand.
  if (pressing || active?.matches("select") || (active?.matches("textarea, input") && active.value && !active.id)) { missed = true; return; }
  const low = old.scrollHeight - old.scrollTop - old.clientHeight;
  const opened = [...old.querySelectorAll("details[open][id]")].map((one) => [one.id, fields(one).map((field) => [field.name, field.value, field.checked])]);
  const typed = [...old.querySelectorAll("textarea[id], input[id]:not([type=hidden]):not([type=file])")].map((one) => [one.id, one.value]);
  const marked = active?.matches("textarea") ? [active.selectionStart, active.selectionEnd] : null;
  const kept = [...old.querySelectorAll("[data-kept]")].map((one) => [one.id, [...one.childNodes]]);
  if (old.id === "log") old.classList.add("calm");
  old.replaceChildren(...fresh.childNodes);
  for (const [name, value] of [["data-state", fresh.dataset.state]]) if (value) old.setAttribute(name, value);
  shown.set(old, html);
  for (const [id, value] of typed) { const one = document.getElementById(id); if (one && value) one.value = value; }
  for (const [id, given] of opened) reopen(document.getElementById(id), given);
  for (const [id, nodes] of kept) if (nodes.length) document.getElementById(id)?.replaceChildren(...nodes);
  const again = active?.id ? document.getElementById(active.id) : null;
  again?.focus({ preventScroll: true });
  if (marked) again?.setSelectionRange(...marked);
  htmx.process(old);
  if (old.id === "log") old.scrollTop = low < 80 ? old.scrollHeight : old.scrollHeight - old.clientHeight - low;
}

// What somebody may have changed in an open dialog, in the order of the page.
function fields(dialog) {
  return [...dialog.querySelectorAll("textarea, select, input:not([type=hidden]):not([type=file])")];
}

function reopen(dialog, given) {
  if (!dialog) return;
  dialog.open = true;
  for (const [place, field] of fields(dialog).entries()) {
    const [name, value, checked] = given[place] ?? [];
    if (field.name !== name) continue;
    if (field.matches("[type=radio], [type=checkbox]")) field.checked = checked;
    else if (value) field.value = value;
  }
}

function older() {
  const log = document.getElementById("log");
  const low = log.scrollHeight - log.scrollTop;
  new MutationObserver((_, watcher) => { watcher.disconnect(); log.scrollTop = log.scrollHeight - low; }).observe(log, { childList: true });
  refreshCase(Number(document.getElementById("case").dataset.lines) + 50);
}

function toEnd() {
  const log = document.getElementById("log");
  if (log) log.scrollTop = log.scrollHeight;
}

export function choose() {
  for (const row of document.querySelectorAll(".row[data-conversation]")) {
    const chosen = row.dataset.conversation === current();
    row.classList.toggle("chosen", chosen);
    const link = row.querySelector("a");
    if (chosen) link.setAttribute("aria-current", "true"); else link.removeAttribute("aria-current");
  }
}

export function ages() {
  const units = [[86400, "h"], [3600, "j"], [60, "m"]];
  const names = JSON.parse(document.getElementById("words").textContent);
  for (const time of document.querySelectorAll("time.age")) {
    const seconds = (Date.now() - Date.parse(time.dateTime)) / 1000;
    const unit = units.find(([size]) => seconds >= size);
    time.textContent = unit ? names[`age_${unit[1]}`].replace("{count}", Math.floor(seconds / unit[0])) : names.age_now;
  }
}
