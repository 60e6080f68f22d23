// Makes elements. Citizens' and cities' words only ever become text nodes.
const SVG = "http://www.w3.org/2000/svg";

export function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null));
  return node;
}

export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#i-${name}`);
  svg.append(use);
  return svg;
}

export const unseen = (text) => make("span", { class: "unseen" }, text);

const ADDRESS = /\b(?:https?:\/\/|www\.)[^\s<>"']+/gi;
// Numbers such as CNI-2026-0412 or A-012 stay on one line.
const REFERENCE = /\b[A-Z]{1,6}-(?:[A-Z0-9]+-)*[A-Z0-9]*\d\b/g;
const CLOSERS = /[.,;:!?)\]}’”*_]+$/;

const BOLD = /\*([^*\n]+)\*/g;

// The city's own sentences: *words* between asterisks are bold. What citizens wrote comes without asterisks.
export function spoken(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(BOLD)) {
    parts.push(...linked(text.slice(from, match.index)), make("strong", {}, ...linked(match[1])));
    from = match.index + match[0].length;
  }
  parts.push(...linked(text.slice(from)));
  return parts;
}

// Plain text with its web addresses clickable; everything else stays as written.
export function linked(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const shown = match[0].replace(CLOSERS, "");
    const href = safe(shown.startsWith("www.") ? `https://${shown}` : shown);
    if (!href) continue;
    parts.push(...whole(text.slice(from, match.index)), outside(href, shown));
    from = match.index + shown.length;
  }
  parts.push(...whole(text.slice(from)));
  return parts;
}

function whole(text) {
  const parts = [];
  let from = 0;
  for (const match of text.matchAll(REFERENCE)) {
    if (match[0].length > 24) continue;
    parts.push(text.slice(from, match.index), make("span", { class: "whole" }, match[0]));
    from = match.index + match[0].length;
  }
  parts.push(text.slice(from));
  return parts;
}

export function outside(href, ...children) {
  return make("a", { href, target: "_blank", rel: "noopener noreferrer nofollow" }, ...children);
}

// An address a citizen may follow: http(s) or our own path. Anything else is null.
export function safe(address) {
  try {
    const url = new URL(address, location.href);
    return url.protocol === "https:" || url.protocol === "http:" ? url.href : null;
  } catch {
    return null;
  }
}
