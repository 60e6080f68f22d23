// The top of the page renews itself while somebody looks; a page in the background asks for nothing.
const EVERY_MS = 10_000;
const part = document.getElementById("saat-ini");

async function renew() {
  if (document.hidden) return;
  const answer = await fetch("/agent/pimpinan/saat-ini", { headers: { "X-Requested-By": "lawang" } });
  if (answer.status === 401) location.reload();
  if (answer.ok) part.innerHTML = await answer.text();
}

setInterval(() => renew().catch(() => {}), EVERY_MS);
document.addEventListener("visibilitychange", () => renew().catch(() => {}));
