/*
 * What single parts gain from scripts; each works without.
 *
 *   data-table       a table whose pages are exchanged; begins at its top and keeps the focus
 *   data-menu        a <details> that closes on Esc, on a press elsewhere, and when focus leaves it
 *   table-wide       slides sideways where its columns do not fit, and keeps its head in view of the page where they do
 *   data-file-drop   a place where a file may be dropped; says what was chosen
 */
(() => {
  "use strict";

  /* ---- Where one was on a page: on the way back, and after a reload, the page stands where it stood ---- */

  // By a number made from the address, not the address itself: counter machines are shared, and addresses hold names.
  const placeOf = (address) => {
    let number = 0;
    for (const sign of address) number = (Math.imul(number, 31) + sign.codePointAt(0)) | 0;
    return `place:${number}`;
  };

  const keepPlace = () => {
    try {
      const place = { y: Math.round(window.scrollY), focus: document.activeElement?.id ?? "" };
      sessionStorage.setItem(placeOf(location.pathname + location.search), JSON.stringify(place));
    } catch {
      // No room, or not allowed: the page then begins at its top.
    }
  };

  const takePlace = () => {
    const [navigation] = performance.getEntriesByType("navigation");
    if (!["back_forward", "reload"].includes(navigation?.type)) return;
    let place;
    try {
      place = JSON.parse(sessionStorage.getItem(placeOf(location.pathname + location.search)));
    } catch {
      return;
    }
    if (!place) return;
    // A page that has put the focus somewhere itself, on an error say, knows better.
    if (place.focus && (!document.activeElement || document.activeElement === document.body)) {
      document.getElementById(place.focus)?.focus({ preventScroll: true });
    }
    window.scrollTo({ top: place.y, behavior: "instant" });
  };

  window.addEventListener("pagehide", keepPlace);
  document.addEventListener("htmx:beforeHistorySave", keepPlace);
  window.addEventListener("load", takePlace);

  // A page turned: the table begins at its top again. The pressed link keeps the focus by its id; where it is gone, for
  // there is no further page, the table takes it.
  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    const table = detail.elt.closest?.("[data-table]") ?? document.getElementById(detail.target?.id);
    if (!table?.matches("[data-table]")) return;
    if (table.getBoundingClientRect().top < 0) table.scrollIntoView({ block: "start", behavior: "instant" });
    if (!document.activeElement || document.activeElement === document.body) {
      table.querySelector(".table-wide")?.focus({ preventScroll: true });
    }
  });

  /* ---- Wide tables: only one whose columns do not fit slides in a frame of its own ---- */

  const fitting = new ResizeObserver((measured) => {
    for (const { target } of measured) {
      const frame = target.closest(".table-wide");
      frame?.classList.toggle("is-fitting", target.offsetWidth <= frame.clientWidth);
    }
  });

  /* ---- Menus ---- */

  const closeMenus = (except) => {
    for (const menu of document.querySelectorAll("details[data-menu][open]")) {
      if (menu !== except) menu.open = false;
    }
  };

  document.addEventListener("click", ({ target }) => closeMenus(target.closest("details[data-menu]")));
  document.addEventListener("focusin", ({ target }) => closeMenus(target.closest("details[data-menu]")));
  document.addEventListener(
    "keydown",
    (event) => {
      if (event.key !== "Escape") return;
      const open = document.querySelector("details[data-menu][open]");
      if (!open) return;
      event.preventDefault();
      event.stopImmediatePropagation(); // Esc closes the menu; it does not also leave the page
      open.open = false;
      open.querySelector("summary").focus();
    },
    true,
  );

  /* ---- Files ---- */

  const inKind = (bytes) => (bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

  const sayChosen = (input) => {
    const said = input.closest("[data-file-drop]")?.querySelector(".file-drop-chosen");
    if (said) said.textContent = [...input.files].map((file) => `${file.name}  ${inKind(file.size)}`).join("\n");
  };

  document.addEventListener("change", ({ target }) => {
    if (target.matches("[data-file-drop] input[type=file]")) sayChosen(target);
  });

  for (const [name, isOver] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    document.addEventListener(name, (event) => {
      const place = event.target.closest?.("[data-file-drop]");
      if (!place || !event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      place.classList.toggle("is-over", isOver);
      if (name !== "drop") return;
      const input = place.querySelector("input[type=file]");
      input.files = event.dataTransfer.files;
      input.dispatchEvent(new Event("change", { bubbles: true }));
    });
  }

  const welcome = (part) => {
    for (const hint of part.querySelectorAll("[data-file-drop] .file-drop-hint")) hint.hidden = false;
    for (const table of part.querySelectorAll(".table-wide > table")) fitting.observe(table);
  };
  document.addEventListener("DOMContentLoaded", () => welcome(document));
  document.addEventListener("htmx:load", ({ detail }) => welcome(detail.elt));
})();
