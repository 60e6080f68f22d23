// Short sentences at the edge of the page, and the words that scripts show.
export const words = JSON.parse(document.getElementById("words").textContent);

export function toast(text, bad = false) {
  const line = document.createElement("p");
  line.textContent = text;
  line.className = bad ? "bad" : "";
  document.getElementById("toasts").append(line);
  setTimeout(() => line.remove(), bad ? 7000 : 3000);
}
