// The chat page: asks /chat with the conversation so far, and shows the answer as it comes.

import { Problem, answerTo } from "./events.js";
import { load, save } from "./store.js";
import { assistantView, isRunning, userView } from "./turns.js";

const FRAME = 60; // milliseconds between two looks at what has come; more where showing it takes long

const byId = (id) => document.getElementById(id);
const scroller = byId("scroller");
const question = byId("question");
const prefersTouch = matchMedia("(pointer: coarse)");

let turns = [];
let views = []; // of the turns
let cleared = []; // the conversation before the last "New chat"
let answering; // an AbortController while an answer comes
let follows = true; // whether the page scrolls along with the answer
let lastTop = 0;

// Where there is no keyboard, the message box would bring one that covers the answer.
function focusQuestion() {
  if (!prefersTouch.matches) {
    question.focus({ preventScroll: true });
  } else if (document.activeElement === question) {
    question.blur();
  }
}

function announce(text) {
  byId("status").textContent = text;
}

// Scrolling

function scrollAlong() {
  if (follows) {
    scroller.scrollTop = scroller.scrollHeight;
  }
  byId("latest").hidden = follows;
}

// A reader who scrolls up is left alone, until back at the end.
scroller.addEventListener("scroll", () => {
  const left = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight;
  if (scroller.scrollTop < lastTop) {
    follows = left < 1;
  } else if (left < 40) {
    follows = true;
  }
  lastTop = scroller.scrollTop;
  byId("latest").hidden = follows;
});
byId("latest").addEventListener("click", () => {
  follows = true;
  scrollAlong();
  focusQuestion();
});
new ResizeObserver(scrollAlong).observe(scroller);

// The turns on the page

function render(view) {
  const index = views.indexOf(view);
  if (index < 0) {
    return; // of a conversation that was cleared meanwhile
  }
  const lastOfKind = turns.findLastIndex((turn) => turn.role === turns[index].role);
  view.render({ isLast: index === lastOfKind, isIdle: !answering });
}

function renderAll() {
  views.forEach(render);
  byId("empty").hidden = turns.length > 0;
  byId("restore").hidden = cleared.length === 0;
  byId("new").disabled = turns.length === 0;
  byId("send").hidden = Boolean(answering);
  byId("stop").hidden = !answering;
  byId("send").disabled = question.value.trim() === "";
  scrollAlong();
}

function add(turn) {
  const view = turn.role === "user" ? userView(turn) : assistantView(turn);
  turns.push(turn);
  views.push(view);
  byId("conversation").append(view.element);
  return view;
}

function cutTo(length) {
  views.splice(length).forEach((view) => view.element.remove());
  turns.splice(length);
}

function showAll(list) {
  cutTo(0);
  list.forEach(add);
  follows = true;
  renderAll();
}

// Questions and answers

// The conversation as the API takes it. An answer without text is left out: the API refuses an empty one.
function messages() {
  return turns.filter((turn) => turn.text.trim() !== "").map(({ role, text }) => ({ role, content: text }));
}

function take(turn, event, elapsed) {
  const { delta, usage } = event;
  if (event.type === "message_start") {
    turn.model = event.message.model;
    turn.inputTokens = event.message.usage?.input_tokens;
  } else if (event.type === "message_delta") {
    turn.stopReason = delta.stop_reason;
    turn.outputTokens = usage?.output_tokens;
  } else if (delta?.thinking) {
    turn.thinkingFrom ??= elapsed;
    turn.state = "thinking";
    turn.thinking += delta.thinking;
  } else if (delta?.text) {
    turn.firstTime ??= elapsed;
    turn.state = "answering";
    turn.text += delta.text;
  }
}

