/*
 * Work without a mouse.
 *
 * Hooks in the markup:
 *   data-finder              the search box; "/" and Ctrl-K go there
 *   data-back                the link that Esc follows
 *   data-key="F2 Enter"      the keys that click a button or link, or go to a field; Enter only where nothing has focus
 *   data-key-label           what the list of keys says of it, where its own words do not do
 *   data-show-keys           a button that opens the list of keys; shown where this script runs
 *   #keys                    the dialog that "?" opens; its rows for this page are written here
 */
(() => {
  "use strict";

  const isTyping = (element) =>
    element.isContentEditable ||
    element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=button], [type=submit])");

  const keyName = (event) => {
    // Alt and a figure give odd characters on some keyboards; the physical key is meant.
    const figure = event.altKey && event.code.match(/^Digit(\d)$/);
    const key = figure ? figure[1] : event.key.length === 1 ? event.key.toUpperCase() : event.key;
    return [event.ctrlKey && "Ctrl", event.altKey && "Alt", event.metaKey && "Meta", key].filter(Boolean).join("+");
  };

  const keysOf = (element) => element.dataset.key.toUpperCase().split(" ");

  const press = (element) => {
    if (isTyping(element)) element.focus();
    else element.click();
  };

  const isShown = (element) => element.getClientRects().length > 0;

  document.addEventListener("keydown", (event) => {
    // While an input method composes, every key is its own.
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (document.querySelector("dialog[open]")) return; // it has its own keys
    const typing = isTyping(event.target);
    const name = keyName(event);
    const finder = document.querySelector("[data-finder]");

    if (finder && (name === "Ctrl+K" || name === "Meta+K" || (event.key === "/" && !typing && !event.ctrlKey))) {
      event.preventDefault();
      finder.focus();
      finder.select();
      return;
    }
    if (event.key === "?" && !typing && !event.ctrlKey && !event.altKey) {
      event.preventDefault();
      showKeys();
      return;
    }
    if (name === "Escape") {
      // The first Esc leaves the field and keeps what is typed; the next one goes back.
      if (typing) event.target.blur();
      else document.querySelector("[data-back]")?.click();
      return;
    }
    if (typing && event.key.length === 1 && !event.ctrlKey && !event.altKey) return;
    // Enter on a link, a button or in a field is theirs.
    if (name === "Enter" && event.target.closest("a, button, input, select, textarea, summary")) return;
    const wanted = [...document.querySelectorAll("[data-key]")].find(
      (element) => keysOf(element).includes(name.toUpperCase()) && !element.disabled && isShown(element),
    );
    if (wanted) {
      event.preventDefault();
      // A key that is held down goes one step, not through the next page as well.
      if (!event.repeat) press(wanted);
    }
  });

  /* ---- "?" lists what this page's keys do ---- */

  const inWords = (element) => {
    if (element.dataset.keyLabel) return element.dataset.keyLabel;
    const copy = element.cloneNode(true);
    copy.querySelectorAll("kbd, svg").forEach((part) => part.remove());
    return (copy.textContent.trim() || element.getAttribute("aria-label") || "").replace(/\s+/g, " ");
  };

  const row = (key, words) => {
    const line = document.createElement("div");
    const [term, said] = [document.createElement("dt"), document.createElement("dd")];
    for (const one of key.split(" ")) {
      const cap = document.createElement("kbd");
      cap.textContent = one.replace("+", " ");
      term.append(cap, " ");
    }
    said.textContent = words;
    line.append(term, said);
    return line;
  };

  const showKeys = () => {
    const dialog = document.getElementById("keys");
    if (!dialog) return;
    const own = dialog.querySelector("[data-keys-of-page]");
    const back = document.querySelector("[data-back]");
    const keyed = [...document.querySelectorAll("[data-key]")].filter(isShown);
    own.replaceChildren(
      ...keyed.map((element) => row(element.dataset.key, inWords(element))),
      ...(back ? [row("Esc", inWords(back))] : []),
    );
    dialog.showModal();
  };

  document.addEventListener("DOMContentLoaded", () => {
    for (const button of document.querySelectorAll("[data-show-keys]")) button.hidden = false;
  });

  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-show-keys]")) showKeys();
    // A click beside the dialog is on the dialog itself.
    if (event.target.id === "keys" || event.target.closest("[data-close-dialog]")) event.target.closest("dialog").close();
  });

  /* ---- Where the focus is after a part of the page was exchanged ---- */

  let lost = false;

  document.addEventListener("htmx:beforeSwap", ({ detail }) => {
    lost = detail.target.contains(document.activeElement) && document.activeElement !== document.body;
  });

  document.addEventListener("htmx:afterSettle", ({ detail }) => {
    if (!lost || document.activeElement !== document.body) return;
    lost = false;
    const part = detail.elt?.isConnected ? detail.elt : document.getElementById("main");
    const place = part.matches("[data-focus]") ? part : part.querySelector("[data-focus], h1, h2") || part;
    if (!place.hasAttribute("tabindex")) place.tabIndex = -1;
    place.focus({ preventScroll: true });
  });
})();
