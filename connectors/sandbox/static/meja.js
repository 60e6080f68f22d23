// Keeps the desk fresh and submits forms without losing the place on the page. Everything works without it.
"use strict";
(() => {
  const main = () => document.getElementById("isi");
  const busy = () => [...document.querySelectorAll("main input:not([type=hidden])")].some((field) => field.value);
  let sending = false;

  const show = (html) => {
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById("isi");
    if (!fresh) return;
    const open = [...main().querySelectorAll("details[open][id]")].map((box) => box.id);
    const focused = document.activeElement && document.activeElement.id;
    main().replaceWith(fresh);
    for (const id of open) document.getElementById(id)?.setAttribute("open", "");
    if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
  };

  document.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (sending) return;
    sending = true;
    const { target: form, submitter } = event;
    try {
      const answer = await fetch(form.action, { method: "POST", body: new URLSearchParams(new FormData(form, submitter)) });
      show(await answer.text());
    } catch {
      form.submit();
    } finally {
      sending = false;
    }
  });

  setInterval(async () => {
    if (document.hidden || sending || busy()) return;
    try {
      const { denyut } = await (await fetch("/meja/denyut")).json();
      if (denyut === main().dataset.denyut || sending || busy()) return;
      const page = new URL(location.href);
      page.searchParams.delete("kabar");
      page.searchParams.delete("galat");
      show(await (await fetch(page)).text());
    } catch {
      // The next beat tries again.
    }
  }, 2000);
})();
