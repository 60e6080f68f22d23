// The console's one entrance: wires the parts together.
import { startAlerts } from "./alerts.js";
import { startComposer } from "./composer.js";
import { startKeys } from "./keys.js";
import { follow } from "./live.js";
import { choose, ages, heard, refreshCase, refreshRows, startParts } from "./parts.js";
import { toast, words } from "./toast.js";

const shell = document.getElementById("shell");

startParts(shell);
startComposer(shell);
startKeys();
const alerts = startAlerts(shell);
const state = document.getElementById("state");
const lit = () => { document.getElementById("lamp").className = `lamp ${state.value.split(":")[0]}`; };
state.addEventListener("change", lit);

follow(shell, (event) => {
  if (event.kind === "presence" && event.agent === shell.dataset.agent) {
    // Changed elsewhere: in another tab, or because this agent was silent.
    const now = event.state === "away" ? `away:${event.reason}` : event.state;
    if (![...state.options].some((one) => one.value === now)) state.add(new Option(event.reason ?? event.state, now));
    state.value = now;
    lit();
  }
  heard(event);
  alerts.hear(event);
});

document.body.addEventListener("desk-done", (event) => {
  const said = event.detail.said;
  if (said && words[said]) toast(words[said].replace("{number}", event.detail.number ?? ""));
  const form = event.target.closest?.("form");
  form?.reset();
  form?.closest("details")?.removeAttribute("open");
  refreshCase();
  refreshRows();
});
document.body.addEventListener("htmx:responseError", (event) => {
  const { xhr } = event.detail;
  if (xhr.status === 401) { location.href = "/agent/masuk"; return; }
  const said = new DOMParser().parseFromString(xhr.responseText, "text/html").body.textContent.trim();
  toast(said || words.failed, true);
  if (xhr.status === 409) { refreshCase(); refreshRows(); }
});
document.body.addEventListener("htmx:confirm", (event) => {
  if (!event.detail.question) return;
  event.preventDefault();
  const sure = document.getElementById("sure");
  document.getElementById("sure-question").textContent = event.detail.question;
  sure.returnValue = "no";
  sure.addEventListener("close", () => { if (sure.returnValue === "yes") event.detail.issueRequest(true); }, { once: true });
  sure.showModal();
});
document.body.addEventListener("htmx:sendError", () => toast(words.offline, true));
document.body.addEventListener("htmx:configRequest", (event) => {
  // Every deed carries a key of its own: sent twice, it is done once.
  const params = event.detail.parameters;
  if (params.has?.("kunci") && !params.get("kunci")) params.set("kunci", crypto.randomUUID());
});
choose();
ages();
setInterval(ages, 30_000);
