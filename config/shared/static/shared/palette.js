/*
 * What the search box finds while one types: a list under it, chosen with the arrows, opened with Enter, put away with
 * Esc. Enter with nothing chosen sends the form: the page of results, or the one thing that fits.
 */
(() => {
  "use strict";

  const box = () => document.querySelector("[data-palette] [data-finder]");
  const list = () => document.getElementById("palette");
  const rows = () => [...(list()?.querySelectorAll("[role=option]") ?? [])];

  const show = (isOpen) => {
    if (!list()) return;
    list().hidden = !isOpen;
    box().setAttribute("aria-expanded", String(isOpen));
    if (!isOpen) choose(null);
  };

  const chosen = () => rows().find((row) => row.getAttribute("aria-selected") === "true");

  const choose = (wanted) => {
    for (const row of rows()) row.setAttribute("aria-selected", String(row === wanted));
    if (wanted) {
      box().setAttribute("aria-activedescendant", wanted.id);
      wanted.scrollIntoView({ block: "nearest" });
    } else box()?.removeAttribute("aria-activedescendant");
  };

  const step = (by) => {
    const all = rows();
    if (!all.length) return;
    const at = all.indexOf(chosen());
    choose(all[at < 0 ? (by > 0 ? 0 : all.length - 1) : (at + by + all.length) % all.length]);
  };

  document.addEventListener("keydown", (event) => {
    if (event.target !== box() || event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      show(rows().length > 0);
      step(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && chosen()) {
      event.preventDefault();
      chosen().click();
    } else if (event.key === "Escape" && list() && !list().hidden) {
      event.preventDefault(); // the first Esc puts the list away, the next one leaves the box
      event.stopPropagation();
      show(false);
    }
  }, true);

  document.addEventListener("htmx:afterSwap", ({ detail }) => {
    if (detail.target === list()) show(document.activeElement === box() && list().childElementCount > 0);
  });

  document.addEventListener("focusout", (event) => {
    if (event.target === box() && !list()?.contains(event.relatedTarget)) show(false);
  });

  // A press with the mouse must not take the focus away before the click arrives.
  document.addEventListener("mousedown", (event) => {
    if (list()?.contains(event.target)) event.preventDefault();
  });
})();
