/*
 * Parts of a page that are fetched on their own (shared/_parts.html): one that does not arrive says so in its own place
 * and can be asked for again; the rest of the page never notices. And the bar of a page without signal.
 *
 *   data-part      the place of a part
 *   data-retry     asks for the part around it once more
 *   data-offline   shown while there is no signal
 */
(() => {
  "use strict";

  const fail = ({ detail }) => {
    const part = detail.elt.closest?.("[data-part]");
    const template = document.getElementById("part-failed");
    if (!part || !template) return;
    part.replaceChildren(template.content.cloneNode(true));
  };

  for (const name of ["htmx:responseError", "htmx:sendError", "htmx:timeout"]) document.addEventListener(name, fail);

  document.addEventListener("click", (event) => {
    const part = event.target.closest("[data-retry]")?.closest("[data-part]");
    if (part) htmx.trigger(part, "retry");
  });

  const showSignal = () => {
    for (const bar of document.querySelectorAll("[data-offline]")) bar.hidden = navigator.onLine;
  };
  window.addEventListener("online", showSignal);
  window.addEventListener("offline", showSignal);
  document.addEventListener("DOMContentLoaded", showSignal);
})();
