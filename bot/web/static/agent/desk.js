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
follow(shell, (event) => {
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
document.body.addEventListener("htmx:sendError", () => toast(words.offline, true));
document.body.addEventListener("htmx:configRequest", (event) => {
  // Every deed carries a key of its own: sent twice, it is done once.
  const params = event.detail.parameters;
  if (params.has?.("kunci") && !params.get("kunci")) params.set("kunci", crypto.randomUUID());
});
choose();
ages();
setInterval(ages, 30_000);
