// The form of a request: a CSR is read as soon as it is there, a P-256 key can be made here, and what is typed is
// checked by the server's rules while it is typed. Without this script the form works and is checked when sent.
import { fromPem, makeKey, readRequest, toPem } from "./der.js";

const form = document.getElementById("compose");
const csr = document.getElementById("csr");
const says = document.getElementById("csr-says");
const checked = document.getElementById("checked");

for (const one of document.querySelectorAll("[data-script]")) one.hidden = false;

function chosen() {
  return form.elements.how.value;
}

function showHow() {
  for (const part of form.querySelectorAll("[data-how]")) {
    const wanted = chosen() === "make" && csr.value !== "" && part.dataset.how === "make" ? "make" : chosen();
    part.hidden = part.dataset.how !== wanted;
  }
}

function add(parent, tag, text, kind) {
  const one = document.createElement(tag);
  if (kind) one.className = kind;
  if (text !== undefined) one.textContent = text;
  parent.append(one);
  return one;
}

/** The names of a CSR in the form's fields, where the fields exist. */
function take(request) {
  for (const [word, value] of request.subject) {
    const field = form.elements[`subject.${word}`];
    if (field) field.value = value;
  }
  for (const kind of ["dns", "ip", "email", "uri"]) {
    const field = form.elements[`san.${kind}`];
    const values = request.names.filter(([one]) => one === kind).map(([, value]) => value);
    if (field && values.length > 0) field.value = values.join("\n");
  }
}

const isEmpty = () =>
  [...form.querySelectorAll(":is(input, textarea):is([data-field=subject], [data-field=sans])")].every((field) => field.value.trim() === "");

function read() {
  says.replaceChildren();
  says.hidden = csr.value.trim() === "" || chosen() === "invite";
  if (says.hidden) return;
  let request;
  try {
    request = readRequest(fromPem(csr.value));
  } catch {
    add(add(says, "ul", undefined, "findings"), "li", says.dataset.broken);
    return;
  }
  const line = add(says, "p", undefined, "quiet");
  const names = request.subject.map((pair) => pair.join("=")).concat(request.names.map((pair) => pair.join(":")));
  add(line, "b", `${says.dataset.words}: `);
  line.append([request.key.toUpperCase(), ...names].join(" · "));
  if (names.length === 0) return;
  if (isEmpty()) {
    take(request);
  } else {
    const button = add(line, "button", says.dataset.take, "small");
    button.type = "button";
    line.insertBefore(document.createTextNode(" "), button);
    button.addEventListener("click", () => {
      take(request);
      check();
    });
  }
}

let waiting = 0;
let asked = 0;

/** Asks the server, a moment after the last key was pressed. */
function check() {
  clearTimeout(waiting);
  waiting = setTimeout(ask, 350);
}

async function ask() {
  const turn = ++asked;
  const fields = new FormData(form);
  fields.delete("file");
  if (chosen() === "invite") fields.delete("csr");
  let html;
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", body: new URLSearchParams(fields) });
    if (!answer.ok) throw new Error(String(answer.status));
    html = await answer.text();
  } catch {
    // The form is checked again when it is sent.
    checked.replaceChildren();
    return;
  }
  if (turn !== asked) return;
  const page = new DOMParser().parseFromString(html, "text/html");
  checked.replaceChildren(...page.body.children);
  const wrong = new Set([...checked.querySelectorAll("li[data-field]")].map((one) => one.dataset.field));
  for (const field of form.querySelectorAll(":is(input, textarea, select)[data-field]")) {
    if (wrong.has(field.dataset.field) && field.value.trim() !== "") field.setAttribute("aria-invalid", "true");
    else field.removeAttribute("aria-invalid");
  }
}

function save(name, text) {
  const url = URL.createObjectURL(new Blob([text], { type: "application/x-pem-file" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

document.getElementById("make")?.addEventListener("click", async () => {
  const made = await makeKey();
  csr.value = made.request;
  save("key.pem", made.key);
  document.getElementById("made").textContent = document.getElementById("made").dataset.done;
  read();
  check();
});

document.getElementById("csr-file")?.addEventListener("change", async (event) => {
  const file = event.target.files[0];
  if (!file || file.size > 64 * 1024) return;
  const bytes = new Uint8Array(await file.arrayBuffer());
  csr.value = bytes[0] === 0x30 ? toPem("CERTIFICATE REQUEST", bytes) : new TextDecoder().decode(bytes);
  read();
  check();
});

form.addEventListener("change", (event) => {
  if (event.target.name === "how") {
    showHow();
    read();
  }
  check();
});
csr.addEventListener("input", read);
form.addEventListener("input", check);
showHow();
read();
if (csr.value !== "" || !isEmpty()) check();
