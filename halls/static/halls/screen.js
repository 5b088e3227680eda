/*
 * The screen on the wall: keeps itself right over a websocket, and by asking again while there is none.
 *
 * Every message is the whole present state, so nothing is missed by a cut: the first message after it puts all right.
 * Calls that are new since the last message are marked and spoken twice.
 */
(() => {
  "use strict";

  const main = document.querySelector("[data-screen]");
  const [calls, waiting, cut] = ["[data-calls]", "[data-waiting]", "[data-cut]"].map((one) => main.querySelector(one));
  const nobody = main.querySelector("[data-nobody]");
  const FIRST_PAUSE_MS = 500;
  const LONGEST_PAUSE_MS = 8000;
  const ASK_MS = 3000;
  const SILENT_MS = 30000;

  let spokenTo = Number(main.dataset.speakFrom) - 1;
  let pause = FIRST_PAUSE_MS;
  let isLive = false;
  let heardAt = Date.now();

  /* ---- Speaking: browsers speak only after somebody has touched the page once ---- */

  const sound = main.querySelector("[data-sound]");
  let maySpeak = false;
  if (window.speechSynthesis) {
    sound.hidden = false;
    sound.addEventListener("click", () => {
      maySpeak = true;
      sound.hidden = true;
    });
  }

  const speak = (call) => {
    if (!maySpeak) return;
    // Figure by figure: A012, not "A twelve".
    const number = [...call.number].join(" ");
    const words = main.dataset.say.replace("{number}", number).replace("{counter}", call.counter);
    for (let times = 0; times < 2; times += 1) {
      const said = new SpeechSynthesisUtterance(words);
      said.lang = document.documentElement.lang.startsWith("en") ? "en-GB" : "zh-CN";
      said.rate = 0.9;
      window.speechSynthesis.speak(said);
    }
  };

  /* ---- Showing ---- */

  const row = (call, isNew) => {
    const line = document.createElement("li");
    line.className = call.is_serving ? "is-serving" : "is-called";
    if (isNew && !call.is_serving) line.classList.add("is-new");
    const [number, counter, word] = ["span", "span", "small"].map((name) => document.createElement(name));
    number.className = "wall-number";
    number.textContent = call.number;
    counter.className = "wall-counter";
    counter.textContent = call.counter;
    word.textContent = ` ${main.dataset.counterWord}`;
    counter.append(word);
    line.append(number, counter);
    return line;
  };

  const show = (state) => {
    const fresh = state.calls.filter((call) => call.call_id > spokenTo);
    calls.replaceChildren(
      ...(state.calls.length ? state.calls.map((call) => row(call, fresh.includes(call))) : [nobody.content.cloneNode(true)]),
    );
    waiting.textContent = state.waiting;
    fresh
      .filter((call) => !call.is_serving)
      .reverse()
      .forEach(speak);
    if (fresh.length) spokenTo = Math.max(...fresh.map((call) => call.call_id));
    main.dataset.shownAt = Date.now();
    heardAt = Date.now();
  };

  /* ---- Listening ---- */

  const address = () => {
    const here = window.location;
    const socket = main.dataset.socket;
    if (socket.startsWith("/")) return `${here.protocol === "https:" ? "wss" : "ws"}://${here.host}${socket}`;
    return socket.replace("*", here.hostname);
  };

  const listen = () => {
    const socket = new WebSocket(address());
    socket.addEventListener("message", ({ data }) => {
      isLive = true;
      pause = FIRST_PAUSE_MS;
      cut.hidden = true;
      show(JSON.parse(data));
    });
    socket.addEventListener("close", () => {
      isLive = false;
      // Not all screens of a house at the same moment.
      setTimeout(listen, pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    });
  };

  const ask = async () => {
    if (isLive) return;
    try {
      const answer = await fetch(main.dataset.state, { cache: "no-store" });
      if (answer.ok) show(await answer.json());
      cut.hidden = answer.ok;
    } catch {
      cut.hidden = false;
    }
  };

  setInterval(ask, ASK_MS);
  // A line can be dead without a word: what has been silent for long is asked as well.
  setInterval(() => {
    if (isLive && Date.now() - heardAt > SILENT_MS) {
      heardAt = Date.now();
      isLive = false;
      ask().finally(() => (isLive = true));
    }
  }, ASK_MS);
  listen();
})();
