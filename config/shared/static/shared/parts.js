/*
 * What single parts gain from scripts; each works without.
 *
 *   data-menu        a <details> that closes on Esc, on a press elsewhere, and when focus leaves it
 *   data-file-drop   a place where a file may be dropped; says what was chosen
 */
(() => {
  "use strict";

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
  };
  document.addEventListener("DOMContentLoaded", () => welcome(document));
  document.addEventListener("htmx:load", ({ detail }) => welcome(detail.elt));
})();
