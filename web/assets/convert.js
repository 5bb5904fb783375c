// The page that converts keys: shows the fields that a form takes, and sends without leaving the page, so that a wrong
// passphrase does not cost the choice of files. The page works without it.

const form = document.getElementById("convert");
const to = document.getElementById("to");
const said = document.getElementById("said");
const saved = document.getElementById("saved");
const english = document.documentElement.lang === "en";

function fit() {
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = !part.dataset.for.split(" ").includes(to.value);
}

function refuse(words, detail) {
  const box = document.createElement("div");
  box.className = "failed";
  const bold = document.createElement("b");
  bold.textContent = words;
  const first = document.createElement("p");
  first.append(bold);
  box.append(first);
  if (detail) {
    const second = document.createElement("p");
    second.textContent = detail;
    box.append(second);
  }
  said.replaceChildren(box);
}

function keep(name, blob) {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
  saved.textContent = form.dataset.saved + name;
  saved.hidden = false;
  for (const field of form.querySelectorAll("input[type=password]")) field.value = "";
}

async function send() {
  said.replaceChildren();
  saved.hidden = true;
  let answer;
  try {
    const body = new FormData(form);
    answer = await fetch(form.action, { method: "POST", body, headers: { Accept: "application/json" }, cache: "no-store" });
  } catch {
    refuse(form.dataset.lost);
    return;
  }
  if (answer.ok && !answer.redirected) {
    const named = /filename\*=UTF-8''([^;]+)/.exec(answer.headers.get("Content-Disposition") ?? "");
    keep(named ? decodeURIComponent(named[1]) : "converted", await answer.blob());
    return;
  }
  try {
    const problem = await answer.json();
    // What is wrong with the files is said by the detail alone.
    if (problem.code === "BAD_REQUEST" && problem.detail) refuse(problem.detail);
    else refuse(english ? problem.message.en : problem.message.zh, problem.detail);
  } catch {
    // The session ended: the sign-in page came instead.
    location.reload();
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.dataset.going !== undefined) return;
  form.dataset.going = "";
  await send();
  delete form.dataset.going;
  // The desk's script locked it, as it does with forms that lead to another page.
  delete form.dataset.sent;
  form.removeAttribute("aria-busy");
});
to.addEventListener("change", fit);
fit();