async function answer(turn, view) {
  const began = performance.now();
  const tick = () => {
    turn.time = performance.now() - began;
    if (turn.state === "thinking") {
      turn.thinkingTime = turn.time - turn.thinkingFrom;
    }
  };
  let timer;
  const frame = () => {
    tick();
    render(view);
    scrollAlong();
    timer = setTimeout(frame, Math.max(FRAME, 4 * (performance.now() - began - turn.time)));
  };
  timer = setTimeout(frame, FRAME);
  try {
    for await (const event of answerTo(messages(), answering.signal)) {
      tick();
      take(turn, event, turn.time);
    }
    turn.state = "done";
    render(view);
    announce(`Answer: ${view.element.querySelector(".text").textContent}`);
  } catch (error) {
    if (error instanceof Problem) {
      Object.assign(turn, { state: "failed", title: error.message, detail: error.detail });
      announce(`${error.message} ${error.detail}`);
    } else {
      turn.state = "stopped";
      announce("Stopped");
    }
  } finally {
    clearTimeout(timer);
    turn.time = performance.now() - began;
  }
}

// Has the last question answered.
async function ask() {
  const turn = { role: "assistant", text: "", thinking: "", state: "waiting", time: 0 };
  answering = new AbortController();
  const view = add(turn);
  follows = true;
  announce("Waiting for the answer");
  renderAll();
  save(turns);
  await answer(turn, view);
  const hadFocus = document.activeElement === byId("stop");
  answering = undefined;
  renderAll();
  save(turns);
  if (hadFocus || document.activeElement === document.body) {
    focusQuestion();
  }
}

function send(text) {
  if (!answering && text.trim() !== "") {
    cleared = [];
    add({ role: "user", text: text.trim() });
    ask();
  }
}

// Answers the last question anew, or another in its place.
function askAgain(text) {
  cutTo(turns.findLastIndex((turn) => turn.role === "user") + 1);
  if (text !== undefined) {
    cutTo(turns.length - 1);
    add({ role: "user", text });
  }
  ask();
  focusQuestion();
}

// Copying

async function copy(button, text) {
  const label = button.querySelector("span");
  try {
    await navigator.clipboard.writeText(text);
    label.textContent = "Copied";
  } catch {
    label.textContent = "Not allowed";
  }
  announce(label.textContent);
  setTimeout(() => { label.textContent = "Copy"; }, 2000);
}

// What the reader does

function fit(field) {
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight}px`;
}

function sendsByEnter(event) {
  return event.key === "Enter" && !event.shiftKey && !event.isComposing && !prefersTouch.matches;
}

document.addEventListener("input", ({ target }) => {
  fit(target);
  byId("send").disabled = question.value.trim() === "";
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && answering) {
    answering.abort();
  } else if (event.target.matches("textarea") && sendsByEnter(event)) {
    event.preventDefault();
    event.target.form.requestSubmit();
  }
});

byId("form").addEventListener("submit", (event) => {
  event.preventDefault();
  if (!answering) {
    const text = question.value;
    question.value = "";
    fit(question);
    send(text);
    focusQuestion();
  }
});

byId("stop").addEventListener("click", () => answering?.abort());

byId("new").addEventListener("click", () => {
  answering?.abort();
  cleared = turns.slice();
  showAll([]);
  save(turns);
  announce("New chat");
  focusQuestion();
});

byId("restore").addEventListener("click", () => {
  showAll(cleared.splice(0));
  save(turns);
  focusQuestion();
});

const clicks = {
  "suggestion": (button) => send(button.textContent),
  "copy-code": (button) => copy(button, button.closest("figure").querySelector("code").textContent),
  "copy-answer": (button, index) => copy(button, turns[index].text),
  "retry": () => askAgain(),
  "edit": (button, index) => {
    const field = views[index].edit(askAgain);
    fit(field);
    field.focus();
  },
};

document.addEventListener("click", ({ target }) => {
  const button = target.closest("button");
  const name = Object.keys(clicks).find((key) => button?.classList.contains(key));
  if (name) {
    clicks[name](button, views.findIndex((view) => view.element.contains(button)));
  }
});

// A keyboard on the screen takes room from the page where the browser does not do it itself.
visualViewport?.addEventListener("resize", () => {
  if (visualViewport.scale === 1) { // and the reader has not zoomed in
    document.documentElement.style.setProperty("--height", `${visualViewport.height}px`);
  }
});

addEventListener("pagehide", () => save(turns));

const kept = load();
for (const turn of kept) {
  if (isRunning(turn)) {
    Object.assign(turn, { state: "failed", title: "The page was reloaded before the answer was whole.", detail: "" });
  }
}
showAll(kept);
