// The page's data, its sentences, and dates in the tenant's time zone.
export const data = JSON.parse(document.getElementById("page-data").textContent);

export function say(key, values = {}) {
  const sentence = data.words[key] ?? key;
  return sentence.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

const zone = { timeZone: data.timezone };
const clockFormat = new Intl.DateTimeFormat("id-ID", { ...zone, hour: "2-digit", minute: "2-digit" });
const dayFormat = new Intl.DateTimeFormat("id-ID", { ...zone, weekday: "long", day: "numeric", month: "long", year: "numeric" });
const keyFormat = new Intl.DateTimeFormat("sv-SE", zone);
const numberFormat = new Intl.NumberFormat("id-ID");

export const clock = (date) => clockFormat.format(date);
export const dayKey = (date) => keyFormat.format(date);
export const number = (value) => numberFormat.format(value);

export function dayName(date) {
  const key = dayKey(date);
  if (key === dayKey(new Date())) return say("log.today");
  if (key === dayKey(new Date(Date.now() - 86_400_000))) return say("log.yesterday");
  return dayFormat.format(date);
}
