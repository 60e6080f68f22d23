// The citizen's position, or the sentence that says why not.
import { say } from "./words.js";

export function whereAmI() {
  return new Promise((resolve, reject) => {
    if (!("geolocation" in navigator)) {
      reject(new Error(say("place.unsupported")));
      return;
    }
    navigator.geolocation.getCurrentPosition(
      ({ coords }) => resolve({ lat: coords.latitude, lon: coords.longitude }),
      (error) => reject(new Error(say(error.code === error.PERMISSION_DENIED ? "place.denied" : "place.unavailable"))),
      { enableHighAccuracy: true, timeout: 15_000, maximumAge: 60_000 },
    );
  });
}
