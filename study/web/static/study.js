"use strict";
/* What pages gain from JavaScript; all of them work without it. */

document.documentElement.classList.add("js");
// A page that the browser kept would show a question that is over.
addEventListener("pageshow", (event) => event.persisted && location.reload());

const frame = () => new Promise((done) => requestAnimationFrame(done));

function pause(seconds) {
  return new Promise((done) => {
    const timer = setTimeout(end, seconds * 1000);
    function end() {
      clearTimeout(timer);
      removeEventListener("online", end);
      done();
    }
    addEventListener("online", end);
  });
}

/* ---- sending ---- */

const unsaved = (event) => event.preventDefault();

async function post(form, fields) {
  const reply = await fetch(form.action, {
    method: "POST",
    headers: { Accept: "application/json" },
    body: new URLSearchParams(fields),
    signal: AbortSignal.timeout ? AbortSignal.timeout(20000) : undefined, // a line that hangs counts as lost
  });
  if (reply.status >= 500 || reply.status === 429 || reply.status === 408) throw new Error("busy");
  return { ok: reply.ok, ...(await reply.json()) };
}

/** Sends until the server says what became of it. The form's key makes a second arrival harmless. */
async function send(form, fields) {
  addEventListener("beforeunload", unsaved);
  const soon = setTimeout(() => say(form, form.dataset.sending), 400);
  for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
    try {
      const reply = await post(form, fields);
      clearTimeout(soon);
      removeEventListener("beforeunload", unsaved);
      return reply;
    } catch {
      clearTimeout(soon);
      say(form, form.dataset.retrying, true);
      await pause(wait);
    }
  }
}

function say(form, words, alarm = false) {
  const status = form.querySelector("[data-status]");
  status.classList.toggle("alarm", alarm);
  if (status.textContent !== words) status.textContent = words;
}

function refuse(form, reply) {
  say(form, reply.message, true);
  const onwards = document.createElement("a");
  onwards.href = reply.next;
  onwards.textContent = form.dataset.onwards;
  form.querySelector("[data-status]").append(" ", onwards);
  onwards.focus();
}

async function submit(form, submitter, after) {
  if (form.dataset.sent) return;
  form.dataset.sent = "1";
  const fields = [...new FormData(form)];
  if (submitter && submitter.name) fields.push([submitter.name, submitter.value]);
  lock(form, true);
  const reply = await send(form, fields);
  if (reply.ok && after(reply)) return;
  if (reply.ok || reply.error === "repeated") location.replace(reply.next);
  else refuse(form, reply);
}

function lock(form, locked) {
  for (const part of form.querySelectorAll("fieldset, button, textarea")) part.disabled = locked;
}

/* ---- a question ---- */

/** Waits until a picture can be painted at once; one that does not arrive is asked for again. */
async function decoded(form, image) {
  for (let wait = 1; ; wait = Math.min(wait * 2, 15)) {
    try {
      return await image.decode();
    } catch {
      say(form, form.dataset.again, true);
      await pause(wait);
      image.src = image.src; // eslint-disable-line no-self-assign
    }
  }
}

/** Shows all pictures in one frame and returns when that was, in milliseconds. */
async function reveal(form) {
  const slow = setTimeout(() => say(form, form.dataset.loading), 700);
  await Promise.all([...form.querySelectorAll(".pictures img")].map((image) => decoded(form, image)));
  clearTimeout(slow);
  say(form, "");
  await frame();
  form.classList.remove("waiting");
  lock(form, false);
  await frame();
  return performance.now();
}

