/*
 * Nothing typed is lost: a form with data-draft="name" is kept on the server while one types, sealed, for its owner
 * (config/shared/drafts.py). Its ticket says whose it is, so that it is kept even after the session has ended. Passwords,
 * codes and files never leave the page this way.
 */
(() => {
  "use strict";

  const PAUSE_MS = 700;
  const forms = new Map(); // form to the timer that will save it

  const isKept = (field) =>
    field.name &&
    !field.disabled &&
    !["password", "file", "submit", "button", "image"].includes(field.type) &&
    !(field.autocomplete || "").includes("one-time-code") &&
    (!["checkbox", "radio"].includes(field.type) || field.checked);

  const save = async (form) => {
    clearTimeout(forms.get(form));
    forms.delete(form);
    const body = new FormData();
    for (const field of form.elements) if (isKept(field)) body.append(field.name, field.value);
    try {
      const answer = await fetch(document.documentElement.dataset.draftsUrl, {
        method: "POST",
        body,
        keepalive: true,
        headers: { "X-CSRFToken": form.querySelector("[name=csrfmiddlewaretoken]")?.value ?? "" },
      });
      if (answer.ok) form.dataset.draftSaved = "yes";
    } catch {
      // No signal: it still stands on the page, and is saved when there is one.
      forms.set(form, 0);
    }
  };

  const saveSoon = (form) => {
    delete form.dataset.draftSaved;
    clearTimeout(forms.get(form));
    forms.set(form, setTimeout(() => save(form), PAUSE_MS));
  };

  document.addEventListener("input", ({ target }) => {
    if (target.form?.matches("[data-draft]") && isKept(target)) saveSoon(target.form);
  });

  // What was typed before this script was there, on a slow line say, was heard by nobody.
  const isTyped = (field) => isKept(field) && "defaultValue" in field && field.value !== field.defaultValue;
  for (const form of document.querySelectorAll("form[data-draft]")) {
    if ([...form.elements].some(isTyped)) saveSoon(form);
  }

  document.addEventListener("submit", ({ target }) => {
    clearTimeout(forms.get(target));
    forms.delete(target);
  });

  const saveAll = () => [...forms.keys()].forEach(save);
  window.addEventListener("online", saveAll);
  document.addEventListener("visibilitychange", () => document.visibilityState === "hidden" && saveAll());
  window.addEventListener("pagehide", saveAll);
})();
