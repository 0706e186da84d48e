// Turns of the conversation on the page: each is made of a template and shows what its data says.
//
//     user: { role, text }
//     assistant: { role, text, thinking, state, model, inputTokens, outputTokens, stopReason, title, detail,
//                  thinkingTime, firstTime, time }, times in milliseconds
//     state: "waiting", "thinking", "answering", "done", "stopped" or "failed"

import { show } from "./markdown.js";

export const isRunning = (turn) => ["waiting", "thinking", "answering"].includes(turn.state);

const NOTES = {
  max_tokens: "Cut off at the most tokens an answer may have.",
  model_context_window_exceeded: "Cut off: the conversation is too long for the model.",
  refusal: "The model declined to answer.",
};

const count = new Intl.NumberFormat("en").format;

function seconds(milliseconds) {
  return milliseconds < 9950 ? `${(milliseconds / 1000).toFixed(1)} s` : `${Math.round(milliseconds / 1000)} s`;
}

const whole = (milliseconds) => `${Math.floor(milliseconds / 1000)} s`;

function numbers(turn) {
  if (isRunning(turn)) {
    return turn.time < 1000 || turn.state === "thinking" ? [] : [whole(turn.time)];
  }
  return [
    turn.state === "stopped" && "Stopped",
    turn.time !== undefined && seconds(turn.time),
    turn.firstTime !== undefined && `first text after ${seconds(turn.firstTime)}`,
    turn.inputTokens !== undefined && `${count(turn.inputTokens)} tokens in`,
    turn.outputTokens !== undefined && turn.state === "done" && `${count(turn.outputTokens)} out`,
    turn.model,
  ].filter(Boolean);
}

// Breaks a line between numbers only.
function showNumbers(element, list) {
  element.replaceChildren(...list.flatMap((text, index) => {
    const span = document.createElement("span");
    span.textContent = text;
    return index === 0 ? [span] : [" · ", span];
  }));
}

function fromTemplate(id) {
  return document.getElementById(id).content.firstElementChild.cloneNode(true);
}

export function userView(turn) {
  const element = fromTemplate("user-turn");
  const button = element.querySelector(".edit");
  const parts = element.querySelectorAll(".text, .actions");
  let form;
  element.querySelector(".text").textContent = turn.text;

  function close() {
    form?.remove();
    form = undefined;
    parts.forEach((part) => { part.hidden = false; });
  }

  // Puts a form in the place of the text; `send` gets the new text. Returns its field.
  function edit(send) {
    form = fromTemplate("editor");
    const field = form.querySelector("textarea");
    const cancel = () => {
      close();
      button.focus();
    };
    parts.forEach((part) => { part.hidden = true; });
    element.append(form);
    field.value = turn.text;
    form.querySelector(".cancel").addEventListener("click", cancel);
    form.addEventListener("keydown", ({ key }) => key === "Escape" && cancel());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (field.value.trim() !== "") {
        send(field.value.trim());
      }
    });
    return field;
  }

  return {
    element,
    edit,
    render: ({ isLast, isIdle }) => {
      button.hidden = !(isLast && isIdle);
      if (button.hidden) {
        close();
      }
    },
  };
}

export function assistantView(turn) {
  const element = fromTemplate("assistant-turn");
  const find = (name) => element.querySelector(`.${name}`);

  function renderThinking() {
    find("thinking").hidden = turn.thinking === "";
    find("thinking").classList.toggle("running", turn.state === "thinking");
    find("thinking-time").textContent = turn.state === "thinking"
      ? `Thinking for ${whole(turn.thinkingTime)}`
      : `Thought for ${seconds(turn.thinkingTime ?? 0)}`;
    show(find("thought"), turn.thinking);
  }

  function renderProblem() {
    const note = turn.state === "done" && NOTES[turn.stopReason];
    find("problem").hidden = turn.state !== "failed" && !note;
    find("problem-title").textContent = turn.state === "failed" ? turn.title : note || "";
    find("problem-detail").textContent = turn.state === "failed" ? turn.detail : "";
    find("problem").classList.toggle("note", Boolean(note));
  }

  return {
    element,
    render: ({ isLast, isIdle }) => {
      element.setAttribute("aria-busy", String(isRunning(turn)));
      renderThinking();
      show(find("text"), turn.text);
      renderProblem();
      find("waiting").hidden = turn.state !== "waiting";
      showNumbers(find("numbers"), numbers(turn));
      find("copy-answer").hidden = isRunning(turn) || turn.text === "";
      const [afterProblem, inLine] = element.querySelectorAll(".retry");
      afterProblem.hidden = turn.state !== "failed" || !(isLast && isIdle);
      inLine.hidden = turn.state === "failed" || !(isLast && isIdle);
    },
  };
}
