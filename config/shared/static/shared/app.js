/*
 * What every page does in the browser. Pages work without it; it makes them quicker for practised hands.
 * Keys are in keys.js, the search box in palette.js, what is typed and not sent in drafts.js, parts that fail alone in
 * slots.js.
 *
 * Hooks in the markup:
 *   data-once                a form that is sent once; open again after an answer, a way back or 20 s
 *   data-dismiss             a button that puts its notice away
 *   data-focus               is focused when it arrives (the error summary)
 *   data-echo="id_amount"    repeats the amount typed there, with data-unit behind it; empty while it is no amount
 *   data-elapsed-since="…"   shows how long ago that moment was, as 3:07, and keeps counting
 *   data-quiet               an htmx part whose requests do not show the busy bar (polling)
 *   data-chart               see charts.js, which is only fetched where there is one
 */
(() => {
  "use strict";

  const root = document.documentElement;
  const words = () => document.getElementById("words").dataset;

  /* ---- htmx: nothing inline, nothing evaluated, nothing of a customer kept on a shared machine ---- */

  if (window.htmx) {
    Object.assign(htmx.config, {
      includeIndicatorStyles: false,
      allowEval: false,
      historyCacheSize: 0,
      refreshOnHistoryMiss: true, // a way back loads the whole page
      scrollBehavior: "auto",
      responseHandling: [
        { code: "204", swap: false },
        { code: "[23]..", swap: true },
        { code: "422", swap: true }, // a form that comes back with its errors
        { code: "[45]..", swap: false, error: true },
      ],
    });
  }

  const csrfToken = () => {
    const meta = document.querySelector('meta[name="csrf-token"]');
    if (meta) return meta.content;
    const cookie = document.cookie.match(/(?:^|;\s*)(?:__Host-|__Secure-)?csrftoken=([^;]+)/);
    return cookie ? decodeURIComponent(cookie[1]) : "";
  };

  document.addEventListener("htmx:configRequest", ({ detail }) => {
    // Read anew every time: a sign-in in another tab changes the token.
    if (!/^(get|head)$/i.test(detail.verb)) detail.headers["X-CSRFToken"] = csrfToken();
    // A part that asks by itself is no sign that somebody is there: the session's idle limit goes on counting.
    if (detail.elt.closest("[data-quiet]")) detail.headers["X-Quiet"] = "1";
  });

  const waiting = new Set();
  const showWaiting = () => root.classList.toggle("is-busy", waiting.size > 0);

  document.addEventListener("htmx:beforeRequest", ({ detail }) => {
    if (!detail.elt.closest("[data-quiet]")) waiting.add(detail.xhr);
    showWaiting();
  });

  document.addEventListener("htmx:afterRequest", ({ detail }) => {
    waiting.delete(detail.xhr);
    showWaiting();
    const form = detail.elt.closest("form[data-once]");
    if (form) reopen(form);
  });

  /* ---- Narrow screens: the menu slides sideways, and begins where one is ---- */

  for (const here of document.querySelectorAll(".rail [aria-current]")) {
    const row = here.closest("ul");
    const { left, width } = here.getBoundingClientRect();
    if (row.scrollWidth > row.clientWidth) row.scrollLeft += left - row.getBoundingClientRect().left - (row.clientWidth - width) / 2;
  }

  /* ---- Notices ---- */

  const tell = (text) => {
    const place = document.getElementById("messages");
    const template = document.getElementById("notice-template");
    if (!place || !template) return;
    const notice = template.content.firstElementChild.cloneNode(true);
    notice.querySelector(".notice-body").textContent = text;
    place.replaceChildren(notice);
  };

  // A rule that said no comes as a whole page (shared/refused.html); only its sentence is wanted here.
  const refusalIn = (xhr) => {
    if (!xhr.responseText.includes("data-refusal")) return "";
    const page = new DOMParser().parseFromString(xhr.responseText, "text/html");
    return page.querySelector("[data-refusal]")?.textContent.trim() ?? "";
  };

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.xhr.status !== 422) return;
    const refusal = refusalIn(detail.xhr);
    if (!refusal) return;
    detail.shouldSwap = false;
    tell(refusal);
  });

  document.addEventListener("htmx:responseError", ({ detail }) => {
    // A poll that fails once is asked again; it need not alarm anyone.
    if (detail.elt.closest("[data-quiet]")) return;
    const number = detail.xhr.getResponseHeader("X-Request-Id") || detail.xhr.status;
    tell(refusalIn(detail.xhr) || words().failed + number);
  });

  // A part that asks by itself found the session ended. What somebody is typing is not taken from under their hands: they
  // are told, and sign in when they send it.
  const isTyped = (field) => field.type !== "hidden" && field.value !== field.defaultValue;
  document.addEventListener("htmx:beforeOnLoad", (event) => {
    const { elt, xhr } = event.detail;
    if (!xhr.getResponseHeader("HX-Redirect") || !elt.closest("[data-quiet]")) return;
    const fields = document.querySelectorAll("form[method=post] :is(input, textarea)");
    if (![...fields].some(isTyped)) return;
    event.preventDefault();
    tell(words().signedOut);
  });

  for (const lost of ["htmx:sendError", "htmx:timeout"]) {
    document.addEventListener(lost, ({ detail }) => {
      if (!detail.elt.closest("[data-quiet]")) tell(words().noAnswer);
    });
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) button.closest(".notice").remove();
  });

  /* ---- Sent once ---- */

  const ONCE_MS = 20000;

  const reopen = (form) => {
    clearTimeout(form.onceTimer);
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[data-held]")) {
      button.disabled = false;
      button.removeAttribute("aria-busy");
      delete button.dataset.held;
    }
  };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form[data-once]");
    if (!form) return;
    if (form.dataset.sent) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    form.dataset.sent = "yes";
    // Held after this turn, or the pressed button's own name and value would not be sent.
    setTimeout(() => {
      for (const button of form.querySelectorAll("button:not([type=button]), input[type=submit]")) {
        if (button.disabled) continue;
        button.disabled = true;
        button.setAttribute("aria-busy", "true");
        button.dataset.held = "yes";
      }
    });
    form.onceTimer = setTimeout(() => reopen(form), ONCE_MS);
  }, true);

  window.addEventListener("pageshow", () => {
    document.querySelectorAll("form[data-once]").forEach(reopen);
    waiting.clear();
    showWaiting();
  });

  /* ---- The button says how much ---- */

  const showEcho = (place) => {
    const typed = document.getElementById(place.dataset.echo)?.value.replace(/[\s,，]/g, "") ?? "";
    place.textContent = /^\d+(\.\d{1,2})?$/.test(typed) ? `${typed} ${place.dataset.unit}` : "";
  };

  document.addEventListener("input", ({ target }) => {
    for (const place of document.querySelectorAll("[data-echo]")) {
      if (place.dataset.echo === target.id) showEcho(place);
    }
  });

  // What stands in the first field is proposed: typing replaces it.
  document.addEventListener("focusin", ({ target }) => {
    if (!target.matches("input.input-money[autofocus]") || target.dataset.proposed) return;
    target.dataset.proposed = "yes";
    target.select();
  });

  /* ---- Clocks that run ---- */

  const showElapsed = () => {
    for (const clock of document.querySelectorAll("[data-elapsed-since]")) {
      const seconds = Math.max(0, Math.floor((Date.now() - Date.parse(clock.dataset.elapsedSince)) / 1000));
      const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
      const two = (n) => String(n).padStart(2, "0");
      clock.textContent = h ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
    }
  };
  setInterval(showElapsed, 1000);

  /* ---- What is new on the page: at the start, and after every exchange ---- */

  let charts;

  const welcome = (part) => {
    const all = (selector) => [...(part.matches?.(selector) ? [part] : []), ...part.querySelectorAll(selector)];
    all("[data-dismiss]").forEach((button) => (button.hidden = false));
    all("[data-focus]")[0]?.focus();
    all("[data-echo]").forEach(showEcho);
    showElapsed();
    const frames = all("[data-chart]");
    if (frames.length) {
      charts ??= import(root.dataset.chartsJs);
      charts.then((module) => frames.forEach((frame) => module.draw(frame, root.dataset.echartsJs, words())));
    }
  };

  document.addEventListener("DOMContentLoaded", () => welcome(document.body));
  document.addEventListener("htmx:load", ({ detail }) => {
    if (detail.elt !== document.body) welcome(detail.elt);
  });
})();
