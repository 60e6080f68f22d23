// Lawang's chat on another site: <script src="…/widget.js" defer></script>. Optional: data-tenant, data-side="left".
(() => {
  const script = document.currentScript;
  const home = new URL(script.src).origin;
  const words = {{ {"open": t("webchat.widget.open"), "close": t("webchat.widget.close"), "frame": t("webchat.widget.frame")}|tojson }};
  const tenant = script.dataset.tenant || {{ tenant.id|tojson }};
  const side = script.dataset.side === "left" ? "left" : "right";
  if (document.getElementById("lawang-widget")) return;

  const host = document.createElement("div");
  host.id = "lawang-widget";
  const root = host.attachShadow({ mode: "open" });
  // A constructed sheet works under the strictest style-src and touches nothing of the site.
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(`
    :host { all: initial; position: fixed; z-index: 2147483000; bottom: max(16px, env(safe-area-inset-bottom)); ${side}: 16px; }
    button { display: flex; align-items: center; gap: 10px; min-height: 56px; padding: 6px 22px 6px 10px; border: 0;
      border-radius: 28px; background: #0b4a56; color: #fff; font: 600 16px/1.2 system-ui, sans-serif; cursor: pointer;
      box-shadow: 0 6px 20px rgb(0 0 0 / 28%); }
    button:hover { background: #0e5a68; }
    button:focus-visible { outline: 3px solid #f2a27c; outline-offset: 3px; }
    svg { width: 44px; height: 44px; }
    iframe { position: fixed; bottom: max(16px, env(safe-area-inset-bottom)); ${side}: 16px; width: 400px; height: min(680px, calc(100dvh - 32px)); border: 0;
      border-radius: 18px; background: #f5f1ea; box-shadow: 0 12px 44px rgb(0 0 0 / 34%); color-scheme: normal; }
    [hidden] { display: none; }
    @media (max-width: 520px) { iframe { inset: 0; width: 100%; height: 100dvh; border-radius: 0; } }
  `);
  root.adoptedStyleSheets = [sheet];

  const svg = (tag, attributes) => {
    const node = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
    return node;
  };
  const mark = svg("svg", { viewBox: "0 0 64 64", "aria-hidden": "true" });
  mark.append(
    svg("path", { fill: "#fff5e9", d: "M16 2h32a14 14 0 0 1 14 14v26a14 14 0 0 1-14 14H25L11 63c-1.2.6-2.5-.4-2.3-1.7L9.6 54A14 14 0 0 1 2 42V16A14 14 0 0 1 16 2Z" }),
    svg("path", { fill: "#b04a22", d: "M28 9v41H8v-4h3v-3h3V30h-2.5v-3.5H15V23h3v-3.5h3V16h3v-4h2V9Zm8 0v41h20v-4h-3v-3h-3V30h2.5v-3.5H49V23h-3v-3.5h-3V16h-3v-4h-2V9Z" }),
  );
  const button = document.createElement("button");
  button.type = "button";
  button.setAttribute("aria-expanded", "false");
  button.append(mark, words.open);
  root.append(button);

  let frame = null;
  const show = (open) => {
    if (open && !frame) {
      frame = document.createElement("iframe");
      frame.title = words.frame;
      frame.allow = "geolocation; camera";
      frame.src = `${home}/?sematan=1&tenant=${encodeURIComponent(tenant)}`;
      root.append(frame);
    }
    if (frame) frame.hidden = !open;
    button.hidden = open;
    button.setAttribute("aria-expanded", String(open));
    if (open) frame.focus();
    else button.focus();
  };
  button.addEventListener("click", () => show(true));
  window.addEventListener("message", (event) => {
    if (frame && event.source === frame.contentWindow && event.origin === home && event.data?.lawang === "close") show(false);
  });
  document.addEventListener("keydown", (event) => { if (event.key === "Escape" && frame && !frame.hidden) show(false); });
  if (document.body) document.body.append(host);
  else document.addEventListener("DOMContentLoaded", () => document.body.append(host));
})();