function question(form) {
  let shown = null;
  const asksConfidence = form.querySelector("[name=confidence]") !== null;
  form.classList.add("waiting");
  form.noValidate = true; // the browser's own bubbles would hide pictures
  lock(form, true);
  reveal(form).then((when) => (shown = when));

  const measured = () => (form.elements.seconds.value = ((performance.now() - shown) / 1000).toFixed(3));
  form.addEventListener("change", (event) => {
    if (event.target.name === "answer") measured();
    say(form, "");
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (shown === null) return;
    if (!asksConfidence) {
      if (!event.submitter || event.submitter.name !== "answer") return say(form, form.dataset.incomplete, true);
      measured();
    } else if (missing(form)) {
      return say(form, missing(form), true);
    }
    submit(form, event.submitter, (reply) => reply.feedback && verdict(form, reply));
  });
  keys(form, () => shown !== null && !form.dataset.sent);
  countdown(form, asksConfidence);
  enlarging(form);
}

function missing(form) {
  if (!form.querySelector("[name=answer]:checked")) return form.dataset.incomplete;
  return form.querySelector("[name=confidence]:checked") ? "" : form.dataset.unsure;
}

function verdict(form, reply) {
  const section = document.querySelector("[data-verdict]");
  const [first, second] = reply.feedback.words;
  const mark = document.createElement("strong");
  mark.textContent = first;
  section.classList.add(reply.feedback.correct ? "is-right" : "is-wrong");
  section.querySelector("p").append(mark, " ", second);
  const right = form.querySelector(`.card [value="${reply.feedback.right}"], .card[value="${reply.feedback.right}"]`);
  if (right) right.closest(".card").classList.add("is-answer");
  form.classList.add("answered");
  say(form, "");
  document.querySelector("[data-keys]").hidden = true;
  section.hidden = false;
  section.querySelector("a").focus();
  section.scrollIntoView({ block: "nearest" });
  return true;
}

/** Counts down; at the end sends what is complete, or goes on once the server has closed the question. */
function countdown(form, asksConfidence) {
  const timer = document.querySelector(".timer");
  if (!timer) return;
  const end = performance.now() + Number(timer.dataset.left) * 1000;
  const ticking = setInterval(() => {
    const left = Math.max(0, Math.ceil((end - performance.now()) / 1000));
    const words = timer.dataset.text.replace("@", left);
    if (timer.textContent !== words) timer.textContent = words;
    if (left > 0 || form.dataset.sent) return left > 0 || clearInterval(ticking);
    clearInterval(ticking);
    if (asksConfidence && !missing(form)) return form.requestSubmit();
    lock(form, true);
    say(form, timer.dataset.over, true);
    const grace = Number(timer.dataset.next) - Number(timer.dataset.left);
    setTimeout(() => location.replace(form.dataset.here), grace * 1000);
  }, 200);
}

/* ---- keyboard ---- */

function keys(form, ready) {
  const hint = document.querySelector("[data-keys]");
  const toggle = hint.querySelector("button");
  const off = () => sessionStorage.getItem("keys") === "off";
  const show = () => {
    toggle.textContent = off() ? toggle.dataset.on : toggle.dataset.off;
    toggle.setAttribute("aria-pressed", String(off()));
    hint.querySelector("span").hidden = off();
  };
  toggle.addEventListener("click", () => (sessionStorage.setItem("keys", off() ? "on" : "off"), show()));
  hint.hidden = false;
  show();
  document.addEventListener("keydown", (event) => {
    const busy = event.ctrlKey || event.altKey || event.metaKey || event.repeat || document.querySelector("dialog[open]");
    if (!busy && !off() && ready()) pressed(form, event);
  });
}

function pressed(form, event) {
  const key = event.key.toLowerCase();
  const at = document.activeElement;
  const answers = [...form.querySelectorAll("[name=answer]")];
  const letters = { r: "real", g: "generated" };
  let chosen = null;
  if (/^[1-9]$/.test(key)) {
    if (at && at.name === "confidence") return choose(form.querySelector(`[name=confidence][value="${key}"]`));
    chosen = answers.find((one) => one.value === key);
  } else if (letters[key]) {
    chosen = answers.find((one) => one.value === letters[key]);
  } else if (key.startsWith("arrow") && !(at && at.type === "radio")) {
    event.preventDefault();
    return step(answers, at, key === "arrowleft" || key === "arrowup" ? -1 : 1);
  } else if (key === "enter" && (!at || at === document.body || at.id === "content")) {
    return form.requestSubmit();
  }
  if (!chosen) return;
  choose(chosen);
  const next = form.querySelector("[name=confidence]:checked, [name=confidence]");
  if (next) next.focus();
}

