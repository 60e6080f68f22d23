// What the browser keeps: small things in localStorage, unsent photos in IndexedDB. Both may be forbidden.
import { data } from "./words.js";

const prefix = `lawang.${data.tenant}.`;
const fallback = new Map();

export function recall(name) {
  try {
    return JSON.parse(localStorage.getItem(prefix + name));
  } catch {
    return fallback.get(name) ?? null;
  }
}

export function keep(name, value) {
  fallback.set(name, value);
  try {
    if (value === null) localStorage.removeItem(prefix + name);
    else localStorage.setItem(prefix + name, JSON.stringify(value));
  } catch {
    // Full or forbidden: this tab still remembers.
  }
}

const photos = new Map();

function shelf(mode, work) {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("lawang", 1);
    opening.onupgradeneeded = () => opening.result.createObjectStore("photos");
    opening.onerror = () => reject(opening.error);
    opening.onsuccess = () => {
      const database = opening.result;
      const change = database.transaction("photos", mode);
      const request = work(change.objectStore("photos"));
      change.oncomplete = () => { database.close(); resolve(request.result); };
      change.onerror = () => { database.close(); reject(change.error); };
    };
  });
}

export async function keepPhoto(id, blob) {
  photos.set(id, blob);
  await shelf("readwrite", (store) => store.put(blob, id)).catch(() => {});
}

export async function recallPhoto(id) {
  return photos.get(id) ?? (await shelf("readonly", (store) => store.get(id)).catch(() => undefined));
}

export async function forgetPhoto(id) {
  photos.delete(id);
  await shelf("readwrite", (store) => store.delete(id)).catch(() => {});
}
