// Keeps the page current: fetches it again and swaps what is in <main>, so that scroll, focus and the search field stay.
// Without this file the pages work all the same; they are then current when they are loaded.
"use strict";

const seconds = Number(document.body.dataset.refresh) || 10;
const stale = document.getElementById("stale");
let answered = new Date();

function identify(element) {
  // What had the focus, so that it can be found again in the new page.
  if (!element || !element.closest("main")) return null;
  return element.id ? `#${CSS.escape(element.id)}`
    : element.getAttribute("href") ? `main a[href="${CSS.escape(element.getAttribute("href"))}"]` : null;
}

async function refresh() {
  if (document.hidden || document.activeElement?.closest("main form") || document.querySelector("main form[data-changed]")) return;
  try {
    const response = await fetch(location.href, {
      headers: { Accept: "text/html", "X-Netmon-Refresh": "1" }, signal: AbortSignal.timeout(seconds * 1000), redirect: "manual",
    });
    if (response.type === "opaqueredirect" || response.status === 401) return location.reload();
    if (!response.ok) throw new Error(String(response.status));
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    const fresh = page.querySelector("main"), old = document.querySelector("main");
    if (!fresh) throw new Error("no content");
    answered = new Date();
    stale.hidden = true;
    if (fresh.innerHTML === old.innerHTML || !getSelection().isCollapsed) return;
    const focus = identify(document.activeElement);
    old.replaceChildren(...fresh.childNodes);
    document.title = page.title;
    if (focus) old.parentNode.querySelector(focus)?.focus({ preventScroll: true });
  } catch {
    document.getElementById("answered").textContent = answered.toLocaleTimeString(document.documentElement.lang);
    stale.hidden = false;
  }
}

document.addEventListener("input", (event) => event.target.closest("main form")?.setAttribute("data-changed", ""));
setInterval(refresh, seconds * 1000);
document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

// A document's name and checksum are filled in here: the file itself never leaves this machine.
document.addEventListener("change", async (event) => {
  const chosen = event.target.closest("input[type=file][data-digest]");
  const file = chosen?.files[0];
  if (!file) return;
  document.getElementById(chosen.dataset.name).value = file.name;
  if (!crypto.subtle) return; // not over plain HTTP: sha256sum says it
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
  document.getElementById(chosen.dataset.digest).value = [...digest].map((byte) => byte.toString(16).padStart(2, "0")).join("");
});
