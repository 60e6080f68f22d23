// Everything by keyboard: a control names its key in data-key, and that is all there is to it.
import { current } from "./parts.js";

export function startKeys() {
  const help = document.getElementById("help");
  const opener = document.getElementById("help-open");
  opener.addEventListener("click", () => help.showModal());
  let going = false;

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) return leave();
    if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
    if (event.target.matches("input, textarea, select, [role=option]")) return;
    const key = event.key.toLowerCase();
    if (going) {
      going = false;
      return act(`g ${key}`, event);
    }
    if (key === "g") { going = true; setTimeout(() => { going = false; }, 1500); return; }
    if (key === "j" || key === "k") return move(key === "j" ? 1 : -1, event);
    act(key, event);
  });

  function act(key, event) {
    const fitting = [...document.querySelectorAll(`[data-key="${key.replace(/["\\]/g, "\\$&")}"]`)].filter((one) => one.id === "file" || one.getClientRects().length);
    // Of many messages, the newest is meant.
    const found = fitting.findLast((one) => one.closest("#log")) ?? fitting[0];
    if (!found) {
      if (["n", "l", "s", "i", "q"].includes(key) && current()) {
        document.getElementById("card")?.classList.add("shown");
        const hidden = document.querySelector(`#card [data-key="${key}"]`);
        if (hidden) { event.preventDefault(); use(hidden); }
      }
      return;
    }
    event.preventDefault();
    use(found);
  }

  function use(found) {
    if (found.matches("input:not([type=file]), textarea, select")) { found.focus(); return; }
    found.click();
    if (found.matches("summary") && found.closest("#log")) found.parentElement.scrollIntoView({ block: "nearest" });
    if (found.matches("summary")) found.parentElement.querySelector("form input:not([type=hidden]), form select, form textarea, form button")?.focus();
  }

  function move(step, event) {
    const rows = [...document.querySelectorAll("#rows .row > a")];
    if (!rows.length) return;
    event.preventDefault();
    const at = rows.findIndex((row) => row === document.activeElement);
    const start = at >= 0 ? at : rows.findIndex((row) => row.parentElement.classList.contains("chosen"));
    const next = rows[Math.min(Math.max(start + step, 0), rows.length - 1)];
    next.focus();
    next.scrollIntoView({ block: "nearest" });
  }

  function leave() {
    const menu = document.querySelector("details:is(.menu, .teach, .again)[open]");
    if (menu) { menu.open = false; menu.querySelector("summary").focus(); return; }
    const canned = document.getElementById("canned");
    if (canned && !canned.hidden) return;
    document.querySelector(".card.shown")?.classList.remove("shown");
    if (document.activeElement.matches("input, textarea, select")) document.activeElement.blur();
  }
}
