// Durable events over one EventSource: nothing is missed while offline, and the first connect is watched over.
const SILENCE = 30_000; // the server pings every 12 s
const BEAT = 15_000;

export function follow(shell, hear) {
  const lost = document.getElementById("lost");
  let after = Number(shell.dataset.after);
  let source;
  let last = Date.now();
  let beaten = 0;

  const beat = () => {
    if (Date.now() - beaten < BEAT) return;
    beaten = Date.now();
    // On the server's ping, not on a timer: browsers slow timers of background tabs down.
    fetch("/agent/hadir", { method: "POST", headers: { "X-CSRF-Token": shell.dataset.csrf, "X-Requested-By": "lawang" } })
      .then((answer) => { if (answer.status === 401) location.href = "/agent/masuk"; }, () => { beaten = 0; });
  };
  const alive = () => { last = Date.now(); lost.hidden = true; };
  const open = () => {
    source?.close();
    last = Date.now();
    source = new EventSource(`/agent/peristiwa?sesudah=${after}`);
    source.addEventListener("ping", () => { alive(); beat(); });
    source.addEventListener("desk", (event) => {
      alive();
      const id = Number(event.lastEventId);
      if (id <= after) return;
      after = id;
      shell.dataset.after = String(id);
      hear(JSON.parse(event.data));
    });
    // Away for longer than the server remembers: the page as it is now tells the rest.
    source.addEventListener("anew", () => { source.close(); location.reload(); });
    source.addEventListener("over", () => { source.close(); location.href = "/agent/masuk"; });
    source.addEventListener("error", () => { lost.hidden = false; });
  };
  open();
  setInterval(() => {
    const closed = source.readyState === EventSource.CLOSED;
    if (closed || Date.now() - last > SILENCE) { lost.hidden = false; open(); }
    // Refused, not broken off: a beat finds out whether the session is over.
    if (closed) beat();
  }, 3000);
  addEventListener("online", open);
  addEventListener("pageshow", (event) => { if (event.persisted) open(); });
}
