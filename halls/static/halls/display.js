/* The display zone is drawn anew every five minutes, and stays as it is while the house cannot be reached. */
(() => {
  "use strict";

  const ANEW_MS = 300000;

  setInterval(async () => {
    try {
      const answer = await fetch(window.location.href, { cache: "no-store" });
      if (answer.ok) window.location.reload();
    } catch {
      // The next time, then.
    }
  }, ANEW_MS);
})();
