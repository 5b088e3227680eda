/*
 * Passkeys: asks the browser's authenticator and sends its answer with an ordinary form.
 *
 *   form[data-passkey="get|create"]   the form that carries the answer
 *   data-passkey-url="…"              where the question comes from; else it stands in #passkey-question
 *   data-passkey-go                   the button that begins; shown only where passkeys are known
 *   data-passkey-answer               the hidden field for the answer (or one named "credential")
 *   data-passkey-failed               what is shown when nothing came back
 *   data-passkey-unknown              what is shown where passkeys are not known
 */
(() => {
  "use strict";

  const toBytes = (text) =>
    Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
  const toText = (buffer) =>
    btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");

  const withBytes = (list) => (list ?? []).map((one) => ({ ...one, id: toBytes(one.id) }));

  const question = (asked) => {
    const key = { ...asked, challenge: toBytes(asked.challenge) };
    if (asked.user) key.user = { ...asked.user, id: toBytes(asked.user.id) };
    if (asked.allowCredentials) key.allowCredentials = withBytes(asked.allowCredentials);
    if (asked.excludeCredentials) key.excludeCredentials = withBytes(asked.excludeCredentials);
    return { publicKey: key };
  };

  const answer = (credential) => {
    const response = {};
    for (const name of ["clientDataJSON", "authenticatorData", "signature", "userHandle", "attestationObject"]) {
      if (credential.response[name]) response[name] = toText(credential.response[name]);
    }
    if (credential.response.getTransports) response.transports = credential.response.getTransports();
    return JSON.stringify({
      id: credential.id,
      rawId: toText(credential.rawId),
      type: credential.type,
      response,
      clientExtensionResults: credential.getClientExtensionResults(),
    });
  };

  const asked = async (form) => {
    if (!form.dataset.passkeyUrl) return JSON.parse(document.getElementById("passkey-question").textContent);
    const reply = await fetch(form.dataset.passkeyUrl, { headers: { Accept: "application/json" } });
    if (!reply.ok) throw new Error(`no question: ${reply.status}`);
    return reply.json();
  };

  const go = async (form) => {
    const failed = form.querySelector("[data-passkey-failed]");
    if (failed) failed.hidden = true;
    if (!form.reportValidity()) return;
    try {
      const { publicKey } = await asked(form);
      const credential = await navigator.credentials[form.dataset.passkey](question(publicKey));
      form.querySelector("[data-passkey-answer], [name=credential]").value = answer(credential);
      form.submit();
    } catch (error) {
      // The person pressed "cancel", or no authenticator knows this house.
      if (failed) failed.hidden = false;
    }
  };

  document.addEventListener("DOMContentLoaded", () => {
    const known = Boolean(window.PublicKeyCredential && navigator.credentials);
    for (const form of document.querySelectorAll("form[data-passkey]")) {
      const button = form.querySelector("[data-passkey-go]");
      const unknown = form.querySelector("[data-passkey-unknown]");
      if (unknown) unknown.hidden = known;
      if (!known) continue;
      form.hidden = button.hidden = false;
      button.addEventListener("click", () => go(form));
    }
  });
})();
