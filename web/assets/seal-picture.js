// The application for a seal: its picture is drawn as it is described. The server draws it, by the rule that makes the
// seal later; this script shows what comes. Without it the picture is seen on the next page.

const form = document.getElementById("apply");
const canvas = document.getElementById("picture");
const said = document.getElementById("picture-said");
const size = document.getElementById("picture-size");
const english = document.documentElement.lang === "en";

const radio = (name) => form.querySelector(`input[name=${name}]:checked`)?.value;

function show() {
  const [how, shape, kind] = [radio("how"), radio("shape"), form.elements.kind.value];
  for (const part of form.querySelectorAll("[data-how]")) part.hidden = part.dataset.how !== how;
  for (const part of form.querySelectorAll("[data-shapes]")) part.hidden = !part.dataset.shapes.split(" ").includes(shape);
  for (const part of form.querySelectorAll("[data-kinds]")) part.hidden = !part.dataset.kinds.split(" ").includes(kind);
}

// What the kind of seal says of its words, until somebody typed others.
const LINES = { contract: "合同专用章", finance: "财务专用章", invoice: "发票专用章", personnel: "人事专用章" };
const PERSONAL = ["personal", "legal-representative"];
for (const name of ["name", "line"]) {
  const one = form.elements[name];
  one.addEventListener("input", () => (one.dataset.typed = one.value === "" ? "" : "1"));
  if (one.value !== "") one.dataset.typed = "1";
}

function fill(changed) {
  const kind = form.elements.kind.value;
  if (changed === "kind") {
    const shape = PERSONAL.includes(kind) ? "personal" : kind === "invoice" ? "oval" : "round";
    form.querySelector(`input[name=shape][value=${shape}]`).checked = true;
  }
  if (!form.elements.line.dataset.typed) form.elements.line.value = LINES[kind] ?? "";
  const owner = form.elements.owner.value.trim();
  if (!form.elements.name.dataset.typed) {
    form.elements.name.value = owner === "" ? "" : owner + (PERSONAL.includes(kind) ? "名章" : (LINES[kind] ?? "公章"));
  }
}

let waiting = 0;
let asked = 0;

function ask(delay = 300) {
  clearTimeout(waiting);
  waiting = setTimeout(answer, delay);
}

async function answer() {
  const turn = ++asked;
  const fields = new FormData(form);
  const file = fields.get("file");
  // A picture that is not the choice is not sent.
  if (radio("how") !== "upload") {
    fields.delete("file");
    if (["text", "owner", "name"].every((name) => form.elements[name].value.trim() === "")) return nothing("");
  } else if (!file || file.size === 0) return nothing("");
  form.setAttribute("aria-busy", "true");
  try {
    const reply = await fetch(form.dataset.preview, { method: "POST", headers: { Accept: "application/json" }, body: fields });
    if (turn !== asked) return;
    // What cannot be drawn yet is no failure: it is being typed.
    if (!(reply.headers.get("content-type") ?? "").startsWith("image/")) {
      const problem = await reply.json();
      const words = english ? problem.message.en : problem.message.zh;
      return nothing(problem.detail ? `${words} ${problem.detail}` : words);
    }
    // Not an img: the policy of the page lets pictures come from addresses of the server only.
    const picture = await createImageBitmap(await reply.blob());
    canvas.width = picture.width;
    canvas.height = picture.height;
    canvas.getContext("2d").drawImage(picture, 0, 0);
    canvas.hidden = false;
    said.textContent = "";
    const [width, height] = (reply.headers.get("x-seal-mm") ?? "").split("x");
    if (height) {
      size.textContent = `${width} × ${height} mm`;
      // Larger than on paper, so that it can be judged; a small seal still looks smaller than a large one.
      canvas.style.width = `${Number(width) * 1.6}mm`;
    }
  } catch {
    nothing(english ? "The picture could not be drawn." : "无法生成印模预览。");
  } finally {
    if (turn === asked) form.removeAttribute("aria-busy");
  }
}

function nothing(words) {
  canvas.hidden = true;
  size.textContent = "";
  said.textContent = words;
  form.removeAttribute("aria-busy");
}

form.addEventListener("input", (event) => {
  fill(event.target.name);
  show();
  ask();
});
form.addEventListener("change", () => {
  show();
  ask();
});
show();
ask(0);
