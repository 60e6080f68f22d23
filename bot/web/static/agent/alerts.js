// Sound, desktop notifications and the tab's title: an agent in another tab still hears who waits.
import { current } from "./parts.js";
import { toast, words } from "./toast.js";

export function startAlerts(shell) {
  const bell = document.getElementById("bell");
  const title = document.title;
  const me = shell.dataset.agent;
  let sound = localStorage.getItem("lawang-sound") !== "off";
  let audio, unseen = 0;

  const show = () => bell.setAttribute("aria-pressed", String(sound));
  bell.addEventListener("click", async () => {
    sound = !sound;
    localStorage.setItem("lawang-sound", sound ? "on" : "off");
    if (sound && "Notification" in window && Notification.permission === "default") await Notification.requestPermission();
    if (sound) ring(false);
    toast(sound ? words.sound_on : words.sound_off);
    show();
  });
  addEventListener("pointerdown", () => { audio ??= new AudioContext(); audio.resume(); }, { once: true });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) { unseen = 0; document.title = title; }
  });
  show();

  function ring(urgent) {
    if (!sound) return;
    audio ??= new AudioContext();
    const tones = urgent ? [880, 660, 880, 660, 880] : [660, 880];
    tones.forEach((pitch, index) => {
      const tone = audio.createOscillator();
      const volume = audio.createGain();
      const start = audio.currentTime + index * 0.16;
      tone.frequency.value = pitch;
      volume.gain.setValueAtTime(0.0001, start);
      volume.gain.exponentialRampToValueAtTime(urgent ? 0.4 : 0.15, start + 0.02);
      volume.gain.exponentialRampToValueAtTime(0.0001, start + 0.15);
      tone.connect(volume).connect(audio.destination);
      tone.start(start);
      tone.stop(start + 0.16);
    });
  }

  function tell(text, event, urgent, box = event.owner === me ? "milik-saya" : "baru") {
    ring(urgent);
    if (document.hidden) {
      unseen += 1;
      document.title = `(${unseen}) ${text}`;
    }
    const address = `/agent/kotak/${box}/${event.conversation}`;
    if ((document.hidden || urgent) && "Notification" in window && Notification.permission === "granted") {
      const note = new Notification(text, { body: urgent ? words.urgent_body : words.body, tag: event.handoff ?? event.conversation, requireInteraction: urgent });
      note.addEventListener("click", () => { window.focus(); location.href = address; note.close(); });
    }
    if (urgent) {
      const alarm = document.createElement("a");
      alarm.href = address;
      alarm.dataset.alarm = "1";
      alarm.dataset.key = "!";
      alarm.textContent = text;
      document.getElementById("alarms").append(alarm);
    }
  }

  return {
    hear(event) {
      const urgent = event.urgency === "emergency" || event.urgency === "crisis";
      const number = event.number ? `P-${event.number}` : "";
      if (event.kind === "handoff_waiting") tell((urgent ? words.urgent : words.waiting).replace("{number}", number), event, urgent);
      else if (event.kind === "handoff_assigned" && event.owner === me && event.how !== "taken") tell(words.assigned.replace("{number}", number), event, urgent);
      else if (event.kind === "message" && event.direction === "in" && event.owner === me && (document.hidden || event.conversation !== current())) tell(words.message.replace("{number}", number), event, urgent);
      else if (event.kind === "draft" && !event.decision) tell(words.draft, event, false, "persetujuan");
      else if (event.kind === "mention") { tell(words.mention.replace("{name}", event.name ?? ""), event, false); toast(words.mention.replace("{name}", event.name ?? "")); }
    },
  };
}