function choose(control) {
  if (!control) return;
  control.focus();
  control.click();
}

/** Moves along the answers; a radio is chosen by arriving at it, as browsers do, a button only focused. */
function step(answers, at, by) {
  const from = answers.includes(at) ? answers.indexOf(at) : answers.findIndex((one) => one.checked);
  const next = answers[from < 0 ? (by > 0 ? 0 : answers.length - 1) : (from + by + answers.length) % answers.length];
  if (next.type === "radio") choose(next);
  else next.focus();
}

/* ---- enlarging ---- */

function enlarging(form) {
  const dialog = document.querySelector("[data-large]");
  const canvas = dialog.querySelector("canvas");
  const open = (image) => {
    if (form.classList.contains("waiting") || dialog.open) return;
    canvas.width = image.naturalWidth;
    canvas.height = image.naturalHeight;
    canvas.getContext("2d").drawImage(image, 0, 0); // drawn, so that nothing is asked of the server again
    canvas.setAttribute("aria-label", image.alt);
    const room = Math.min((innerWidth * 0.92) / image.naturalWidth, (innerHeight * 0.82) / image.naturalHeight);
    canvas.style.width = `${Math.floor(image.naturalWidth * room)}px`;
    dialog.showModal();
  };
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  for (const button of form.querySelectorAll("[data-enlarge]")) {
    const image = button.parentElement.querySelector("img");
    button.setAttribute("role", "button");
    button.removeAttribute("target");
    button.addEventListener("click", (event) => (event.preventDefault(), open(image)));
    button.addEventListener("keydown", (event) => event.key === " " && (event.preventDefault(), open(image)));
    holding(image, open, dialog);
  }
}

/** Press and hold enlarges, letting go closes; the press that did so is no answer. */
function holding(image, open, dialog) {
  const card = image.closest(".card"); // some browsers tell a button, not the picture inside it
  let timer = 0;
  let held = false;
  const stop = () => clearTimeout(timer);
  card.addEventListener("pointerdown", (event) => {
    held = false;
    if (event.button === 0) timer = setTimeout(() => ((held = true), open(image)), 500);
  });
  for (const name of ["pointerup", "pointercancel", "pointerleave"]) card.addEventListener(name, stop);
  for (const name of ["pointerup", "pointercancel"]) addEventListener(name, () => held && dialog.open && dialog.close());
  const swallow = (event) => {
    if (!held || !event.detail) return; // a click by keyboard has no detail
    event.preventDefault();
    event.stopPropagation();
    held = false;
  };
  card.addEventListener("click", swallow, true);
  card.addEventListener("contextmenu", (event) => event.preventDefault());
}

/* ---- everywhere ---- */

function copying(button) {
  button.hidden = false;
  button.addEventListener("click", async () => {
    const output = button.parentElement.querySelector("output");
    getSelection().selectAllChildren(output);
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
    } catch {
      document.execCommand("copy"); // in frames, and without https, only the selection can be copied
    }
    button.textContent = button.dataset.copied;
  });
}

/** A form sent the plain way goes out once, however often it is pressed. */
function once(form) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}

document.addEventListener("DOMContentLoaded", () => {
  for (const field of document.querySelectorAll("[data-width]")) field.value = innerWidth;
  document.querySelectorAll("[data-copy]").forEach(copying);
  document.querySelectorAll("form[data-once]").forEach(once);
  for (const form of document.querySelectorAll("form[data-send]")) {
    if ("question" in form.dataset) question(form);
    else form.addEventListener("submit", (event) => (event.preventDefault(), submit(form, null, () => false)));
  }
});
